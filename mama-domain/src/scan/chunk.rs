//! A bounded portion of a scan: the files to read, and what the folder listings alone prove.

use mama_ports::repository::{FolderSidecars, Known, MountMark, Remembered, SidecarLink};
use mama_ports::vocab::{FileFacts, FileName, Fingerprint, ObservationId, RelPath, VolumeId};
use mama_ports::walker::Visited;

use crate::absence::{self, Absence};
use crate::belonging::sidecar::{sidecars, strays};
use crate::change::{Change, classify};
use crate::mounts::Mounts;

/// Bytes to read in one chunk.
const CHUNK_BYTES: u64 = 1 << 30;

/// What is to be done about some files.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) work: Vec<Work>,
    pub(super) unchanged: u64,
    pub(super) returned: Vec<(ObservationId, Fingerprint)>,
    pub(super) gone: Vec<ObservationId>,
    pub(super) gone_below: Vec<RelPath>,
    pub(super) held: Vec<ObservationId>,
    pub(super) held_below: Vec<RelPath>,
    pub(super) mounts: Vec<MountMark>,
    pub(super) sidecars: Vec<FolderSidecars>,
    /// Files of a Takeout whose pictures are elsewhere.
    pub(super) strays: u64,
}

/// One file to read.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) dir: RelPath,
    pub(super) name: FileName,
    pub(super) size: u64,
    /// The current observation, if size and mtime are the same, so that equal content confirms it.
    pub(super) suspect: Option<ObservationId>,
    /// The current observation, if it counts as confirmed unless it is held.
    pub(super) confirmed: Option<ObservationId>,
}

impl Chunk {
    /// Sorts the files of a completely listed folder into this chunk. Returns where volumes were that are not there any more.
    pub(super) fn add(
        &mut self,
        visited: Visited,
        remembered: Remembered,
        mounts: &Mounts,
    ) -> Vec<(RelPath, VolumeId)> {
        let Absence { gone, gone_below, held, held_below } = absence::judge(&visited, &remembered);
        self.gone.extend(gone);
        self.held.extend(held);
        let mut unmounted = Vec::new();
        for dir in gone_below.iter().map(|name| visited.dir.join(name)) {
            match mounts.missing(&dir) {
                Ok(marks) => {
                    self.gone_below.push(dir);
                    self.mounts.extend(marks);
                }
                Err(volume) => {
                    self.held_below.push(dir);
                    unmounted.push(volume);
                }
            }
        }
        self.held_below.extend(held_below.iter().map(|name| visited.dir.join(name)));
        let names = || visited.files.iter().map(|(name, _)| name);
        let described = sidecars(names());
        self.strays += strays(names(), &described);
        let mut links: Vec<SidecarLink> = described
            .into_iter()
            .map(|link| SidecarLink { of: link.of.clone(), sidecar: link.sidecar.clone() })
            .collect();
        links.sort_unstable();
        if links != remembered.sidecars {
            self.sidecars.push(FolderSidecars { dir: visited.dir.clone(), links });
        }
        for (name, facts) in visited.files {
            // the port gives them in name order
            let known = remembered.files.binary_search_by(|known| known.name.cmp(&name));
            self.add_file(&visited.dir, name, &facts, known.ok().map(|at| &remembered.files[at]));
        }
        unmounted
    }

    /// The mark of the root, which is not written with the others then.
    pub(super) fn take_mark_of_root(&mut self) -> Option<MountMark> {
        let at = self.mounts.iter().position(|mark| mark.dir.is_root())?;
        Some(self.mounts.remove(at))
    }

    fn add_file(&mut self, dir: &RelPath, name: FileName, facts: &FileFacts, known: Option<&Known>) {
        let suspect = match (classify(facts, known), known) {
            (Change::Unchanged, _) => {
                self.unchanged += 1;
                return;
            }
            (Change::Returned, Some(known)) => {
                self.returned.push((known.id, facts.fingerprint()));
                return;
            }
            (Change::Suspect, known) => known.map(|known| known.id),
            (Change::New | Change::Modified | Change::Returned, _) => None,
        };
        let confirmed = known.filter(|known| !known.gone && !known.held).map(|known| known.id);
        self.work.push(Work { dir: dir.clone(), name, size: facts.size, suspect, confirmed });
    }

    /// Splits the files to read into chunks of at most so many files and of bounded bytes; the first has everything else.
    pub(super) fn split(mut self, most_files: usize) -> Vec<Self> {
        let mut chunks = Vec::new();
        let mut bytes = 0u64;
        let work = std::mem::take(&mut self.work);
        for item in work {
            if self.work.len() >= most_files
                || (!self.work.is_empty() && bytes.saturating_add(item.size) > CHUNK_BYTES)
            {
                chunks.push(std::mem::take(&mut self));
                bytes = 0;
            }
            bytes = bytes.saturating_add(item.size);
            self.work.push(item);
        }
        chunks.push(self);
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(size: u64) -> Work {
        let name = FileName::parse("a").unwrap();
        Work { dir: RelPath::root(), name, size, suspect: None, confirmed: None }
    }

    #[test]
    fn chunks_are_bounded_in_files_and_bytes_and_lose_nothing() {
        let many = Chunk { work: (0..2500).map(|_| work(1)).collect(), unchanged: 7, ..Chunk::default() };
        let sizes = |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.work.len()).collect::<Vec<_>>();
        let chunks = many.split(1024);
        assert_eq!(sizes(&chunks), [1024, 1024, 452]);
        assert_eq!(chunks.iter().map(|chunk| chunk.unchanged).sum::<u64>(), 7);
        let big = Chunk {
            work: vec![work(1), work(CHUNK_BYTES), work(CHUNK_BYTES * 3), work(1)],
            ..Chunk::default()
        };
        assert_eq!(sizes(&big.split(1024)), [1, 1, 1, 1]);
        assert_eq!(sizes(&Chunk::default().split(1024)), [0]);
    }
}
