//! What is known about a content besides its own metadata.

use std::collections::BTreeSet;

use mama_ports::browse::{Content, Sidecar};
use mama_ports::manifest::ObservationRow;
use mama_ports::vocab::{AbsPath, BlobRecord, HostName, Location, MetaDoc, Timestamp};

use super::SidecarFile;
use crate::belonging::sidecar::{Naming, sidecars};
use crate::belonging::takeout::may_have_title;

/// What is known about a content besides its own metadata.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Context {
    /// The paths it was seen at.
    pub paths: Vec<AbsPath>,
    /// When its owners last changed it, as its sightings tell.
    pub mtimes: Vec<Timestamp>,
    /// When it was first seen: it was not made later.
    pub first_seen: Option<Timestamp>,
    /// Metadata from files that describe it, what counts most first. It goes before the content's own: it is where people
    /// correct what a camera wrote.
    pub sidecars: Vec<(SidecarFile, MetaDoc)>,
    /// Whether there are more such files, of which nobody knows what they say.
    pub has_unread_sidecars: bool,
}

impl Context {
    /// What the catalog knows around a content; `asked`: the path of it that somebody asked about, whose own sidecars count first.
    ///
    /// Names are those of the files that are there: one that was given up may have been wrong. If none is there, of all that were.
    pub fn of(content: &Content, asked: Option<&AbsPath>) -> Self {
        let is_there = |row: &&ObservationRow| row.current && row.gone.is_none();
        let mut rows: Vec<&ObservationRow> = content.observations.iter().filter(is_there).collect();
        if rows.is_empty() {
            rows = content.observations.iter().collect();
        }
        let folder = asked.and_then(|path| Some(path.split()?.0));
        let is_read = |sidecar: &&Sidecar| has_been_read(&sidecar.blob);
        let mut known: Vec<&Sidecar> = content.sidecars.iter().filter(is_read).collect();
        let has_unread_sidecars = known.len() < content.sidecars.len();
        known.retain(|sidecar| !is_of_another(sidecar));
        known.sort_by_cached_key(|Sidecar { of, at, .. }| {
            let path = at.full_path();
            let is_elsewhere = path.split().map(|(folder, _)| folder) != folder;
            let link = sidecars([of, &at.name].into_iter()).into_iter().next();
            // a link that the rules no longer give, until the next scan takes it back, counts least
            (link.is_none(), link.map(|link| (link.kind, link.naming)), is_elsewhere, path)
        });
        let hosts: BTreeSet<&HostName> =
            content.sidecars.iter().map(|sidecar| &sidecar.at.root.host).collect();
        let file = |at: &Location| SidecarFile {
            path: at.full_path(),
            host: (hosts.len() > 1).then(|| at.root.host.clone()),
        };
        let said = known.iter().filter_map(|sidecar| Some((file(&sidecar.at), sidecar.blob.meta.clone()?)));
        Self {
            paths: rows.iter().map(|row| row.at.full_path()).collect(),
            mtimes: content.observations.iter().map(|row| row.fingerprint.mtime).collect(),
            first_seen: Some(content.blob.first_seen),
            sidecars: said.collect(),
            has_unread_sidecars,
        }
    }
}

/// Whether it is known what a sidecar says, be it nothing.
fn has_been_read(blob: &BlobRecord) -> bool {
    blob.meta.is_some() || blob.look.as_ref().is_some_and(|look| look.error.is_none())
}

/// Whether a JSON whose name was cut off, so that it may be of several files, has the title of another one.
fn is_of_another(Sidecar { of, at, blob }: &Sidecar) -> bool {
    let link = sidecars([of, &at.name].into_iter()).into_iter().next();
    let is_cut_off = link.is_some_and(|link| link.naming == Naming::Truncated);
    let title = blob.meta.as_ref().and_then(|meta| meta.entries().get("JSON:Title")?.as_str());
    is_cut_off && title.is_some_and(|title| !may_have_title(of, title))
}

