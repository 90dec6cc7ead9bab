//! Networks that lose and swallow, servers that are killed, and encryption.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use mama_adapters::postgres::{OpenError, Patience, Postgres};
use mama_ports::events::{Event, EventSink};
use mama_ports::repository::{Catalog, Recorded, RepositoryError, SettleBatch, Sightings};
use mama_ports::vocab::{ScanId, Timestamp};
use mama_tests::postgres::{Cluster, PASSWORD, encoded_password};
use mama_tests::proxy::{Proxy, Then};
use pollster::block_on;

use super::opening::everything;
use super::{batch, root};

/// Longer than any of this takes, however slow the machine.
const FOR_EVER: Duration = Duration::from_secs(100);

const HASTE: Patience = Patience {
    answer: Duration::from_secs(2),
    question: Duration::from_millis(300),
    outage: Duration::from_secs(60),
};

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

fn with_password(address: &str) -> String {
    address.replacen('@', &format!(":{}@", encoded_password()), 1)
}

fn open(address: &str, patience: Patience, heard: &Arc<Heard>) -> Postgres {
    let heard: Arc<dyn EventSink> = Arc::<Heard>::clone(heard);
    block_on(Postgres::connect_with(address, patience, heard)).unwrap()
}

/// The server behind every network here; none of these tests kills it.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// A catalog in a new database, behind a network.
fn behind_a_network(database: &str) -> (Arc<Postgres>, Proxy) {
    cluster().create(database);
    let proxy = Proxy::before(cluster().port());
    let address = proxy.instead_of(&with_password(&cluster().loopback(database)));
    (Arc::new(open(&address, HASTE, &Arc::default())), proxy)
}

fn begin(catalog: &Postgres) -> ScanId {
    block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan
}

fn record(catalog: &Postgres, scan: ScanId, first: u8) -> Result<Recorded, RepositoryError> {
    let names = [[b'a', first], [b'b', first]];
    block_on(catalog.record(&batch(scan, 1, &[("", &names[0], first), ("d", &names[1], first + 1)])))
}

/// What `work` comes to on another thread, if it comes to anything.
fn started<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> mpsc::Receiver<T> {
    let (promise, result) = mpsc::channel();
    std::thread::spawn(move || promise.send(work()));
    result
}

#[test]
fn a_batch_whose_commit_was_not_answered_is_told_of_as_it_was() {
    let (catalog, proxy) = behind_a_network("unanswered");
    let scan = begin(&catalog);
    for round in 0..3 {
        proxy.when(b"COMMIT\0", Then::LoseTheAnswer);
        let recorded = record(&catalog, scan, 2 * round + 1).unwrap();
        assert!(proxy.was_heard(), "nothing was committed");
        assert_eq!(
            (recorded.new_observations, recorded.new_blobs),
            (2, 2),
            "not as the first attempt saw it"
        );
    }
    let totals = block_on(catalog.totals()).unwrap();
    assert_eq!((totals.observations, totals.blobs), (6, 6));
}

#[test]
fn a_lease_is_the_last_one_also_when_answers_are_lost() {
    let (catalog, proxy) = behind_a_network("leased");
    proxy.when(b"COMMIT\0", Then::LoseTheAnswer);
    let lease = block_on(catalog.lease()).unwrap().unwrap();
    block_on(catalog.settle(&SettleBatch { under: Some(lease.epoch), ..SettleBatch::default() })).unwrap();
    assert!(proxy.was_heard(), "no answer was lost");
}

#[test]
fn a_network_that_swallows_the_wish_for_a_lease_is_noticed() {
    let (catalog, proxy) = behind_a_network("wished");
    proxy.when(b"pg_try_advisory_lock", Then::Swallow);
    let asking = Arc::clone(&catalog);
    let result = started(move || block_on(asking.lease()).map(|lease| lease.is_some()));
    proxy.wait();
    proxy.open();
    assert!(result.recv_timeout(FOR_EVER).expect("the call goes on").unwrap());
}

/// The server never hears that its client is gone, and keeps what it has locked.
#[test]
fn a_network_that_swallows_everything_is_noticed_and_nobody_waits_for_what_it_swallowed() {
    for (number, words) in [b"INSERT INTO observation".as_slice(), b"COMMIT\0"].into_iter().enumerate() {
        let (catalog, proxy) = behind_a_network(&format!("swallowed{number}"));
        let scan = begin(&catalog);
        proxy.when(words, Then::Swallow);
        let recording = Arc::clone(&catalog);
        let result = started(move || record(&recording, scan, 1));
        proxy.wait();
        let too_soon = result.recv_timeout(2 * HASTE.question);
        assert!(too_soon.is_err(), "{too_soon:?} although nothing got through");
        proxy.open();
        let recorded = result.recv_timeout(FOR_EVER).expect("the call goes on").unwrap();
        assert_eq!((recorded.new_observations, recorded.new_blobs), (2, 2));
        assert_eq!(block_on(catalog.totals()).unwrap().observations, 2);
    }
}

#[test]
fn a_server_that_works_for_long_is_waited_for() {
    let (catalog, proxy) = behind_a_network("slow");
    cluster().execute(
        "slow",
        "CREATE SEQUENCE attempts;
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('attempts'), pg_sleep(3);
             RETURN NULL;
         END $$;
         CREATE TRIGGER slow AFTER INSERT ON blob FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    );
    let scan = begin(&catalog);
    assert_eq!(record(&catalog, scan, 1).unwrap().new_blobs, 2);
    assert_eq!(cluster().select("slow", "SELECT last_value::text FROM attempts"), ["1"]);
    assert!(proxy.cut() > 0);
}

