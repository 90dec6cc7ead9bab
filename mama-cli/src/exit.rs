//! From an error to words, a hint and an exit status. The only place that decides any of them.

use std::fmt;
use std::process::ExitCode;

use mama_domain::apply::ApplyError;
use mama_domain::archive::ManifestError;
use mama_domain::curate::UndoError;
use mama_domain::explaining::Disagreement;
use mama_domain::manifest::{Agreement, BadHeader};
use mama_domain::rebuild::RebuildError;
use mama_domain::scan::ScanError;
use mama_ports::filesystem::{FsError, FsErrorKind};
use mama_ports::repository::RepositoryError;
use mama_ports::vocab::escaped;

/// What a script learns from a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The request makes no sense.
    Usage = 2,
    /// The answer is no: changes are pending, something is damaged.
    No = 3,
    /// Done, but some files could not be processed.
    Partial = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// An error of the command line itself, with what it knows beyond its message.
#[derive(Debug)]
pub(crate) struct Fault {
    status: Status,
    message: String,
    hint: Option<String>,
    source: Option<anyhow::Error>,
}

impl Fault {
    /// Something could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { status: Status::Failed, message: message.into(), hint: None, source: None }
    }

    /// Something cannot be asked for.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, ..Self::failed(message) }
    }

    /// What to do about it.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Why.
    #[must_use]
    pub(crate) fn because(self, source: impl Into<anyhow::Error>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// The exit status that an error deserves.
pub(crate) fn status(error: &anyhow::Error) -> Status {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.status;
    }
    match (error.downcast_ref::<ScanError>(), error.downcast_ref::<UndoError>()) {
        (Some(ScanError::Exclude(_)), _) => Status::Usage,
        (_, Some(UndoError::Unknown(_) | UndoError::Run { .. })) => Status::Usage,
        (_, Some(UndoError::Nothing)) => Status::No,
        _ => Status::Failed,
    }
}

/// The error and its causes, outermost first; a cause that says nothing new is left out.
pub(crate) fn reasons(error: &anyhow::Error) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !reasons.last().is_some_and(|said| said.contains(&cause)) {
            reasons.push(cause);
        }
    }
    reasons
}

/// What to do about it, if mama knows.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(fault) = cause.downcast_ref::<Fault>() {
            fault.hint.clone()
        } else if let Some(apply) = cause.downcast_ref::<ApplyError>() {
            apply_hint(apply)
        } else if let Some(Disagreement(position)) = cause.downcast_ref::<Disagreement>() {
            disagreement_hint(position.agreement).map(str::to_owned)
        } else if let Some(ManifestError::Damaged { why: BadHeader::Damaged, .. }) = cause.downcast_ref::<ManifestError>() {
            Some("`mama repair` shows what else is missing, and with --yes writes the manifests anew".to_owned())
        } else if let Some(RebuildError::NotEmpty { .. }) = cause.downcast_ref::<RebuildError>() {
            Some("empty it with `mama dev reset --yes` if nothing in it is needed, or name another one with --database".to_owned())
        } else if let Some(ScanError::SuddenlyEmpty(root)) = cause.downcast_ref::<ScanError>() {
            Some(format!("mount the disk; if the folder was emptied for good: mama scan --new-disk {root}"))
        } else if let Some(ScanError::OtherVolume { root, .. }) = cause.downcast_ref::<ScanError>() {
            Some(format!(
                "mount the disk and scan again; if the files have moved to another disk for good: mama scan --new-disk {root}"
            ))
        } else if let Some(ScanError::Archive(_) | ScanError::InArchive { .. }) =
            cause.downcast_ref::<ScanError>()
        {
            Some("name the folder that your files are in".to_owned())
        } else if let Some(UndoError::Unknown(_) | UndoError::Run { .. }) = cause.downcast_ref::<UndoError>()
        {
            Some("`mama log` shows what was decided, with its numbers".to_owned())
        } else if let Some(RepositoryError::Unavailable { .. }) = cause.downcast_ref::<RepositoryError>() {
            Some("try again; everything recorded so far is kept".to_owned())
        } else if let Some(RepositoryError::Full { .. }) = cause.downcast_ref::<RepositoryError>() {
            Some(
                "make room on the catalog's disk and run the command again; it goes on where it stopped"
                    .to_owned(),
            )
        } else if let Some(RepositoryError::Corrupt { .. }) = cause.downcast_ref::<RepositoryError>() {
            Some(
                "put it back from a backup; or move its file away, or name an empty database, and run `mama rebuild`, which recreates it from the archive; then scan again"
                    .to_owned(),
            )
        } else {
            cause.downcast_ref::<FsError>().and_then(|error| fs_hint(error.kind)).map(str::to_owned)
        }
    })
}

