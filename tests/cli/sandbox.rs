//! What a program that was taken over by a file can do: with the sandbox nothing, and without it each of these things.

use std::fs;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mama_adapters::extract::sandbox::Sandbox;
use mama_adapters::extract::{ExifTool, Settings};
use mama_ports::conformance::content::{InMemory, Opened, hint, tiny_png};
use mama_ports::content::{ExtractError, MetadataExtractor};
use mama_tests::corpus::corpus;
use tempfile::TempDir;

use super::pretender::pretender;

/// Asked about a picture, makes an attempt and says what came of it.
const TAKEN_OVER: &str = r#"
        my $attempt = sub { ATTEMPT };
        $said = $attempt->() ? '"PNG:Did":{"val":"it"}' : qq("PNG:Refused":{"val":"$!"});
"#;

fn locked_up() -> Sandbox {
    let sandbox = Sandbox::through(env!("CARGO_BIN_EXE_mama"), &["__sandbox"]).unwrap();
    let confinement = sandbox.confinement();
    assert!(
        confinement.landlock > 0 && confinement.seccomp,
        "a kernel with Landlock and seccomp is needed (Linux 5.13 or newer): {confinement}"
    );
    sandbox
}

/// A source folder with two files, and a program that was taken over.
struct Scene {
    folder: TempDir,
    program: PathBuf,
}

impl Scene {
    /// `SOURCE` in the attempt stands for the folder.
    fn new(attempt: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("handed over.png"), tiny_png("x")).unwrap();
        fs::write(source.join("neighbour.png"), "private").unwrap();
        fs::write(folder.path().join("mama.toml"), "database = 'secret'").unwrap();
        let attempt = attempt.replace("SOURCE", source.to_str().unwrap());
        let program =
            pretender(folder.path().join("exiftool"), "12.57", &TAKEN_OVER.replace("ATTEMPT", &attempt));
        Self { folder, program }
    }

    /// What came of the attempt.
    fn attempt(&self, sandbox: Option<Sandbox>) -> Result<String, ExtractError> {
        let settings = Settings {
            program: self.program.clone().into(),
            sessions: NonZeroUsize::MIN,
            timeout: Duration::from_secs(20),
            sandbox,
            ..Settings::default()
        };
        let exiftool = ExifTool::start(settings).unwrap();
        let file = fs::File::open(self.folder.path().join("source/handed over.png")).unwrap();
        Ok(exiftool.extract(&mut Opened::new(file), &hint("a.png"))?.unwrap().to_json())
    }
}

const DONE: &str = r#"{"PNG:Did":"it"}"#;

/// Panics unless this works without the sandbox and is refused within.
#[track_caller]
fn refused(attempt: &str) {
    let free = Scene::new(attempt).attempt(None).unwrap();
    assert_eq!(free, DONE, "{attempt}");
    let scene = Scene::new(attempt);
    let before = everything(scene.folder.path());
    let confined = scene.attempt(Some(locked_up())).unwrap();
    assert!(confined.contains("PNG:Refused"), "{attempt}: {confined}");
    assert_eq!(everything(scene.folder.path()), before, "{attempt}");
}

/// Names, modes, times and contents.
fn everything(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, facts) = (entry.path(), entry.metadata().unwrap());
        let times = (facts.modified().unwrap(), facts.permissions().mode());
        let content = if path.is_dir() {
            everything(&path).join("\n")
        } else {
            format!("{:?}", fs::read(&path).unwrap())
        };
        found.push(format!("{path:?} {times:?} {content}"));
    }
    found.sort();
    found
}

#[test]
fn what_it_is_handed_can_be_read() {
    let scene = Scene::new("read(CONTENT, $start, 4) == 4 && $start eq qq(\\x89PNG)");
    assert_eq!(scene.attempt(Some(locked_up())).unwrap(), DONE);
}

#[test]
fn nothing_is_written_to_a_source() {
    for attempt in [
        "open my $f, '>', 'SOURCE/new'",
        "open my $f, '+<', 'SOURCE/neighbour.png'",
        "open my $f, '>>', 'SOURCE/neighbour.png'",
        "truncate 'SOURCE/neighbour.png', 0",
        "unlink 'SOURCE/neighbour.png'",
        "rename 'SOURCE/neighbour.png', 'SOURCE/renamed.png'",
        "link 'SOURCE/neighbour.png', 'SOURCE/linked.png'",
        "symlink 'neighbour.png', 'SOURCE/linked.png'",
        "mkdir 'SOURCE/new'",
    ] {
        refused(attempt);
    }
}

