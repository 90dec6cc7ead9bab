//! Which file system something is on.

use std::fmt;

/// A file system: the same wherever and whenever it is mounted, and different for another one, as well as its kind allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeId(String);

impl VolumeId {
    /// The volume with this name, such as `uuid:6E1A-90C4`, without control characters: no catalog could keep a NUL.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.retain(|character| !character.is_control());
        Self(text)
    }

    /// The text, such as `uuid:6E1A-90C4`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_no_control_characters() {
        assert_eq!(VolumeId::new("nfs:nas:/a\0b\n").as_str(), "nfs:nas:/ab");
    }
}
