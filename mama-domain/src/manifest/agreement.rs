//! Whether archive and catalog are of one history.

use mama_ports::manifest::{Generations, Mark};

/// How an archive and its catalog stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// The catalog knows the archive's last manifest as its last.
    Agree,
    /// The archive's last manifest is the one that the catalog was about to make: an apply was interrupted.
    Interrupted,
    /// The archive has manifests that the catalog never heard of: the catalog is an older copy, or a new one.
    CatalogBehind,
    /// The catalog knows manifests that the archive does not have: the archive is an older copy.
    ArchiveBehind,
    /// Both have gone on without each other.
    Split,
}

/// Compares the archive's last manifest with what the catalog knows.
pub fn agreement(archive: Option<&Mark>, catalog: &Generations) -> Agreement {
    let Generations { saved, intended, rebuilding, is_unsaved: _, anew: _ } = catalog;
    if *rebuilding {
        return Agreement::CatalogBehind;
    }
    match (archive, saved) {
        (archive, saved) if archive == saved.as_ref() => Agreement::Agree,
        (Some(archive), _) if Some(archive) == intended.as_ref() => Agreement::Interrupted,
        (Some(_), None) => Agreement::CatalogBehind,
        (None, _) => Agreement::ArchiveBehind,
        (Some(archive), Some(saved)) if archive.generation > saved.generation => Agreement::CatalogBehind,
        (Some(archive), Some(saved)) if archive.generation < saved.generation => Agreement::ArchiveBehind,
        (Some(_), Some(_)) => Agreement::Split,
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::BlobHash;

    use super::*;

    fn mark(generation: u64, digest: u8) -> Mark {
        Mark { generation, digest: BlobHash::from_bytes([digest; 32]) }
    }

    #[test]
    fn every_pair_of_histories_has_a_name() {
        let knows = |saved, intended| Generations { saved, intended, ..Generations::default() };
        let of = |archive: Option<Mark>, catalog| agreement(archive.as_ref(), &catalog);
        assert_eq!(of(None, knows(None, None)), Agreement::Agree);
        assert_eq!(of(None, knows(None, Some(mark(1, 1)))), Agreement::Agree);
        assert_eq!(of(Some(mark(2, 2)), knows(Some(mark(2, 2)), Some(mark(3, 3)))), Agreement::Agree);
        assert_eq!(of(Some(mark(3, 3)), knows(Some(mark(2, 2)), Some(mark(3, 3)))), Agreement::Interrupted);
        assert_eq!(of(Some(mark(1, 1)), knows(None, Some(mark(1, 1)))), Agreement::Interrupted);
        assert_eq!(of(Some(mark(3, 4)), knows(Some(mark(2, 2)), Some(mark(3, 3)))), Agreement::CatalogBehind);
        assert_eq!(of(Some(mark(1, 1)), knows(None, None)), Agreement::CatalogBehind);
        assert_eq!(of(None, knows(Some(mark(1, 1)), None)), Agreement::ArchiveBehind);
        assert_eq!(of(Some(mark(1, 1)), knows(Some(mark(2, 2)), None)), Agreement::ArchiveBehind);
        assert_eq!(of(Some(mark(2, 3)), knows(Some(mark(2, 2)), None)), Agreement::Split);
        let rebuilding = Generations { rebuilding: true, ..Generations::default() };
        assert_eq!(of(None, rebuilding), Agreement::CatalogBehind);
    }
}
