//! The files that are archived, the same for each seed.

use std::fs;
use std::path::Path;

use crate::Outcome;

/// Folder → how many files. What is in `next` replaces files of `first` once those are archived.
const FOLDERS: [(&str, usize); 4] = [("first", 280), ("second", 24), ("handed-over", 16), ("next", 12)];

/// Makes the folders: mostly small files, some empty, some of a few hundred KiB, some twice.
pub(crate) fn make(dir: &Path, seed: u64) -> Outcome<()> {
    for (folder, files) in FOLDERS {
        for nth in 0..files {
            let path = dir.join(folder).join(format!("{}/{nth}.jpg", nth % 7));
            fs::create_dir_all(path.parent().ok_or("no folder")?)?;
            fs::write(path, content(seed, folder, if nth % 40 == 39 { nth - 1 } else { nth }))?;
        }
    }
    Ok(())
}

fn content(seed: u64, folder: &str, nth: usize) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{seed} {folder} {nth}").as_bytes());
    let mut random = hasher.finalize_xof();
    let mut size = [0; 2];
    random.fill(&mut size);
    let most = if nth % 50 == 20 { 400_000 } else { 12_000 };
    let mut bytes = vec![0; if nth == 3 { 0 } else { usize::from(u16::from_le_bytes(size)) * most >> 16 }];
    random.fill(&mut bytes);
    bytes
}
