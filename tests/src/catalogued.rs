//! Everything that a catalog knows of a root.

use mama_ports::repository::{Known, ScanBegun};
use mama_ports::runtime::Clock;
use mama_ports::vocab::{RelPath, ScanRoot, SourceKind};
use pollster::block_on;

use crate::world::{World, host_name, path};

/// The current observation of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogued {
    /// The folder below the root.
    pub dir: RelPath,
    /// What is known.
    pub known: Known,
}

/// Begins a scan of a root of kind existing, which nobody goes on with.
pub fn begin(world: &World, root: &str) -> ScanBegun {
    let root = ScanRoot { host: host_name("anna"), basedir: path(root), kind: SourceKind::Existing };
    block_on(world.catalog.begin(&root, world.disk.clock().now())).expect("a scan begins")
}

/// Every file below a root, those that are gone too, as far as the folder that it is in, or one below, has any that is present.
pub fn catalogued(world: &World, root: &str) -> Vec<Catalogued> {
    let scan = begin(world, root).scan;
    let (mut folders, mut found) = (vec![RelPath::root()], Vec::new());
    while let Some(dir) = folders.pop() {
        let answer = block_on(world.catalog.remembered(scan, std::slice::from_ref(&dir))).expect("an answer");
        for remembered in answer {
            folders.extend(remembered.folders.iter().map(|name| dir.join(name)));
            found.extend(remembered.files.into_iter().map(|known| Catalogued { dir: dir.clone(), known }));
        }
    }
    found
}
