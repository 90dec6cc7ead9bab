//! The shape of the house, checked: who may depend on whom, and where things may be said.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = house().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder of the house, by its path from the house.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![house().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let name = entry.strip_prefix(house()).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read_to_string(&entry).unwrap());
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

fn dependencies(package: &str, table: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(format!("{package}/Cargo.toml")).parse().unwrap();
    manifest.get(table).map(|table| table.as_table().unwrap().keys().cloned().collect()).unwrap_or_default()
}

fn own(dependencies: &BTreeSet<String>) -> Vec<&str> {
    dependencies.iter().map(String::as_str).filter(|name| name.starts_with("mama-")).collect()
}

#[test]
fn the_crate_graph_is_the_one_that_is_designed() {
    let edges = [
        ("mama-ports", vec![]),
        ("mama-domain", vec!["mama-ports"]),
        ("mama-adapters", vec!["mama-ports"]),
        ("mama-cli", vec!["mama-adapters", "mama-domain", "mama-ports"]),
        ("tests", vec!["mama-adapters", "mama-domain", "mama-ports"]),
        // It drives the binary as a user would; only its micro-benchmarks, which are dev-dependents, look inside.
        ("bench", vec![]),
    ];
    for (package, allowed) in &edges {
        assert_eq!(&own(&dependencies(package, "dependencies")), allowed, "{package}");
    }
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap());
    assert_eq!(members.collect::<BTreeSet<_>>(), edges.iter().map(|(package, _)| *package).collect());
}

#[test]
fn the_domain_depends_on_ports_and_pure_helpers_only() {
    let allowed = [
        "blake3",
        "bytesize",
        "data-encoding",
        "futures-channel",
        "futures-util",
        "globset",
        "ignore",
        "jiff",
        "mama-ports",
        "serde",
        "serde_json",
        "thiserror",
        "unicode-normalization",
    ];
    let allowed = allowed.map(str::to_owned);
    assert_eq!(dependencies("mama-domain", "dependencies"), BTreeSet::from(allowed));
    assert_eq!(dependencies("mama-domain", "build-dependencies"), BTreeSet::new());
}

#[test]
fn every_package_has_the_lints_of_the_workspace() {
    for package in ["mama-ports", "mama-domain", "mama-adapters", "mama-cli", "tests", "bench"] {
        let manifest: toml::Table = read(format!("{package}/Cargo.toml")).parse().unwrap();
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{package}");
    }
    for package in ["mama-ports", "mama-domain"] {
        let bans: toml::Table = read(format!("{package}/clippy.toml")).parse().unwrap();
        let bans = bans["disallowed-methods"].as_array().unwrap();
        let banned = |path: &str| bans.iter().any(|ban| ban["path"].as_str() == Some(path));
        assert!(banned("std::time::SystemTime::now") && banned("std::fs::File::open"), "{package}");
    }
}

#[test]
fn the_boundary_and_the_domain_do_no_io() {
    let forbidden =
        ["std::fs", "std::net", "std::env", "std::process", "std::time::", "tokio", "rusqlite", "rustix"];
    for (file, text) in sources("mama-ports/src").into_iter().chain(sources("mama-domain/src")) {
        if file.contains("/conformance") {
            continue;
        }
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let found = forbidden.iter().find(|word| line.contains(**word));
            assert_eq!(found, None, "{file}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn system_calls_on_sources_and_archives_are_made_in_one_folder() {
    let elsewhere = ["walk/jwalk.rs", "volumes/", "sqlite/", "extract/"];
    for (file, text) in sources("mama-adapters/src") {
        let may = file.contains("fs/posix") || elsewhere.iter().any(|place| file.contains(place));
        assert!(
            may || !(text.contains("std::fs") || text.contains("rustix::fs")),
            "{file} reaches the file system"
        );
    }
}

#[test]
fn one_folder_names_the_adapters() {
    for (file, text) in sources("mama-cli/src") {
        let is_wiring = file.contains("/src/compose/");
        assert!(is_wiring || !text.contains("mama_adapters"), "{file} names an adapter; only compose/ may");
    }
}

#[test]
fn the_map_of_the_house_mentions_every_port() {
    let map = read("docs/ARCHITECTURE.md");
    for (file, text) in sources("mama-ports/src") {
        if file.contains("/conformance") {
            continue;
        }
        for name in text.lines().filter_map(|line| line.strip_prefix("pub trait ")) {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(
                map.contains(&format!("`{name}`")),
                "docs/ARCHITECTURE.md does not mention `{name}` of {file}"
            );
        }
    }
}

#[test]
fn the_readme_names_the_commands_that_exist() {
    let (readme, makefile) = (read("README.md"), read("Makefile"));
    for target in ["demo", "test", "bench"] {
        assert!(
            readme.contains(&format!("make {target}")) && makefile.contains(&format!("\n{target}:")),
            "{target}"
        );
    }
}

#[test]
fn nothing_is_left_for_later() {
    // written apart, so that this file does not find itself
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    for package in ["mama-ports", "mama-domain", "mama-adapters", "mama-cli", "tests", "bench"] {
        for (file, text) in sources(package) {
            assert!(!marks.iter().any(|mark| text.contains(mark)), "{file} leaves something for later");
        }
    }
}
