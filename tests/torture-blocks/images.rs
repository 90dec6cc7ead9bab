//! The disk as a power cut at many points of the stream of writes would have left it, each tried.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::rerun::Mama;
use crate::writes::Writes;

#[derive(clap::Args)]
pub(crate) struct Images {
    /// The recorded writes to a disk that was empty
    #[arg(long)]
    log: PathBuf,
    /// The disk's size in bytes
    #[arg(long)]
    size: u64,
    /// Its file system: ext4, xfs, btrfs, zfs
    #[arg(long)]
    fs: String,
    /// Where it is mounted
    #[arg(long)]
    at: PathBuf,
    /// How many images
    #[arg(long)]
    count: usize,
    /// Names the writes that are lost
    #[arg(long)]
    seed: u64,
    /// A folder for the images, best in memory
    #[arg(long)]
    work: PathBuf,
    /// An existing folder for those that fail
    #[arg(long)]
    keep: PathBuf,
    /// Where the ext4 at the disk's end is mounted that has what is not in the first file system
    #[arg(long)]
    beside: Option<PathBuf>,
    /// Where that begins, in bytes
    #[arg(long)]
    begin: u64,
    #[command(flatten)]
    mama: Mama,
}

/// How many bad images are kept.
const KEPT: usize = 5;

/// When the power fails.
#[derive(Debug)]
struct Cut {
    /// So many entries of the log have happened.
    point: usize,
    /// The seed that says which of those are lost that no flush has made durable.
    lose: Option<u64>,
    /// What the catalog had said was done.
    acknowledged: usize,
}

impl Images {
    /// Tries them all; how many are bad.
    pub(crate) fn try_all(&self) -> Outcome<usize> {
        let mut writes = Writes::open(&self.log)?;
        let cuts = self.cuts(&writes)?;
        println!("{} images, seed {}", cuts.len(), self.seed);
        let (base, image) = (self.work.join("base"), self.work.join("image"));
        let mut disk = File::create(&base)?;
        disk.set_len(self.size)?;
        let (mut written, mut bad) = (0, 0);
        for (nth, cut) in cuts.iter().enumerate() {
            let durable = writes.durable(cut.point);
            writes.replay(&mut disk, written, durable, None)?;
            written = durable;
            let mut make = |image: &Path| {
                said(Command::new("cp").arg("--sparse=always").args([&base, image]))?;
                let mut disk = File::options().write(true).open(image)?;
                writes.replay(&mut disk, durable, cut.point, cut.lose)
            };
            make(&image)?;
            let found = self.mounted(&image, || self.mama.recover(cut.acknowledged));
            let is_fine = found.as_ref().is_ok_and(Vec::is_empty);
            if !is_fine && bad < KEPT {
                let keep = self.keep.join(format!("{}-{}-{nth}.image", self.fs, self.seed));
                make(&keep)?;
                println!("{} is kept: {cut:?}", keep.display());
            }
            let found = found?;
            if !is_fine {
                bad += 1;
                println!("BAD {nth}: {cut:?}, {} violations", found.len());
                found.iter().take(3).for_each(|violation| println!("  {violation}"));
            }
            if nth % 100 == 99 {
                println!("{} done", nth + 1);
            }
        }
        println!("{bad} bad of {}", cuts.len());
        Ok(bad)
    }

    /// Half of them evenly over all writes, and half over the times between two flushes, with lost writes.
    fn cuts(&self, writes: &Writes) -> Outcome<Vec<Cut>> {
        let is_acknowledgement =
            |(at, mark): (usize, &str)| Some((at, mark.strip_prefix("done-")?.parse().ok()?));
        let acknowledgements: Vec<(usize, usize)> = writes.marks().filter_map(is_acknowledgement).collect();
        let start = acknowledgements.first().ok_or("nothing was acknowledged")?.0 + 1;
        let end = writes.marks().find(|(_, mark)| *mark == "end").ok_or("the log has no end")?.0;
        let mut flushes: Vec<usize> = writes.flushes().filter(|at| (start..end).contains(at)).collect();
        flushes.push(end);
        println!(
            "{} writes, {} flushes, {} acknowledgements",
            end - start,
            flushes.len(),
            acknowledgements.len()
        );

        let acknowledged =
            |point| acknowledgements.iter().rev().find(|(at, _)| *at < point).map_or(0, |a| a.1);
        let cut = |point, lose| Cut { point, lose, acknowledged: acknowledged(point) };
        let half = self.count / 2;
        let evenly = (0..half).map(|nth| cut(start + (end - start) * nth / half, None));
        let between = (0..half).map(|nth| {
            let lose = self.seed + nth as u64;
            let (which, dice) = (flushes.len() * nth / half, blake3::hash(&lose.to_le_bytes()));
            let first = which.checked_sub(1).map_or(start, |before| flushes[before] + 1);
            let room = flushes[which] + 1 - first;
            cut(first + usize::from(dice.as_bytes()[0]) * room / 256, Some(lose))
        });
        let mut cuts: Vec<Cut> = evenly.chain(between).collect();
        cuts.sort_by_key(|cut| cut.point);
        Ok(cuts)
    }

    /// Does something while an image is mounted.
    fn mounted<T>(&self, image: &Path, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let both = || match &self.beside {
            Some(beside) => attached(image, self.begin, self.size, |device| {
                around(&mut mount("ext4", device, beside), act, Command::new("umount").arg(beside))
            }),
            None => act(),
        };
        attached(image, 0, self.begin, |device| {
            if self.fs == "zfs" {
                let import = ["import", "-f", "-o", "cachefile=none", "-d", device, "tank"];
                let mut export = Command::new("zpool");
                return around(Command::new("zpool").args(import), both, export.args(["export", "tank"]));
            }
            let named = || {
                name_disk(device)?;
                both()
            };
            let done =
                around(&mut mount(&self.fs, device, &self.at), named, Command::new("umount").arg(&self.at));
            // or the next image, which has the same identity, is taken for another device of this one
            if self.fs == "btrfs" {
                said(Command::new("btrfs").args(["device", "scan", "--forget"]))?;
            }
            done
        })
    }
}

/// Says, as udev would, that this loop device is the disk that was recorded; `in-vm` gives that the same name.
fn name_disk(device: &str) -> Outcome<()> {
    let link = Path::new("/dev/disk/by-uuid/torture");
    match fs::remove_file(link) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(symlink(device, link)?)
}

fn around<T>(before: &mut Command, act: impl FnOnce() -> Outcome<T>, after: &mut Command) -> Outcome<T> {
    said(before)?;
    let done = act();
    said(after)?;
    done
}

/// Does something while a part of an image is a device. `mount -o loop` does not do: it keeps open for writing what it mounts, which a kernel may refuse.
fn attached<T>(image: &Path, from: u64, to: u64, act: impl FnOnce(&str) -> Outcome<T>) -> Outcome<T> {
    let part = [format!("--offset={from}"), format!("--sizelimit={}", to - from)];
    let device = said(Command::new("losetup").args(["--find", "--show"]).args(part).arg(image))?;
    let done = act(&device);
    said(Command::new("losetup").args(["--detach", &device]))?;
    done
}

fn mount(fs: &str, device: &str, at: &Path) -> Command {
    let mut mount = Command::new("mount");
    mount.args(["-t", fs, device]).arg(at);
    mount
}

/// What a command prints; it must succeed.
fn said(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
