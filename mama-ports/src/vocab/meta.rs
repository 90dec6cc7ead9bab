//! Metadata of a content, and who read it.

use std::fmt;

use serde_json::{Map, Value};

use super::Timestamp;

/// Metadata as a JSON object, keys such as `ExifIFD:DateTimeOriginal` in byte order, so that equal documents have equal texts.
///
/// Values are as people read them (`1/250`). Where that loses what a machine needs, the value as it is (`0.004`) is kept beside,
/// under the same key. Holds no NUL, which Postgres' `jsonb` refuses: [`MetaDoc::new`] replaces it by U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetaDoc {
    entries: Map<String, Value>,
    numbers: Map<String, Value>,
}

impl MetaDoc {
    /// The document with these entries, and none beside.
    pub fn new(entries: Map<String, Value>) -> Self {
        Self { entries: cleaned(entries), numbers: Map::new() }
    }

    /// The same entries with these values beside; those that are equal to their entry, or have none, are left out.
    #[must_use]
    pub fn with_numbers(mut self, numbers: Map<String, Value>) -> Self {
        self.numbers = cleaned(numbers);
        self.numbers.retain(|key, number| self.entries.get(key).is_some_and(|entry| entry != number));
        self
    }

    /// Reads what [`MetaDoc::to_json`] wrote; `None` if the text is no JSON object.
    pub fn from_json(text: &str) -> Option<Self> {
        match serde_json::from_str(text) {
            Ok(Value::Object(entries)) => Some(Self::new(entries)),
            Ok(_) | Err(_) => None,
        }
    }

    /// The entries as compact JSON.
    pub fn to_json(&self) -> String {
        Value::Object(self.entries.clone()).to_string()
    }

    /// The entries.
    pub const fn entries(&self) -> &Map<String, Value> {
        &self.entries
    }

    /// The values beside, as they are before they are made readable: only those that are different then.
    pub const fn numbers(&self) -> &Map<String, Value> {
        &self.numbers
    }

    /// The value under a key, as a machine wants it.
    pub fn number(&self, key: &str) -> Option<&Value> {
        self.numbers.get(key).or_else(|| self.entries.get(key))
    }

    /// The entries under these keys, and nothing beside.
    #[must_use]
    pub fn only(&self, keys: &[&str]) -> Self {
        let part = keys.iter().filter_map(|&key| Some((key.to_owned(), self.entries.get(key)?.clone())));
        Self { entries: part.collect(), numbers: Map::new() }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Who reads metadata: a name, a version, and a number that grows when mama asks in another way, such as `exiftool 12.57/2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtractorId(String);

impl ExtractorId {
    /// The extractor of this name and version, asked in the way with this number.
    pub fn new(name: &str, version: &str, revision: u32) -> Self {
        Self(format!("{name} {version}/{revision}").replace(char::is_control, ""))
    }

    /// One of before it was remembered which.
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }

    /// Reads what [`ExtractorId::as_str`] gave; `None` if the text can be none.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtractorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That an extractor has looked into a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which extractor; the last one, if several have.
    pub by: ExtractorId,
    /// When. Of one that is unknown, when the content was first seen.
    pub at: Timestamp,
    /// Why it gave up, in words; what the catalog knows then is from a look before, if it knows anything.
    pub error: Option<String>,
}

fn cleaned(entries: Map<String, Value>) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (without_nul(key), clean(value))).collect()
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(entries) => Value::Object(cleaned(entries)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_nul_at_any_depth() {
        let doc = MetaDoc::from_json(r#"{"a\u0000":["x\u0000",{"b":"\u0000"}]}"#).unwrap();
        assert_eq!(doc.to_json(), "{\"a\u{fffd}\":[\"x\u{fffd}\",{\"b\":\"\u{fffd}\"}]}");
        assert_eq!(MetaDoc::from_json(&doc.to_json()), Some(doc));
    }

    #[test]
    fn a_number_is_beside_only_where_it_says_something_else() {
        let map = |text: &str| MetaDoc::from_json(text).unwrap().entries().clone();
        let doc = MetaDoc::new(map(r#"{"Time":"1/250","ISO":100,"List":["a"]}"#))
            .with_numbers(map(r#"{"Time":0.004,"ISO":100,"Nowhere":1}"#));
        assert_eq!(serde_json::to_string(doc.numbers()).unwrap(), r#"{"Time":0.004}"#);
        let number = |key: &str| doc.number(key).map(ToString::to_string);
        assert_eq!(["Time", "ISO", "Nowhere"].map(number), [Some("0.004".into()), Some("100".into()), None]);
    }

    #[test]
    fn an_extractor_is_known_by_its_text() {
        let id = ExtractorId::new("exiftool", "12.57\n", 2);
        assert_eq!(id.as_str(), "exiftool 12.57/2");
        assert_eq!(ExtractorId::parse(id.as_str()), Some(id));
        assert_eq!(["", "a\0"].map(ExtractorId::parse), [None, None]);
    }
}
