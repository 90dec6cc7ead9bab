use super::*;
use crate::exit::{Status, hint, status};

const NOBODY: Places = Places { config: None, archive: None, database: None, host: None };

struct File(tempfile::NamedTempFile);

fn file(text: &str) -> File {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, text).unwrap();
    File(file)
}

impl File {
    fn load(&self, places: &Places, environment: &[(&str, &str)]) -> Result<Config, anyhow::Error> {
        let get = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        Ok(Config::resolve(places, Some(self.0.path()), &get)?)
    }

    fn refusal(&self) -> (Status, String, String) {
        let error = self.load(&NOBODY, &[]).unwrap_err();
        (status(&error), error.to_string(), hint(&error).unwrap_or_default())
    }
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = file("host = 'file'\n[scan]\nmetadata = false\nthreads = 3");
    let from_file = file.load(&NOBODY, &[]).unwrap();
    assert_eq!(
        (from_file.host.value.as_str(), from_file.host.origin),
        ("file", Origin::File(file.0.path().into()))
    );
    let environment =
        [("MAMA_HOST", "env"), ("MAMA_SCAN_METADATA", "yes"), ("MAMA_TRANSFER_IMPORT", "copy, reflink")];
    let from_environment = file.load(&NOBODY, &environment).unwrap();
    assert_eq!(from_environment.host.value, "env");
    assert_eq!(from_environment.metadata.origin, Origin::Environment("MAMA_SCAN_METADATA".to_owned()));
    assert_eq!(from_environment.metadata.value, ScanMetadata::Full);
    assert_eq!(from_environment.transfers()[&SourceKind::Import], [Transfer::Copy, Transfer::Clone]);
    let flags = Places { host: Some("flag".to_owned()), ..NOBODY };
    let from_flag = file.load(&flags, &environment).unwrap();
    assert_eq!((from_flag.host.value.as_str(), from_flag.host.origin), ("flag", Origin::Flag("host")));
    assert_eq!(from_flag.threads.value, NonZeroUsize::new(3));
    assert_eq!((from_flag.reserve.value, from_flag.reserve.origin), (RESERVE, Origin::Default));
}

#[test]
fn every_key_has_a_value_to_show_and_can_be_set_from_the_environment() {
    let config = file("").load(&NOBODY, &[]).unwrap();
    let shown = config.shown();
    assert_eq!(shown.iter().map(|(key, ..)| *key).collect::<Vec<_>>(), KEYS);
    for key in KEYS {
        let name = format!("MAMA_{}", key.to_uppercase().replace('.', "_"));
        let value = match key {
            "scan.metadata" | "exiftool.sandbox" | "apply.auto_assign" | "snapshots.before_apply" => "false",
            "views.history" => "true",
            "scan.walker" => "jwalk",
            key if key.starts_with("transfer.") => "copy",
            _ => "7",
        };
        let config = file("").load(&NOBODY, &[(&name, value)]).unwrap();
        let (_, shown, origin) = config.shown().into_iter().find(|(shown, ..)| *shown == key).unwrap();
        assert_eq!(*origin, Origin::Environment(name), "{key}");
        assert!(shown.contains(value), "{key}: {shown}");
    }
}

#[test]
fn a_typo_is_named_with_the_nearest_key() {
    for (text, wrong, nearest) in [
        ("archiv = '/x'", "`archiv`", "`archive`"),
        ("[scan]\nmetdata = true", "`scan.metdata`", "`scan.metadata`"),
        ("[aply]\nreserve = '1 GiB'", "`aply.reserve`", "`apply.reserve`"),
        ("reserve = '1 GiB'", "`reserve`", "`apply.reserve`"),
    ] {
        let (status, message, hint) = file(text).refusal();
        assert_eq!(status, Status::Usage);
        assert!(message.contains(wrong), "{message}");
        assert!(hint.contains(nearest), "{hint}");
    }
}

#[test]
fn metadata_is_read_in_full_quickly_or_not_at_all() {
    for (text, metadata, shown) in [
        ("true", ScanMetadata::Full, "true"),
        ("false", ScanMetadata::Nothing, "false"),
        ("'quick'", ScanMetadata::Quick, "quick"),
    ] {
        let config = file(&format!("[scan]\nmetadata = {text}")).load(&NOBODY, &[]).unwrap();
        assert_eq!((config.metadata.value, config.metadata.value.to_string().as_str()), (metadata, shown));
        let from_environment = file("").load(&NOBODY, &[("MAMA_SCAN_METADATA", shown)]).unwrap();
        assert_eq!(from_environment.metadata.value, metadata);
    }
}

#[test]
fn a_relative_program_is_beside_the_file_or_where_mama_was_started_and_a_mere_name_is_searched_for() {
    let program = |text: &str, environment: &[(&str, &str)]| {
        let file = file(&format!("[exiftool]\nprogram = '{text}'"));
        let folder = file.0.path().parent().unwrap().to_owned();
        (PathBuf::from(file.load(&NOBODY, environment).unwrap().exiftool.value), folder)
    };
    let (beside, folder) = program("bin/exiftool", &[]);
    assert_eq!(beside, folder.join("bin/exiftool"));
    assert_eq!(program("/opt/exiftool", &[]).0, Path::new("/opt/exiftool"));
    assert_eq!(program("~/exiftool", &[]).0, etcetera::home_dir().unwrap().join("exiftool"));
    assert_eq!(program("exiftool-13", &[]).0, Path::new("exiftool-13"));
    let (from_environment, _) = program("bin/exiftool", &[("MAMA_EXIFTOOL_PROGRAM", "./exiftool")]);
    assert_eq!(from_environment, std::env::current_dir().unwrap().join("exiftool"));
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_what_is_expected() {
    for (text, wrong, expected) in [
        ("[scan]\nmetadata = 'yes'", "`scan.metadata`", "true or false"),
        ("[scan]\nthreads = 0", "`scan.threads`", "from 1 to 1024"),
        ("[apply]\nreserve = 'much'", "`apply.reserve`", "1 GiB"),
        ("[transfer]\nimport = ['teleport']", "`transfer.import`", "\"reflink\""),
        ("scan = 1", "`scan`", "section"),
        ("archive = 3", "`archive`", "path of a folder"),
        ("a = ", "TOML", "a ="),
    ] {
        let (status, message, _) = file(text).refusal();
        assert_eq!(status, Status::Usage);
        assert!(message.contains(wrong) && message.contains(expected), "{message}");
    }
}

#[test]
fn a_password_is_never_shown() {
    assert_eq!(masked("postgres://anna:se/c@ret@db/mama?x=1"), "postgres://anna:***@db/mama?x=1");
    assert_eq!(
        masked("postgres://anna@db/mama?password=secret&a=b"),
        "postgres://anna@db/mama?password=***&a=b"
    );
    assert_eq!(masked("sqlite:/home/a@b:c/x"), "sqlite:/home/a@b:c/x");
    assert_eq!(masked("postgres://db/mama"), "postgres://db/mama");
}

#[test]
fn sharing_an_inode_with_a_file_in_use_is_called_a_risk() {
    assert!(file("").load(&NOBODY, &[]).unwrap().risks().is_empty());
    let risky = file("[transfer]\nexisting = ['hardlink']").load(&NOBODY, &[]).unwrap();
    assert!(risky.risks()[0].contains("transfer.existing"));
}
