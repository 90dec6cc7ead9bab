//! Which properties of a dataset suit an archive of media, and what to do about the others?

use mama_ports::vocab::{DatasetFacts, PoolHealth};

use super::refuses_writes;

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// As it should be.
    Fine,
    /// It works; something else would be better, or is worth knowing.
    Better,
    /// A promise of mama does not hold.
    Broken,
}

/// What was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// How much it matters.
    pub weight: Weight,
    /// What is so, in words that begin with the property.
    pub found: String,
    /// What to do, with the command where there is one.
    pub todo: Option<String>,
}

/// Media files are read and written whole: large records need less of everything (bytes).
const RECORD: u64 = 1 << 20;

/// What to say about the pool and each property that matters to an archive, worst or not; the first is the pool's health.
///
/// A property that this ZFS does not have is left out.
pub fn advice(dataset: &DatasetFacts) -> Vec<Advice> {
    let rules = [
        sync,
        readonly,
        recordsize,
        atime,
        xattr,
        compression,
        dedup,
        copies,
        normalization,
        casesensitivity,
        utf8only,
        sharenfs,
    ];
    let judged = rules.into_iter().filter_map(|rule| rule(dataset));
    health(dataset).into_iter().chain(judged).collect()
}

fn fine(found: impl Into<String>) -> Advice {
    Advice { weight: Weight::Fine, found: found.into(), todo: None }
}

fn better(found: impl Into<String>, todo: impl Into<String>) -> Advice {
    Advice { weight: Weight::Better, found: found.into(), todo: Some(todo.into()) }
}

fn broken(found: impl Into<String>, todo: impl Into<String>) -> Advice {
    Advice { weight: Weight::Broken, ..better(found, todo) }
}

/// The command that sets a property, as one types it.
fn set(dataset: &DatasetFacts, assignment: &str) -> String {
    match dataset.name.contains(' ') {
        true => format!("zfs set {assignment} '{}'", dataset.name),
        false => format!("zfs set {assignment} {}", dataset.name),
    }
}

fn health(dataset: &DatasetFacts) -> Option<Advice> {
    let pool = dataset.pool();
    let look = format!("zpool status -v {pool}");
    let health = dataset.health.as_ref()?;
    let found = format!("the pool {pool} is {health}");
    Some(match health {
        PoolHealth::Online => fine(found),
        health if refuses_writes(health) => broken(found, format!("{look} says what to repair")),
        _ => better(found, format!("{look} says which device to replace; the archive can be used meanwhile")),
    })
}

fn sync(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("sync")? {
        "disabled" => broken(
            "sync=disabled: nothing that mama calls stored survives a power cut",
            set(dataset, "sync=standard"),
        ),
        word => fine(format!("sync={word}")),
    })
}

fn readonly(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("readonly")? {
        "on" => broken("readonly=on: nothing can be archived", set(dataset, "readonly=off")),
        word => fine(format!("readonly={word}")),
    })
}

fn recordsize(dataset: &DatasetFacts) -> Option<Advice> {
    let bytes = dataset.bytes("recordsize")?;
    let found = format!("recordsize={}", size(bytes));
    if bytes >= RECORD {
        return Some(fine(found));
    }
    let found = format!("{found}: media files are large, and larger records need less room and time");
    let todo = set(dataset, "recordsize=1M");
    Some(better(
        found,
        format!("{todo} (for what comes in from then on; not possible in pools of old versions)"),
    ))
}

fn atime(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match (dataset.property("atime")?, dataset.property("relatime")) {
        ("off", _) => fine("atime=off"),
        (_, Some("on")) => fine("atime=on, relatime=on"),
        _ => better("atime=on: who looks at a photo writes to the disk", set(dataset, "atime=off")),
    })
}

fn xattr(dataset: &DatasetFacts) -> Option<Advice> {
    // The same word means folders up to OpenZFS 2.2, and `sa` from 2.3 on, which brought the property `direct`.
    Some(match (dataset.property("xattr")?, dataset.property("direct")) {
        ("on", None) | ("dir", _) => better(
            "xattr: each extended attribute is a hidden file of its own",
            format!("{} (where this ZFS has it)", set(dataset, "xattr=sa")),
        ),
        (word, _) => fine(format!("xattr={word}")),
    })
}

fn compression(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("compression")? {
        "off" => better(
            "compression=off: the last block of each file is stored in full",
            format!("{} (or compression=on where there is no lz4)", set(dataset, "compression=lz4")),
        ),
        word => fine(format!("compression={word}")),
    })
}

fn dedup(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("dedup")? {
        "off" => fine("dedup=off"),
        word => better(
            format!("dedup={word}: mama stores each content once already, and this costs much memory"),
            set(dataset, "dedup=off"),
        ),
    })
}

fn copies(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("copies")? {
        "1" => fine("copies=1"),
        word => fine(format!("copies={word}: each file takes {word} times its room")),
    })
}

/// What only a new dataset can have.
const ANEW: &str = "it cannot be changed; for another one, make a new dataset and move the archive there";

fn normalization(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("normalization")? {
        "none" => fine("normalization=none"),
        word => better(
            format!("normalization={word}: names that differ only in Unicode form are one name here"),
            ANEW,
        ),
    })
}

fn casesensitivity(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("casesensitivity")? {
        "sensitive" => fine("casesensitivity=sensitive"),
        word => better(
            format!("casesensitivity={word}: names that differ only in case may be one name here"),
            ANEW,
        ),
    })
}

