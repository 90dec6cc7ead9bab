//! Files of noise behind true first bytes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What files of these endings begin with.
const MAGIC: [(&str, &[u8]); 6] = [
    ("jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01"),
    ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ("gif", b"GIF89a\x01\0\x01\0"),
    ("mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
    ("mp3", b"ID3\x03\0\0\0\0\0\x0aTIT2"),
    ("pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"),
];

/// The usual size of a medium, its spread on a logarithmic scale, and its limits, in bytes.
const MEDIAN: f64 = 250.0 * 1024.0;
const SIGMA: f64 = 1.0;
const LARGEST: f64 = 8.0 * 1024.0 * 1024.0;

/// SplitMix64: the same numbers on every machine and in every version.
pub(super) struct Noise(u64);

impl Noise {
    /// The noise of this seed and number.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut noise = Self(seed.rotate_left(32) ^ number);
        noise.0 = noise.next();
        noise
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    /// From 0 to below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of the normal distribution, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }
}

/// Files of 150 to 250 bytes, 100 a folder, no two alike.
pub(super) fn tiny(dir: &Path, files: u64, seed: u64) -> anyhow::Result<()> {
    each(dir, files, |number| {
        let size = 150 + Noise::new(seed, number).below(100);
        body(seed, number, size)
    })
}

/// Files of lognormal size, about 30 % of them copies of an earlier one.
pub(super) fn media(dir: &Path, files: u64, seed: u64) -> anyhow::Result<()> {
    each(dir, files, |number| {
        let content = content(seed, number);
        let size = MEDIAN * (SIGMA * Noise::new(seed, content).normal()).exp();
        body(seed, content, size.clamp(64.0, LARGEST) as u64)
    })
}

/// Which content a file has: its own, or that of an earlier file.
fn content(seed: u64, mut number: u64) -> u64 {
    while number > 0 {
        let mut noise = Noise::new(seed + 1, number);
        if noise.below(10) >= 3 {
            break;
        }
        number = noise.below(number);
    }
    number
}

/// Files of `size` bytes, in one folder.
pub(super) fn big(dir: &Path, files: u64, size: u64, seed: u64) -> anyhow::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    for number in 0..files {
        let mut noise = Noise::new(seed, number);
        let mut file = File::create_new(dir.join(format!("{number}.bin")))?;
        let mut left = size;
        while left > 0 {
            noise.fill(&mut buffer);
            let some = left.min(buffer.len() as u64);
            file.write_all(&buffer[..some as usize])?;
            left -= some;
        }
    }
    Ok(())
}

/// Writes what `make` gives for each number, 100 files a folder, with times long ago.
pub(super) fn each(
    dir: &Path,
    files: u64,
    mut make: impl FnMut(u64) -> (&'static str, Vec<u8>),
) -> anyhow::Result<()> {
    for number in 0..files {
        let folder = dir.join(format!("{:03}", number / 10_000)).join(format!("{:02}", number / 100 % 100));
        if number % 100 == 0 {
            fs::create_dir_all(&folder)?;
        }
        let (ending, bytes) = make(number);
        let mtime = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + number * 37);
        write(&folder.join(format!("IMG_{number:07}.{ending}")), &bytes, mtime)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mtime: SystemTime) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.set_modified(mtime)
}

fn body(seed: u64, content: u64, size: u64) -> (&'static str, Vec<u8>) {
    let mut noise = Noise::new(seed + 2, content);
    let (ending, magic) = MAGIC[noise.below(MAGIC.len() as u64) as usize];
    let mut bytes = vec![0; size as usize];
    noise.fill(&mut bytes);
    bytes[..magic.len()].copy_from_slice(magic);
    (ending, bytes)
}
