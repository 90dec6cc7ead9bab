//! The work sets: the same tree for the same size, every time.
//!
//! | set | made by `grow` from real files | made of noise |
//! |---|---|---|
//! | tiny | about 200 B each, folders as families have them | about 200 B each, 100 a folder |
//! | media | lognormal around 250 KiB, 30 % copies | the same, behind true first bytes |
//! | photos | real camera JPEGs, each with a comment of its own | small JPEGs with camera, lens and date |
//! | big | | noise |

mod noise;
mod photo;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::run::measure;

/// The seed of all trees.
const SEED: u64 = 1;

/// Longer than the clock tick within which mama distrusts a file that has just changed.
const SETTLING: Duration = Duration::from_secs(3);

/// A tree that is there.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Its root.
    pub dir: PathBuf,
    /// How many files it has.
    pub files: u64,
}

/// Makes trees below a folder.
#[derive(Debug)]
pub struct Trees {
    root: PathBuf,
    /// The program that makes realistic ones; its folder has the real files.
    grow: Option<PathBuf>,
}

impl Trees {
    /// Trees below `root`, by `grow` if it is there.
    pub fn new(root: PathBuf, grow: &Path) -> Self {
        Self { root, grow: fs::canonicalize(grow).ok() }
    }

    /// How the trees are made, in words.
    pub const fn maker(&self) -> &'static str {
        if self.grow.is_some() { "trees of real files, by grow" } else { "trees of noise" }
    }

    /// Many files of about 200 B, no two alike.
    pub fn tiny(&self, files: u64) -> anyhow::Result<Tree> {
        self.made(&format!("tiny-{files}"), files, |dir| match &self.grow {
            Some(grow) => self.grow(grow, dir, files, &["--tiny", "--dup-ratio", "0"]),
            None => noise::tiny(dir, files, SEED),
        })
    }

    /// Files of lognormal size around 250 KiB, 30 % of them copies.
    pub fn media(&self, files: u64) -> anyhow::Result<Tree> {
        self.made(&format!("media-{files}"), files, |dir| match &self.grow {
            Some(grow) => {
                self.grow(grow, dir, files, &["--dup-ratio", "0.3", "--bytes-per-file", "250k:1:8M"])
            }
            None => noise::media(dir, files, SEED),
        })
    }

    /// Camera JPEGs, no two alike.
    pub fn photos(&self, files: u64) -> anyhow::Result<Tree> {
        self.made(&format!("photos-{files}"), files, |dir| {
            let real = self.grow.as_deref().and_then(Path::parent).map(|corpus| corpus.join("photos"));
            photo::photos(dir, files, SEED, real.as_deref())
        })
    }

    /// `files` files of `size` bytes.
    pub fn big(&self, files: u64, size: u64) -> anyhow::Result<Tree> {
        self.made(&format!("big-{files}-{size}"), files, |dir| noise::big(dir, files, size, SEED))
    }

    /// Says that a tree is not what it was, so that no later run takes it for that.
    pub fn forget(&self, tree: &Tree) -> anyhow::Result<()> {
        Ok(fs::remove_file(stamp(&tree.dir))?)
    }

    fn grow(&self, grow: &Path, dir: &Path, files: u64, more: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(grow);
        command.arg("--files").arg(files.to_string()).arg("--out").arg(dir).args(more);
        measure(&mut command, &self.root.join("grow")).map(drop)
    }

    fn made(
        &self,
        name: &str,
        files: u64,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Tree> {
        let tree = Tree { dir: self.root.join(name), files };
        if fs::read_to_string(stamp(&tree.dir)).is_ok_and(|maker| maker == self.maker()) {
            return Ok(tree);
        }
        if tree.dir.exists() {
            fs::remove_dir_all(&tree.dir)?;
        }
        fs::create_dir_all(&tree.dir)?;
        make(&tree.dir).with_context(|| format!("the tree {name} cannot be made"))?;
        fs::write(stamp(&tree.dir), self.maker())?;
        Ok(tree)
    }
}

/// Waits until what was just written is old enough for mama to trust its times.
pub fn settle() {
    std::thread::sleep(SETTLING);
}

/// The file that says that a tree is complete.
fn stamp(dir: &Path) -> PathBuf {
    dir.with_extension("made")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file below, with its bytes.
    fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                found.extend(contents(&entry));
            } else {
                found.push((entry.file_name().unwrap().into(), fs::read(entry).unwrap()));
            }
        }
        found.sort();
        found
    }

    fn distinct(files: &[(PathBuf, Vec<u8>)]) -> usize {
        files.iter().map(|(_, bytes)| bytes).collect::<std::collections::BTreeSet<_>>().len()
    }

    #[test]
    fn the_same_tree_for_the_same_seed() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&a, &b] {
            noise::tiny(dir.path(), 250, 7).unwrap();
        }
        let files = contents(a.path());
        assert_eq!(files, contents(b.path()));
        assert_eq!((files.len(), distinct(&files)), (250, 250));
        assert_eq!(fs::read_dir(a.path().join("000")).unwrap().count(), 3, "100 a folder");
        assert!(files.iter().all(|(_, bytes)| (150..260).contains(&bytes.len())));
    }

    #[test]
    fn three_in_ten_media_are_copies() {
        let dir = tempfile::tempdir().unwrap();
        noise::media(dir.path(), 60, 7).unwrap();
        let files = contents(dir.path());
        assert_eq!(files.len(), 60);
        assert!((36..=48).contains(&distinct(&files)), "{}", distinct(&files));
    }

    #[test]
    fn no_two_photos_are_alike() {
        let dir = tempfile::tempdir().unwrap();
        photo::photos(dir.path(), 20, 7, None).unwrap();
        let files = contents(dir.path());
        assert_eq!((files.len(), distinct(&files)), (20, 20));
        assert!(
            files.iter().all(|(_, bytes)| bytes.starts_with(b"\xff\xd8") && bytes.ends_with(b"\xff\xd9"))
        );
    }
}
