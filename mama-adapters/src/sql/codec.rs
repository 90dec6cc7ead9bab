//! Columns to vocabulary and back. What is in a column but cannot be is [`Damage`].

use std::str::FromStr;

use mama_ports::vocab::{
    AbsPath, ArchiveId, BlobHash, BlockReason, FileName, HostName, MetaDoc, RelPath, Timestamp, escaped,
};

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

pub(crate) fn meta(text: &str) -> Decoded<MetaDoc> {
    MetaDoc::from_json(text).ok_or_else(|| Damage("metadata is no JSON object".to_owned()))
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
