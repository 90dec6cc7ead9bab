//! Manifests, written and read.

use std::collections::BTreeSet;
use std::io::Read;

use mama_ports::filesystem::{FsError, FsErrorKind};
use mama_ports::manifest::{Mark, Rows};
use mama_ports::vocab::{Digest, RelPath};

use super::{Archive, Stopped, stopped};
use crate::layout;
use crate::manifest::chain::{Known, gaps, in_force};
use crate::manifest::{BadHeader, Header, decode, encode};

/// More than the longest header.
pub(super) const HEADER_ROOM: u64 = 4096;

/// Why the archive's manifests do not say what they should.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The disk refuses.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// One of them is not what was written.
    #[error("the manifest {path} is not what mama wrote: {why}")]
    Damaged {
        /// Which.
        generation: u64,
        /// Where, in the archive.
        path: RelPath,
        /// In which way.
        why: BadHeader,
    },
}

/// What is wrong with the manifests that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// This one is not what was written.
    #[error("the manifest {0} is damaged")]
    Damaged(u64),
    /// At least one is missing before this one.
    #[error("what came before the manifest {0} is missing")]
    Gap(u64),
}

/// What one manifest gave.
#[derive(Debug)]
pub(crate) struct Told {
    /// The rows of all lines that were understood.
    pub(crate) rows: Rows,
    /// Whether they are all that was written.
    pub(crate) is_whole: bool,
}

impl Archive {
    /// The numbers of all manifests, in order. Lists one folder.
    pub(crate) fn generations(&self) -> Result<Vec<u64>, Stopped> {
        let entries = match self.tree.list(&layout::manifests()) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            entries => entries.map_err(stopped("list the manifests"))?,
        };
        let mut found: Vec<u64> =
            entries.iter().filter_map(|entry| layout::manifest_number(&entry.name)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// What the archive's last manifest is. Reads its first line.
    pub fn last_manifest(&self) -> Result<Option<Mark>, ManifestError> {
        match self.generations()?.last() {
            Some(&generation) => Ok(Some(self.header(generation)?.0)),
            None => Ok(None),
        }
    }

    /// What a manifest says about itself.
    pub(crate) fn header(&self, generation: u64) -> Result<(Mark, Header), ManifestError> {
        let path = layout::manifest_path(generation);
        let mut head = Vec::new();
        self.read(&path, HEADER_ROOM, &mut head)?;
        let end = head.iter().position(|&byte| byte == b'\n').map_or(head.len(), |end| end + 1);
        match Header::parse(&head[..end]) {
            Ok(header) if header.generation == generation && header.archive == self.id => {
                Ok((Mark { generation, digest: self.digest(&head[..end]).hash }, header))
            }
            Ok(_) => Err(ManifestError::Damaged { generation, path, why: BadHeader::Damaged }),
            Err(why) => Err(ManifestError::Damaged { generation, path, why }),
        }
    }

    /// What a manifest says; whatever of it makes sense if it is damaged.
    pub(crate) fn told(&self, generation: u64) -> Result<Told, Stopped> {
        let path = layout::manifest_path(generation);
        let mut text = Vec::new();
        self.read(&path, u64::MAX, &mut text)?;
        let end = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1);
        let (rows, lost) = decode(&text[end..]);
        let is_whole = lost == 0
            && Header::parse(&text[..end]).is_ok_and(|header| {
                let is_ours = header.generation == generation && header.archive == self.id;
                is_ours && header.digest == self.digest(&text[end..]).hash && header.rows == rows.len() as u64
            });
        Ok(Told { rows, is_whole })
    }

    /// Every manifest there is, in order. Reads the first line of each.
    ///
    /// Damage is no error, nor is one that cannot be read; one that a newer mama wrote is.
    pub(crate) fn known_manifests(&self) -> Result<Vec<Known>, ManifestError> {
        let known = |generation| match self.header(generation) {
            Ok(header) => Ok((generation, Some(header))),
            Err(newer @ ManifestError::Damaged { why: BadHeader::Newer(_), .. }) => Err(newer),
            Err(ManifestError::Damaged { .. } | ManifestError::Stopped(_)) => Ok((generation, None)),
        };
        self.generations()?.into_iter().map(known).collect()
    }

