//! A recorded stream of block writes (the log of the kernel's dm-log-writes), and the disk it made.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use rustix::fs::FallocateFlags;

use crate::Outcome;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;

/// One entry of the log.
struct Entry {
    at: u64,
    bytes: u64,
    flags: u64,
    /// Where its data are in the log.
    data: u64,
    mark: String,
}

/// The log. Writes are in it in the order in which they were certain to have reached the disk's cache, before the flush that made them durable.
pub(crate) struct Writes {
    log: File,
    entries: Vec<Entry>,
}

impl Writes {
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let mut log = File::open(path)?;
        let mut header = [0; 28];
        log.read_exact(&mut header)?;
        if number(&header, 0) != MAGIC {
            return Err(format!("{} is no log of dm-log-writes", path.display()).into());
        }
        let sector = number(&header, 3) & u64::from(u32::MAX);
        let mut entries = Vec::new();
        let mut next = sector;
        for _ in 0..number(&header, 2) {
            log.seek(SeekFrom::Start(next))?;
            let mut entry = [0; 32];
            log.read_exact(&mut entry)?;
            let [at, size, flags] = [0, 1, 2].map(|nth| number(&entry, nth));
            let mut mark = vec![0; if flags & MARK == 0 { 0 } else { number(&entry, 3) as usize }];
            log.read_exact(&mut mark)?;
            let (data, mark) = (next + sector, String::from_utf8(mark)?);
            entries.push(Entry { at: at * sector, bytes: size * sector, flags, data, mark });
            next = data + if flags & DISCARD == 0 { size * sector } else { 0 };
        }
        Ok(Self { log, entries })
    }

    /// The marks, with how many entries are before each.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (usize, &str)> {
        let marks = self.entries.iter().enumerate().filter(|(_, entry)| entry.flags & MARK != 0);
        marks.map(|(nth, entry)| (nth, entry.mark.as_str()))
    }

    /// Where the flushes are.
    pub(crate) fn flushes(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.flags & FLUSH != 0).map(|(nth, _)| nth)
    }

    /// How many of the first `count` entries the last flush among them has made durable.
    pub(crate) fn durable(&self, count: usize) -> usize {
        let flush = self.entries[..count].iter().rposition(|entry| entry.flags & FLUSH != 0);
        flush.map_or(0, |nth| nth + 1)
    }

    /// Writes the entries `from..to` to a disk; with a seed, a random half of those that were not forced out is lost.
    pub(crate) fn replay(
        &mut self,
        disk: &mut File,
        from: usize,
        to: usize,
        lose: Option<u64>,
    ) -> Outcome<()> {
        for (nth, entry) in self.entries.iter().enumerate().take(to).skip(from) {
            let is_lost = |seed: u64| {
                let dice = blake3::hash(format!("{seed} {nth}").as_bytes());
                entry.flags & (FUA | FLUSH | DISCARD) == 0 && dice.as_bytes()[0] & 1 == 0
            };
            if entry.flags & MARK != 0 || entry.bytes == 0 || lose.is_some_and(is_lost) {
                continue;
            }
            let mut data = vec![0; if entry.flags & DISCARD == 0 { entry.bytes as usize } else { 0 }];
            self.log.seek(SeekFrom::Start(entry.data))?;
            self.log.read_exact(&mut data)?;
            if data.iter().all(|byte| *byte == 0) {
                let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                rustix::fs::fallocate(&*disk, hole, entry.at, entry.bytes)?;
            } else {
                disk.seek(SeekFrom::Start(entry.at))?;
                disk.write_all(&data)?;
            }
        }
        Ok(())
    }
}

fn number(bytes: &[u8], nth: usize) -> u64 {
    let mut number = [0; 8];
    let rest = &bytes[nth * 8..];
    let size = rest.len().min(8);
    number[..size].copy_from_slice(&rest[..size]);
    u64::from_le_bytes(number)
}
