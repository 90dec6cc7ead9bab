//! The rules of migration, for every dialect: numbered, forward only, checked against what was applied.
//!
//! A dialect's part is to read the ledger, to apply one migration with its ledger row in one transaction, and to ask again.

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// 1, 2, 3, …
    pub(crate) number: i64,
    /// The rest of its file's name.
    pub(crate) name: &'static str,
    /// What the database runs.
    pub(crate) text: &'static str,
}

impl Migration {
    /// BLAKE3 of the text, in hex.
    pub(crate) fn checksum(&self) -> String {
        blake3::hash(self.text.as_bytes()).to_hex().to_string()
    }
}

/// One row of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    pub(crate) number: i64,
    pub(crate) checksum: String,
}

/// Why a catalog cannot be brought up to date.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has been further than this program knows.
    Newer { found: i64, known: i64 },
    /// A migration was applied with another text.
    Altered { number: i64 },
    /// A number is missing below an applied one.
    Gap { number: i64 },
}

/// The next migration to apply; `None`: up to date. `applied` in the order of numbers.
pub(crate) fn next<'a>(
    known: &'a [Migration],
    applied: &[Applied],
) -> Result<Option<&'a Migration>, Refusal> {
    if let Some(last) = applied.last()
        && last.number > known.len() as i64
    {
        return Err(Refusal::Newer { found: last.number, known: known.len() as i64 });
    }
    for (migration, row) in known.iter().zip(applied) {
        if row.number != migration.number {
            return Err(Refusal::Gap { number: migration.number });
        }
        if row.checksum != migration.checksum() {
            return Err(Refusal::Altered { number: row.number });
        }
    }
    Ok(known.get(applied.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 2] = [
        Migration { number: 1, name: "first", text: "a" },
        Migration { number: 2, name: "second", text: "b" },
    ];

    fn applied(numbers: &[i64]) -> Vec<Applied> {
        let checksum = |number: i64| blake3::hash(if number == 1 { b"a" } else { b"b" }).to_hex().to_string();
        numbers.iter().map(|&number| Applied { number, checksum: checksum(number) }).collect()
    }

    fn next_number(rows: &[Applied]) -> Result<Option<i64>, Refusal> {
        next(&KNOWN, rows).map(|step| step.map(|migration| migration.number))
    }

    #[test]
    fn migrations_are_applied_in_order_until_none_is_left() {
        assert_eq!(next_number(&applied(&[])), Ok(Some(1)));
        assert_eq!(next_number(&applied(&[1])), Ok(Some(2)));
        assert_eq!(next_number(&applied(&[1, 2])), Ok(None));
    }

    #[test]
    fn a_catalog_with_another_history_is_refused() {
        assert_eq!(next_number(&applied(&[1, 2, 3])), Err(Refusal::Newer { found: 3, known: 2 }));
        assert_eq!(next_number(&applied(&[2])), Err(Refusal::Gap { number: 1 }));
        let mut rows = applied(&[1, 2]);
        rows[0].checksum = "other".to_owned();
        assert_eq!(next_number(&rows), Err(Refusal::Altered { number: 1 }));
    }

    #[test]
    fn a_checksum_follows_every_byte() {
        assert_ne!(KNOWN[0].checksum(), KNOWN[1].checksum());
    }
}
