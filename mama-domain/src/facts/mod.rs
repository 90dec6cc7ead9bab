//! What the metadata of a content says: when, where, with what, how large, which music; each with its source.
//!
//! Metadata is what strangers wrote, so nothing here can fail: what is not understood, or cannot be, is told and left out.
//! The order of the sources and the reason for it: docs/metadata.md.

mod camera;
mod context;
mod date;
mod doc;
mod from_folder;
mod from_name;
mod moment;
mod months;
mod music;
mod place;
mod plausible;
mod readings;
mod size;
mod tags;
mod taken;
#[cfg(test)]
mod tests;
mod zone;

use std::fmt;

use mama_ports::vocab::{AbsPath, FileName, HostName, MetaDoc, escaped};

pub use camera::Camera;
pub use context::Context;
pub use moment::{Basis, Moment, Precision, Zone};
pub use music::{Music, Position};
pub use place::Place;
pub use size::Size;
pub use taken::{Capture, Certainty, Ignored, Said, Taken};

pub(crate) use size::seconds;
pub(crate) use zone::zone_between;

use doc::Docs;

/// What is known about a content, from whatever says it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// When it was taken, recorded or written.
    pub capture: Capture,
    /// With which camera.
    pub camera: Camera,
    /// Where.
    pub place: Option<Sourced<Place>>,
    /// Width and height as it is to be shown.
    pub size: Option<Sourced<Size>>,
    /// How long it plays, in seconds.
    pub duration: Option<Sourced<f64>>,
    /// Which piece of music it is.
    pub music: Music,
}

/// A value and what says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// What says so.
    pub source: Source,
}

/// What says something about a content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A tag of its metadata.
    Tag {
        /// Its key, such as `ExifIFD:DateTimeOriginal`.
        key: String,
        /// The sidecar that has it; `None`: the content itself.
        sidecar: Option<SidecarFile>,
    },
    /// The name of its file.
    FileName(FileName),
    /// The name of a folder above it, or several.
    Folder(AbsPath),
    /// When its owner last changed it.
    Mtime,
}

/// A file that describes another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SidecarFile {
    /// Where it is.
    pub path: AbsPath,
    /// On which machine; only where files of several describe one content.
    pub host: Option<HostName>,
}

impl fmt::Display for SidecarFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            None => write!(f, "{}", self.path),
            Some(host) => write!(f, "{} on {host}", self.path),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag { key, sidecar: None } => write!(f, "{}", escaped(key.as_bytes())),
            Self::Tag { key, sidecar: Some(sidecar) } => {
                write!(f, "{} of {sidecar}", escaped(key.as_bytes()))
            }
            Self::FileName(name) => write!(f, "the file name {}", escaped(name.as_bytes())),
            Self::Folder(path) => write!(f, "the folder {path}"),
            Self::Mtime => f.write_str("the file's time of last change"),
        }
    }
}

/// What is known about a content with this metadata. The same for equal arguments.
pub fn facts(meta: Option<&MetaDoc>, context: &Context) -> Facts {
    let docs = Docs::new(meta, &context.sidecars);
    Facts {
        capture: taken::capture(&docs, context),
        camera: camera::camera(&docs),
        place: place::place(&docs),
        size: size::size(&docs),
        duration: size::duration(&docs),
        music: music::music(&docs),
    }
}
