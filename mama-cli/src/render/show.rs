//! What is known about a content, for people and scripts.

use std::collections::BTreeMap;

use mama_domain::belonging::around::Around;
use mama_domain::belonging::group::{Because, GroupKind};
use mama_domain::belonging::sidecar::{Naming, SidecarKind};
use mama_domain::facts::{Camera, Capture, Facts, Music, Position, Source, Sourced, Taken, Zone};
use mama_domain::layout;
use mama_domain::search::Hit;
use mama_ports::browse::{Content, Sidecar};
use mama_ports::manifest::ObservationRow;
use mama_ports::vocab::{
    AbsPath, BlobRecord, BlockReason, FileName, Look, MetaDoc, Placement, RelPath, Timestamp, escaped,
};
use serde_json::Value;

use super::human::{self, STRONG};
use super::json::{Object, instant};

/// A content, as an object.
pub(crate) fn content(
    content: &Content,
    around: &[(AbsPath, Around)],
    facts: &Facts,
    with_tags: bool,
) -> Object {
    let BlobRecord { hash, size, mime, meta, look, stored, block } = &content.blob.record;
    let blob = stored.then(|| layout::blob_path(hash).to_string());
    let object = Object::new("content").with("hash", hash.to_string()).with("size", *size);
    let object = object.with("mime", mime.as_ref().map(|mime| mime.as_str())).with("blob", blob);
    let object = object.with("block", block.map(BlockReason::as_str));
    let object = object.with("first_seen", instant(content.blob.first_seen));
    let object = object.with("has_metadata", meta.as_ref().map(|meta| !meta.is_empty()));
    let object = object.with("extractor", look.as_ref().map(|look| look.by.as_str()));
    let object = object.with("preliminary", meta.is_some() && look.is_none());
    let object = object.with("metadata_error", look.as_ref().and_then(|look| look.error.as_deref()));
    let object = with_facts(object, facts);
    let object =
        object.with("observations", content.observations.iter().map(observation).collect::<Vec<_>>());
    let groups = around.iter().flat_map(|(folder, around)| groups(folder, around)).collect::<Vec<_>>();
    let looks = Looks::of(content);
    let sidecars = around
        .iter()
        .flat_map(|(folder, around)| sidecars(folder, around, &looks, with_tags))
        .collect::<Vec<_>>();
    let describes = around.iter().flat_map(|(folder, around)| {
        around.describes.iter().map(|name| Value::from(file(folder, name))).collect::<Vec<_>>()
    });
    let object = object.with("groups", groups).with("sidecars", sidecars);
    let object = object.with("describes", describes.collect::<Vec<_>>());
    match meta.as_ref().filter(|_| with_tags) {
        Some(meta) => object.with("tags", meta.entries().clone()).with("numbers", meta.numbers().clone()),
        None => object,
    }
}

/// A file that was looked for, as an object.
pub(crate) fn hit(Hit { found, content, facts }: &Hit) -> Object {
    let object = Object::new("file").with("host", found.at.root.host.as_str());
    let object =
        object.path("path", found.at.full_path().as_bytes()).with("kind", found.at.root.kind.as_str());
    let object = object.with("hash", found.hash.to_string()).with("size", found.size);
    let mime = content.blob.record.mime.as_ref();
    let object = object.with("mime", mime.map(|mime| mime.as_str())).with("status", found.status.as_str());
    with_facts(object.with("block", found.block.map(BlockReason::as_str)), facts)
}

/// A file that was looked for, in a line.
pub(crate) fn hit_words(Hit { found, facts, .. }: &Hit) -> String {
    let Taken { moment, certainty, .. } = match &facts.capture.taken {
        Some(taken) => taken,
        None => return format!("{:<29}  {:>7}  {:>10}  {}", "", "", human::bytes(found.size), found.at),
    };
    format!(
        "{:<29}  {:>7}  {:>10}  {}",
        moment.to_string(),
        certainty.as_str(),
        human::bytes(found.size),
        found.at
    )
}