#[cfg(test)]
mod tests {
    use mama_ports::manifest::BlobRow;
    use mama_ports::vocab::{
        BlobHash, ExtractorId, FileName, Fingerprint, Look, ObservationId, Placement, RelPath, ScanRoot,
        SourceKind, Standing, Status,
    };

    use super::super::facts;
    use super::*;

    fn at(path: &str) -> Location {
        let (folder, name) = AbsPath::parse(path).unwrap().split().unwrap();
        let host = HostName::parse("anna").unwrap();
        let root = ScanRoot { host, basedir: folder, kind: SourceKind::Existing };
        Location { root, dir: RelPath::root(), name }
    }

    fn blob(meta: Option<&str>, error: Option<Option<&str>>) -> BlobRecord {
        let look = error.map(|error| Look {
            by: ExtractorId::new("exiftool", "12.57", 1),
            at: Timestamp::new(9, 0),
            error: error.map(str::to_owned),
        });
        let meta = meta.map(|text| MetaDoc::from_json(text).unwrap());
        let hash = BlobHash::from_bytes([7; 32]);
        BlobRecord { hash, size: 1, mime: None, meta, look, stored: true, block: None }
    }

    fn sighting(path: &str, secs: i64, is_current: bool, gone: Option<i64>) -> ObservationRow {
        let time = |secs| Timestamp::new(secs, 0);
        ObservationRow {
            id: ObservationId(secs),
            at: at(path),
            hash: BlobHash::from_bytes([7; 32]),
            fingerprint: Fingerprint { size: 1, mtime: time(secs), ctime: time(secs), inode: 1 },
            racy: false,
            seen: time(secs),
            gone: gone.map(time),
            held: false,
            current: is_current,
            open: false,
            standing: Standing { status: Status::Assigned, placement: Placement::None },
            view: None,
        }
    }

    fn content(observations: Vec<ObservationRow>, sidecars: Vec<Sidecar>) -> Content {
        let blob = BlobRow { record: blob(None, None), first_seen: Timestamp::new(9, 0) };
        Content { blob, observations, sidecars }
    }

    fn shown(paths: impl IntoIterator<Item = AbsPath>) -> Vec<String> {
        paths.into_iter().map(|path| path.to_string()).collect()
    }

    #[test]
    fn a_name_that_was_given_up_counts_only_where_no_other_is_left() {
        let there = sighting("/a/Hund.jpg", 3, true, None);
        let before = [sighting("/a/IMG_1.jpg", 1, true, Some(5)), sighting("/a/IMG_2.jpg", 2, false, None)];
        let all = content([before.to_vec(), vec![there]].concat(), vec![]);
        let context = Context::of(&all, None);
        assert_eq!(shown(context.paths), ["/a/Hund.jpg"]);
        assert_eq!(context.mtimes.len(), 3, "copying makes files younger, and no older");
        let context = Context::of(&content(before.to_vec(), vec![]), None);
        assert_eq!(shown(context.paths), ["/a/IMG_1.jpg", "/a/IMG_2.jpg"]);
    }

    #[test]
    fn the_surest_sidecar_comes_first_then_that_of_the_folder_in_question() {
        let sidecar = |of: &str, path: &str| Sidecar {
            of: at(of).name,
            at: at(path),
            blob: blob(Some("{}"), Some(None)),
        };
        let all = content(
            vec![],
            vec![
                sidecar("/x/k.jpg", "/x/K.XMP"),
                sidecar("/x/k.jpg", "/x/k.jpg.json"),
                sidecar("/x/k.jpg", "/x/k.jpg.xmp"),
                sidecar("/y/k.jpg", "/y/k.jpg.xmp"),
            ],
        );
        let order = |asked: &str| {
            let context = Context::of(&all, Some(&AbsPath::parse(asked).unwrap()));
            shown(context.sidecars.into_iter().map(|(file, _)| file.path))
        };
        assert_eq!(order("/x/k.jpg"), ["/x/k.jpg.xmp", "/y/k.jpg.xmp", "/x/K.XMP", "/x/k.jpg.json"]);
        assert_eq!(order("/y/k.jpg"), ["/y/k.jpg.xmp", "/x/k.jpg.xmp", "/x/K.XMP", "/x/k.jpg.json"]);
    }

