//! The volumes of a machine in memory.

use mama_ports::filesystem::{Fs, FsError};
use mama_ports::vocab::{AbsPath, VolumeId};
use mama_ports::volumes::{VolumeFacts, Volumes};

use crate::fs::memory::MemoryFs;

/// Describes the disks of a [`MemoryFs`]: each has room for everything, and is called by its name, such as `memory:usb`.
#[derive(Debug, Clone)]
pub struct MemoryVolumes(MemoryFs);

impl MemoryVolumes {
    /// The volumes of this machine.
    pub const fn new(machine: MemoryFs) -> Self {
        Self(machine)
    }
}

impl Volumes for MemoryVolumes {
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts> {
        let found = self.0.disk_at(at);
        let (name, device) =
            found.map_err(|kind| FsError::new("describe the volume of", at.as_bytes(), kind))?;
        Ok(VolumeFacts {
            kind: "memory".to_owned(),
            identity: VolumeId::new(format!("memory:{name}")),
            device,
            total: u64::MAX,
            available: u64::MAX,
            available_files: None,
            read_only: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_keeps_its_name_and_content_and_covers_what_is_below() {
        let machine = MemoryFs::new();
        let volumes = MemoryVolumes::new(machine.clone());
        let at = |path: &str| volumes.describe(&AbsPath::parse(path).unwrap()).unwrap();
        machine.write("/mnt/usb/stray", "bare");
        machine.plug("usb", "/mnt/usb");
        machine.write("/mnt/usb/a", "on the disk");
        let first = at("/mnt/usb");
        assert_eq!(first.identity.as_str(), "memory:usb");
        assert_ne!(first.device, at("/mnt").device);
        machine.unplug("usb");
        assert_eq!((machine.read("/mnt/usb/stray"), at("/mnt/usb")), (b"bare".to_vec(), at("/")));
        machine.reboot(crate::fs::memory::Reboot::LoseUnsynced);
        machine.plug("usb", "/media/stick");
        let second = at("/media/stick");
        assert_eq!(
            (second.identity, machine.read("/media/stick/a")),
            (first.identity, b"on the disk".to_vec())
        );
        assert_ne!(second.device, first.device);
        assert_eq!(machine.facts("/media/stick/a").unwrap().id.device, second.device);
    }
}
