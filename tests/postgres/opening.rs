//! Opening: whose database it is, migrations, users and passwords.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use mama_adapters::postgres::{Migrated, OpenError, Postgres};
use mama_ports::manifest::Manifests;
use mama_ports::repository::{Catalog, PageSize, Sightings};
use mama_ports::vocab::{ExtractorId, Look, Timestamp};
use mama_tests::postgres::{Database, PASSWORD};
use pollster::block_on;

use super::{batch, root};

fn connect(database: &Database) -> Result<Postgres, OpenError> {
    block_on(Postgres::connect(&database.url()))
}

/// An error with all its causes, as text and as data.
pub(super) fn everything(error: &dyn Error) -> String {
    let cause = error.source().map(everything);
    format!("{error} {error:?} {}", cause.unwrap_or_default())
}

/// The number of the last migration.
fn last() -> i64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/postgres");
    std::fs::read_dir(folder).unwrap().count() as i64
}

#[test]
fn both_folders_of_migrations_have_the_same_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let files = |dialect: &str| -> BTreeSet<_> {
        std::fs::read_dir(folder.join(dialect)).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(files("postgres"), files("sqlite"));
    let database = Database::new();
    let applied = database
        .select("SELECT to_char(number, 'FM0000') || '_' || name || '.sql' FROM migration ORDER BY 1");
    let known: Vec<_> = files("postgres").into_iter().map(|name| name.into_string().unwrap()).collect();
    assert_eq!(applied, known, "the program carries every file");
}

#[test]
fn an_empty_database_becomes_a_catalog_and_stays_one() {
    let database = Database::empty();
    let migrate = || block_on(Postgres::migrate(&database.url())).unwrap();
    let last = last();
    assert_eq!(migrate(), Migrated { from: 0, to: last });
    assert_eq!(migrate(), Migrated { from: last, to: last });
    let catalog = connect(&database).unwrap();
    assert_eq!(block_on(catalog.schema_version()).unwrap(), last);
}

#[test]
fn a_catalog_of_the_first_schema_is_brought_up_to_date() {
    let database = Database::new();
    database.execute(&format!(
        "DROP TABLE archive, root, scan, folder, sidecar, blob, meta, observation, lease, act, act_item, manifest CASCADE;
         DELETE FROM migration WHERE number > 1;
         {}
         INSERT INTO blob (hash, size, first_seen_s, first_seen_n) VALUES (decode(repeat('ab', 32), 'hex'), 1, 7, 5), (decode(repeat('cd', 32), 'hex'), 1, 0, 0);
         INSERT INTO meta (blob, doc) SELECT min(id), '{{}}' FROM blob",
        include_str!("../../migrations/postgres/0001_first.sql"),
    ));
    let catalog = connect(&database).unwrap();
    assert_eq!(block_on(catalog.schema_version()).unwrap(), last());
    assert!(block_on(catalog.lease()).unwrap().is_some());
    assert!(block_on(catalog.generations()).unwrap().is_unsaved);
    let blobs = block_on(catalog.unsaved(PageSize(9))).unwrap().rows.blobs;
    let looks: Vec<_> = blobs.into_iter().map(|row| row.record.look).collect();
    let unknown = Look { by: ExtractorId::unknown(), at: Timestamp::new(7, 5), error: None };
    assert_eq!(looks, [Some(unknown), None], "metadata without its extractor is by an unknown one");
}