#[test]
fn a_server_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    const CRASHES: u32 = 3;
    let mut cluster = Cluster::start();
    cluster.create("killed");
    let catalog = open(&cluster.socket("killed"), HASTE, &Arc::default());
    let scan = begin(&catalog);
    let is_over = AtomicBool::new(false);
    let (batches, sum) = std::thread::scope(|threads| {
        let recorder = threads.spawn(|| {
            let (mut batches, mut sum) = (0, Recorded::default());
            while !is_over.load(Ordering::SeqCst) {
                let name = format!("{batches}");
                let files = [("", name.as_bytes(), (batches % 250) as u8), ("d", name.as_bytes(), 255)];
                let recorded = block_on(catalog.record(&batch(scan, 1, &files))).unwrap();
                assert_eq!(recorded.new_observations, 2, "batch {batches}");
                sum.new_blobs += recorded.new_blobs;
                batches += 1_u64;
            }
            (batches, sum)
        });
        for pause in 1..=CRASHES {
            std::thread::sleep(Duration::from_millis(200 * u64::from(pause)));
            cluster.crash();
            cluster.restart();
        }
        is_over.store(true, Ordering::SeqCst);
        recorder.join().unwrap()
    });
    let totals = block_on(catalog.totals()).unwrap();
    assert_eq!((totals.observations, totals.blobs), (2 * batches, sum.new_blobs));
}

#[test]
fn a_server_that_stays_away_is_told_of_once_and_waited_for_no_longer_than_that() {
    let mut cluster = Cluster::start();
    cluster.create("away");
    let heard = Arc::new(Heard::default());
    let patience = Patience { answer: Duration::from_millis(500), outage: Duration::from_secs(2), ..HASTE };
    let catalog = open(&with_password(&cluster.loopback("away")), patience, &heard);
    let scan = begin(&catalog);
    cluster.crash();
    let error = record(&catalog, scan, 1).unwrap_err();
    assert!(matches!(error, RepositoryError::Unavailable { .. }), "{error:?}");
    let said = everything(&error);
    assert!(said.contains(&cluster.loopback("away")) && said.contains("has not come back for"), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    record(&catalog, scan, 1).unwrap_err();
    let events = std::mem::take(&mut *heard.0.lock().unwrap());
    let [Event::CatalogUnreachable { reason, patience_s: 2 }] = events.as_slice() else {
        panic!("{events:?}")
    };
    for said in [said.as_str(), reason] {
        assert!(!said.contains(PASSWORD) && !said.contains(&encoded_password()), "{said}");
    }
    cluster.restart();
    assert_eq!(record(&catalog, scan, 1).unwrap().new_observations, 2);
    assert_eq!(heard.0.lock().unwrap().len(), 0, "an outage that is over is nothing to speak of");
}

fn refused(address: &str) -> OpenError {
    block_on(Postgres::connect(address)).unwrap_err()
}

#[test]
fn encryption_is_as_the_address_asks_for_it() {
    let cluster = Cluster::with_tls();
    cluster.create("secret");
    let here = with_password(&cluster.loopback("secret"));
    let named = here.replacen("127.0.0.1", "localhost", 1);
    let authority = cluster.authority();
    let vouched = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    for address in [format!("{here}?sslmode=require"), here.clone(), format!("{named}?{vouched}")] {
        let catalog = block_on(Postgres::connect(&address)).unwrap();
        block_on(catalog.schema_version()).unwrap();
        let sql = "SELECT string_agg(ssl::text, ' ') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE application_name = 'mama'";
        assert_eq!(cluster.select("secret", sql), ["true"]);
    }
    for address in [format!("{named}?sslmode=verify-full"), format!("{here}?{vouched}")] {
        let error = refused(&address);
        assert!(matches!(error, OpenError::NotTrusted { .. }), "{error:?}");
        let said = everything(&error);
        assert!(said.contains("sslrootcert") && said.contains("certificate"), "{said}");
        assert!(!said.contains(PASSWORD) && !said.contains(&encoded_password()), "{said}");
    }
}

#[test]
fn no_encryption_where_the_address_asks_for_it_is_refused() {
    cluster().create("open");
    let error = refused(&(with_password(&cluster().loopback("open")) + "?sslmode=require"));
    assert!(matches!(error, OpenError::NotTrusted { .. }), "{error:?}");
    assert!(everything(&error).contains("does not support TLS"), "{error:?}");
}

/// sqlx would pass over it, and log its value.
#[test]
fn an_unknown_parameter_is_named_without_its_value() {
    let said = |address: &str| everything(&refused(address));
    let named = said("postgres://anna@db/mama?sslmode=require&passwort=geheim");
    assert!(named.contains("`passwort`") && !named.contains("geheim"), "{named}");
    for address in
        ["postgres://anna:12?geheim=x@db/mama", "postgres://db/mama?geheim", "postgres://db/?Ge%20heim=1"]
    {
        let unnamed = said(address);
        assert!(unnamed.contains("%3F") && !unnamed.to_lowercase().contains("heim"), "{unnamed}");
    }
}