    #[test]
    fn a_json_with_a_cut_off_name_is_believed_about_the_file_of_its_title() {
        let start = "Backyard_ceremony_wedding_photography_xxxxxxx_";
        let time = |of: &str, title: Option<&str>| {
            let title = title.map(|title| format!(r#","JSON:Title":"{title}""#)).unwrap_or_default();
            let json = format!(r#"{{"JSON:PhotoTakenTime":{{"timestamp":"1066983181"}}{title}}}"#);
            let sidecar = Sidecar {
                of: FileName::parse(of).unwrap(),
                at: at(&format!("/x/{start}.json")),
                blob: blob(Some(&json), Some(None)),
            };
            let mut all = content(vec![], vec![sidecar]);
            all.blob.first_seen = Timestamp::new(2_000_000_000, 0);
            let context = Context::of(&all, None);
            assert!(!context.has_unread_sidecars);
            facts(None, &context).capture.taken.is_some()
        };
        let (one, two) = (format!("{start}01.jpg"), format!("{start}02.jpg"));
        assert!(time(&one, Some(&one)) && time(&one, None));
        assert!(!time(&two, Some(&one)), "it is of the other one");
        assert!(
            time(&format!("{start}m.jpg"), Some(&format!("{start}morning.jpg"))),
            "the picture's is cut off, too"
        );
        assert!(
            time(&format!("{start}m(1).jpg"), Some(&format!("{start}morning.jpg"))),
            "a number is not in the title"
        );
        assert!(time(&format!("{start}m-edited.jpg"), Some(&format!("{start}morning.jpg"))), "nor is a mark");
        assert!(time(&one, Some(&one.replacen('_', ":", 1))), "some signs are in no name of a file");
    }

    #[test]
    fn sidecars_at_one_path_of_two_machines_are_two() {
        let on = |host: &str, meta: &str| {
            let mut at = at("/x/k.jpg.xmp");
            at.root.host = HostName::parse(host).unwrap();
            Sidecar { of: FileName::parse("k.jpg").unwrap(), at, blob: blob(Some(meta), Some(None)) }
        };
        let said = |sidecars| {
            let mut all = content(vec![], sidecars);
            all.blob.first_seen = Timestamp::new(2_000_000_000, 0);
            let facts = facts(None, &Context::of(&all, None));
            let taken = facts.capture.taken.unwrap();
            let against: Vec<String> =
                facts.capture.contradicted_by.iter().map(|said| said.source.to_string()).collect();
            (taken.source.to_string(), taken.certainty.as_str(), against)
        };
        let (early, late) = (
            r#"{"XMP-exif:DateTimeOriginal":"2001:01:01 10:00:00"}"#,
            r#"{"XMP-exif:DateTimeOriginal":"2002:02:02 10:00:00"}"#,
        );
        let tag = "XMP-exif:DateTimeOriginal of /x/k.jpg.xmp";
        assert_eq!(said(vec![on("anna", early)]), (tag.to_owned(), "certain", vec![]));
        let both = said(vec![on("anna", early), on("bert", late)]);
        assert_eq!(both, (format!("{tag} on anna"), "likely", vec![format!("{tag} on bert")]));
    }

    #[test]
    fn a_sidecar_is_unread_until_somebody_knows_what_it_says() {
        let is_unread = |meta, error| {
            let sidecar = Sidecar { of: at("/a/k.jpg").name, at: at("/a/k.xmp"), blob: blob(meta, error) };
            Context::of(&content(vec![], vec![sidecar]), None).has_unread_sidecars
        };
        assert!(is_unread(None, None) && is_unread(None, Some(Some("broken"))));
        assert!(
            !is_unread(None, Some(None))
                && !is_unread(Some("{}"), None)
                && !is_unread(Some("{}"), Some(None))
        );
    }
}