#[test]
fn several_may_open_a_new_catalog_at_once() {
    let database = Database::empty();
    let versions = std::thread::scope(|threads| {
        let open = || block_on(connect(&database).unwrap().schema_version()).unwrap();
        let openers: Vec<_> = (0..6).map(|_| threads.spawn(open)).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(versions, [last(); 6]);
    assert_eq!(database.select("SELECT count(*)::text FROM migration"), [last().to_string()]);
}

/// Whoever migrates loses the connection again and again, wherever that is.
#[test]
fn an_interrupted_migration_can_be_run_again() {
    let database = Database::empty();
    let victims = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'mama'";
    let interrupted = std::thread::scope(|threads| {
        let killer = threads
            .spawn(|| (0..30).map(|_| database.select(victims)[0].parse::<u32>().unwrap()).sum::<u32>());
        while !killer.is_finished() {
            if connect(&database).is_ok() {
                database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
            }
        }
        killer.join().unwrap()
    });
    assert!(interrupted > 0, "nobody was interrupted");
    assert_eq!(block_on(connect(&database).unwrap().schema_version()).unwrap(), last());
}

/// Opens a database that is not as it should be; its tables must stay what they were.
fn refused(database: &Database) -> OpenError {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    let before = database.select(tables);
    let error = connect(database).unwrap_err();
    assert_eq!(database.select(tables), before, "a refused database was changed");
    error
}

#[test]
fn a_newer_or_altered_schema_is_refused_unchanged() {
    let tampered = |sql: &str| {
        let database = Database::new();
        database.execute(sql);
        refused(&database)
    };
    let later = last() + 1;
    let error = tampered(&format!("INSERT INTO migration VALUES ({later}, 'later', 'x', 0)"));
    assert!(
        matches!(error, OpenError::Newer { found, known, .. } if (found, known) == (later, last())),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer mama"), "{error}");
    let error = tampered("UPDATE migration SET checksum = 'x'");
    assert!(matches!(error, OpenError::Altered { number: 1, .. }), "{error:?}");
}

#[test]
fn tables_of_another_program_are_left_alone() {
    for table in ["folder (path text)", "migration (version text)"] {
        let database = Database::empty();
        database.execute(&format!("CREATE TABLE {table}"));
        let error = refused(&database);
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let database = Database::empty();
    let elsewhere = database.url().replace("mama_test_", "no_such_");
    let error = block_on(Postgres::connect(&elsewhere)).unwrap_err();
    assert!(matches!(error, OpenError::NoDatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("createdb"), "{error}");
    let error = block_on(Postgres::connect("postgres://anna:geheim@127.0.0.1:1/mama")).unwrap_err();
    assert!(matches!(error, OpenError::NotReachable { .. }), "{error:?}");
    assert!(everything(&error).contains("postgres://anna@127.0.0.1:1/mama"), "{error}");
    assert!(!everything(&error).contains("geheim"));
}

#[test]
fn a_password_is_used_and_never_shown() {
    let database = Database::new();
    // A server that the tests did not start has its own ways to tell users apart.
    let Some(address) = database.loopback() else { return };
    let with = |password: &str| address.replacen('@', &format!(":{password}@"), 1);
    let encoded = PASSWORD.replace(' ', "%20").replace('/', "%2F").replace('@', "%40");
    let catalog = block_on(Postgres::connect(&with(&encoded))).unwrap();
    assert!(!format!("{catalog:?} {}", catalog.server()).contains("horse"));
    for wrong in ["geheim", "geheim?sslmode=geheim", "geheim@127.0.0.1:geheim"] {
        let error = block_on(Postgres::connect(&with(wrong))).unwrap_err();
        assert!(!everything(&error).contains(":geheim@"), "{}", everything(&error));
    }
    let error = block_on(Postgres::connect(&with("geheim"))).unwrap_err();
    assert!(matches!(error, OpenError::Denied { .. }) && !everything(&error).contains("geheim"), "{error:?}");
}

/// The user of everyday scans and applies may not change the schema, and need not.
#[test]
fn a_user_without_rights_to_the_schema_works_once_it_is_up_to_date() {
    let database = Database::empty();
    let user = database.name().replace("test", "user");
    database.execute(&format!("CREATE ROLE {user} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let address = database.url().replacen("postgres://postgres@", &format!("postgres://{user}@"), 1);
    let error = block_on(Postgres::connect(&address)).unwrap_err();
    assert!(matches!(error, OpenError::MayNotMigrate { number: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("mama migrate"), "{error}");
    block_on(Postgres::migrate(&database.url())).unwrap();
    database.execute(&format!(
        "GRANT SELECT, INSERT, UPDATE ON archive, root, scan, folder, blob, meta, observation TO {user};
         GRANT SELECT ON migration, blobs, observations TO {user};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}"
    ));
    let catalog = block_on(Postgres::connect(&address)).unwrap();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    let recorded = block_on(catalog.record(&batch(scan, 1, &[("b", b"x", 1)]))).unwrap();
    assert_eq!(recorded.new_observations, 1);
    block_on(catalog.finish(scan, Timestamp::new(2, 0))).unwrap();
    drop(catalog);
    database.execute(&format!("DROP OWNED BY {user}; DROP ROLE {user}"));
}
