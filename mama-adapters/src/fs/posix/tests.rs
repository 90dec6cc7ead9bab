use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{FileKind, RelPath};
use rustix::fs::XattrFlags;
use tempfile::TempDir;

use super::*;

fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

fn folder() -> (TempDir, Arc<dyn WriteTree>) {
    let folder = TempDir::new().unwrap();
    let root = AbsPath::parse(folder.path().as_os_str().as_encoded_bytes()).unwrap();
    (folder, PosixFs.archive(&root).unwrap())
}

#[test]
fn sealing_takes_extended_attributes_away_even_from_a_read_only_file() {
    let (folder, tree) = folder();
    let path = folder.path().join("f");
    std::fs::write(&path, "x").unwrap();
    for name in ["user.xdg.origin.url", "user.mama"] {
        rustix::fs::setxattr(&path, name, b"private", XattrFlags::CREATE)
            .expect("the temporary folder takes extended attributes");
    }
    std::fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    tree.seal(&*tree.open(&rel("f")).unwrap()).unwrap();
    assert_eq!(rustix::fs::listxattr(&path, &mut [0_u8; 256]).unwrap(), 0);
    assert_eq!(tree.facts(&rel("f")).unwrap().unwrap().mode, 0o444);
}

#[test]
fn a_file_with_attributes_of_its_owner_is_not_taken_by_a_link() {
    let (folder, tree) = folder();
    std::fs::write(folder.path().join("f"), "x").unwrap();
    rustix::fs::setxattr(folder.path().join("f"), "user.xdg.tags", b"holiday", XattrFlags::CREATE)
        .expect("the temporary folder takes extended attributes");
    let refused = tree.link_from(&*tree.open(&rel("f")).unwrap(), &rel("g")).unwrap_err();
    assert_eq!(refused.kind, FsErrorKind::Unsupported);
    assert_eq!(tree.facts(&rel("g")).unwrap(), None);
}

#[test]
fn a_device_is_special_and_never_opened() {
    let dev = PosixFs.source(&AbsPath::parse("/dev").unwrap()).unwrap();
    assert_eq!(dev.facts(&rel("null")).unwrap().unwrap().kind, FileKind::Special);
    assert_eq!(dev.open(&rel("null")).err().unwrap().kind, FsErrorKind::NotRegular);
}

#[test]
fn magic_links_of_proc_lead_nowhere() {
    let proc = PosixFs.source(&AbsPath::parse("/proc/self").unwrap()).unwrap();
    assert_eq!(proc.list(&rel("root")).err().unwrap().kind, FsErrorKind::Escape);
    assert_eq!(proc.open(&rel("cwd/Cargo.toml")).err().unwrap().kind, FsErrorKind::Escape);
}

#[test]
fn a_write_that_cannot_be_says_so() {
    // A device that is always full stands for a full disk.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let path = AbsPath::parse("/dev/full").unwrap();
    let mut writer = handle::Writer { file: full, path };
    assert_eq!(writer.write_all(b"x").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn an_error_names_the_whole_path() {
    let (folder, tree) = folder();
    let error = tree.open(&rel("no/such")).err().unwrap();
    assert_eq!(error.path, folder.path().join("no/such").as_os_str().as_encoded_bytes());
    assert!(error.to_string().starts_with("cannot open /"));
}

#[test]
fn two_devices_are_told_apart_from_an_escape() {
    let (_folder, tree) = folder();
    let elsewhere = PosixFs.source(&AbsPath::parse("/proc/self").unwrap()).unwrap();
    let foreign = elsewhere.open(&rel("status")).unwrap();
    assert_eq!(tree.link_from(&*foreign, &rel("f")).err().unwrap().kind, FsErrorKind::CrossDevice);
    assert!(tree.facts(&rel("f")).unwrap().is_none());
}
