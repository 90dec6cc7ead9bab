//! Metadata of a content.

use serde_json::{Map, Value};

/// Metadata as a JSON object, keys such as `ExifIFD:DateTimeOriginal` in byte order, so that equal documents have equal texts.
///
/// Holds no NUL, which Postgres' `jsonb` refuses: [`MetaDoc::new`] replaces it by U+FFFD.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetaDoc(Map<String, Value>);

impl MetaDoc {
    /// The document with these entries.
    pub fn new(entries: Map<String, Value>) -> Self {
        Self(entries.into_iter().map(|(key, value)| (without_nul(key), clean(value))).collect())
    }

    /// Reads what [`MetaDoc::to_json`] wrote; `None` if the text is no JSON object.
    pub fn from_json(text: &str) -> Option<Self> {
        match serde_json::from_str(text) {
            Ok(Value::Object(entries)) => Some(Self::new(entries)),
            Ok(_) | Err(_) => None,
        }
    }

    /// Compact JSON.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// The entries.
    pub const fn entries(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The part of it under these keys.
    #[must_use]
    pub fn only(&self, keys: &[&str]) -> Self {
        let part = keys.iter().filter_map(|&key| Some((key.to_owned(), self.0.get(key)?.clone())));
        Self(part.collect())
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(entries) => Value::Object(MetaDoc::new(entries).0),
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
}
