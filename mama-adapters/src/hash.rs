//! BLAKE3.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};

use mama_ports::content::ContentHasher;
use mama_ports::vocab::{BlobHash, Digest};

/// What one read asks for: four times what a pipe or a ZFS record holds, and still inside the second-level cache.
const BLOCK: usize = 256 * 1024;

/// From here on a content is big, and all cores hash it. Less is not worth waking them.
const BIG: u64 = 8 * 1024 * 1024;

/// What one read of a big content asks for. Two of them, the one that is hashed and the one that is read, fit into the caches of the cores.
const BIG_BLOCK: usize = 1024 * 1024;

thread_local! {
    /// Kept between calls: clearing a new block costs more than hashing a small file.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Hashes with BLAKE3, a big content on all cores. Holds at most 2.25 MiB a thread, 256 KiB between calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blake3;

impl ContentHasher for Blake3 {
    fn digest(&self, content: &mut dyn Read) -> io::Result<Digest> {
        let mut buffer = BUFFER.take();
        buffer.resize(BLOCK, 0);
        let digest = digest(content, &mut buffer);
        BUFFER.set(buffer);
        digest
    }
}

fn digest(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        let filled = fill(content, buffer)?;
        size += filled as u64;
        hasher.update(&buffer[..filled]);
        if filled < buffer.len() {
            break;
        }
        if size >= BIG {
            size += hash_on_all_cores(&mut hasher, content)?;
            break;
        }
    }
    Ok(Digest { hash: BlobHash::from_bytes(*hasher.finalize().as_bytes()), size })
}

/// Hashes the rest of a content, each block while the next one is read; gives its length.
fn hash_on_all_cores(hasher: &mut blake3::Hasher, content: &mut dyn Read) -> io::Result<u64> {
    let (mut block, mut next) = (vec![0; BIG_BLOCK], vec![0; BIG_BLOCK]);
    let mut filled = fill(content, &mut block)?;
    let mut size = filled as u64;
    while filled == BIG_BLOCK {
        filled = rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                hasher.update_rayon(&block);
            });
            fill(content, &mut next)
        })?;
        size += filled as u64;
        std::mem::swap(&mut block, &mut next);
    }
    hasher.update_rayon(&block[..filled]);
    Ok(size)
}

/// Reads until `buffer` is full or the content ends.
fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    mama_ports::conformance::content::hasher!(conformance, || Blake3);

    #[test]
    fn the_parallel_way_gives_the_same_hash() {
        let block = BIG_BLOCK as u64;
        for size in [BIG - 1, BIG, BIG + 1, BIG + block, BIG + 2 * block, BIG + 3 * block + 12_345] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let digest = Blake3.digest(&mut content.as_slice()).unwrap();
            assert_eq!(digest.hash.as_bytes(), blake3::hash(&content).as_bytes(), "{size} bytes");
            assert_eq!(digest.size, size);
        }
    }

    #[test]
    fn an_error_far_into_a_big_content_is_the_error() {
        for whole_blocks in 0..3 {
            let good = io::repeat(1).take(BIG + whole_blocks * BIG_BLOCK as u64 + 5);
            let error = Blake3.digest(&mut good.chain(Torn)).unwrap_err();
            assert_eq!(error.to_string(), "a bad sector");
        }
    }

    struct Torn;

    impl Read for Torn {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("a bad sector"))
        }
    }
}
