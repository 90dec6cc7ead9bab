//! The composition root: the only folder that names an adapter.

mod catalog;
pub(crate) mod sandbox;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mama_adapters::clock::SystemClock;
use mama_adapters::extract::{ExifTool, Libmagic, Native, Settings};
use mama_adapters::fs::posix::PosixFs;
use mama_adapters::hash::Blake3;
use mama_adapters::volumes::SystemVolumes;
use mama_adapters::walk::{JwalkWalker, TreeWalker};
use mama_adapters::workers::TokioWorkers;
use mama_domain::archive::{self, Archive, Identity, Remains};
use mama_domain::explaining;
use mama_ports::content::{ContentHasher, MetadataExtractor, MimeDetector};
use mama_ports::filesystem::Filesystem;
use mama_ports::repository::Repository;
use mama_ports::runtime::{Clock, Workers};
use mama_ports::vocab::{AbsPath, ArchiveId, HostName};
use mama_ports::volumes::Volumes;
use mama_ports::walker::Walker;
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::runtime::Handle;

use crate::config::places::{CatalogPlace, archive_root, catalog_place, host};
use crate::config::{Config, WalkerKind};
use crate::exit::Fault;
use crate::render::Output;
pub(crate) use catalog::Upkeep;
use catalog::Use;

/// Files that are worked on at once, at the least: a disk answers better when it is asked for several.
const LEAST_WIDTH: usize = 8;

/// The ports, wired: everything a command needs.
pub(crate) struct App {
    pub(crate) host: HostName,
    /// Many hosts may scan into one catalog; one of them has the archive.
    archive: Option<Archive>,
    pub(crate) catalog: Arc<dyn Repository>,
    pub(crate) upkeep: Upkeep,
    pub(crate) outside: Outside,
}

/// The ports that need no archive.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) fs: Arc<dyn Filesystem>,
    pub(crate) walker: Arc<dyn Walker>,
    pub(crate) volumes: Arc<dyn Volumes>,
    pub(crate) hasher: Arc<dyn ContentHasher>,
    pub(crate) workers: Arc<dyn Workers>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Outside {
    /// The machine, on the runtime that this is called in.
    pub(crate) fn new(config: &Config) -> Self {
        let fs: Arc<dyn Filesystem> = Arc::new(PosixFs);
        let width = width(config);
        let threads = width.get().min(2 * cores().get());
        let walker: Arc<dyn Walker> = match config.walker.value {
            WalkerKind::Tree => Arc::new(TreeWalker::new(Arc::clone(&fs), threads)),
            WalkerKind::Jwalk => Arc::new(JwalkWalker::new(threads)),
        };
        let workers = Arc::new(TokioWorkers::new(Handle::current(), width));
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        let (volumes, hasher) = (Arc::new(SystemVolumes::new(search_path)), Arc::new(Blake3));
        Self { fs, walker, volumes, hasher, workers, clock: Arc::new(SystemClock) }
    }
}

impl App {
    /// Opens the archive, if this host has it, and the catalog that belongs to it.
    pub(crate) async fn open(config: &Config, output: &Arc<Output>) -> anyhow::Result<Self> {
        Self::open_for(Use::Write, config, output).await
    }

    /// The same, also where neither can be written: on a read-only disk, in a snapshot, in a backup.
    pub(crate) async fn open_to_read(config: &Config, output: &Arc<Output>) -> anyhow::Result<Self> {
        Self::open_for(Use::Read, config, output).await
    }

    async fn open_for(wanted: Use, config: &Config, output: &Arc<Output>) -> anyhow::Result<Self> {
        let outside = Outside::new(config);
        let root = archive_root(config)?;
        let archive = root.as_ref().map(|root| opened(wanted, &outside, root)).transpose()?;
        let place = catalog_place(config, root.as_ref())?;
        let upkeep = Upkeep::open(&place, wanted, Arc::<Output>::clone(output)).await?;
        match (upkeep.repository().archive().await?, &archive) {
            (Some(id), Some(archive)) => check_bound(archive, &id)?,
            (Some(_), None) => {}
            (None, _) => return Err(unbound(root.as_ref()).into()),
        }
        Self::wired(config, outside, archive, upkeep)
    }

