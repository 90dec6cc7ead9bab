//! A PostgreSQL server to measure on: one of our own with the defaults of its install, or the one that
//! `MAMA_TEST_DATABASE_URL` names.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::archive::remove;
use crate::peers::Skip;

/// The variable that names a server to use instead of an own one.
const GIVEN: &str = "MAMA_TEST_DATABASE_URL";

/// A server that makes databases.
#[derive(Debug)]
pub struct Server {
    /// The address of a database that is there.
    admin: String,
    /// The process, if it is ours.
    own: Option<Child>,
    /// Databases that it was asked for.
    made: RefCell<BTreeSet<String>>,
}

impl Server {
    /// The given one, else a new one with its data in `folder`.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        if let Ok(admin) = std::env::var(GIVEN) {
            return Ok(Self { admin, own: None, made: RefCell::default() });
        }
        let Some(programs) = programs() else {
            return Err(Skip(format!("no PostgreSQL in /usr/lib/postgresql, and {GIVEN} is not set")).into());
        };
        // Only what one run asks for is in its way.
        remove(folder)?;
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        if let Some((uid, gid)) = unprivileged() {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        }
        let data = folder.join("data");
        let mut initdb = as_owner(&programs.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-E", "UTF8", "--no-locale", "--auth=trust"]);
        let said = initdb.current_dir("/").output().context("setpriv does not start")?;
        let why = String::from_utf8_lossy(&said.stderr);
        anyhow::ensure!(said.status.success(), "initdb failed: {}", why.trim());
        let mut postgres = as_owner(&programs.join("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(folder).args(["-c", "listen_addresses="]);
        let log = fs::File::create(folder.join("log"))?;
        postgres.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let own = Some(postgres.spawn().context("setpriv does not start")?);
        let socket = folder.to_str().context("the folder's name is not UTF-8")?.replace('/', "%2F");
        let admin = format!("postgres://postgres@{socket}/postgres");
        let server = Self { admin, own, made: RefCell::default() };
        server.wait(&folder.join("log"))?;
        Ok(server)
    }

    fn wait(&self, log: &Path) -> anyhow::Result<()> {
        for _ in 0..300 {
            if self.ask("SELECT 1").is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("PostgreSQL does not start: {}", fs::read_to_string(log)?.trim());
    }

    /// Makes an empty database, in place of the one with that name; it is gone when the server is dropped.
    pub fn create(&self, database: &str) -> anyhow::Result<()> {
        self.ask(&format!("DROP DATABASE IF EXISTS {database}"))?;
        self.made.borrow_mut().insert(database.to_owned());
        self.ask(&format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")).map(drop)
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        let (before, query) = self.admin.split_once('?').unwrap_or((&self.admin, ""));
        let server = before.rsplit_once('/').map_or(before, |(server, _)| server);
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{server}/{database}{mark}{query}")
    }

    /// Bytes of write-ahead log that were ever written.
    pub fn log_bytes(&self) -> anyhow::Result<u64> {
        let bytes = self.ask("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")?;
        bytes.parse().context("psql gave no number")
    }

    fn ask(&self, sql: &str) -> anyhow::Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d", &self.admin]);
        let said = psql.stdin(Stdio::null()).output().context("psql does not start")?;
        let why = String::from_utf8_lossy(&said.stderr);
        anyhow::ensure!(said.status.success(), "{sql}: {}", why.trim());
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for database in self.made.take() {
            // A server that does not answer keeps nothing that can be removed.
            drop(self.ask(&format!("DROP DATABASE IF EXISTS {database}")));
        }
        if let Some(own) = &mut self.own {
            if let Some(pid) = i32::try_from(own.id()).ok().and_then(Pid::from_raw) {
                // One that is gone has ended too.
                let _ = kill_process(pid, Signal::INT);
            }
            drop(own.wait());
        }
    }
}

/// Where the newest installed server is.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|version| {
        Some((version.file_name().to_str()?.parse::<u32>().ok()?, version.path().join("bin")))
    });
    newest.filter(|(_, programs)| programs.join("initdb").exists()).max().map(|(_, programs)| programs)
}

/// A command that ends when this program does, and is not root, whom PostgreSQL refuses.
fn as_owner(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if let Some((uid, gid)) = unprivileged() {
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    }
    command.arg("--").arg(program);
    command
}

/// The user and group for it if this is root: `postgres`, else `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Some((ids.next()?.ok()?, ids.next()?.ok()?))
    };
    is_root.then(|| user("postgres").or_else(|| user("nobody"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_follows_the_database() {
        let server = |admin: &str| Server { admin: admin.to_owned(), own: None, made: RefCell::default() };
        assert_eq!(server("postgres://u@h/db").url("x"), "postgres://u@h/x");
        assert_eq!(server("postgres://u@h/db?sslmode=require").url("x"), "postgres://u@h/x?sslmode=require");
    }
}
