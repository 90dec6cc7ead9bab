//! One content: a file that still is what was hashed, or the archive's copy; what it is, and what it says about itself.

use std::error::Error;
use std::io::{self, Read};
use std::sync::Arc;

use mama_ports::content::{ContentHasher, ExtractError, Hint, MetadataExtractor, MimeDetector};
use mama_ports::enrichment::{Enriched, Lacking, Looked};
use mama_ports::filesystem::{ReadHandle, ReadTree};
use mama_ports::runtime::Clock;
use mama_ports::vocab::{AbsPath, FileName, Fingerprint, RelPath};

use crate::archive::{Archive, SourceTrees};
use crate::layout;

/// What it takes to look into a content.
pub(super) struct Eyes {
    pub(super) sources: Arc<SourceTrees>,
    pub(super) archive: Option<Archive>,
    pub(super) hasher: Arc<dyn ContentHasher>,
    pub(super) detector: Option<Arc<dyn MimeDetector>>,
    pub(super) extractor: Option<Arc<dyn MetadataExtractor>>,
    pub(super) clock: Arc<dyn Clock>,
}

/// What became of the look into one content.
pub(super) enum Outcome {
    Seen(Box<Seen>),
    /// No file is what it was, or none can be read; the next scan or enrichment knows more.
    Unreadable,
    /// The extractor is broken, whatever the content.
    Unavailable {
        at: AbsPath,
        reason: String,
    },
}

/// What was found in a content.
pub(super) struct Seen {
    pub(super) at: AbsPath,
    pub(super) enriched: Enriched,
    /// Length of its metadata as text.
    pub(super) bytes: usize,
}

/// A place where a content may be read.
struct Candidate<'a> {
    tree: &'a dyn ReadTree,
    at: RelPath,
    whole: AbsPath,
    name: &'a FileName,
    /// What the file was like when it was hashed, if that proves anything.
    proven: Option<Fingerprint>,
}

impl Eyes {
    /// Looks into a content at the first place where it is still what it was.
    pub(super) fn look(&self, content: &Lacking) -> Outcome {
        for file in &content.files {
            let Ok(tree) = self.sources.tree(&file.at.root.basedir) else { continue };
            let candidate = Candidate {
                tree: &*tree,
                at: file.at.path(),
                whole: file.at.full_path(),
                name: &file.at.name,
                proven: (!file.racy).then_some(file.fingerprint),
            };
            if let Some(outcome) = self.look_at(content, candidate) {
                return outcome;
            }
        }
        match &self.archive {
            Some(archive) if content.stored => self.look_at_blob(content, archive),
            Some(_) | None => Outcome::Unreadable,
        }
    }

    /// A blob is what its name says: of the right size, it is taken at its word.
    fn look_at_blob(&self, content: &Lacking, archive: &Archive) -> Outcome {
        let at = layout::blob_path(&content.hash);
        let Some((_, blob_name)) = at.split() else { return Outcome::Unreadable };
        let facts = archive.tree().facts(&at).ok().flatten().map(|facts| facts.fingerprint());
        let Some(proven) = facts.filter(|facts| facts.size == content.size) else {
            return Outcome::Unreadable;
        };
        let candidate = Candidate {
            tree: archive.tree(),
            whole: archive.root().join(&at),
            at,
            name: content.name.as_ref().unwrap_or(&blob_name),
            proven: Some(proven),
        };
        self.look_at(content, candidate).unwrap_or(Outcome::Unreadable)
    }

    /// `None`: this is not the content, or does not stand still.
    fn look_at(&self, content: &Lacking, from: Candidate<'_>) -> Option<Outcome> {
        let mut handle = from.tree.open(&from.at).ok()?;
        let before = handle.facts().ok()?.fingerprint();
        if from.proven != Some(before) && !self.is_it(content, &mut *handle, &before) {
            return None;
        }
        let mut mime = content.mime.clone();
        if let (None, Some(detector)) = (&mime, &self.detector) {
            let mut head = Vec::new();
            handle.by_ref().take(detector.wants() as u64).read_to_end(&mut head).ok()?;
            handle.rewind().ok()?;
            mime = detector.detect(&head);
        }
        let mut looked = None;
        if let (true, Some(extractor)) = (content.lacks_metadata, &self.extractor) {
            let hint = Hint { name: from.name.clone(), mime: mime.clone() };
            let found = match extractor.extract(&mut *handle, &hint) {
                Ok(doc) => Ok(doc.unwrap_or_default()),
                Err(error @ ExtractError::Unavailable(_)) => {
                    return Some(Outcome::Unavailable { at: from.whole, reason: words(&error) });
                }
                Err(error) => Err(words(&error)),
            };
            looked = Some(Looked { by: extractor.identity(), at: self.clock.now(), found });
        }
        // A failure, too, counts only if it is about these bytes.
        if handle.facts().ok()?.fingerprint() != before {
            return None;
        }
        let found = looked.as_ref().and_then(|looked| looked.found.as_ref().ok());
        let bytes = found.map_or(0, |doc| doc.to_json().len());
        let mime = mime.filter(|_| content.mime.is_none());
        let enriched = Enriched { hash: content.hash, mime, looked };
        Some(Outcome::Seen(Box::new(Seen { at: from.whole, enriched, bytes })))
    }

    /// Whether a file has the bytes, of which its times prove nothing.
    fn is_it(&self, content: &Lacking, handle: &mut dyn ReadHandle, is: &Fingerprint) -> bool {
        let mut digest = || Ok::<_, io::Error>((self.hasher.digest(handle)?, handle.rewind()?));
        is.size == content.size && digest().is_ok_and(|(digest, ())| digest.hash == content.hash)
    }
}

/// The error and its cause in one line.
fn words(error: &ExtractError) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}").replace(|letter: char| letter.is_control(), " ")
}
