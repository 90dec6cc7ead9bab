//! The boundary of mama: the words that cross it, and the promises that adapters make.
//!
//! A *port* is a trait that the domain calls and an adapter implements. This crate holds the traits and the
//! vocabulary of their signatures, and depends on no other crate of mama: `mama-domain → mama-ports ← mama-adapters`.
//!
//! What may live here: a value that crosses the boundary and is valid by itself ([`vocab`]), and a trait whose
//! documentation says what callers may rely on: order, atomicity, repetition, cost, errors.
//! What may not: an `if` about what *should* happen. That is the domain's.
//!
//! | port | promises | side |
//! |---|---|---|
//! | [`sightings::Sightings`], [`enrichment::Enrichment`], [`catalog::Catalog`], [`curation::Curation`], [`curation::Journal`] | the catalog's memory | async |
//! | [`browse::Browse`] | one content and all that was ever seen of it | async |
//! | [`manifest::Manifests`] | which rows the archive's manifests lack, and rows put back | async |
//! | [`filesystem::Filesystem`], [`filesystem::ReadTree`], [`filesystem::WriteTree`] | folders one was given, and nothing outside them | blocking |
//! | [`walker::Walker`] | every folder below a root, once | blocking |
//! | [`volumes::Volumes`] | what lies under a folder: room, kind, read-only, a ZFS dataset and its snapshots | blocking |
//! | [`content::ContentHasher`], [`content::MimeDetector`], [`content::MetadataExtractor`] | what is in a file | blocking |
//! | [`runtime::Clock`], [`runtime::Workers`] | time, and the one door for blocking work | instant |
//! | [`events::EventSink`] | progress, as data | instant |
//!
//! The feature `conformance` adds the suites that every adapter must pass; `mock` adds mockall doubles of the small ports.

pub mod browse;
pub mod catalog;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod content;
pub mod curation;
pub mod enrichment;
pub mod events;
pub mod filesystem;
pub mod manifest;
pub mod repository;
pub mod runtime;
pub mod sightings;
pub mod totals;
pub mod vocab;
pub mod volumes;
pub mod walker;