fn with_facts(object: Object, facts: &Facts) -> Object {
    let Facts { capture, camera, place, size: dimensions, duration, music } = facts;
    let object = object.with("taken", capture.taken.as_ref().map(taken));
    let contradictions = capture.contradicted_by.iter();
    let contradictions = contradictions
        .map(|said| Object::part().with("at", said.moment.to_string()).with("source", source(&said.source)));
    let object = object.with("contradicted_by", contradictions.map(Value::from).collect::<Vec<_>>());
    let ignored = capture.ignored.iter().map(|one| {
        let object = Object::part().with("value", &*one.text).with("source", source(&one.source));
        Value::from(object.with("why", one.why))
    });
    let object = object.with("ignored", ignored.collect::<Vec<_>>());
    let object = object.with("camera", self::camera(camera));
    let place = place.as_ref().map(|place| {
        let object = Object::part().with("latitude", place.value.latitude);
        let object = object.with("longitude", place.value.longitude).with("altitude", place.value.altitude);
        object.with("source", source(&place.source))
    });
    let object = object.with("place", place);
    let dimensions = dimensions.as_ref().map(|size| {
        let object = Object::part().with("width", size.value.width).with("height", size.value.height);
        object.with("source", source(&size.source))
    });
    let object = object.with("dimensions", dimensions);
    let seconds = duration
        .as_ref()
        .map(|seconds| Object::part().with("seconds", seconds.value).with("source", source(&seconds.source)));
    object.with("duration", seconds).with("music", self::music(music))
}

fn groups(folder: &AbsPath, around: &Around) -> Vec<Value> {
    let group = |(kind, because, names): &(GroupKind, Because, Vec<FileName>)| {
        let files: Vec<Value> = names.iter().map(|name| Value::from(file(folder, name))).collect();
        let object = Object::part().with("kind", kind.as_str()).with("because", because.as_str());
        Value::from(object.with("files", files))
    };
    around.groups.iter().map(group).collect()
}

fn sidecars(folder: &AbsPath, around: &Around, looks: &Looks<'_>, with_tags: bool) -> Vec<Value> {
    let sidecar = |(kind, naming, name): &(SidecarKind, Naming, FileName)| {
        let object = file(folder, name).with("kind", kind.as_str()).with("why", naming.reason());
        let look = looks.at_sidecar(folder, name);
        let object = object.with("extractor", look.map(|look| look.by.as_str()));
        let object = object.with("metadata_error", look.and_then(|look| look.error.as_deref()));
        Value::from(match looks.said(folder, name).filter(|_| with_tags) {
            Some(meta) => object.with("tags", meta.entries().clone()),
            None => object,
        })
    };
    around.sidecars.iter().map(sidecar).collect()
}

/// The sidecars of a content, by their paths: who looked into them, and what they say.
struct Looks<'a>(BTreeMap<AbsPath, &'a BlobRecord>);

impl<'a> Looks<'a> {
    fn of(content: &'a Content) -> Self {
        let look = |Sidecar { at, blob, .. }: &'a Sidecar| (at.full_path(), blob);
        Self(content.sidecars.iter().map(look).collect())
    }

    fn at(&self, folder: &AbsPath, name: &FileName) -> Option<&'a BlobRecord> {
        self.0.get(&folder.join(&RelPath::from(name))).copied()
    }

    fn at_sidecar(&self, folder: &AbsPath, name: &FileName) -> Option<&'a Look> {
        self.at(folder, name)?.look.as_ref()
    }

    fn said(&self, folder: &AbsPath, name: &FileName) -> Option<&'a MetaDoc> {
        self.at(folder, name)?.meta.as_ref()
    }
}

fn file(folder: &AbsPath, name: &FileName) -> Object {
    Object::part().path("path", folder.join(&RelPath::from(name)).as_bytes())
}

fn taken(Taken { moment, source: by, certainty }: &Taken) -> Object {
    let zone = moment.zone.as_ref().map(|Zone { offset, basis, source: by }| {
        let object = Object::part().with("offset_seconds", offset.seconds()).with("basis", basis.as_str());
        object.with("source", source(by))
    });
    let object = Object::part().with("at", moment.to_string()).with("precision", moment.precision.as_str());
    object.with("certainty", certainty.as_str()).with("zone", zone).with("source", source(by))
}

fn source(source: &Source) -> Object {
    match source {
        Source::Tag { key, sidecar: None } => Object::part().with("tag", &**key),
        Source::Tag { key, sidecar: Some(sidecar) } => {
            let object = Object::part().with("tag", &**key).path("sidecar", sidecar.path.as_bytes());
            match &sidecar.host {
                None => object,
                Some(host) => object.with("host", host.as_str()),
            }
        }
        Source::FileName(name) => Object::part().path("file_name", name.as_bytes()),
        Source::Folder(path) => Object::part().path("folder", path.as_bytes()),
        Source::Mtime => Object::part().with("mtime", true),
    }
}

