//! Looking into metadata.

use mama_ports::vocab::MetaDoc;
use serde_json::Value;

use super::{SidecarFile, Source, Sourced};

/// One document, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doc<'a> {
    meta: &'a MetaDoc,
    sidecar: Option<&'a SidecarFile>,
}

/// The documents about one content.
pub(super) struct Docs<'a> {
    /// The content's own.
    pub(super) own: Option<Doc<'a>>,
    sidecars: Vec<Doc<'a>>,
}

impl<'a> Docs<'a> {
    pub(super) fn new(own: Option<&'a MetaDoc>, sidecars: &'a [(SidecarFile, MetaDoc)]) -> Self {
        let sidecar = |(file, meta): &'a (SidecarFile, MetaDoc)| Doc { meta, sidecar: Some(file) };
        Self {
            own: own.map(|meta| Doc { meta, sidecar: None }),
            sidecars: sidecars.iter().map(sidecar).collect(),
        }
    }

    /// All of them, sidecars first.
    pub(super) fn all(&self) -> impl Iterator<Item = Doc<'a>> + '_ {
        self.sidecars.iter().chain(&self.own).copied()
    }

    /// The first of these keys, in their order, that has a text; sidecars first.
    pub(super) fn first_text(&self, keys: &[impl AsRef<str>]) -> Option<Sourced<String>> {
        let first = |doc: Doc<'_>| {
            let mut keys = keys.iter().map(AsRef::as_ref);
            keys.find_map(|key| doc.read(key, |text| Some(text.to_owned())))
        };
        self.all().find_map(first)
    }
}

impl<'a> Doc<'a> {
    /// The value of a key as text: numbers as they are written, lists with semicolons; `None` where that is empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        text(self.meta.entries().get(key)?)
    }

    /// A part of a structure as text, as [`Doc::text`].
    pub(super) fn part(&self, key: &str, part: &str) -> Option<String> {
        text(self.meta.entries().get(key)?.get(part)?)
    }

    /// The value of a key as a number; a text is read up to its unit: `4.3 m`.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let text = self.text(key)?;
        let number = text.split_whitespace().next()?.parse().ok()?;
        f64::is_finite(number).then_some(number)
    }

    /// The keys whose tag, the part after the group, is this one; in byte order.
    pub(super) fn keys_of(&self, tag: &'a str) -> impl Iterator<Item = &'a str> {
        let keys = self.meta.entries().keys().map(String::as_str);
        keys.filter(move |key| key.split_once(':').is_some_and(|(_, own)| own == tag))
    }

    pub(super) const fn is_sidecar(&self) -> bool {
        self.sidecar.is_some()
    }

    /// This key of this document.
    pub(super) fn source(&self, key: &str) -> Source {
        Source::Tag { key: key.to_owned(), sidecar: self.sidecar.cloned() }
    }

    /// What can be read from the text of a key.
    pub(super) fn read<T>(&self, key: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Sourced<T>> {
        Some(Sourced { value: read(&self.text(key)?)?, source: self.source(key) })
    }
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim_matches(|c: char| c.is_whitespace() || c == '\u{fffd}').to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join("; "),
        Value::Null | Value::Bool(_) | Value::Object(_) => String::new(),
    };
    // what ExifTool prints instead of bytes
    let is_binary = text.starts_with("(Binary data ") && text.ends_with(" option to extract)");
    (!text.is_empty() && !is_binary).then_some(text)
}