fn utf8only(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("utf8only")? {
        "off" => fine("utf8only=off"),
        word => better(format!("utf8only={word}: a name that is not UTF-8 gets no view"), ANEW),
    })
}

fn sharenfs(dataset: &DatasetFacts) -> Option<Advice> {
    Some(match dataset.property("sharenfs")? {
        "off" => fine("sharenfs=off: not shared by ZFS"),
        "on" => better(
            "sharenfs=on: every machine that reaches this one may mount the archive, and write to it",
            set(dataset, "sharenfs=ro=@192.168.0.0/24") + " (with your network), or sharenfs=off",
        ),
        options if options.split(',').any(|option| option == "ro" || option.starts_with("ro=")) => {
            fine(format!("sharenfs={options}: these may mount it to read"))
        }
        options => better(
            format!("sharenfs={options}: these may mount the archive, and write to it"),
            "share it read-only, with ro=…; only mama should write to an archive",
        ),
    })
}

/// As ZFS writes a power of two.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{}M", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{}K", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(properties: &[(&str, &str)]) -> DatasetFacts {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        DatasetFacts {
            name: "tank/mama".to_owned(),
            health: Some(PoolHealth::Online),
            properties: properties.iter().map(own).collect(),
        }
    }

    fn only(property: &str, value: &str) -> Advice {
        let all = advice(&dataset(&[(property, value)]));
        assert_eq!(all.len(), 2, "{all:?}");
        all[1].clone()
    }

    #[test]
    fn a_dataset_made_for_an_archive_is_fine() {
        let made_for_it = dataset(&[
            ("sync", "standard"),
            ("readonly", "off"),
            ("recordsize", "1048576"),
            ("atime", "off"),
            ("xattr", "sa"),
            ("compression", "lz4"),
            ("dedup", "off"),
            ("copies", "1"),
            ("normalization", "none"),
            ("casesensitivity", "sensitive"),
            ("utf8only", "off"),
            ("sharenfs", "off"),
            ("checksum", "on"),
        ]);
        let all = advice(&made_for_it);
        assert_eq!(all.len(), 13);
        assert!(all.iter().all(|advice| advice.weight == Weight::Fine && advice.todo.is_none()), "{all:?}");
    }

    #[test]
    fn what_would_be_better_comes_with_its_command() {
        for (property, value, command) in [
            ("recordsize", "131072", "zfs set recordsize=1M tank/mama"),
            ("atime", "on", "zfs set atime=off tank/mama"),
            ("xattr", "on", "zfs set xattr=sa tank/mama"),
            ("compression", "off", "zfs set compression=lz4 tank/mama"),
            ("dedup", "verify", "zfs set dedup=off tank/mama"),
            ("normalization", "formD", "cannot be changed"),
            ("casesensitivity", "insensitive", "cannot be changed"),
            ("casesensitivity", "mixed", "cannot be changed"),
            ("utf8only", "on", "cannot be changed"),
            ("sharenfs", "on", "sharenfs=off"),
            ("sharenfs", "rw=@10.0.0.0/8", "read-only"),
        ] {
            let said = only(property, value);
            assert_eq!(said.weight, Weight::Better, "{said:?}");
            assert!(said.found.starts_with(property), "{said:?}");
            assert!(said.todo.as_ref().is_some_and(|todo| todo.contains(command)), "{said:?}");
        }
    }

    #[test]
    fn what_breaks_a_promise_is_called_so() {
        assert_eq!(only("sync", "disabled").weight, Weight::Broken);
        assert_eq!(only("readonly", "on").weight, Weight::Broken);
    }

    #[test]
    fn who_may_only_read_does_no_harm() {
        assert_eq!(only("sharenfs", "ro=@10.0.0.0/8,crossmnt").weight, Weight::Fine);
        assert_eq!(advice(&dataset(&[("atime", "on"), ("relatime", "on")]))[1].weight, Weight::Fine);
    }

    #[test]
    fn the_word_for_attributes_changed_its_meaning() {
        let weight =
            |word, more: &[(&str, &str)]| advice(&dataset(&[&[("xattr", word)], more].concat()))[1].weight;
        let openzfs_2_3 = [("direct", "standard")];
        assert_eq!((weight("on", &[]), weight("sa", &[])), (Weight::Better, Weight::Fine));
        assert_eq!((weight("on", &openzfs_2_3), weight("dir", &openzfs_2_3)), (Weight::Fine, Weight::Better));
    }

    #[test]
    fn a_pool_is_fine_usable_or_not() {
        let weights =
            ["ONLINE", "DEGRADED", "NEWWORD", "FAULTED", "OFFLINE", "UNAVAIL", "REMOVED", "SUSPENDED"].map(
                |word| {
                    let health = PoolHealth::from_word(word);
                    assert_eq!(health.to_string(), word);
                    advice(&DatasetFacts { health: Some(health), ..dataset(&[]) })[0].weight
                },
            );
        let [fine, usable @ .., _, _, _, _, _] = weights;
        assert_eq!((fine, usable), (Weight::Fine, [Weight::Better; 2]));
        assert_eq!(weights[3..], [Weight::Broken; 5]);
    }

    #[test]
    fn a_name_with_a_space_is_quoted_in_a_command() {
        let spaced = DatasetFacts { name: "tank/our photos".to_owned(), ..dataset(&[("atime", "on")]) };
        assert_eq!(advice(&spaced)[1].todo.as_deref(), Some("zfs set atime=off 'tank/our photos'"));
    }
}