fn sourced<T>(field: &Option<Sourced<T>>, value: impl Fn(&T) -> Value) -> Option<Object> {
    let part = |field: &Sourced<T>| {
        Object::part().with("value", value(&field.value)).with("source", source(&field.source))
    };
    field.as_ref().map(part)
}

fn camera(camera: &Camera) -> Object {
    let text = |value: &String| Value::from(&**value);
    let Camera { make, model, lens } = camera;
    let object = Object::part().with("name", camera.name()).with("make", sourced(make, text));
    object.with("model", sourced(model, text)).with("lens", sourced(lens, text))
}

fn music(music: &Music) -> Object {
    let text = |value: &String| Value::from(&**value);
    let position = |Position { number, total }: &Position| {
        Value::from(Object::part().with("number", *number).with("total", *total))
    };
    let Music { title, artist, album, album_artist, track, disc, year } = music;
    let object = Object::part().with("title", sourced(title, text)).with("artist", sourced(artist, text));
    let object = object.with("album", sourced(album, text)).with("album_artist", sourced(album_artist, text));
    let object = object.with("track", sourced(track, position)).with("disc", sourced(disc, position));
    object.with("year", sourced(year, |year| Value::from(*year)))
}

fn observation(row: &ObservationRow) -> Value {
    let object = Object::part().with("observation", row.id.0).with("kind", row.at.root.kind.as_str());
    let object = object.with("host", row.at.root.host.as_str());
    let object = object.path("path", row.at.full_path().as_bytes());
    let object = object.with("mtime", instant(row.fingerprint.mtime)).with("current", row.current);
    let object = object.with("gone", row.gone.and_then(instant));
    let object = object.with("status", row.standing.status.as_str());
    let object = object.with("placement", row.standing.placement.as_str());
    Value::from(match &row.view {
        Some(view) => object.path("view", view.as_bytes()),
        None => object.with("view", None::<&str>),
    })
}

/// A content, in words; `asked`: one of its paths, for the head.
pub(crate) fn content_words(
    content: &Content,
    asked: Option<&AbsPath>,
    around: &[(AbsPath, Around)],
    facts: &Facts,
    with_tags: bool,
) -> String {
    let BlobRecord { hash, size, mime, meta, look, stored, block } = &content.blob.record;
    let Facts { capture, camera, place, size: dimensions, duration, music } = facts;
    let asked = asked.and_then(|path| Some(path.split()?.1));
    let name = asked.as_ref().or_else(|| content.observations.last().map(|row| &row.at.name));
    let mut card =
        Card::new(name.map_or_else(|| hash.to_string(), |name| escaped(name.as_bytes()).to_string()));
    let mime = mime.as_ref().map_or_else(|| "of no known type".to_owned(), |mime| shown(mime.as_str()));
    card.line("what", format!("{mime}, {}", human::bytes(*size)));
    card.line("content", hash.to_string());
    let at = if *stored { layout::blob_path(hash).to_string() } else { "not in the archive".to_owned() };
    card.line("", block.map_or_else(|| at.clone(), |why| format!("{at}; {}: never shown", why.as_str())));
    match look {
        None if meta.is_some() => {
            card.line(
                "metadata",
                "preliminary, as mama reads it by itself: `mama enrich` reads all".to_owned(),
            );
        }
        None => card.line("metadata", "nobody has looked yet: `mama enrich` does".to_owned()),
        Some(Look { by, error: Some(error), .. }) => {
            let rest = meta.as_ref().map_or("", |_| "; what follows was read before");
            card.line("metadata", format!("{} gave up: {}{rest}", shown(by.as_str()), shown(error)));
        }
        Some(_) => {}
    }
    card.capture(capture);
    card.field("where", place, |place| {
        let altitude = place.altitude.map(|metres| format!(", {metres:.0} m")).unwrap_or_default();
        format!("{:.5}, {:.5}{altitude}", place.latitude, place.longitude)
    });
    let named_by = camera.model.as_ref().or(camera.make.as_ref());
    if let (Some(name), Some(by)) = (camera.name(), named_by) {
        card.line("camera", format!("{}  by {}", shown(&name), by.source));
    }
    card.field("lens", &camera.lens, |lens| shown(lens));
    card.field("size", dimensions, |size| format!("{} × {}", size.width, size.height));
    card.field("length", duration, |seconds| length(*seconds));
    card.music(music);
    for row in &content.observations {
        card.line("seen", sighting(row));
    }
    let looks = Looks::of(content);
    around.iter().for_each(|(folder, around)| card.around(folder, around, &looks));
    if let Some(meta) = meta.as_ref().filter(|_| with_tags) {
        card.tags("tag", meta);
    }
    for (folder, around) in around.iter().filter(|_| with_tags) {
        for (_, _, name) in &around.sidecars {
            if let Some(meta) = looks.said(folder, name) {
                card.line("tags of", format!("{} in {folder}", shown_name(name)));
                card.tags("", meta);
            }
        }
    }
    card.0
}

