//! A PostgreSQL server of a test's own, which may be killed.
//!
//! It is made from the newest local install (Debian: `postgresql`), by the user `postgres` if the tests run as root. It listens
//! on a socket, where it trusts everybody, and on the loopback, where it wants [`PASSWORD`]. A shell that does what it reads
//! holds it, and ends it with its input, so that nothing is left however the tests end.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sqlx::postgres::PgConnectOptions;

/// What a cluster wants to hear from its superuser `postgres` on the loopback.
pub const PASSWORD: &str = "correct horse/battery@staple";

/// Makes a cluster in a new folder and says where; then does what it is told, a word a line, and says so; removes both when its
/// input ends. $1: the programs, $2: the port, $3: the password, $4: "on" for TLS.
const KEEPER: &str = r#"
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/mama-postgres.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '%s' "$3" > password
"$1/initdb" -D data -U postgres -E UTF8 --no-locale --no-sync --wal-segsize=1 --pwfile=password \
    --auth-local=trust --auth-host=scram-sha-256 > log 2>&1 || { cat log >&2; exit 1; }
cat >> data/postgresql.conf <<END
port = $2
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 200
fsync = off
full_page_writes = off
autovacuum = off
ssl = $4
END
if [ "$4" = on ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=a test' \
        -keyout ca.key -out ca.crt -addext basicConstraints=critical,CA:true 2>> log || { cat log >&2; exit 1; }
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=localhost' \
        -keyout data/server.key -out server.csr 2>> log || { cat log >&2; exit 1; }
    printf 'subjectAltName=DNS:localhost\n' > names
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names \
        -out data/server.crt 2>> log || { cat log >&2; exit 1; }
    chmod 600 data/server.key
fi
start() { "$1/pg_ctl" -D data -s -w -l log start < /dev/null > /dev/null || { cat log >&2; exit 1; }; }
stop() { "$1/pg_ctl" -D data -s -m immediate stop || true; }
kill_all() {
    # Whoever is left would keep the new one from starting.
    server=$(head -n 1 data/postmaster.pid)
    children=$(grep -ls "^PPid:[[:space:]]*$server\$" /proc/[0-9]*/status | sed 's|[^0-9]||g' || true)
    kill -KILL "$server" $children 2> /dev/null || true
    for process in $server $children; do
        while kill -0 "$process" 2> /dev/null && ! grep -q '^State:.Z' "/proc/$process/status" 2> /dev/null; do
            sleep 0.02
        done
    done
    # Whoever is killed leaves a segment of shared memory; its number is the second one on the seventh line.
    set -- $(sed -n 7p data/postmaster.pid)
    ipcrm -m "$2" 2> /dev/null || true
    # The number may still be taken, by what nobody has reaped.
    rm -f data/postmaster.pid .s.PGSQL.*.lock
}
start "$1"
echo "$folder"
while read -r word; do
    case $word in
    start) start "$1" ;;
    kill) kill_all ;;
    esac
    echo "$word"
done
stop "$1"
"#;

/// A server, its databases and its folder, all gone when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    keeper: Child,
    /// The end of this is the cluster's end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// A new one, running.
    pub fn start() -> Self {
        Self::made("off")
    }

    /// One that offers TLS to whoever calls it `localhost`, with a certificate of its own authority.
    pub fn with_tls() -> Self {
        let openssl = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        assert!(openssl.is_ok_and(|status| status.success()), "this test needs the Debian package `openssl`");
        Self::made("on")
    }

    fn made(tls: &str) -> Self {
        let programs = programs();
        // Free now, and most likely still free in a second.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a free port").port();
        let mut command = unprivileged();
        command.args(["sh", "-c", KEEPER, "sh"]).arg(&programs).arg(port.to_string()).args([PASSWORD, tls]);
        // In a group of its own: whoever interrupts the tests does not interrupt the cleaning.
        command.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().expect("a shell starts");
        let orders = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().expect("its output is piped"));
        let mut cluster = Self { keeper, orders, answers, folder: PathBuf::new(), port };
        cluster.folder = cluster.answer().into();
        assert!(cluster.folder.is_dir(), "PostgreSQL in {} did not start; see above", programs.display());
        cluster
    }

    /// The port of the loopback that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database, by the socket.
    pub fn socket(&self, database: &str) -> String {
        let folder = self.folder.to_str().expect("a name in UTF-8").replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// The address of a database, by the loopback and without a password.
    pub fn loopback(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The certificate of the authority that vouches for a server with TLS.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// Makes a database.
    pub fn create(&self, database: &str) {
        self.execute("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'"));
    }

    /// Runs statements on a database, as a person with psql would.
    pub fn execute(&self, database: &str, sql: &str) {
        crate::postgres::execute(&self.options(database), sql);
    }

    /// The first column of every row, which must be text.
    pub fn select(&self, database: &str, sql: &str) -> Vec<String> {
        crate::postgres::select(&self.options(database), sql)
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        self.socket(database).parse().expect("an address")
    }

    /// Kills every process of the server at once.
    pub fn crash(&mut self) {
        self.order("kill");
    }

    /// Starts it again, and waits until it has recovered.
    pub fn restart(&mut self) {
        self.order("start");
    }

    fn order(&mut self, word: &str) {
        let orders = self.orders.as_mut().expect("open until it is dropped");
        writeln!(orders, "{word}").expect("the keeper listens");
        assert_eq!(self.answer(), word, "the server did not do as it was told; see above");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("its output is text");
        line.trim_end().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nothing can be done about a keeper that is gone.
        drop(self.keeper.wait());
    }
}

/// [`PASSWORD`] as it is written in an address.
pub fn encoded_password() -> String {
    PASSWORD.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").expect("a string takes everything");
        text
    })
}

/// Where the newest installed server is.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| {
            Some((version.file_name().to_str()?.parse::<u32>().ok()?, version.path().join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").exists())
        .max();
    let (_, programs) = newest.expect(
        "these tests need PostgreSQL: install the Debian package `postgresql`, or set MAMA_TEST_DATABASE_URL",
    );
    programs
}

/// PostgreSQL refuses to run as root.
fn unprivileged() -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return Command::new("env");
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = if users.lines().any(|user| user.starts_with("postgres:")) { "postgres" } else { "nobody" };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--clear-groups", "--"]);
    command.env_remove("TMPDIR").env("HOME", Path::new("/"));
    command
}
