//! Several at once, and a server in trouble.

use mama_adapters::postgres::Postgres;
use mama_ports::conformance::repository::decide;
use mama_ports::repository::{
    Catalog, Decision, PageSize, Recorded, RepositoryError, Scope, SettleBatch, Settled, Settlement,
    Sightings,
};
use mama_ports::vocab::{BlobHash, Footing, ObservationId, Placement, RelPath, Standing, Status, Timestamp};
use mama_tests::postgres::Database;
use pollster::block_on;

use super::{batch, root};

/// Each host sees the same contents in another order, while an apply and a curator change what they have written.
#[test]
fn hosts_an_apply_and_a_curator_work_at_once_without_a_deadlock() {
    const ROUNDS: u8 = 12;
    const FILES: u8 = 20;
    let database = Database::new();
    let host = |number: u8| {
        let catalog = block_on(Postgres::connect(&database.url())).unwrap();
        let scan =
            block_on(catalog.begin(&root(&format!("host{number}")), Timestamp::new(1, 0))).unwrap().scan;
        let mut sum = Recorded::default();
        for round in 0..ROUNDS {
            let name = |file: u8| vec![b'a' + (file + round) % 3, b'0' + file % 10];
            let names: Vec<Vec<u8>> = (0..FILES).map(name).collect();
            let contents = (0..FILES).map(|file| (file * (2 * number + 1) + round) % 50);
            let files: Vec<(&str, &[u8], u8)> =
                names.iter().zip(contents).map(|(name, content)| ("d", name.as_slice(), content)).collect();
            let recorded = block_on(catalog.record(&batch(scan, round.into(), &files))).unwrap();
            sum.new_blobs += recorded.new_blobs;
            sum.new_observations += recorded.new_observations;
        }
        sum
    };
    let apply = || {
        for _ in 0..ROUNDS {
            let page = block_on(database.contests(Scope::WithPending, None, PageSize(50))).unwrap();
            let claims = page.iter().rev().flat_map(|contest| &contest.claims);
            let to = Standing { status: Status::Assigned, placement: Placement::Placed };
            let settlements = claims.map(|claim| Settlement {
                id: claim.id,
                from: claim.footing(),
                to,
                open: false,
                view: Some(RelPath::parse("x").unwrap()),
                fingerprint: None,
                doubtful: false,
            });
            let stored = page.iter().map(|contest| contest.claims[0].hash).collect();
            let batch = SettleBatch { stored, settlements: settlements.collect(), ..SettleBatch::default() };
            block_on(database.settle(&batch)).unwrap();
        }
    };
    let curator = || {
        for round in 0..ROUNDS {
            let block = |content: u8| Decision::Block {
                hash: BlobHash::from_bytes([content; 32]),
                from: None,
                to: None,
            };
            let retarget = Decision::Retarget {
                id: ObservationId(round.into()),
                from: Status::Pending,
                to: Status::Ignored,
            };
            block_on(decide(&*database, &[block(49 - round), block(round), retarget])).unwrap();
        }
    };
    let sums = std::thread::scope(|threads| {
        let others = [threads.spawn(apply), threads.spawn(curator)];
        let hosts: Vec<_> = (1..=3).map(|number| threads.spawn(move || host(number))).collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        hosts.into_iter().map(|host| host.join().unwrap()).collect::<Vec<_>>()
    });
    let totals = block_on(database.totals()).unwrap();
    assert_eq!(sums.iter().map(|sum| sum.new_blobs).sum::<u64>(), totals.blobs);
    assert_eq!(sums.iter().map(|sum| sum.new_observations).sum::<u64>(), totals.observations);
    let present = "SELECT sum(present)::text FROM folder WHERE parent IS NULL";
    let current = "SELECT count(*)::text FROM observation WHERE current AND gone_s IS NULL";
    assert_eq!(database.select(present), database.select(current));
    database.execute("SELECT pg_stat_force_next_flush()");
    let deadlocks = "SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(database.select(deadlocks), ["0"]);
}