/// Lines with a word before each, which is said once.
struct Card(String);

impl Card {
    fn new(title: String) -> Self {
        Self(format!("{STRONG}{title}{STRONG:#}"))
    }

    fn line(&mut self, word: &str, text: String) {
        self.0.push_str(&format!("\n  {word:<13}{text}"));
    }

    fn field<T>(&mut self, word: &str, field: &Option<Sourced<T>>, value: impl Fn(&T) -> String) {
        if let Some(field) = field {
            self.line(word, format!("{}  by {}", value(&field.value), field.source));
        }
    }

    fn tags(&mut self, word: &str, meta: &MetaDoc) {
        for (key, value) in meta.entries() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.line(word, format!("{}  {}", shown(key), shown(&value)));
        }
    }

    fn around(&mut self, folder: &AbsPath, around: &Around, looks: &Looks<'_>) {
        for (kind, because, names) in &around.groups {
            let names: Vec<String> = names.iter().map(shown_name).collect();
            let kind = kind.as_str().replace('_', " ");
            self.line(
                "together",
                format!("{} in {folder}: {kind}, by {}", names.join(" + "), because.as_str()),
            );
        }
        for (_, naming, name) in &around.sidecars {
            let unread = match looks.at_sidecar(folder, name) {
                None => "; nobody has looked into it yet: `mama enrich` does".to_owned(),
                Some(Look { by, error: Some(error), .. }) => {
                    format!("; {} gave up on it: {}", shown(by.as_str()), shown(error))
                }
                Some(_) => String::new(),
            };
            self.line(
                "described by",
                format!("{} in {folder}: {}{unread}", shown_name(name), naming.reason()),
            );
        }
        for name in &around.describes {
            self.line("describes", format!("{} in {folder}", shown_name(name)));
        }
    }

    fn capture(&mut self, capture: &Capture) {
        match &capture.taken {
            Some(Taken { moment, source, certainty }) => {
                let zone = moment.zone.as_ref().filter(|zone| zone.source != *source);
                let zone = zone.map(|zone| format!("; its zone by {}", zone.source)).unwrap_or_default();
                self.line("taken", format!("{moment}  {}, by {source}{zone}", certainty.as_str()));
            }
            None => self.line("taken", "nothing says when".to_owned()),
        }
        for said in &capture.contradicted_by {
            self.line("", format!("but {} says {}", said.source, said.moment));
        }
        for ignored in &capture.ignored {
            self.line(
                "",
                format!("not counted: {} {}: {}", ignored.source, shown(&ignored.text), ignored.why),
            );
        }
    }

    fn music(&mut self, music: &Music) {
        let Music { title, artist, album, album_artist, track, disc, year } = music;
        self.field("title", title, |text| shown(text));
        self.field("artist", artist, |text| shown(text));
        self.field("album", album, |text| shown(text));
        self.field("album artist", album_artist, |text| shown(text));
        self.field("track", track, position);
        self.field("disc", disc, position);
        self.field("year", year, ToString::to_string);
    }
}

fn shown(text: &str) -> String {
    escaped(text.as_bytes()).to_string()
}

fn shown_name(name: &FileName) -> String {
    escaped(name.as_bytes()).to_string()
}

fn position(Position { number, total }: &Position) -> String {
    total.map_or_else(|| number.to_string(), |total| format!("{number} of {total}"))
}

fn length(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.2} s"),
        60..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

fn sighting(row: &ObservationRow) -> String {
    let age = match (row.current, row.gone) {
        (true, None) => String::new(),
        (true, Some(when)) => format!(", gone since {}", day(when)),
        (false, _) => ", replaced since".to_owned(),
    };
    let (status, placement) = (row.standing.status, row.standing.placement);
    let at = if placement == Placement::Placed { "," } else { "; its view was, or still is," };
    let view = row.view.as_ref().map(|view| format!("{at} {view}")).unwrap_or_default();
    format!("{}  of {}: {status}, {placement}{view}{age}", row.at, human::when(row.fingerprint.mtime))
}

fn day(when: Timestamp) -> String {
    human::when(when).split(' ').next().unwrap_or_default().to_owned()
}