    /// The first of the manifests that count which is not what was written, or before which one is missing. Reads all of them.
    pub fn faulty_manifest(&self) -> Result<Option<ManifestFault>, ManifestError> {
        let counting = in_force(self.known_manifests()?);
        let gaps: BTreeSet<u64> = gaps(&counting).into_iter().map(|(number, _)| number).collect();
        for (number, known) in counting {
            if gaps.contains(&number) {
                return Ok(Some(ManifestFault::Gap(number)));
            }
            let Some((_, header)) = known else { return Ok(Some(ManifestFault::Damaged(number))) };
            let mut text = Vec::new();
            self.read(&layout::manifest_path(number), u64::MAX, &mut text)?;
            let end = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1);
            if self.digest(&text[end..]).hash != header.digest {
                return Ok(Some(ManifestFault::Damaged(number)));
            }
        }
        Ok(None)
    }

    /// Writes a manifest into the staging area, proves that it is there, and makes it durable.
    pub(crate) fn stage_manifest(
        &self,
        after: Option<Mark>,
        generation: u64,
        anew: bool,
        rows: &Rows,
    ) -> Result<Mark, Stopped> {
        let lines = encode(rows);
        let header = Header {
            archive: self.id.clone(),
            generation,
            follows: after.map(|mark| mark.digest),
            anew,
            rows: rows.len() as u64,
            digest: self.digest(&lines).hash,
        }
        .to_line();
        let mark = Mark { generation, digest: self.digest(header.as_bytes()).hash };
        let whole = [header.as_bytes(), &lines].concat();
        let staged = layout::staged_manifest_path();
        self.discard(&staged)?;
        let doing = "write a manifest";
        let mut file = self.tree.create(&staged).map_err(stopped(doing))?;
        let written = file.write_all(&whole);
        written.map_err(|error| stopped(doing)(FsError::of_stream("write", staged.as_bytes(), error)))?;
        file.finish().map_err(stopped(doing))?;
        let mut written = self.tree.open(&staged).map_err(stopped("read back a manifest"))?;
        let is_whole = self.is(&mut *written, &staged, &self.digest(&whole).hash);
        if !is_whole.map_err(stopped("read back a manifest"))? {
            let error = FsError::new("write", staged.as_bytes(), FsErrorKind::Other);
            return Err(stopped("read back a manifest as it was written")(error));
        }
        self.tree.seal(&*written).map_err(stopped("make a manifest read-only"))?;
        self.tree.sync_all().map_err(stopped("make a manifest durable"))?;
        Ok(mark)
    }

    /// Gives a staged manifest its name; when it returns, that survives a power cut.
    pub(crate) fn publish_manifest(&self, mark: &Mark) -> Result<(), Stopped> {
        let (from, to) = (layout::staged_manifest_path(), layout::manifest_path(mark.generation));
        self.link_making_folders(&from, &to).map_err(stopped("give a manifest its name"))?;
        self.discard(&from)?;
        self.tree.sync_all().map_err(|error| {
            // nobody knows whether the name is durable; where even this fails, the next apply finds a manifest that was announced
            drop(self.tree.unlink(&to));
            stopped("make the name of a manifest durable")(error)
        })
    }

    /// Makes durable what is there.
    pub(crate) fn sync(&self) -> Result<(), Stopped> {
        self.tree.sync_all().map_err(stopped("make durable what an interrupted apply left"))
    }

    fn read(&self, path: &RelPath, most: u64, into: &mut Vec<u8>) -> Result<(), Stopped> {
        let doing = "read a manifest";
        let file = self.tree.open(path).map_err(stopped(doing))?;
        let read = file.take(most).read_to_end(into);
        read.map(drop).map_err(|error| stopped(doing)(FsError::of_stream("read", path.as_bytes(), error)))
    }

    fn digest(&self, text: &[u8]) -> Digest {
        match self.hasher.digest(&mut &text[..]) {
            Ok(digest) => digest,
            Err(_) => unreachable!("memory can be read"),
        }
    }
}
