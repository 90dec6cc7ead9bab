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
    let mut dice = [0; 1];
    random.fill(&mut dice);
    let size = match nth % 50 {
        3 => 0,
        20 => 300_000,
        _ => usize::from(dice[0]) * 47,
    };
    let mut bytes = vec![0; size];
    random.fill(&mut bytes);
    bytes
}
