//! Columns to vocabulary and back. What is in a column but cannot be is [`Damage`].

use std::str::FromStr;

use mama_ports::vocab::{
    AbsPath, ArchiveId, BlobHash, BlockReason, ExtractorId, FileName, HostName, Look, MetaDoc, RelPath,
    Timestamp, escaped,
};
use serde_json::{Map, Value};

/// Digits that `jsonb` keeps for certain; its own limits are 131,072 before the point and 16,383 after it.
const LONGEST_NUMBER: usize = 16_000;

/// What was found that cannot be.
#[derive(Debug)]
pub(crate) struct Damage(pub(crate) String);

type Decoded<T> = Result<T, Damage>;

pub(crate) fn hash(bytes: &[u8]) -> Decoded<BlobHash> {
    let bytes = bytes.try_into().map_err(|_| Damage(format!("a hash has {} bytes", bytes.len())))?;
    Ok(BlobHash::from_bytes(bytes))
}

pub(crate) fn name(bytes: &[u8]) -> Decoded<FileName> {
    FileName::parse(bytes).map_err(|error| Damage(error.to_string()))
}

pub(crate) fn rel_path(bytes: &[u8]) -> Decoded<RelPath> {
    RelPath::parse(bytes).map_err(|error| Damage(error.to_string()))
}

pub(crate) fn abs_path(bytes: &[u8]) -> Decoded<AbsPath> {
    AbsPath::parse(bytes).map_err(|error| Damage(error.to_string()))
}

pub(crate) fn host(text: &str) -> Decoded<HostName> {
    HostName::parse(text).ok_or_else(|| Damage(format!("{text:?} is no host name")))
}

pub(crate) fn archive(text: &str) -> Decoded<ArchiveId> {
    ArchiveId::parse(text).ok_or_else(|| Damage(format!("{text:?} is no archive id")))
}

/// A kind, status or placement.
pub(crate) fn word<T: FromStr<Err: ToString>>(text: &str) -> Decoded<T> {
    text.parse().map_err(|error: T::Err| Damage(error.to_string()))
}

pub(crate) fn block(text: &str) -> Decoded<BlockReason> {
    let known = BlockReason::ALL.into_iter().find(|reason| reason.as_str() == text);
    known.ok_or_else(|| Damage(format!("{text:?} is no reason to block a content")))
}

/// Two columns: the document, and the numbers beside it.
pub(crate) fn meta(text: &str, numbers: Option<&str>) -> Decoded<MetaDoc> {
    let read = |text| MetaDoc::from_json(text).ok_or_else(|| Damage("metadata is no JSON object".to_owned()));
    let doc = read(text)?;
    match numbers {
        Some(numbers) => Ok(doc.with_numbers(read(numbers)?.entries().clone())),
        None => Ok(doc),
    }
}

/// The numbers beside a document as a column holds them, if there are any.
pub(crate) fn numbers(doc: &MetaDoc) -> Option<String> {
    (!doc.numbers().is_empty()).then(|| json(doc.numbers()))
}

/// Four columns: who looked, when, why it gave up.
pub(crate) fn look(by: Option<&str>, at: Option<Timestamp>, error: Option<String>) -> Decoded<Option<Look>> {
    let Some(by) = by else { return Ok(None) };
    let id = ExtractorId::parse(by).ok_or_else(|| Damage(format!("{by:?} is no extractor")))?;
    let at = at.ok_or_else(|| Damage(format!("{by} looked at no time")))?;
    Ok(Some(Look { by: id, at, error }))
}

/// An object for a `jsonb` column, and as it came if `jsonb` cannot give it back: it writes numbers without exponents
/// and without negative zeros, and refuses those beyond its range.
pub(crate) fn jsonb(entries: &Map<String, Value>) -> (String, Option<String>) {
    let exact = json(entries);
    if entries.values().all(survives_jsonb) {
        return (exact, None);
    }
    let plain: Map<String, Value> = entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect();
    (json(&plain), Some(exact))
}

fn json(entries: &Map<String, Value>) -> String {
    Value::Object(entries.clone()).to_string()
}

fn survives_jsonb(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_plain(&number.to_string()),
        Value::Array(items) => items.iter().all(survives_jsonb),
        Value::Object(entries) => entries.values().all(survives_jsonb),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn is_plain(number: &str) -> bool {
    let is_negative_zero = number.starts_with('-') && !number.contains(|c: char| ('1'..='9').contains(&c));
    number.len() <= LONGEST_NUMBER && !number.contains(['e', 'E']) && !is_negative_zero
}

/// The nearest document that `jsonb` takes: a number as floating point, or as text beyond that.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) if !is_plain(&number.to_string()) => {
            let near = number.as_f64().and_then(serde_json::Number::from_f64);
            near.map_or_else(|| Value::String(number.to_string()), Value::Number)
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect::<Map<_, _>>().into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

pub(crate) fn time(secs: i64, nanos: i64) -> Decoded<Timestamp> {
    let nanos = u32::try_from(nanos).map_err(|_| Damage(format!("a time has {nanos} nanoseconds")))?;
    Ok(Timestamp::new(secs, nanos))
}

/// A number of bytes or rows.
pub(crate) fn count(value: i64) -> Decoded<u64> {
    u64::try_from(value).map_err(|_| Damage(format!("a count is {value}")))
}

/// 64 bits, the highest as the sign: databases have no unsigned numbers, and some file systems use all bits of an inode number.
pub(crate) const fn to_signed(bits: u64) -> i64 {
    bits.cast_signed()
}

/// Undoes [`to_signed`].
pub(crate) const fn from_signed(bits: i64) -> u64 {
    bits.cast_unsigned()
}

/// The escaped form of a path or name, if its bytes are no text.
pub(crate) fn shown(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).is_err().then(|| escaped(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_jsonb_would_write_otherwise_is_kept_beside_it() {
        let both = |text: &str| jsonb(MetaDoc::from_json(text).unwrap().entries());
        let plain = r#"{"a":[-2.50,18446744073709551616,"1e9",null],"b":{"c":0.0}}"#;
        assert_eq!(both(plain), (plain.to_owned(), None));
        let exact = r#"{"a":[1e300,-0,1E+2],"b":{"c":1e999999}}"#;
        let (doc, kept) = both(exact);
        assert_eq!(MetaDoc::from_json(&kept.unwrap()), MetaDoc::from_json(exact));
        assert!(doc.contains(r#""c":"1e"#), "{doc}");
        let long = format!(r#"{{"a":{}}}"#, "9".repeat(20_000));
        assert_eq!(both(&long), (format!(r#"{{"a":"{}"}}"#, "9".repeat(20_000)), Some(long)));
    }
}
