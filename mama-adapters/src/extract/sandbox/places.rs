//! What a program has to read to run at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::find;

/// Where systems keep libraries, and what the C library looks at; no user's files.
const SYSTEM: [&str; 12] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/share",
    "/etc/perl",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
];

/// How many interpreters a script may need, one for the other, before the kernel refuses.
const DEPTH: usize = 4;

/// The longest first line that the kernel looks at.
const LINE: u64 = 256;

/// `program` and what interprets it.
pub(super) fn programs(program: &Path, search_path: &OsStr) -> Vec<PathBuf> {
    let mut found = vec![program.to_owned()];
    while let Some(words) = found.last().filter(|_| found.len() <= DEPTH).and_then(|last| first_line(last)) {
        let mut words = words.into_iter();
        let Some(interpreter) = words.next().map(PathBuf::from) else { break };
        let is_env = interpreter.file_name() == Some(OsStr::new("env"));
        found.push(interpreter);
        if is_env {
            // `env -S perl -w` and `env perl` name the program first that is no option
            let named = words.find(|word| !word.as_encoded_bytes().starts_with(b"-"));
            found.extend(named.and_then(|name| find(&name, search_path)));
        }
    }
    found
}

/// The words after `#!`; nothing if this is no script.
fn first_line(program: &Path) -> Option<Vec<OsString>> {
    let mut line = Vec::new();
    BufReader::new(File::open(program).ok()?.take(LINE)).read_until(b'\n', &mut line).ok()?;
    let words = line.strip_prefix(b"#!")?.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    Some(words.map(|word| OsString::from_vec(word.to_vec())).collect())
}

/// The system's libraries, and those that were installed beside one of `programs`: in `lib` or `../lib`.
pub(super) fn libraries(programs: &[PathBuf]) -> Vec<PathBuf> {
    let real = programs.iter().filter_map(|program| program.canonicalize().ok());
    let beside = real.chain(programs.iter().cloned()).flat_map(|program| {
        let folder = program.parent().unwrap_or(Path::new("/"));
        [folder.join("lib"), folder.join("../lib")]
    });
    SYSTEM.iter().map(PathBuf::from).chain(beside).collect()
}

/// What the kernel executes to load a program with its libraries, such as `/lib64/ld-linux-x86-64.so.2`.
pub(super) fn loaders() -> Vec<PathBuf> {
    let is_loader = |path: &PathBuf| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| name.starts_with("ld") && name.contains(".so"))
    };
    let files = ["/lib", "/lib64"].into_iter().flat_map(fs::read_dir).flatten().flatten();
    files.map(|entry| entry.path()).filter(is_loader).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_needs_its_interpreter_and_env_what_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("exiftool");
        let needed = |line: &str| {
            fs::write(&script, line).unwrap();
            let found = programs(&script, OsStr::new("/usr/bin:/bin"));
            found[1..].iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(needed("#!/usr/bin/perl -w\n"), ["/usr/bin/perl"]);
        assert_eq!(needed("#! /usr/bin/env -S perl -w\nuse strict;"), ["/usr/bin/env", "/usr/bin/perl"]);
        assert_eq!(needed("\x7fELF"), [""; 0]);
        assert_eq!(needed("#!"), [""; 0]);
        let itself = format!("#!{}\n", script.display());
        assert_eq!(needed(&itself).len(), DEPTH);
    }

    #[test]
    fn there_is_a_loader() {
        assert!(!loaders().is_empty());
    }
}
