//! A real ZFS for tests: one pool for a test process, one dataset for a test.
//!
//! The pool is one of zfs-fuse on a file, which needs root and `/dev/fuse`, and stays until the tests end. `MAMA_ZFS_POOL` names
//! the folder of another pool to make datasets in, such as `/tank` of an OpenZFS.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Keeps a pool as long as its input is open: `sh -c KEEPER sh POOL disk|mirror`. Prints where it is mounted.
///
/// The daemon serves every pool of the machine; it is started where none answers, and stopped with the last pool if it was started here.
const KEEPER: &str = r#"
set -eu
state=/run/lock/mama-test-zfs
mkdir -p /run/lock
folder=$(mktemp -d "${TMPDIR:-/tmp}/mama-zfs.XXXXXX")
exec 3>&1 >&2
answers() { timeout 10 zpool list > /dev/null 2>&1; }
until_it() { tries=0; until "$@"; do tries=$((tries + 1)); [ $tries -lt 100 ] || return 1; sleep 0.1; done; }
(
    flock 9
    if ! answers; then
        # A daemon that was killed leaves this file, and with it none starts.
        rm -f "$state.pid"
        zfs-fuse --no-kstat-mount --pidfile "$state.pid" > "$folder/log" 2>&1 9>&- 3>&- < /dev/null
        until_it answers || { cat "$folder/log"; exit 1; }
    fi
    truncate -s 512M "$folder/a" "$folder/b"
    case $2 in
    disk) zpool create -f -o cachefile=none -m "$folder/pool" "$1" "$folder/a" ;;
    mirror) zpool create -f -o cachefile=none -m "$folder/pool" "$1" mirror "$folder/a" "$folder/b" ;;
    esac
) 9> "$state.lock"
echo "$folder/pool" >&3
exec 3>&-
cat > /dev/null
(
    flock 9
    until_it zpool destroy -f "$1" 2> "$folder/log" || cat "$folder/log"
    if [ -s "$state.pid" ] && [ -z "$(zpool list -H -o name)" ]; then
        daemon=$(cat "$state.pid")
        [ "$(cat "/proc/$daemon/comm" 2> /dev/null)" != zfs-fuse ] || kill "$daemon"
        rm -f "$state.pid"
    fi
) 9> "$state.lock"
rm -rf "$folder"
"#;

/// A pool, gone when it is dropped.
#[derive(Debug)]
pub struct Pool {
    /// Its name, or that of the dataset that stands for it.
    pub name: String,
    /// Where it is mounted.
    pub folder: PathBuf,
    /// The process that keeps it; `None` for a pool that the tests did not make.
    keeper: Option<(Child, ChildStdin)>,
}

impl Pool {
    /// The one that all tests of a process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Pool> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var_os("MAMA_ZFS_POOL") {
            Some(folder) => Self::lent(folder.into()),
            None => Self::made("disk"),
        })
    }

    /// One on two files, which mirror each other.
    pub fn mirror() -> Self {
        Self::made("mirror")
    }

    /// A new dataset with these properties, such as `quota=20M`.
    pub fn dataset(&self, name: &str, properties: &[&str]) -> Dataset {
        let (name, folder) = (format!("{}/{name}", self.name), self.folder.join(name));
        let properties = properties.iter().flat_map(|property| ["-o", *property]);
        zfs(["create"].into_iter().chain(properties).chain([name.as_str()]));
        Dataset { name, folder }
    }

    fn lent(folder: PathBuf) -> Self {
        let pool = ask("zfs", ["list", "-H", "-o", "name", folder.to_str().expect("a name in UTF-8")]);
        let own = format!("mama-test-{}", std::process::id());
        let name = format!("{}/{own}", pool.trim());
        zfs(["create", &name]);
        Self { name, folder: folder.join(own), keeper: None }
    }

    fn made(kind: &str) -> Self {
        if std::env::var_os("MAMA_ZFS_POOL").is_none() {
            assert!(
                Path::new("/dev/fuse").exists(),
                "this test makes a ZFS pool, and there is no /dev/fuse: it needs root and a kernel with FUSE, or an OpenZFS pool whose \
                 folder MAMA_ZFS_POOL names"
            );
            let found = Command::new("sh").args(["-c", "command -v zfs-fuse"]).stdout(Stdio::null()).status();
            assert!(
                found.is_ok_and(|found| found.success()),
                "this test needs the Debian package `zfs-fuse`"
            );
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mamatest{}x{number}", std::process::id());
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", &name, kind]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // In a group of its own: whoever interrupts the tests does not interrupt the cleaning.
        let mut keeper = command.process_group(0).current_dir("/").spawn().expect("a shell starts");
        let input = keeper.stdin.take().expect("its input is piped");
        let mut folder = String::new();
        let output = keeper.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut folder).expect("its output is text");
        let folder = PathBuf::from(folder.trim_end());
        assert!(folder.is_dir(), "there is no ZFS pool; see above (it needs root)");
        Self { name, folder, keeper: Some((keeper, input)) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some((mut keeper, input)) = self.keeper.take() {
            drop(input);
            // Nothing can be done about a keeper that is gone.
            drop(keeper.wait());
        }
    }
}

/// A dataset of a pool; it stays until the pool goes.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Where it is mounted.
    pub folder: PathBuf,
}

impl Dataset {
    /// Sets a property, as `quota=20M`.
    pub fn set(&self, assignment: &str) {
        zfs(["set", assignment, &self.name]);
    }

    /// Makes a snapshot, as somebody else than mama would.
    pub fn snapshot(&self, name: &str) {
        zfs(["snapshot", &format!("{}@{name}", self.name)]);
    }

    /// The names of its snapshots, oldest first.
    pub fn snapshots(&self) -> Vec<String> {
        let listed =
            ask("zfs", ["list", "-H", "-t", "snapshot", "-s", "creation", "-o", "name", "-r", &self.name]);
        let own = format!("{}@", self.name);
        listed.lines().filter_map(|name| name.strip_prefix(&own)).map(str::to_owned).collect()
    }
}

/// Runs `zfs`, which must succeed.
pub fn zfs<'a>(args: impl IntoIterator<Item = &'a str>) {
    ask("zfs", args);
}

/// What `zfs` or `zpool` prints; it must succeed.
pub fn ask<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> String {
    let args: Vec<&str> = args.into_iter().collect();
    let output = Command::new(program).args(&args).output();
    let output = output.unwrap_or_else(|error| panic!("{program} (Debian: zfs-fuse): {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("its output is text")
}