/// Ends every other session of the catalog's database.
fn end_sessions(catalog: &Database) {
    catalog.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[test]
fn whoever_lost_the_lease_settles_until_somebody_else_takes_it() {
    let database = Database::new();
    let other = block_on(Postgres::connect(&database.url())).unwrap();
    let lease = block_on(database.lease()).unwrap().unwrap();
    let settle =
        || block_on(database.settle(&SettleBatch { under: Some(lease.epoch), ..SettleBatch::default() }));
    assert!(block_on(other.lease()).unwrap().is_none());
    end_sessions(&database);
    settle().unwrap();
    let taken = block_on(other.lease()).unwrap().unwrap();
    assert!(taken.epoch > lease.epoch);
    assert!(matches!(settle(), Err(RepositoryError::Superseded)));
    drop(lease);
    assert!(block_on(database.lease()).unwrap().is_none(), "what was lost is not given back for another");
    drop(taken);
    assert!(block_on(database.lease()).unwrap().is_some());
}

#[test]
fn a_lost_connection_is_made_again() {
    let catalog = Database::new();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    for round in 0..5 {
        end_sessions(&catalog);
        let recorded =
            block_on(catalog.record(&batch(scan, 1, &[("", b"x", round), ("", b"y", 9)]))).unwrap();
        assert_eq!(recorded.new_observations, if round == 0 { 2 } else { 1 });
        assert_eq!(block_on(catalog.remembered(scan, &[RelPath::root()])).unwrap()[0].files.len(), 2);
    }
    assert_eq!(block_on(catalog.totals()).unwrap().observations, 6);
}

/// Makes every first, second, … attempt to add a content fail, `times` times in all; counted outside transactions.
fn sabotage(catalog: &Database, times: u32, when: &str, how: &str) {
    catalog.execute(&format!(
        "CREATE SEQUENCE attempts;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('attempts') <= {times} THEN {how}; END IF;
             RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON blob DEFERRABLE INITIALLY {when}
             FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
}

fn recorded_under(when: &str, how: &str) -> Result<Recorded, RepositoryError> {
    let catalog = Database::new();
    sabotage(&catalog, 3, when, how);
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    let outcome = block_on(catalog.record(&batch(scan, 1, &[("", b"x", 1)])));
    let rows = block_on(catalog.totals()).unwrap().observations;
    assert_eq!(rows, u64::from(outcome.is_ok()), "all or nothing, once");
    outcome
}

#[test]
fn who_gives_way_to_another_transaction_tries_again() {
    for code in ["40001", "40P01"] {
        for when in ["IMMEDIATE", "DEFERRED"] {
            let recorded =
                recorded_under(when, &format!("RAISE 'in the way' USING ERRCODE = '{code}'")).unwrap();
            assert_eq!((recorded.new_observations, recorded.new_blobs), (1, 1), "{code} {when}");
        }
    }
}

#[test]
fn a_connection_that_ends_in_the_middle_of_a_batch_or_its_commit_costs_nothing() {
    for when in ["IMMEDIATE", "DEFERRED"] {
        let recorded = recorded_under(when, "PERFORM pg_terminate_backend(pg_backend_pid())").unwrap();
        assert_eq!((recorded.new_observations, recorded.new_blobs), (1, 1), "{when}");
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    let error = recorded_under("IMMEDIATE", "RAISE 'no room' USING ERRCODE = '53100'").unwrap_err();
    assert!(matches!(error, RepositoryError::Full { doing: "record what was seen", .. }), "{error:?}");
}

#[test]
fn impossible_values_are_damage() {
    let catalog = Database::new();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("", b"x", 1)]))).unwrap();
    for damage in ["name = '\\x2f'", "mtime_n = -1", "status = 'lost'", "size = -1"] {
        catalog.execute(&format!("UPDATE observation SET {damage}"));
        let error = block_on(catalog.contests(Scope::WithPending, None, PageSize(9))).unwrap_err();
        assert!(matches!(error, RepositoryError::Corrupt { .. }), "{damage}: {error:?}");
        catalog.execute("UPDATE observation SET name = '\\x78', mtime_n = 0, status = 'pending', size = 1");
    }
}

/// Of two settlements of one observation in one batch, the second is compared with the first.
#[test]
fn a_batch_is_in_order() {
    let catalog = Database::new();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("", b"x", 1), ("", b"x", 2), ("", b"x", 2)]))).unwrap();
    let claims = block_on(catalog.contests(Scope::WithPending, None, PageSize(9))).unwrap().remove(0).claims;
    assert_eq!(claims.iter().map(|claim| claim.current).collect::<Vec<_>>(), [false, true]);
    let standing = |placement| Standing { status: Status::Pending, placement };
    let settle = |from, to| Settlement {
        id: claims[0].id,
        from: Footing { standing: standing(from), ..claims[0].footing() },
        to: standing(to),
        open: true,
        view: None,
        fingerprint: None,
        doubtful: false,
    };
    let steps = [
        settle(Placement::None, Placement::Stored),
        settle(Placement::None, Placement::Lost),
        settle(Placement::Stored, Placement::Failed),
    ];
    let answers =
        block_on(catalog.settle(&SettleBatch { settlements: steps.to_vec(), ..SettleBatch::default() }))
            .unwrap();
    assert_eq!(answers, [Settled::Done, Settled::Stale, Settled::Done]);
}
