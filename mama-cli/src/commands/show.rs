//! `mama show`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use mama_domain::belonging::around::{Around, around};
use mama_domain::belonging::group::{Member, Traits};
use mama_domain::facts::{Context, facts};
use mama_domain::layout;
use mama_ports::browse::Content;
use mama_ports::curation::{Filter, Target};
use mama_ports::filesystem::{Fs, FsError, FsErrorKind, ReadTree};
use mama_ports::repository::{PageSize, Repo};
use mama_ports::vocab::{AbsPath, BlobHash, Claim, Digest, FileFacts, FileKind, Place, RelPath, SourceKind};

use super::interrupt::until_interrupted;
use super::selection;
use crate::args::Places;
use crate::compose::App;
use crate::config::Config;
use crate::exit::{Fault, Status};
use crate::render::json::Object;
use crate::render::{Output, show};

/// Sightings that are looked up together.
const PAGE: PageSize = PageSize(1024);

/// Tells what is known about every content that the argument points at, and changes nothing.
pub(super) async fn run(
    what: &Path,
    with_tags: bool,
    places: &Places,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    // `--host` says here whose file, not who asks.
    let config = Config::load(&Places { host: None, ..places.clone() })?;
    let app = App::open_to_read(&config, output).await?;
    let target = selection::one(what, places.host.as_deref(), &app).await?;
    let teller = Teller { app: &app, output, with_tags };
    let told = until_interrupted("nothing was changed", teller.tell(&target)).await?;
    let is_known = told.contents > 0;
    let summary = || Object::new("show_summary").with("contents", told.contents);
    output.summary(is_known, summary, || told.nothing.unwrap_or_default());
    Ok(if is_known { Status::Done } else { Status::No })
}

/// Folders that are looked at in one question.
const FOLDERS: usize = 16;

/// What was told.
#[derive(Default)]
struct Told {
    contents: u64,
    /// Why there is nothing to tell.
    nothing: Option<String>,
}

struct Teller<'a> {
    app: &'a App,
    output: &'a Output,
    with_tags: bool,
}

