//! Folders that the walk found, against what the catalog remembers of them.

use std::sync::Arc;

use mama_ports::events::{Event, Trouble};
use mama_ports::filesystem::{Fs, FsError};
use mama_ports::repository::Remembered;
use mama_ports::vocab::{RelPath, VolumeId};
use mama_ports::volumes::VolumeFacts;
use mama_ports::walker::Visited;

use super::chunk::Chunk;
use super::{Run, ScanError, ScanReport};
use crate::absence::is_suddenly_empty;
use crate::mounts::{Arrival, Mounts, Stranger};
use crate::reading::Unreadable;

/// What to do for good about a disk that is not there.
const FOR_GOOD: &str = "if it is so for good, scan once with --new-disk";

impl Run<'_> {
    /// Compares folders with what the catalog remembers of them.
    pub(super) async fn compare(
        &self,
        folders: Vec<Visited>,
        mounts: &mut Mounts,
        report: &mut ScanReport,
    ) -> Result<Chunk, ScanError> {
        let mut chunk = Chunk::default();
        let (listed, failed): (Vec<Visited>, Vec<Visited>) =
            folders.into_iter().partition(|visited| visited.listing.is_ok());
        let dirs: Vec<RelPath> = listed.iter().map(|visited| visited.dir.clone()).collect();
        let remembered = self.ports.sightings.remembered(self.scan, &dirs).await?;
        for (visited, remembered) in listed.into_iter().zip(remembered) {
            if mounts.is_held(&visited.dir)
                || !self.enter(&visited, &remembered, mounts, &mut chunk, report).await?
            {
                continue;
            }
            if visited.dir.is_root() && !mounts.accepts() && is_suddenly_empty(&visited, &remembered) {
                return Err(ScanError::SuddenlyEmpty(self.root.clone()));
            }
            self.count(&visited, report);
            for (at, volume) in chunk.add(visited, remembered, mounts) {
                self.warn_of_volume(&at, format!("the disk {volume} is not mounted"), report);
            }
        }
        report.stray_sidecars += std::mem::take(&mut chunk.strays);
        for Visited { dir, listing, .. } in failed {
            if mounts.is_held(&dir) {
                continue;
            }
            if let Err(error) = listing {
                self.count_unlisted(&dir, &error, report);
            }
            chunk.held_below.push(dir);
        }
        Ok(chunk)
    }

    /// Whether a folder is on the disk where it should be; if not, it is held.
    async fn enter(
        &self,
        Visited { dir, device, .. }: &Visited,
        remembered: &Remembered,
        mounts: &mut Mounts,
        chunk: &mut Chunk,
        report: &mut ScanReport,
    ) -> Result<bool, ScanError> {
        let begins = device.filter(|&device| mounts.begins_at(dir, device));
        let mounted = match begins {
            None => None,
            Some(device) => match self.volume_at(dir, device).await {
                Ok(Some(volume)) => Some((device, volume)),
                Ok(None) if dir.is_root() => return Err(ScanError::Remounted(self.root.clone())),
                Err(source) if dir.is_root() => {
                    return Err(ScanError::Root { root: self.root.clone(), source });
                }
                outcome => {
                    match outcome {
                        Err(error) => self.error(
                            dir,
                            format!("cannot tell which disk this is: {}", error.source),
                            report,
                        ),
                        Ok(_) => self.count_changed(
                            dir,
                            "another disk was mounted here meanwhile; the next scan tries again",
                            report,
                        ),
                    }
                    mounts.hold(dir);
                    chunk.held_below.push(dir.clone());
                    return Ok(false);
                }
            },
        };
        match mounts.arrive(dir, mounted, remembered) {
            Arrival::Known => Ok(true),
            Arrival::Marked(mark) => {
                chunk.mounts.push(mark);
                Ok(true)
            }
            Arrival::Held(Stranger::Other { expected, found }) if dir.is_root() => {
                Err(ScanError::OtherVolume { root: self.root.clone(), expected, found })
            }
            Arrival::Held(stranger) => {
                let what = match stranger {
                    Stranger::Bare(expected) => format!("the disk {expected} is not mounted"),
                    Stranger::Other { expected, found } => {
                        format!("the disk {found} is mounted, and the catalog knows files here on {expected}")
                    }
                };
                self.warn_of_volume(dir, what, report);
                chunk.held_below.push(dir.clone());
                Ok(false)
            }
        }
    }

    /// Which volume a folder is on that was listed on this device; `None` if it is on another one by now.
    async fn volume_at(&self, dir: &RelPath, device: u64) -> Fs<Option<VolumeId>> {
        let (volumes, tree) = (Arc::clone(&self.ports.volumes), Arc::clone(&self.tree));
        let (path, dir) = (self.root.join(dir), dir.clone());
        let asked = self.ports.workers.start(move || Ok((volumes.describe(&path)?, tree.facts(&dir)?)));
        let (VolumeFacts { identity, device: described, .. }, facts) = asked.await?;
        let is_same = described == device && facts.is_some_and(|facts| facts.id.device == device);
        Ok(is_same.then_some(identity))
    }

    fn warn_of_volume(&self, at: &RelPath, what: String, report: &mut ScanReport) {
        report.disks_held += 1;
        let reason = format!("{what}; nothing here was scanned, and nothing marked as gone ({FOR_GOOD})");
        self.ports.events.emit(Event::Trouble(Trouble::warning(&self.root, at, reason)));
    }

    fn count_unlisted(&self, dir: &RelPath, error: &FsError, report: &mut ScanReport) {
        match Unreadable::from(error) {
            Unreadable::Vanished | Unreadable::Replaced => {
                self.count_changed(dir, "vanished before it was listed; the next scan tries again", report);
            }
            Unreadable::Failed(_) => {
                let reason = format!("cannot be listed, so nothing in it was scanned: {}", error.source);
                self.error(dir, reason, report);
            }
        }
    }

    fn count_changed(&self, dir: &RelPath, reason: &str, report: &mut ScanReport) {
        report.changed += 1;
        self.ports.events.emit(Event::Trouble(Trouble::error(&self.root, dir, reason)));
    }

    fn count(&self, visited: &Visited, report: &mut ScanReport) {
        let files = visited.files.len() as u64;
        report.skipped += visited.skipped.len() as u64;
        report.ignored += visited.pruned.len() as u64;
        for (name, error) in &visited.unreadable {
            self.error(&visited.dir.join(name), format!("cannot be looked at: {}", error.source), report);
        }
        self.ports.events.emit(Event::Found { files });
    }
}
