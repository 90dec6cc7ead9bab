//! The disk as a power cut at many points of the stream of writes would have left it, each tried.

use std::fs::File;
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
                succeed(Command::new("cp").arg("--sparse=always").args([&base, image]))?;
                let mut disk = File::options().write(true).open(image)?;
                writes.replay(&mut disk, durable, cut.point, cut.lose)
            };
            make(&image)?;
            let found = self.mounted(&image, || self.mama.recover(cut.acknowledged));
            let found = found.unwrap_or_else(|error| vec![error.to_string()]);
            if !found.is_empty() {
                bad += 1;
                println!("BAD {nth}: {cut:?}, {} violations", found.len());
                found.iter().take(3).for_each(|violation| println!("  {violation}"));
                if bad <= KEPT {
                    let keep = self.keep.join(format!("{}-{}-{nth}.image", self.fs, self.seed));
                    make(&keep)?;
                    println!("  kept as {}", keep.display());
                }
            } else if nth % 100 == 99 {
                println!("{} done", nth + 1);
            }
        }
        println!("{bad} bad of {}", cuts.len());
        Ok(bad)
    }

    /// Half of them evenly over all writes, and half over the times between two flushes, with lost writes.
    fn cuts(&self, writes: &Writes) -> Outcome<Vec<Cut>> {
        let is_acknowledgement = |(at, mark): (usize, &str)| Some((at, mark.strip_prefix("done-")?.parse().ok()?));
        let acknowledgements: Vec<(usize, usize)> = writes.marks().filter_map(is_acknowledgement).collect();
        let start = acknowledgements.first().ok_or("nothing was acknowledged")?.0 + 1;
        let end = writes.marks().find(|(_, mark)| *mark == "end").ok_or("the log has no end")?.0;
        let mut flushes: Vec<usize> = writes.flushes().filter(|at| (start..end).contains(at)).collect();
        flushes.push(end);
        println!("{} writes, {} flushes, {} acknowledgements", end - start, flushes.len(), acknowledgements.len());

        let acknowledged = |point| acknowledgements.iter().rev().find(|(at, _)| *at < point).map_or(0, |a| a.1);
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

    /// Mounts an image, does something, and unmounts it.
    fn mounted<T>(&self, image: &Path, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let part = |from: u64, to: u64| {
            let part = [format!("--offset={from}"), format!("--sizelimit={}", to - from)];
            said(Command::new("losetup").args(["--find", "--show"]).args(part).arg(image))
        };
        let device = part(0, self.begin)?;
        let done = self.mount(&device).and_then(|()| {
            let done = match &self.beside {
                Some(beside) => part(self.begin, self.size).and_then(|device| {
                    mount("ext4", &device, beside)?;
                    let done = act();
                    succeed(Command::new("umount").arg("--detach-loop").arg(beside))?;
                    done
                }),
                None => act(),
            };
            self.unmount()?;
            done
        });
        succeed(Command::new("losetup").arg("--detach").arg(device))?;
        done
    }

    fn mount(&self, device: &str) -> Outcome<()> {
        if self.fs == "zfs" {
            let import = ["import", "-f", "-o", "cachefile=none", "-d", device, "tank"];
            return succeed(Command::new("zpool").args(import));
        }
        mount(&self.fs, device, &self.at)
    }

    fn unmount(&self) -> Outcome<()> {
        if self.fs == "zfs" {
            return succeed(Command::new("zpool").args(["export", "tank"]));
        }
        succeed(Command::new("umount").arg(&self.at))?;
        // or the next image, which has the same identity, is taken for another device of this one
        if self.fs == "btrfs" {
            succeed(Command::new("btrfs").args(["device", "scan", "--forget"]))?;
        }
        Ok(())
    }
}

fn mount(fs: &str, device: &str, at: &Path) -> Outcome<()> {
    succeed(Command::new("mount").args(["-t", fs, device]).arg(at))
}

fn succeed(command: &mut Command) -> Outcome<()> {
    said(command).map(drop)
}

/// What a command prints.
fn said(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