    /// Makes the archive at `root` and its catalog, or opens those that are there.
    pub(crate) async fn create(
        config: &Config,
        root: &AbsPath,
        is_lost: bool,
        output: &Arc<Output>,
    ) -> anyhow::Result<Self> {
        let outside = Outside::new(config);
        let place = catalog_place(config, Some(root))?;
        let hasher = Arc::clone(&outside.hasher);
        let identity = identity(&outside, root, &place, output).await?;
        if let (Identity::Known(id), false) = (&identity, is_lost) {
            check_own(&outside, root, &place, id)?;
        }
        let archive = archive::create(&*outside.fs, root, identity, hasher)?;
        check_writable(&outside, root)?;
        let upkeep = Upkeep::open(&place, Use::Make, Arc::<Output>::clone(output)).await?;
        check_bound(&archive, &upkeep.repository().bind(archive.id()).await?)?;
        Self::wired(config, outside, Some(archive), upkeep)
    }

    /// Opens the archive, and a catalog for it that is made if it is missing; makes the archive's marker anew, too.
    pub(crate) async fn to_rebuild(config: &Config, output: &Arc<Output>) -> anyhow::Result<Self> {
        let outside = Outside::new(config);
        let root = archive_root(config)?.ok_or_else(no_archive)?;
        let place = catalog_place(config, Some(&root))?;
        if archive::remains(&*outside.fs, &root)?.is_some() {
            let (Identity::Known(id) | Identity::New(id)) = identity(&outside, &root, &place, output).await?;
            archive::create(&*outside.fs, &root, Identity::Known(id), Arc::clone(&outside.hasher))?;
            output.warn(&format!("the archive {root} had lost its marker .mama/archive; it was made anew"));
        }
        let archive = opened(Use::Write, &outside, &root)?;
        let upkeep = Upkeep::open(&place, Use::Make, Arc::<Output>::clone(output)).await?;
        check_bound(&archive, &upkeep.repository().bind(archive.id()).await?)?;
        Self::wired(config, outside, Some(archive), upkeep)
    }

    /// Refuses an archive and a catalog that are not of one history, where this host has both.
    pub(crate) async fn check_agreement(&self) -> anyhow::Result<()> {
        if let Some(archive) = &self.archive {
            explaining::agreed(archive, &*self.catalog, &self.outside.workers).await?;
        }
        Ok(())
    }

    /// The archive, for what cannot be done without it.
    pub(crate) fn archive(&self) -> Result<&Archive, Fault> {
        self.own_archive().ok_or_else(no_archive)
    }

    /// The archive, if this host has it.
    pub(crate) const fn own_archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    fn wired(
        config: &Config,
        outside: Outside,
        archive: Option<Archive>,
        upkeep: Upkeep,
    ) -> anyhow::Result<Self> {
        Ok(Self { host: host(config)?, archive, catalog: upkeep.repository(), upkeep, outside })
    }
}

/// Refuses to make a second archive of one id: a catalog that belongs to one goes on with that.
fn check_own(outside: &Outside, root: &AbsPath, place: &CatalogPlace, id: &ArchiveId) -> anyhow::Result<()> {
    let is_within = matches!(place, CatalogPlace::File(file) if file.starts_with(Path::new(OsStr::from_bytes(root.as_bytes()))));
    let is_there =
        archive::is_archive(&*outside.fs, root)? || archive::remains(&*outside.fs, root)?.is_some();
    if is_within || is_there {
        return Ok(());
    }
    let why =
        format!("{place} is the catalog of the archive {} already, and {root} is not that", id.as_str());
    let hint = "on another machine, `mama init --database URL` without a folder joins it; for an archive of its own, name another database; if that archive \
                is lost, `mama init DIR --archive-lost` begins it anew";
    Err(Fault::failed(why).hint(hint).into())
}

fn no_archive() -> Fault {
    Fault::failed("this host has no archive; plan, apply, why, repair, rebuild and dev reset run on the machine that has it").hint(
        "run it there; if this is that machine, say where the archive is: `archive` in mama.toml, --archive or MAMA_ARCHIVE",
    )
}

fn opened(wanted: Use, outside: &Outside, root: &AbsPath) -> anyhow::Result<Archive> {
    let archive = archive::open(&*outside.fs, root, Arc::clone(&outside.hasher))?;
    if wanted != Use::Read {
        check_writable(outside, root)?;
    }
    Ok(archive)
}

