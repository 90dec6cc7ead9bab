//! The migrations that the program carries: for each dialect the same numbers and names.

use super::migrate::Migration;

/// Every migration, with the text of one dialect: `migrations/DIALECT/000N_name.sql`.
macro_rules! migrations {
    ($dialect:literal) => {
        migrations!($dialect: 1 "first", 2 "lease", 3 "volume", 4 "journal", 5 "manifest", 6 "sidecar", 7 "enrichment",
            8 "root_host")
    };
    ($dialect:literal: $($number:literal $name:literal),+) => {
        &[$(Migration {
            number: $number,
            name: $name,
            text: include_str!(concat!("../../../migrations/", $dialect, "/000", $number, "_", $name, ".sql")),
        }),+]
    };
}

pub(crate) const SQLITE: &[Migration] = migrations!("sqlite");
pub(crate) const POSTGRES: &[Migration] = migrations!("postgres");

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
