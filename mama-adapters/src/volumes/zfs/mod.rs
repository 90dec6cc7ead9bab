//! ZFS, asked through its own programs: the words that OpenZFS 2.1 to 2.3 and zfs-fuse have in common.

mod programs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

use mama_ports::vocab::{ArchiveId, DatasetFacts, PoolHealth, Snapshot, Timestamp};

use programs::Programs;

/// For a question: a pool that hangs must not hang mama.
const TO_ANSWER: Duration = Duration::from_secs(10);
/// For a change, which waits for the pool's current transaction.
const TO_CHANGE: Duration = Duration::from_secs(60);

/// The property that marks a snapshot as made by mama, for an archive.
const MARK: &str = "mama:archive";

/// The ZFS of this machine.
#[derive(Debug, Clone)]
pub(super) struct Zfs {
    programs: Programs,
}

impl Zfs {
    pub(super) const fn new(search_path: OsString) -> Self {
        Self { programs: Programs { search_path } }
    }

    /// The facts of a dataset.
    pub(super) fn dataset(&self, name: &str) -> io::Result<DatasetFacts> {
        let mut properties = self.properties(name, "all")?;
        // zfs-fuse has it, and leaves it out of `all`.
        properties.append(&mut self.properties(name, "guid")?);
        let pool = name.split('/').next().unwrap_or_default();
        let health = self.ask("zpool", &["list", "-H", "-o", "health", pool]).ok();
        let health = health.map(|word| PoolHealth::from_word(word.trim()));
        Ok(DatasetFacts { name: name.to_owned(), health, properties })
    }

    /// Makes a snapshot with its mark, in one step.
    pub(super) fn snapshot(&self, dataset: &str, archive: &ArchiveId, name: &str) -> io::Result<Snapshot> {
        let whole = format!("{dataset}@{name}");
        let mark = format!("{MARK}={archive}");
        self.programs.run("zfs", &["snapshot", "-o", &mark, &whole], TO_CHANGE)?;
        let made = self.get_snapshots(&["get", "-Hp", "-o", COLUMNS, SNAPSHOT, &whole], dataset)?;
        made.into_iter().next().ok_or_else(|| io::Error::other("zfs made a snapshot and does not list it"))
    }

    /// Every snapshot of a dataset, and none of those below it.
    pub(super) fn snapshots(&self, dataset: &str) -> io::Result<Vec<Snapshot>> {
        self.get_snapshots(&["get", "-Hp", "-r", "-d", "1", "-o", COLUMNS, SNAPSHOT, dataset], dataset)
    }

    /// Removes a snapshot, if it is still the same.
    pub(super) fn release(&self, snapshot: &Snapshot) -> io::Result<()> {
        let whole = snapshot.to_string();
        let now = self.properties(&whole, "guid")?;
        if now.get("guid") != Some(&snapshot.guid.to_string()) {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("another snapshot is called {whole} now"),
            ));
        }
        self.programs.run("zfs", &["destroy", &whole], TO_CHANGE).map(drop)
    }

    fn ask(&self, program: &str, args: &[&str]) -> io::Result<String> {
        self.programs.run(program, args, TO_ANSWER)
    }

    fn properties(&self, of: &str, which: &str) -> io::Result<BTreeMap<String, String>> {
        let answer = self.ask("zfs", &["get", "-Hp", "-o", "property,value", which, of])?;
        let pair =
            |line: &str| line.split_once('\t').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(answer.lines().filter_map(pair).collect())
    }

    fn get_snapshots(&self, args: &[&str], dataset: &str) -> io::Result<Vec<Snapshot>> {
        Ok(parse_snapshots(&self.ask("zfs", args)?, dataset))
    }
}

const COLUMNS: &str = "name,property,value,source";
const SNAPSHOT: &str = "guid,createtxg,creation,userrefs,mama:archive";

/// Lines of [`COLUMNS`]. What is no snapshot of `dataset`, or lacks a number, is left out.
fn parse_snapshots(answer: &str, dataset: &str) -> Vec<Snapshot> {
    let mut found: BTreeMap<&str, BTreeMap<&str, (&str, &str)>> = BTreeMap::new();
    for line in answer.lines() {
        let [name, property, value, source] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let own_name = name.strip_prefix(dataset).and_then(|rest| rest.strip_prefix('@'));
        if let Some(own_name) = own_name {
            found.entry(own_name).or_default().insert(property, (value, source));
        }
    }
    let snapshot = |(name, properties): (&str, BTreeMap<&str, (&str, &str)>)| {
        let number = |property| properties.get(property)?.0.parse::<u64>().ok();
        // A mark that is inherited from the dataset says nothing of its snapshots.
        let mark = properties.get(MARK).filter(|(_, source)| *source == "local");
        Some(Snapshot {
            dataset: dataset.to_owned(),
            name: name.to_owned(),
            guid: number("guid")?,
            made_in: number("createtxg")?,
            created: Timestamp::new(number("creation")?.try_into().ok()?, 0),
            archive: mark.and_then(|(id, _)| ArchiveId::parse(id)),
            // A ZFS that does not count holds lets nobody hold.
            held: number("userrefs").is_some_and(|holds| holds > 0),
        })
    };
    found.into_iter().filter_map(snapshot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_of_its_own_makes_a_snapshot_mamas() {
        let id = "07070707070707070707070707070707";
        let lines = |name: &str, mark: &str, source: &str, holds: u8| {
            format!(
                "{name}\tguid\t18446744073709551615\t-\n{name}\tcreatetxg\t16\t-\n{name}\tcreation\t1795439350\t-\n\
                {name}\tuserrefs\t{holds}\t-\n{name}\tmama:archive\t{mark}\t{source}\n"
            )
        };
        let answer = [
            lines("tank/a", id, "local", 0),
            lines("tank/a@own", id, "local", 0),
            lines("tank/a@held", id, "local", 1),
            lines("tank/a@heir", id, "inherited from tank/a", 0),
            lines("tank/a@received", id, "received", 0),
            lines("tank/a@odd", "something", "local", 0),
            lines("tank/a@foreign", "-", "-", 0),
            lines("tank/a/b@below", id, "local", 0),
            "tank/a@half\tguid\t1\t-\nnonsense\n".to_owned(),
        ];
        let found = parse_snapshots(&answer.concat(), "tank/a");
        let mamas: Vec<(&str, bool, bool)> = found
            .iter()
            .map(|snapshot| (snapshot.name.as_str(), snapshot.archive.is_some(), snapshot.held))
            .collect();
        let expected = [
            ("foreign", false, false),
            ("heir", false, false),
            ("held", true, true),
            ("odd", false, false),
            ("own", true, false),
            ("received", false, false),
        ];
        assert_eq!(mamas, expected);
        assert_eq!((found[4].guid, found[4].made_in, found[4].created.secs), (u64::MAX, 16, 1_795_439_350));
    }
}
