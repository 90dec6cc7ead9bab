//! The disk as a power cut at many points of the stream of writes would have left it, each tried.

use std::fs::{self, File};
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
    /// The copies that `follow` made of a catalog that is not on the disk
    #[arg(long)]
    copies: Option<PathBuf>,
    #[command(flatten)]
    mama: Mama,
}

impl Images {
    /// Tries them all, half of them with lost writes; how many are bad.
    pub(crate) fn try_all(&self) -> Outcome<usize> {
        let mut writes = Writes::open(&self.log)?;
        let marks: Vec<(usize, String)> = writes.marks().map(|(at, mark)| (at, mark.to_owned())).collect();
        let end = marks.iter().find(|(_, mark)| mark == "end").ok_or("the log has no end")?.0;
        // entries before it → contents that were stored for certain
        let stored = marks.iter().filter_map(|(at, mark)| Some((*at, mark.strip_prefix("stored-")?)));
        let stored: Vec<(usize, usize)> =
            stored.map(|(at, count)| Ok((at, count.parse()?))).collect::<Outcome<_>>()?;
        let start = stored.first().ok_or("nothing was stored")?.0;
        println!("{} images of {} writes, seed {}", self.count, end - start, self.seed);

        let (base, image) = (self.work.join("base"), self.work.join("image"));
        let mut disk = File::create(&base)?;
        disk.set_len(self.size)?;
        let (mut written, mut bad) = (0, 0);
        for nth in 0..self.count {
            let point = start + 1 + (end - start) * nth / self.count;
            let lose = (nth % 2 == 1).then(|| self.seed + nth as u64);
            let acknowledged = stored.iter().rev().find(|(at, _)| *at < point).map_or(0, |(_, count)| *count);
            let durable = writes.durable(point);
            writes.replay(&mut disk, written, durable, None)?;
            written = durable;
            let make = |image: &Path| succeed(Command::new("cp").arg("--sparse=always").args([&base, image]));
            make(&image)?;
            let mut cut = File::options().write(true).open(&image)?;
            writes.replay(&mut cut, durable, point, lose)?;
            drop(cut);

            let found = self.mounted(&image, |mama| mama.recover(acknowledged), acknowledged);
            let found = found.unwrap_or_else(|error| vec![error.to_string()]);
            if !found.is_empty() {
                bad += 1;
                println!("BAD {nth}: {point} writes, losing {lose:?}, {} violations", found.len());
                found.iter().take(3).for_each(|violation| println!("  {violation}"));
                if bad <= 5 {
                    make(&image)?;
                    writes.replay(&mut File::options().write(true).open(&image)?, durable, point, lose)?;
                    let keep = self.keep.join(format!("{}-{nth}.image", self.fs));
                    succeed(Command::new("cp").arg("--sparse=always").args([&image, &keep]))?;
                    println!("  kept as {}", keep.display());
                }
            }
        }
        println!("{bad} bad of {}", self.count);
        Ok(bad)
    }

    /// Mounts an image, does something, and unmounts it.
    fn mounted<T>(&self, image: &Path, act: impl FnOnce(&Mama) -> Outcome<T>, acknowledged: usize) -> Outcome<T> {
        let mut mama = self.mama.clone();
        if let Some(copies) = &self.copies {
            mama.catalog = self.work.join("catalog.sqlite3");
            for ending in ["", "-wal", "-shm"] {
                fs::remove_file(self.work.join(format!("catalog.sqlite3{ending}"))).ok();
            }
            fs::copy(copies.join(acknowledged.to_string()), &mama.catalog)?;
        }
        let device = said(Command::new("losetup").args(["--find", "--show"]).arg(image))?;
        let done = self.mount(&device).and_then(|()| {
            let done = act(&mama);
            self.unmount()?;
            done
        });
        succeed(Command::new("losetup").arg("--detach").arg(&device))?;
        done
    }

    fn mount(&self, device: &str) -> Outcome<()> {
        if self.fs == "zfs" {
            let import = ["import", "-f", "-o", "cachefile=none", "-d", device, "tank"];
            return succeed(Command::new("zpool").args(import));
        }
        succeed(Command::new("mount").args(["-t", &self.fs, device]).arg(&self.at))
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
