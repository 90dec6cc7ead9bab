//! The migrations that the program carries: for each dialect the same numbers and names.

use super::migrate::Migration;

pub(crate) const SQLITE: &[Migration] = &[
    Migration { number: 1, name: "first", text: include_str!("../../../migrations/sqlite/0001_first.sql") },
    Migration { number: 2, name: "lease", text: include_str!("../../../migrations/sqlite/0002_lease.sql") },
    Migration { number: 3, name: "volume", text: include_str!("../../../migrations/sqlite/0003_volume.sql") },
    Migration {
        number: 4,
        name: "journal",
        text: include_str!("../../../migrations/sqlite/0004_journal.sql"),
    },
];

pub(crate) const POSTGRES: &[Migration] = &[
    Migration { number: 1, name: "first", text: include_str!("../../../migrations/postgres/0001_first.sql") },
    Migration { number: 2, name: "lease", text: include_str!("../../../migrations/postgres/0002_lease.sql") },
    Migration {
        number: 3,
        name: "volume",
        text: include_str!("../../../migrations/postgres/0003_volume.sql"),
    },
    Migration {
        number: 4,
        name: "journal",
        text: include_str!("../../../migrations/postgres/0004_journal.sql"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_have_the_same_numbers_and_names() {
        let steps =
            |known: &[Migration]| known.iter().map(|step| (step.number, step.name)).collect::<Vec<_>>();
        assert_eq!(steps(SQLITE), steps(POSTGRES));
        assert!(steps(SQLITE).iter().map(|&(number, _)| number).eq(1..=SQLITE.len() as i64));
    }
}