#[test]
fn nothing_about_a_source_is_changed() {
    for attempt in [
        "chmod 0777, 'SOURCE/neighbour.png'",
        "utime 1, 1, 'SOURCE/neighbour.png'",
        "chown $>, -1, 'SOURCE/neighbour.png'",
        // through the very descriptor that it was handed, too
        "chmod 0777, \\*CONTENT",
        "utime 1, 1, \\*CONTENT",
        "chown $>, -1, \\*CONTENT",
    ] {
        refused(attempt);
    }
}

#[test]
fn nothing_else_is_read() {
    for attempt in [
        "open my $f, '<', 'SOURCE/neighbour.png'",
        "open my $f, '<', 'SOURCE/handed over.png'",
        "open my $f, '<', 'SOURCE/../mama.toml'",
        "open my $f, '<', '/etc/passwd'",
        "open my $f, '<', '/proc/' . getppid . '/environ'",
        "open my $f, '<', '/proc/self/fd/' . fileno CONTENT",
        "opendir my $d, 'SOURCE'",
        "opendir my $d, '/'",
    ] {
        refused(attempt);
    }
}

#[test]
fn not_even_its_own_folder_is_written_to() {
    refused("mkdir \"$name.d\"");
    refused("open my $f, '>', $name");
}

#[test]
fn no_socket_is_opened() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    refused(&format!(
        "socket(S, AF_INET, SOCK_STREAM, 0) && connect S, sockaddr_in({port}, INADDR_LOOPBACK)"
    ));
    refused("socket(S, AF_INET, SOCK_DGRAM, 0) && send S, 'x', 0, sockaddr_in(9, INADDR_LOOPBACK)");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("socket");
    let _listener = UnixListener::bind(&place).unwrap();
    let place = place.to_str().unwrap();
    refused(&format!("socket(S, AF_UNIX, SOCK_STREAM, 0) && connect S, sockaddr_un('{place}')"));
    refused("socketpair A, B, AF_UNIX, SOCK_STREAM, 0");
}

#[test]
fn no_process_is_started_or_signalled() {
    refused("my $child = fork; exit if defined $child && !$child; defined $child && wait > 0");
    refused("system('/bin/true') == 0");
    refused("defined($echo = `/bin/echo x`) && length $echo");
    refused("kill 0, getppid");
    refused("setpriority 0, getppid, 0");
}

/// Together these have the kernel kill mama when it next speaks over the socket; apart they do no harm.
#[test]
fn no_signal_is_arranged_for_the_other_end_of_a_socket() {
    refused("fcntl STDERR, F_SETOWN, getppid");
    // F_SETSIG, SIGKILL
    refused("fcntl STDERR, 10, 9");
    refused("fcntl STDERR, F_SETFL, O_ASYNC");
}

#[test]
fn it_does_not_become_another_program() {
    let attempt = "no warnings; exec { '/bin/true' } 'true'; 0";
    let free = Scene::new(attempt).attempt(None);
    assert!(matches!(free, Err(ExtractError::Failed(_))), "{free:?}");
    let confined = Scene::new(attempt).attempt(Some(locked_up())).unwrap();
    assert!(confined.contains("PNG:Refused"), "{confined}");
}

#[test]
fn metadata_is_the_same_within_and_without() {
    let Some(corpus) = corpus() else { return };
    let start = |sandbox| {
        ExifTool::start(Settings { sandbox, ..Settings::default() })
            .expect("ExifTool is needed (Debian: libimage-exiftool-perl)")
    };
    let (free, confined) = (start(None), start(Some(locked_up())));
    let table = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    // every third, because each is read twice
    for path in table.lines().skip(1).filter_map(|line| line.split('\t').next()).step_by(3) {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let ask = |exiftool: &ExifTool| {
            let file = fs::File::open(corpus.join(path)).unwrap();
            exiftool.extract(&mut Opened::new(file), &hint(name)).unwrap()
        };
        assert_eq!(ask(&confined), ask(&free), "{path}");
    }
}

#[test]
fn a_content_in_memory_is_read_too() {
    let exiftool = ExifTool::start(Settings { sandbox: Some(locked_up()), ..Settings::default() }).unwrap();
    let doc = exiftool.extract(&mut InMemory::new(tiny_png("in memory")), &hint("a.png")).unwrap().unwrap();
    assert!(doc.to_json().contains("in memory"));
}

#[test]
fn what_is_no_launcher_is_refused() {
    let error = Sandbox::through("/bin/echo", &["sandbox"]).unwrap_err();
    assert!(error.to_string().contains("is no launcher"), "{error}");
    assert!(Sandbox::through("/nonexistent/launcher", &[]).is_err());
}
