//! BLAKE3.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};

use mama_ports::content::ContentHasher;
use mama_ports::vocab::{BlobHash, Digest};

/// What one read asks for: four times what a pipe or a ZFS record holds, and still inside the second-level cache.
const BLOCK: usize = 256 * 1024;

/// From here on a content is big, and all cores hash it. Less is not worth waking them.
const BIG: u64 = 8 * 1024 * 1024;

/// What one read of a big content asks for: no slower than twice as much (docs/performance.md), and half the memory.
const BIG_BLOCK: usize = 4 * 1024 * 1024;

thread_local! {
    /// Kept between calls: clearing a new block costs more than hashing a small file.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Hashes with BLAKE3, a big content on all cores. Holds at most 4 MiB a thread, 256 KiB between calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blake3;

impl ContentHasher for Blake3 {
    fn digest(&self, content: &mut dyn Read) -> io::Result<Digest> {
        let mut buffer = BUFFER.take();
        buffer.resize(BLOCK, 0);
        let digest = digest(content, &mut buffer);
        buffer.truncate(BLOCK);
        buffer.shrink_to_fit();
        BUFFER.set(buffer);
        digest
    }
}

fn digest(content: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        let filled = fill(content, buffer)?;
        size += filled as u64;
        if buffer.len() == BIG_BLOCK {
            hasher.update_rayon(&buffer[..filled]);
        } else {
            hasher.update(&buffer[..filled]);
        }
        if filled < buffer.len() {
            return Ok(Digest { hash: BlobHash::from_bytes(*hasher.finalize().as_bytes()), size });
        }
        if size >= BIG {
            buffer.resize(BIG_BLOCK, 0);
        }
    }
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
        for size in [BIG - 1, BIG, BIG + 1, BIG + BIG_BLOCK as u64, BIG + 2 * BIG_BLOCK as u64 + 12_345] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let digest = Blake3.digest(&mut content.as_slice()).unwrap();
            assert_eq!(digest.hash.as_bytes(), blake3::hash(&content).as_bytes(), "{size} bytes");
            assert_eq!(digest.size, size);
        }
    }

    #[test]
    fn a_big_content_leaves_no_big_buffer_behind() {
        Blake3.digest(&mut io::repeat(1).take(3 * BIG_BLOCK as u64)).unwrap();
        let buffer = BUFFER.take();
        assert!(buffer.capacity() < BIG_BLOCK, "{}", buffer.capacity());
    }
}
