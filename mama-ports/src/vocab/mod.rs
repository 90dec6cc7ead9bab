//! The vocabulary of the ports: values that are valid by construction and hold no policy.

mod blob;
mod dataset;
mod escape;
mod facts;
mod meta;
mod observation;
mod path;
mod time;
mod volume;

pub use blob::{BlobHash, BlobRecord, BlockReason, Digest, InvalidHash, Mime};
pub use dataset::{DatasetFacts, PoolHealth, Snapshot};
pub use escape::escaped;
pub use facts::{FileFacts, FileId, FileKind, Fingerprint};
pub use meta::{ExtractorId, Look, MetaDoc};
pub use observation::{
    ArchiveId, Claim, Contest, Footing, HostName, Location, ObservationId, Place, Placement, ScanId,
    ScanRoot, SourceKind, Standing, Status, UnknownWord,
};
pub use path::{AbsPath, FileName, InvalidPath, MAX_NAME, RelPath};
pub use time::Timestamp;
pub use volume::VolumeId;
