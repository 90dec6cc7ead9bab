//! Manifests are written, and compared with what the catalog knows of them.
//!
//! A manifest is staged and durable before the catalog announces it, has its name and that is durable before the catalog
//! takes its rows for saved. So an interruption leaves rubbish in the staging area, or the one manifest that was announced.

use std::sync::Arc;

use mama_ports::manifest::{Generations, Manifests, Mark, Receipt, UnsavedRows};
use mama_ports::repository::{PageSize, RepositoryError};
use mama_ports::runtime::Workers;

use crate::archive::{Archive, Locked, ManifestError, Stopped};
use crate::manifest::{Agreement, agreement};

/// Observations in one manifest: half a megabyte of text, three with metadata; all of it is in memory at once.
const PAGE: PageSize = PageSize(1024);

/// How an archive and its catalog stand to each other, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The archive's last manifest.
    pub archive: Option<Mark>,
    /// What the catalog knows.
    pub catalog: Generations,
    /// What that means.
    pub agreement: Agreement,
}

/// Archive and catalog are not of one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.in_words())]
pub struct Disagreement(pub Position);

impl Disagreement {
    fn in_words(self) -> String {
        let generation =
            |mark: Option<Mark>| mark.map_or_else(|| "none".to_owned(), |mark| mark.generation.to_string());
        let Self(Position { archive, catalog, agreement }) = self;
        let (has, knows) = (generation(archive), generation(catalog.saved));
        match agreement {
            Agreement::CatalogBehind if catalog.rebuilding => {
                "this catalog is being rebuilt from the archive, and is not complete".to_owned()
            }
            Agreement::CatalogBehind => format!(
                "the archive's last manifest is {has}, and the last one that the catalog knows is {knows}: this catalog is an older copy, or a new one"
            ),
            Agreement::ArchiveBehind => format!(
                "the archive's last manifest is {has}, and the catalog knows of {knows}: this archive is an older copy, or not all of it"
            ),
            Agreement::Split => format!(
                "archive and catalog have both gone on without each other: their manifests {has} differ"
            ),
            Agreement::Agree | Agreement::Interrupted => "archive and catalog agree".to_owned(),
        }
    }
}

/// Why archive and catalog cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The catalog fails.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
    /// The archive fails, or one of its manifests.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// They are not of one history.
    #[error("{0}")]
    Disagreement(#[from] Disagreement),
}

impl From<Stopped> for ExplainError {
    fn from(stopped: Stopped) -> Self {
        Self::Manifest(stopped.into())
    }
}

/// How an archive and its catalog stand to each other. Also while an apply writes manifests.
pub async fn position(
    archive: &Archive,
    manifests: &dyn Manifests,
    workers: &Arc<dyn Workers>,
) -> Result<Position, ExplainError> {
    let mut catalog = manifests.generations().await?;
    loop {
        let own = archive.clone();
        let last = workers.start(move || own.last_manifest()).await?;
        let agreement = agreement(last.as_ref(), &catalog);
        let position = Position { archive: last, catalog, agreement };
        if matches!(agreement, Agreement::Agree | Agreement::Interrupted) {
            return Ok(position);
        }
        // An apply may have gone on between the two looks.
        let again = manifests.generations().await?;
        if (again.saved, again.intended) == (catalog.saved, catalog.intended) {
            return Ok(position);
        }
        catalog = again;
    }
}

/// As [`position`], if they are of one history.
pub async fn agreed(
    archive: &Archive,
    manifests: &dyn Manifests,
    workers: &Arc<dyn Workers>,
) -> Result<Position, ExplainError> {
    let position = position(archive, manifests, workers).await?;
    match position.agreement {
        Agreement::Agree | Agreement::Interrupted => Ok(position),
        Agreement::CatalogBehind | Agreement::ArchiveBehind | Agreement::Split => {
            Err(Disagreement(position).into())
        }
    }
}

/// Has the catalog take note of a manifest that an interrupted run left; gives the archive's last one.
pub(crate) async fn resume(
    manifests: &dyn Manifests,
    locked: &Locked,
    position: &Position,
) -> Result<Option<Mark>, ExplainError> {
    if let (Agreement::Interrupted, Some(mark)) = (position.agreement, &position.archive) {
        locked.on_worker(Archive::sync).await?;
        manifests.saved(Some(locked.epoch), mark, &Receipt::default()).await?;
    }
    Ok(position.archive)
}

/// Writes every row that no manifest holds, after `last`, under numbers greater than `above`; gives how many rows.
pub(crate) async fn write(
    manifests: &dyn Manifests,
    locked: &Locked,
    last: Option<Mark>,
    above: u64,
) -> Result<u64, ExplainError> {
    let (mut last, mut above, mut written) = (last, above, 0);
    let Generations { mut anew, is_unsaved, .. } = manifests.generations().await?;
    if !is_unsaved {
        return Ok(written);
    }
    loop {
        let UnsavedRows { rows, receipt, has_more } = manifests.unsaved(PAGE).await?;
        if receipt.is_empty() {
            return Ok(written);
        }
        written += rows.len() as u64;
        above = above.max(last.map_or(0, |mark| mark.generation)) + 1;
        let mark = locked.on_worker(move |archive| archive.stage_manifest(last, above, anew, &rows)).await?;
        manifests.intend(Some(locked.epoch), &mark).await?;
        locked.on_worker(move |archive| archive.publish_manifest(&mark)).await?;
        manifests.saved(Some(locked.epoch), &mark, &receipt).await?;
        (last, anew) = (Some(mark), false);
        if !has_more {
            return Ok(written);
        }
    }
}
