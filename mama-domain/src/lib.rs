//! What mama's facts mean: the rules, and the use cases that drive the ports.
//!
//! No I/O, no clock, no runtime: everything from outside arrives through a port of [`mama_ports`], and the crate graph
//! lets no adapter in.
//!
//! | room | answers |
//! |---|---|
//! | [`lifecycle`] | which target may follow which |
//! | [`change`] | is this file the one we knew? |
//! | [`absence`] | when may "not seen" become "gone"? |
//! | [`mounts`] | is this folder on the disk that the catalog knows? |
//! | [`ignoring`] | what does a scan leave out? |
//! | [`reading`] | what does it mean when a source cannot be read? |
//! | [`facts`] | when, where, with what: what does a content's metadata say, and which tag says so? |
//! | [`dataset`] | what do the facts of a ZFS dataset mean for an archive on it? |
//! | [`layout`] | where does a content or a view lie in the archive? |
//! | [`reconcile`] | what should be, what is, and what to do about the difference |
//! | [`archive`] | how a content gets into the archive and survives a power cut |
//! | [`belonging`] | which files describe which others, and which are one thing? |
//! | [`curate`] | what do decisions of people change, and how are they taken back? |
//! | [`search`] | which files meet conditions that only all that is known about them can tell? |
//! | [`manifest`] | what does the archive say about itself, and is its catalog of the same history? |
//! | [`explaining`] | manifests are written, and compared with the catalog |
//! | [`scan`], [`apply`] | the two phases |
//! | [`enrich`] | what do contents say about themselves that nobody has looked for? |
//! | [`rebuild`], [`repair`] | what to do when catalog or archive is lost, or an older copy |
//!
//! A rule is a function from data to a decision:
//!
//! ```
//! use mama_domain::lifecycle::{Event, step};
//! use mama_ports::vocab::Status;
//!
//! assert_eq!(step(Status::Pending, Event::Applied), Ok(Status::Assigned));
//! assert!(step(Status::Ignored, Event::Applied).is_err());
//! ```

pub mod absence;
pub mod apply;
pub mod archive;
pub mod belonging;
pub mod change;
pub mod curate;
pub mod dataset;
pub mod enrich;
pub mod explaining;
pub mod facts;
pub mod ignoring;
pub mod layout;
pub mod lifecycle;
pub mod manifest;
pub mod mounts;
pub mod reading;
pub mod rebuild;
pub mod reconcile;
pub mod repair;
pub mod scan;
pub mod search;
