//! ExifTool itself, and programs that only pretend to be it.

use std::process::{Command, Stdio};

use mama_ports::conformance::content::{InMemory, Opened, hint, rubbish, tiny_png};
use tempfile::TempDir;

use super::*;

fn settings(sessions: usize) -> Settings {
    Settings { sessions: NonZeroUsize::new(sessions).unwrap(), ..Settings::default() }
}

fn exiftool() -> ExifTool {
    ExifTool::start(settings(2)).expect("ExifTool is needed (Debian: libimage-exiftool-perl)")
}

mama_ports::conformance::content::extractor!(conformance, exiftool);

/// A shell script that reads questions as ExifTool does. `$N` is the number of the question, `$name` the file that it is about;
/// `once` is true the first time.
const PRETENDER: &str = r#"#!/bin/sh
say() { printf '%s\n{ready%s}\n' "$1" "$N"; printf '{done%s}\n' "$N" >&2; }
about() { say "[{\"SourceFile\":\"$1\",$2}]"; }
good() { about "$name" '"File:FileType":{"val":"PNG"},"PNG:Comment":{"val":"fine"}'; }
version() { about "$name" "\"ExifTool:ExifToolVersion\":{\"val\":$1},\"GIF:ImageWidth\":{\"val\":1}"; }
once() { mkdir "$0.once" 2>/dev/null; }
while read -r line; do
  case $line in
    /*) name=$line ;;
    -execute*) N=${line#-execute}
      case $name in
        *.gif) VERSION ;;
        *) ANSWER ;;
      esac ;;
  esac
done
"#;

struct Pretender {
    _folder: TempDir,
    settings: Settings,
}

impl Pretender {
    fn new(version: &str, answer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("exiftool");
        // By another process: a file that this one has open for writing cannot be executed when a test beside us forks.
        let mut install = Command::new("install")
            .args(["-m", "755", "/dev/stdin"])
            .arg(&program)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let script = PRETENDER.replace("VERSION", version).replace("ANSWER", answer);
        install.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(install.wait().unwrap().success());
        let settings = Settings {
            program: program.into(),
            timeout: Duration::from_secs(3),
            max_output: 100_000,
            ..settings(1)
        };
        Self { _folder: folder, settings }
    }

    fn start(&self) -> Result<ExifTool, ExtractError> {
        ExifTool::start(self.settings.clone())
    }
}

fn extract(exiftool: &ExifTool) -> Result<Option<MetaDoc>, ExtractError> {
    exiftool.extract(&mut InMemory::new("x"), &hint("a.png"))
}

/// What the first question gives when it is answered by `answer`; the second must be answered well.
fn misbehaving(answer: &str) -> ExtractError {
    let pretender = Pretender::new("version 12.57", &format!("if once; then {answer}; else good; fi"));
    let exiftool = pretender.start().unwrap();
    let error = extract(&exiftool).unwrap_err();
    let next = extract(&exiftool).unwrap().unwrap();
    assert_eq!(next.to_json(), r#"{"PNG:Comment":"fine"}"#);
    error
}

fn words(error: &ExtractError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn one_that_hangs_is_stopped() {
    assert!(matches!(misbehaving("sleep 1000"), ExtractError::TimedOut { seconds: 3 }));
}

#[test]
fn one_that_prints_without_end_is_stopped() {
    assert!(matches!(misbehaving("yes"), ExtractError::TooLarge { limit: 100_000 }));
}

#[test]
fn one_that_complains_without_end_is_stopped() {
    assert!(matches!(misbehaving("yes >&2"), ExtractError::TooLarge { limit: 100_000 }));
}

#[test]
fn one_that_crashes_fails() {
    assert!(matches!(misbehaving("kill -SEGV $$"), ExtractError::Failed(_)));
}

#[test]
fn the_last_words_of_one_that_ends_are_reported() {
    let error = misbehaving("echo '[{'; echo 'Out of memory!' >&2; exit 2");
    assert!(
        matches!(error, ExtractError::Failed(_)) && words(&error).contains("Out of memory!"),
        "{error:?}"
    );
}

#[test]
fn one_that_talks_nonsense_fails() {
    assert!(matches!(misbehaving("say 'not JSON'"), ExtractError::Failed(_)));
}

#[test]
fn one_that_says_nothing_fails_with_its_complaint() {
    let silent = r#"echo 'Error opening file' >&2; printf '{ready%s}\n' "$N"; printf '{done%s}\n' "$N" >&2"#;
    assert!(words(&misbehaving(silent)).contains("Error opening file"));
}

#[test]
fn the_end_mark_inside_of_a_line_is_no_end() {
    let forged = r#"printf '["{ready%s}\n' "$N"; sleep 1; printf '"]\n{ready%s}\n' "$N"; printf '{done%s}\n' "$N" >&2"#;
    let error = misbehaving(forged);
    assert!(matches!(error, ExtractError::Failed(_)), "{error:?}");
}

#[test]
fn one_that_is_missing_is_unavailable_and_the_package_is_named() {
    let nowhere = Settings { program: "/nonexistent/exiftool".into(), ..settings(1) };
    let error = ExifTool::start(nowhere).unwrap_err();
    assert!(matches!(error, ExtractError::Unavailable(_)));
    assert!(words(&error).contains("libimage-exiftool-perl"), "{}", words(&error));
}

#[test]
fn one_that_dies_at_the_start_is_unavailable() {
    let error = Pretender::new("echo 'no Perl' >&2; exit 1", "good").start().unwrap_err();
    assert!(matches!(error, ExtractError::Unavailable(_)) && words(&error).contains("no Perl"), "{error:?}");
}

#[test]
fn one_that_never_says_its_version_is_unavailable() {
    let error = Pretender::new("sleep 1000", "good").start().unwrap_err();
    assert!(matches!(error, ExtractError::Unavailable(_)), "{error:?}");
}

#[test]
fn one_that_is_too_old_or_something_else_is_refused() {
    for version in ["12.37", "9.99", "'\"rubbish\"'"] {
        let error = Pretender::new(&format!("version {version}"), "good").start().unwrap_err();
        let version = version.trim_matches(['\'', '"']);
        assert!(
            matches!(error, ExtractError::Unavailable(_)) && words(&error).contains(version),
            "{error:?}"
        );
    }
    for version in ["12.38", "13.00"] {
        assert_eq!(Pretender::new(&format!("version {version}"), "good").start().unwrap().version(), version);
    }
}

#[test]
fn one_that_does_not_read_what_it_is_handed_is_unavailable() {
    let blind = r#"about "$name" '"ExifTool:ExifToolVersion":{"val":12.57},"File:FileType":{"val":"GIF"}'"#;
    let error = Pretender::new(blind, "good").start().unwrap_err();
    assert!(words(&error).contains("does not read what it is handed"), "{error:?}");
}

#[test]
fn one_that_answers_about_another_file_fails() {
    for other in [r#""/etc/passwd""#, r#""${name%/*}/0.gif""#, r#""$name$name""#] {
        let error = misbehaving(&format!(r#"about {other} '"PNG:Comment":"forged"'"#));
        assert!(words(&error).contains("about another file"), "{error:?}");
    }
}

#[test]
fn one_that_answers_another_question_is_stopped() {
    assert!(matches!(misbehaving("N=7; good"), ExtractError::TimedOut { seconds: 3 }));
}

#[test]
fn one_that_does_not_take_what_it_is_handed_is_replaced() {
    let mut pretender = Pretender::new("version 12.57", "good");
    pretender.settings.renew_after = u32::MAX;
    let exiftool = pretender.start().unwrap();
    let failures = (0..2000).filter(|_| extract(&exiftool).is_err()).count();
    assert!(failures < 200, "{failures}");
}

#[test]
fn processes_are_renewed() {
    let mut pretender = Pretender::new("version 12.57", r#"about "$name" "\"PNG:Pid\":{\"val\":$$}""#);
    pretender.settings.renew_after = 2;
    let exiftool = pretender.start().unwrap();
    let pids: Vec<_> = (0..4).map(|_| extract(&exiftool).unwrap().unwrap().to_json()).collect();
    // The first process has also been asked for its version.
    assert!(pids[0] != pids[1] && pids[1] == pids[2] && pids[2] != pids[3], "{pids:?}");
}

#[test]
fn two_sessions_work_at_the_same_time() {
    // Answers only once two processes have been asked.
    let both = r#"mkdir "$0.$$"; until [ "$(ls -d "$0".* | wc -l)" = 2 ]; do sleep 0.01; done; good"#;
    let mut pretender = Pretender::new("version 12.57", both);
    pretender.settings.sessions = NonZeroUsize::new(2).unwrap();
    pretender.settings.timeout = Duration::from_secs(20);
    let exiftool = pretender.start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| extract(&exiftool).unwrap());
        }
    });
}

#[test]
fn a_descriptor_is_read_from_its_start_whatever_its_name_and_position() {
    let exiftool = exiftool();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&tiny_png("unnamed")).unwrap();
    let doc = exiftool.extract(&mut Opened::new(file), &hint("a.png")).unwrap().unwrap();
    assert!(doc.to_json().contains("unnamed"));
}

#[test]
fn numbers_are_beside_where_printing_loses_them() {
    let doc = exiftool().extract(&mut InMemory::new(tiny_png("x")), &hint("a.png")).unwrap().unwrap();
    let beside =
        |key: &str| (doc.entries()[key].to_string(), doc.numbers().get(key).map(ToString::to_string));
    assert_eq!(beside("PNG:Filter"), (r#""Adaptive""#.to_owned(), Some("0".to_owned())));
    assert_eq!(beside("PNG:ImageWidth").1, None);
}

#[test]
fn an_answer_is_known_by_program_version_and_question() {
    let pretender = Pretender::new("version 12.99", "good").start().unwrap();
    assert_eq!(pretender.identity().as_str(), format!("exiftool 12.99/{REVISION}"));
}

#[test]
fn the_trouble_of_this_machine_is_not_held_against_the_content() {
    let exiftool = exiftool();
    let folder = exiftool.pool.with(|session| Ok(session.folder().to_owned())).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let error = extract(&exiftool).unwrap_err();
    assert!(matches!(error, ExtractError::Unavailable(_)), "{error:?}");
    extract(&exiftool).unwrap();
}

#[test]
fn nothing_is_left_in_the_private_folder() {
    let exiftool = exiftool();
    extract(&exiftool).unwrap();
    let folder = exiftool.pool.with(|session| Ok(session.folder().to_owned())).unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    drop(exiftool);
    assert!(!folder.exists());
}

#[test]
fn only_a_short_plain_ending_of_a_name_is_passed_on() {
    for (name, expected) in [
        ("a.jpg", ".jpg"),
        ("a.b.NEF", ".NEF"),
        (".png", ".png"),
        ("a.numbers", ".numbers"),
        ("a", ""),
        ("a.", ""),
        ("a.j pg", ""),
        ("a.jpg\n", ""),
        ("a.$(x)", ""),
        ("a.ü", ""),
        ("a.abcdefghijk", ""),
        ("a.-x", ""),
    ] {
        assert_eq!(ending(name.as_bytes()), expected, "{name:?}");
    }
}

#[test]
fn unknown_bytes_with_a_known_ending_have_no_document() {
    let doc = exiftool().extract(&mut InMemory::new(rubbish()), &hint("a.tif"));
    assert_eq!(doc.unwrap(), None);
}