fn apply_hint(error: &ApplyError) -> Option<String> {
    let hint = match error {
        ApplyError::Full(full) if full.contents == 0 && full.refused.is_none() => {
            "nothing was tried; make room, or lower apply.reserve, and apply again"
        }
        ApplyError::Full(full) if full.refused.is_some() => {
            "what fits is stored, and nothing is lost; `df -i` shows whether the disk is out of inodes, `quota` whether there is a limit; make room, and apply goes on where it stopped"
        }
        ApplyError::Full(_) => {
            "what fits is stored, and nothing is lost; make room, and apply goes on where it stopped (the reserve is apply.reserve)"
        }
        ApplyError::ReadOnly => "mount it writable and apply again",
        ApplyError::Emptied(_) => {
            "is the disk or dataset of the contents mounted? If they are lost, `mama repair` shows which, and with --yes the next apply stores them again"
        }
        ApplyError::Pool { pool, .. } => {
            return Some(format!("`zpool status -v {pool}` says what to repair; then apply again"));
        }
        ApplyError::Snapshot(error) => match error.kind {
            FsErrorKind::Unsupported => {
                "snapshots need the archive on ZFS, and its programs; or set snapshots.before_apply = false"
            }
            FsErrorKind::PermissionDenied => {
                return Some(format!(
                    "`zfs allow USER snapshot,destroy,mount,userprop {}` lets a user make them; or set snapshots.before_apply = false",
                    escaped(&error.path)
                ));
            }
            _ => "look at `zfs list -t snapshot`; or set snapshots.before_apply = false",
        },
        _ => return None,
    };
    Some(hint.to_owned())
}

const fn disagreement_hint(agreement: Agreement) -> Option<&'static str> {
    match agreement {
        Agreement::CatalogBehind => Some(
            "`mama rebuild` recreates the catalog from the archive, into an empty one: `mama dev reset --yes` empties this one; then scan again",
        ),
        Agreement::ArchiveBehind => Some(
            "is the right disk mounted? If this archive was restored from a backup, `mama repair` shows what is missing, and with --yes goes on from there; then apply",
        ),
        Agreement::Split => Some(
            "to believe the catalog: `mama repair`; to believe the archive: `mama dev reset --yes`, `mama rebuild`, then scan again",
        ),
        Agreement::Agree | Agreement::Interrupted => None,
    }
}

const fn fs_hint(kind: FsErrorKind) -> Option<&'static str> {
    match kind {
        FsErrorKind::ReadOnly => {
            Some("the file system is mounted read-only; mount it writable and try again")
        }
        FsErrorKind::NoSpace => {
            Some("make room on the disk and run the command again; it goes on where it stopped")
        }
        FsErrorKind::PermissionDenied => Some(
            "look at who owns it, who may read and write it, and whether it may be changed at all (lsattr)",
        ),
        FsErrorKind::Escape => Some(
            "a symbolic link stands where a folder belongs, and mama follows none inside of an archive or a scanned folder; put the folder itself there, or mount it",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_repeats_its_error_is_said_once() {
        let error = anyhow::Error::from(
            Fault::failed("cannot open /x")
                .because(anyhow::anyhow!("disk on fire").context("cannot open /x")),
        );
        assert_eq!(reasons(&error), ["cannot open /x", "disk on fire"]);
    }

    #[test]
    fn the_status_of_a_fault_survives_its_causes() {
        let error = anyhow::Error::from(Fault::usage("no").because(Fault::failed("why").hint("do this")));
        assert_eq!(status(&error), Status::Usage);
        assert_eq!(hint(&error).as_deref(), Some("do this"));
    }
}
