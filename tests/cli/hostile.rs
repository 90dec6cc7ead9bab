//! Scans of what was made to do harm: by its name, by its content, or by the program that reads it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mama_ports::conformance::content::{rubbish, tiny_jpeg, tiny_png};
use mama_tests::corpus::corpus;

use super::pretender::pretender;
use super::world::{Run, World};

/// Does what it reads in a file.
const OBEDIENT: &str = r#"
        my $content = join '', <CONTENT>;
        $said = '"File:FileType":{"val":"PNG"},"PNG:Comment":{"val":"fine"}';
        sleep 1000 if $content =~ /hang/;
        unpack 'p', pack 'J', 1 if $content =~ /crash/;
        syscall 231, 7 if $content =~ /end at once/;
        die "out of words\n" if $content =~ /die/;
        while ($content =~ /flood with answers/) { print "x" x 65536 }
        while ($content =~ /flood with complaints/) { print STDERR "x" x 65536 }
        while ($content =~ /use up the memory/) { push @much, "x" x 1e8 }
        $name = '/etc/passwd' if $content =~ /lie about the file/;
        $number++ if $content =~ /lie about the question/;
        $said = '"PNG:' if $content =~ /stop in the middle/;
        $said = '"PNG:X":{"val":1}}]' . "\n" . '[{"PNG:Y":{"val":2}' if $content =~ /answer twice/;
        $said = '"PNG:X":{"val":' . '[' x 1e6 if $content =~ /nest/;
        $said = qq("PNG:X":{"val":"\xff\xfe"}) if $content =~ /garble/;
"#;

const HARMFUL: [&str; 12] = [
    "hang",
    "crash",
    "die",
    "end at once",
    "flood with answers",
    "flood with complaints",
    "use up the memory",
    "lie about the file",
    "lie about the question",
    "stop in the middle",
    "answer twice",
    "nest",
];

/// Command lines of processes that have `word` in theirs.
fn processes(word: &str) -> Vec<String> {
    let lines =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(word)).collect()
}

/// A world whose extractors can be told from those of the tests beside.
fn with_temporary_files(world: &World) -> (Command, String) {
    let folder = world.path("temporary");
    fs::create_dir_all(&folder).unwrap();
    let mut command = world.command();
    command.env("TMPDIR", &folder);
    (command, folder.into_os_string().into_string().unwrap())
}

fn obedient(world: &World, settings: &str) {
    let program = pretender(world.path("exiftool"), "12.57", OBEDIENT);
    world.configure(&format!("[exiftool]\nprogram = '{}'\n{settings}", program.display()));
}

#[test]
fn an_extractor_that_does_harm_fails_on_that_file_and_the_scan_goes_on() {
    let world = World::new();
    obedient(&world, "timeout = 5");
    for (number, harm) in HARMFUL.iter().enumerate() {
        world.write(format!("photos/{number} {harm}.png"), harm);
        world.write(format!("photos/{number} fine.png"), format!("harmless {number}"));
    }
    let (mut command, folder) = with_temporary_files(&world);
    let run = Run::from(command.args(["scan", "--json", "photos"]).output().unwrap()).done();
    let summary = run.summary();
    let counts =
        ["new_blobs", "with_metadata", "metadata_failures"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [24, 12, 12], "{}", run.stdout);
    for harm in HARMFUL {
        assert!(run.stdout.contains(&format!("{harm}.png")), "{harm} is not named: {}", run.stdout);
    }
    assert_eq!(processes(&folder), [""; 0]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "temporary files are left");
    world.mama(["apply"]).done();
}

#[test]
fn bytes_that_are_no_text_are_no_failure() {
    let world = World::new();
    obedient(&world, "");
    world.write("photos/a.png", "garble");
    let summary = world.mama(["scan", "--json", "photos"]).summary();
    assert_eq!(
        summary["with_metadata"].as_u64().unwrap() + summary["metadata_failures"].as_u64().unwrap(),
        1
    );
}

#[test]
fn no_extractor_outlives_a_mama_that_is_killed() {
    for sandbox in [true, false] {
        let world = World::new();
        obedient(&world, &format!("sandbox = {sandbox}"));
        world.write("photos/a.png", "hang");
        let (mut command, folder) = with_temporary_files(&world);
        let mut mama = command.args(["scan", "photos"]).stdout(Stdio::null()).spawn().unwrap();
        let is_at_work = || processes(&folder).iter().any(|line| line.contains("stay_open"));
        wait_until(is_at_work);
        mama.kill().unwrap();
        mama.wait().unwrap();
        wait_until(|| !is_at_work());
    }
}

#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn broken_files_are_recorded_one_by_one() {
    let Some(corpus) = corpus() else { return };
    let world = World::new();
    let (mut command, folder) = with_temporary_files(&world);
    let run = command.args(["scan", "--json"]).arg(corpus.join("broken")).output().unwrap();
    let summary = Run::from(run).done().summary();
    let count = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(count("files"), 38);
    assert!(count("with_metadata") > 25, "{summary}");
    assert_eq!(processes(&folder), [""; 0]);
    world.mama(["apply"]).done();
}

#[test]
fn names_that_look_like_orders_are_names() {
    let names: [&[u8]; 14] = [
        b"-rf leading dash.jpg",
        b"-execute",
        b"-execute1\n-ver.jpg",
        b"-stay_open\nFalse",
        b"@argfile",
        b"f|id",
        b"|id",
        b"$(id).jpg",
        b"%d%f.jpg",
        b"a\nb.jpg",
        b"\xff\xfe.jpg",
        b"a.jpg\r",
        b"&0.jpg",
        &[b'x'; 255],
    ];
    let world = World::new();
    for (number, name) in names.iter().enumerate() {
        let content = tiny_jpeg(&format!("picture {number}"));
        world.write(std::path::Path::new("photos").join(OsStr::from_bytes(name)), content);
    }
    world.write("photos/-config", tiny_png("config"));
    world.write("photos/unknown", rubbish());
    let summary = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&summary["files"], &summary["with_metadata"]), (&16.into(), &15.into()), "{summary}");
}

#[test]
fn doctor_says_what_extractors_are_held_to() {
    let world = World::new();
    let found = |world: &World| {
        let run = world.mama(["doctor", "--json"]);
        run.objects().into_iter().find(|object| object["name"] == "sandbox").unwrap()
    };
    let sandbox = found(&world);
    assert_eq!(sandbox["verdict"], "ok", "{sandbox}");
    assert!(sandbox["found"].as_str().unwrap().starts_with("Landlock "), "{sandbox}");
    world.configure("[exiftool]\nsandbox = false");
    let sandbox = found(&world);
    assert_eq!(sandbox["verdict"], "warn", "{sandbox}");
    assert!(sandbox["found"].as_str().unwrap().contains("exiftool.sandbox"), "{sandbox}");
}