impl Teller<'_> {
    async fn tell(&self, target: &Target) -> anyhow::Result<Told> {
        let mut told = Told::default();
        match target {
            Target::Content(hash) => {
                told.contents += self.content(hash, None).await?;
                told.nothing = Some(format!("no content with the hash {hash} was ever seen"));
            }
            Target::View(view) => {
                told.contents += self.seen_at(target).await?;
                told.nothing = Some(format!("{view} in the archive is no view of anything that was seen"));
            }
            Target::Path { host, path } => {
                told.contents += self.seen_at(target).await?;
                let unscanned = if told.contents == 0 && *host == self.app.host {
                    self.digest(path).await?
                } else {
                    None
                };
                match unscanned {
                    Some(Digest { hash, .. }) => {
                        let is_elsewhere = self.app.catalog.content(&hash).await?.is_some();
                        if is_elsewhere {
                            self.output.warn(&format!(
                                "{path} was never scanned; this is what is known about its content from elsewhere"
                            ));
                        }
                        told.contents += self.content(&hash, Some(path)).await?;
                        told.nothing = Some(format!(
                            "{path} was never scanned, and its content was never seen elsewhere; `mama scan` looks"
                        ));
                    }
                    None => {
                        told.nothing = Some(format!(
                            "nothing was ever seen at {path} on {host}; `mama scan` looks, --host names another machine"
                        ));
                    }
                }
            }
        }
        Ok(told)
    }

    /// Tells each content that is current at the target or below it, once; gives how many.
    async fn seen_at(&self, target: &Target) -> anyhow::Result<u64> {
        let places: Vec<Place> = match target {
            Target::Path { path, .. } => {
                SourceKind::ALL.iter().map(|&kind| Place { kind, path: path.clone() }).collect()
            }
            Target::View(view) => layout::place_of_view(view).into_iter().collect(),
            Target::Content(_) => Vec::new(),
        };
        let mut seen = BTreeSet::new();
        let mut contents = self.claimed(target, &places, &mut seen).await?;
        if contents > 0 {
            return Ok(contents);
        }
        // Not a file, or not under its plain name.
        let filter = Filter { targets: vec![target.clone()], ..Filter::default() };
        let mut after = None;
        loop {
            let found = self.app.catalog.find(&filter, after, PAGE).await?;
            let places: BTreeSet<Place> = found.iter().map(|found| found.at.place()).collect();
            contents += self.claimed(target, &places.into_iter().collect::<Vec<_>>(), &mut seen).await?;
            let Some(last) = found.last() else { return Ok(contents) };
            after = Some(last.id);
        }
    }

    async fn claimed(
        &self,
        target: &Target,
        places: &[Place],
        seen: &mut BTreeSet<BlobHash>,
    ) -> anyhow::Result<u64> {
        let mut contents = 0;
        let contests = self.app.catalog.claims(places).await?;
        for claim in contests.iter().flat_map(|contest| &contest.claims) {
            if is_meant(target, claim) && seen.insert(claim.hash) {
                self.warn_if_changed(claim).await;
                contents += self.content(&claim.hash, Some(&claim.at.full_path())).await?;
            }
        }
        Ok(contents)
    }

    /// Tells one content, by this path of all that it has; gives how many, 1 or 0.
    async fn content(&self, hash: &BlobHash, asked: Option<&AbsPath>) -> Repo<u64> {
        let Some(content) = self.app.catalog.content(hash).await? else { return Ok(0) };
        let facts = facts(content.blob.record.meta.as_ref(), &Context::of(&content, asked));
        let around = self.around(&content).await?;
        self.output.result(
            || show::content(&content, &around, &facts, self.with_tags),
            || show::content_words(&content, asked, &around, &facts, self.with_tags),
        );
        Ok(1)
    }

    /// What each present file with this content belongs to, with the file's folder.
    async fn around(&self, content: &Content) -> Repo<Vec<(AbsPath, Around)>> {
        let rows = content.observations.iter().filter(|row| row.current && row.gone.is_none());
        let places: Vec<_> =
            rows.map(|row| ((row.at.root.clone(), row.at.dir.clone()), row.at.name.clone())).collect();
        let mut told = Vec::new();
        for places in places.chunks(FOLDERS) {
            let folders: Vec<_> = places.iter().map(|(folder, _)| folder.clone()).collect();
            let answers = self.app.catalog.neighbours(&folders, &Traits::TAGS).await?;
            for (((root, dir), name), files) in places.iter().zip(answers) {
                let members: Vec<_> = files.iter().filter(|file| !file.gone).map(Member::of).collect();
                told.push((root.basedir.join(dir), around(&members, name)));
            }
        }
        told.retain(|(_, around)| *around != Around::default());
        say_once(&mut told);
        Ok(told)
    }

    /// Says so if the file is another one than was scanned, so that nobody takes the older facts for its own.
    async fn warn_if_changed(&self, claim: &Claim) {
        if claim.at.root.host != self.app.host || claim.gone {
            return;
        }
        let path = claim.at.full_path();
        let now = self.on_worker(&path, |tree, name| tree.facts(name)).await;
        let is_changed = |now: FileFacts| !now.fingerprint().is_same_version(&claim.fingerprint);
        if now.ok().flatten().is_some_and(is_changed) {
            self.output.warn(&format!("{path} has changed since it was scanned; this is what it was"));
        }
    }

    /// The hash of a file that was never scanned; `None` if there is none.
    async fn digest(&self, path: &AbsPath) -> anyhow::Result<Option<Digest>> {
        let hasher = Arc::clone(&self.app.outside.hasher);
        let read = move |tree: &dyn ReadTree, name: &RelPath| {
            let is_file = tree.facts(name)?.is_some_and(|facts| facts.kind == FileKind::File);
            let file = is_file.then(|| tree.open(name)).transpose()?;
            let digest = file.map(|mut file| hasher.digest(&mut file)).transpose();
            digest.map_err(|error| FsError::of_stream("read", name.as_bytes(), error))
        };
        match self.on_worker(path, read).await {
            Err(error) if !error.is_not_found() => {
                let fault = Fault::failed(format!("cannot read {path}, which was never scanned"));
                Err(fault.because(error).into())
            }
            done => Ok(done.ok().flatten()),
        }
    }

    /// Looks at a file where files may be waited for.
    async fn on_worker<T: Send + 'static>(
        &self,
        path: &AbsPath,
        look: impl FnOnce(&dyn ReadTree, &RelPath) -> Fs<T> + Send + 'static,
    ) -> Fs<T> {
        let (fs, path) = (Arc::clone(&self.app.outside.fs), path.clone());
        let work = move || match path.split() {
            Some((folder, name)) => look(&*fs.source(&folder)?, &RelPath::from(&name)),
            None => Err(FsError::new("open", path.as_bytes(), FsErrorKind::IsDirectory)),
        };
        self.app.outside.workers.start(work).await
    }
}

fn is_meant(target: &Target, claim: &Claim) -> bool {
    match target {
        Target::Content(hash) => claim.hash == *hash,
        Target::Path { host, path } => {
            claim.current && claim.at.root.host == *host && claim.at.full_path().below(path).is_some()
        }
        Target::View(view) => claim.view.as_ref().is_some_and(|own| own.is_within(view)),
    }
}

/// Two files of one folder with this content may be in one group, or have one sidecar.
fn say_once(told: &mut [(AbsPath, Around)]) {
    let (mut groups, mut sidecars, mut describes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (folder, around) in told {
        around.groups.retain(|group| groups.insert((folder.clone(), group.clone())));
        around.sidecars.retain(|sidecar| sidecars.insert((folder.clone(), sidecar.clone())));
        around.describes.retain(|file| describes.insert((folder.clone(), file.clone())));
    }
}