/// The id that a catalog which is there already knows, else that of the archive's manifests, else a new one.
async fn identity(
    outside: &Outside,
    root: &AbsPath,
    place: &CatalogPlace,
    output: &Arc<Output>,
) -> anyhow::Result<Identity> {
    let told = match archive::remains(&*outside.fs, root)? {
        Some(Remains::Manifests(id)) => Some(id),
        Some(Remains::Contents) | None => None,
    };
    let is_there = match place {
        CatalogPlace::File(file) => file.try_exists()?,
        CatalogPlace::Server(_) => true,
    };
    if is_there
        && let Some(id) = Upkeep::open(place, Use::Write, Arc::<Output>::clone(output))
            .await?
            .repository()
            .archive()
            .await?
    {
        return match told {
            Some(told) if told != id => Err(strangers(root, &told, &id).into()),
            Some(_) | None => Ok(Identity::Known(id)),
        };
    }
    if let Some(id) = told {
        return Ok(Identity::Known(id));
    }
    let mut id = [0; 16];
    getrandom(&mut id, GetRandomFlags::empty())?;
    Ok(Identity::New(ArchiveId::from_bytes(id)))
}

/// What tells media types, and its version in words.
pub(crate) fn detector() -> anyhow::Result<(Arc<dyn MimeDetector>, String)> {
    let libmagic = Libmagic::new()?;
    let version = libmagic.version();
    Ok((Arc::new(libmagic), format!("libmagic {}.{:02}", version / 100, version % 100)))
}

/// What reads metadata, and its version in words.
pub(crate) fn extractor(config: &Config) -> anyhow::Result<(Arc<dyn MetadataExtractor>, String)> {
    let defaults = Settings::default();
    let exiftool = ExifTool::start(Settings {
        program: config.exiftool.value.clone(),
        search_path: std::env::var_os("PATH").unwrap_or(defaults.search_path),
        sessions: config.sessions.value.unwrap_or(defaults.sessions),
        timeout: Duration::from_secs(config.timeout.value),
        sandbox: sandbox::sandbox(config)?,
        ..defaults
    })?;
    let version = format!("ExifTool {}", exiftool.version());
    Ok((Arc::new(exiftool), version))
}

/// What reads a little metadata at once.
pub(crate) fn quick_extractor() -> Arc<dyn MetadataExtractor> {
    Arc::new(Native)
}

/// As many threads as the extractor has processes, beside those that hash.
pub(crate) fn readers(config: &Config) -> Arc<dyn Workers> {
    let width = config.sessions.value.unwrap_or(Settings::default().sessions);
    Arc::new(TokioWorkers::new(Handle::current(), width))
}

fn check_writable(outside: &Outside, root: &AbsPath) -> anyhow::Result<()> {
    if outside.volumes.describe(root)?.read_only {
        let fault =
            Fault::failed(format!("the archive {root} is on a file system that is mounted read-only"));
        return Err(fault.hint("mount it writable and try again").into());
    }
    Ok(())
}

fn unbound(root: Option<&AbsPath>) -> Fault {
    let fault = Fault::failed("the catalog belongs to no archive yet");
    fault.hint(match root {
        Some(root) => format!("finish what was begun: run `mama init {root}` again"),
        None => "run `mama init DIR --database …` on the machine that has the archive first".to_owned(),
    })
}

fn check_bound(archive: &Archive, bound: &ArchiveId) -> Result<(), Fault> {
    if bound == archive.id() { Ok(()) } else { Err(strangers(archive.root(), archive.id(), bound)) }
}

/// A catalog and an archive that do not belong together.
fn strangers(root: &AbsPath, id: &ArchiveId, bound: &ArchiveId) -> Fault {
    Fault::failed(format!("the catalog belongs to archive {bound}, and {root} is archive {id}"))
        .hint("check `archive` and `database` with `mama config show --origin`")
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn width(config: &Config) -> NonZeroUsize {
    let least = NonZeroUsize::new(LEAST_WIDTH).unwrap_or(NonZeroUsize::MIN);
    config
        .threads
        .value
        .unwrap_or_else(|| cores().saturating_mul(NonZeroUsize::MIN.saturating_add(1)).max(least))
}
