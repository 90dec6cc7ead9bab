//! A filter as SQL that both dialects understand alike: paths are compared as bytes, times as pairs of numbers.

use mama_ports::curation::{Filter, MimePattern, Target};
use mama_ports::vocab::{RelPath, ScanRoot};

/// A parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Text(String),
}

/// A condition on `observation o`, its `folder f`, `root r` and `blob b`, with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
}

/// The condition of a filter in a catalog with these roots. Parameters are `mark` and a number, from `first` on.
pub(crate) fn condition(filter: &Filter, roots: &[(i64, ScanRoot)], mark: char, first: usize) -> Condition {
    let mut writer = Writer { mark, first, values: Vec::new() };
    let mut of_place = Vec::new();
    let mut of_sighting = Vec::new();
    if let Some(kind) = filter.kind {
        of_place.push(format!("r.kind = '{kind}'"));
    }
    if let Some(host) = &filter.host {
        of_place.push(format!("r.host = {}", writer.text(host.as_str())));
    }
    let of_one = filter.targets.iter().map(|target| writer.target(target, roots)).collect::<Vec<_>>();
    if !of_one.is_empty() {
        let is_of_place = filter.targets.iter().all(|target| matches!(target, Target::Path { .. }));
        let conditions = if is_of_place { &mut of_place } else { &mut of_sighting };
        conditions.push(format!("({})", of_one.join(" OR ")));
    }
    of_sighting.extend(filter.mime.as_ref().map(|mime| writer.mime(mime)));
    of_sighting.extend(filter.larger.map(|bytes| format!("@o.size > {}", bytes_or_most(bytes))));
    of_sighting.extend(filter.smaller.map(|bytes| format!("@o.size < {}", bytes_or_most(bytes))));
    let mtime = "(@o.mtime_s, @o.mtime_n)";
    of_sighting.extend(filter.since.map(|time| format!("{mtime} >= ({}, {})", time.secs, time.nanos)));
    of_sighting.extend(filter.until.map(|time| format!("{mtime} < ({}, {})", time.secs, time.nanos)));
    of_sighting.extend(filter.status.map(|status| format!("@o.status = '{status}'")));
    if !of_sighting.is_empty() {
        let own = of_sighting.join(" AND ");
        let of = |observation: &str, blob: &str| own.replace("@o.", observation).replace("@b.", blob);
        of_place.push(format!(
            "(({}) OR (NOT o.current AND EXISTS (
                 SELECT 1 FROM observation c JOIN blob cb ON cb.id = c.blob
                 WHERE c.folder = o.folder AND c.name = o.name AND c.current AND {})))",
            of("o.", "b."),
            of("c.", "cb.")
        ));
    }
    let sql = if of_place.is_empty() { "1 = 1".to_owned() } else { of_place.join(" AND ") };
    Condition { sql, values: writer.values }
}

/// No file has more bytes than the databases count.
fn bytes_or_most(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

struct Writer {
    mark: char,
    first: usize,
    values: Vec<Value>,
}

impl Writer {
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("{}{}", self.mark, self.first + self.values.len() - 1)
    }

    fn bytes(&mut self, bytes: &[u8]) -> String {
        self.value(Value::Bytes(bytes.to_vec()))
    }

    fn text(&mut self, text: &str) -> String {
        self.value(Value::Text(text.to_owned()))
    }

    fn mime(&mut self, mime: &MimePattern) -> String {
        match mime {
            MimePattern::Exact(mime) => format!("@b.mime = {}", self.text(mime.as_str())),
            MimePattern::Family(family) => {
                format!("substr(@b.mime, 1, {}) = {}", family.chars().count(), self.text(family))
            }
        }
    }

    fn target(&mut self, target: &Target, roots: &[(i64, ScanRoot)]) -> String {
        match target {
            Target::Content(hash) => format!("@b.hash = {}", self.bytes(hash.as_bytes())),
            Target::View(view) => self.within("@o.view_path", view),
            Target::Path { host, path } => {
                let mut places = Vec::new();
                for (id, root) in roots.iter().filter(|(_, root)| root.host == *host) {
                    if root.basedir.below(path).is_some() {
                        places.push(format!("f.root = {id}"));
                    } else if let Some((dir, name)) = path.below(&root.basedir).and_then(|path| path.split())
                    {
                        let inside = self.within("f.relpath", &dir.join(&name));
                        let (dir, name) = (self.bytes(dir.as_bytes()), self.bytes(name.as_bytes()));
                        places.push(format!(
                            "(f.root = {id} AND ({inside} OR (f.relpath = {dir} AND o.name = {name})))"
                        ));
                    }
                }
                if places.is_empty() { "1 = 0".to_owned() } else { places.join(" OR ") }
            }
        }
    }

    fn within(&mut self, column: &str, path: &RelPath) -> String {
        if path.is_root() {
            return format!("{column} IS NOT NULL");
        }
        let below = [path.as_bytes(), b"/"].concat();
        format!(
            "({column} = {} OR substr({column}, 1, {}) = {})",
            self.bytes(path.as_bytes()),
            below.len(),
            self.bytes(&below)
        )
    }
}
