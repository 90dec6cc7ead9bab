//! What every promise needs: words for small things, and a scan to write with.

use crate::curation::{Curation, Decision, Journal, NewAct};
use crate::enrichment::{Enriched, Looked};
use crate::repository::{
    Confirmation, Known, NewBlob, PageSize, Recorded, Remembered, Repo, Repository, ScanBatch, ScanBegun,
    Scope, SettleBatch, Settled, Settlement, Sighting,
};
use crate::vocab::{
    AbsPath, BlobHash, BlobRecord, Claim, Contest, ExtractorId, FileName, Fingerprint, Footing, HostName,
    MetaDoc, ObservationId, Placement, RelPath, ScanId, ScanRoot, SourceKind, Standing, Status, Timestamp,
};

pub(super) const PENDING: Standing = Standing { status: Status::Pending, placement: Placement::None };
pub(super) const PLACED: Standing = Standing { status: Status::Assigned, placement: Placement::Placed };

pub(super) fn host(name: &str) -> HostName {
    HostName::parse(name).unwrap()
}

pub(super) fn root(host_name: &str, basedir: &str) -> ScanRoot {
    let basedir = AbsPath::parse(basedir).unwrap();
    ScanRoot { host: host(host_name), basedir, kind: SourceKind::Existing }
}

pub(super) fn dir(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

pub(super) fn name(name: &str) -> FileName {
    FileName::parse(name).unwrap()
}

pub(super) fn hash(number: u8) -> BlobHash {
    BlobHash::from_bytes([number; 32])
}

pub(super) const fn time(secs: i64) -> Timestamp {
    Timestamp::new(secs, 7)
}

/// The size follows the content: 100 bytes times its number.
pub(super) fn fingerprint(content: u8, mtime: i64) -> Fingerprint {
    let size = u64::from(content) * 100;
    Fingerprint { size, mtime: time(mtime), ctime: time(mtime + 1), inode: u64::from(content) }
}

pub(super) fn described(content: u8) -> NewBlob {
    NewBlob { hash: hash(content), size: u64::from(content) * 100, mime: None, quick: None }
}

/// The file `path` with content number `content`, last changed at `mtime`.
pub(super) fn sighting(path: &str, content: u8, mtime: i64) -> Sighting {
    let (dir, name) = dir(path).split().unwrap();
    Sighting { dir, name, hash: hash(content), fingerprint: fingerprint(content, mtime), racy: false }
}

pub(super) fn confirmation(known: &Known) -> Confirmation {
    Confirmation { id: known.id, fingerprint: known.fingerprint, racy: known.racy }
}

/// A present, current, unblocked observation that stands so.
pub(super) const fn on(standing: Standing) -> Footing {
    Footing { standing, current: true, gone: false, block: None }
}

pub(super) fn to_placed(id: ObservationId) -> Settlement {
    let view = Some(dir(&format!("views/{}", id.0)));
    Settlement { id, from: on(PENDING), to: PLACED, open: false, view, fingerprint: None, doubtful: false }
}

/// One scan of one root.
pub(super) struct Desk<'a> {
    pub(super) repo: &'a dyn Repository,
    pub(super) begun: ScanBegun,
    pub(super) at: Timestamp,
}

impl<'a> Desk<'a> {
    /// Begins a scan of anna's /a at time 1,000.
    pub(super) async fn new(repo: &'a dyn Repository) -> Self {
        Self::begin(repo, &root("anna", "/a"), time(1_000)).await
    }

    /// Begins a scan of `root`.
    pub(super) async fn begin(repo: &'a dyn Repository, root: &ScanRoot, at: Timestamp) -> Self {
        Self { repo, begun: repo.begin(root, at).await.unwrap(), at }
    }

    /// Ends this scan and begins the next one of the same root, 1,000 seconds later.
    pub(super) async fn next(self, root: &ScanRoot) -> Self {
        self.repo.finish(self.scan(), self.at.plus_secs(10)).await.unwrap();
        Self::begin(self.repo, root, self.at.plus_secs(1_000)).await
    }

    pub(super) const fn scan(&self) -> ScanId {
        self.begun.scan
    }

    /// An empty batch of this scan.
    pub(super) const fn batch(&self) -> ScanBatch {
        ScanBatch::new(self.begun.scan, self.at)
    }

    /// A batch with these files and their contents.
    pub(super) fn seen(&self, files: &[(&str, u8, i64)]) -> ScanBatch {
        ScanBatch {
            blobs: files.iter().map(|&(_, content, _)| described(content)).collect(),
            sightings: files.iter().map(|&(path, content, mtime)| sighting(path, content, mtime)).collect(),
            ..self.batch()
        }
    }

    pub(super) async fn record(&self, batch: &ScanBatch) -> Recorded {
        self.repo.record(batch).await.unwrap()
    }

    /// Records files by path, content and mtime.
    pub(super) async fn see(&self, files: &[(&str, u8, i64)]) -> Recorded {
        self.record(&self.seen(files)).await
    }

    pub(super) async fn gone(&self, ids: &[ObservationId]) -> Recorded {
        self.record(&ScanBatch { gone: ids.to_vec(), ..self.batch() }).await
    }

    pub(super) async fn gone_below(&self, path: &str) -> Recorded {
        self.record(&ScanBatch { gone_below: vec![dir(path)], ..self.batch() }).await
    }

    /// What is current directly in one folder.
    pub(super) async fn folder(&self, path: &str) -> Remembered {
        let mut answer = self.repo.remembered(self.scan(), &[dir(path)]).await.unwrap();
        assert_eq!(answer.len(), 1, "one question, one answer");
        answer.remove(0)
    }

    /// What the current observation of one file saw.
    pub(super) async fn content(&self, path: &str) -> BlobHash {
        let known = self.known(path).await;
        self.repo.contents_of(&[known.id]).await.unwrap().remove(0).unwrap()
    }

    /// The current observation of one file.
    pub(super) async fn known(&self, path: &str) -> Known {
        let (folder, name) = dir(path).split().unwrap();
        let answer = self.repo.remembered(self.scan(), &[folder]).await.unwrap().remove(0);
        answer.files.into_iter().find(|known| known.name == name).unwrap()
    }
}

/// Every contest from the start.
pub(super) async fn contests(repo: &dyn Repository, scope: Scope) -> Vec<Contest> {
    repo.contests(scope, None, PageSize(1_000)).await.unwrap()
}

/// The claims of the only contest.
pub(super) async fn only_claims(repo: &dyn Repository) -> Vec<Claim> {
    let mut contests = contests(repo, Scope::WithPending).await;
    assert_eq!(contests.len(), 1, "{contests:?}");
    contests.remove(0).claims
}

pub(super) async fn settle(repo: &dyn Repository, settlements: Vec<Settlement>) -> Vec<Settled> {
    repo.settle(&SettleBatch { settlements, ..SettleBatch::default() }).await.unwrap()
}

/// The extractor of these suites.
pub(super) fn extractor(version: &str) -> ExtractorId {
    ExtractorId::new("desk", version, 1)
}

/// That version 1 of the extractor found this in a content, at time 5.
pub(super) fn found(content: u8, doc: MetaDoc) -> Enriched {
    let looked = Looked { by: extractor("1"), at: time(5), found: Ok(doc) };
    Enriched { hash: hash(content), mime: None, looked: Some(looked) }
}

/// All that is known about a content that changed since the last manifest.
pub(super) async fn record_of(repo: &dyn Repository, hash: BlobHash) -> BlobRecord {
    let blobs = repo.unsaved(PageSize(1_000)).await.unwrap().rows.blobs;
    blobs.into_iter().map(|row| row.record).find(|record| record.hash == hash).unwrap()
}

/// What somebody asked at that time.
pub(super) fn act(verb: &str, at: i64) -> NewAct {
    NewAct {
        at: time(at),
        host: host("anna"),
        verb: verb.to_owned(),
        words: "x".to_owned(),
        undoes: None,
        summary: None,
    }
}

/// Makes decisions under an act of their own.
pub async fn decide<R: Curation + Journal + ?Sized>(repo: &R, batch: &[Decision]) -> Repo<Vec<Settled>> {
    repo.decide(repo.append(&act("test", 0)).await?, batch).await
}

/// Settles all that is open, as placed.
pub(super) async fn place_all(repo: &dyn Repository) {
    let open = contests(repo, Scope::WithPending).await;
    let settlements =
        open.iter().flat_map(|contest| &contest.claims).map(|claim| to_placed(claim.id)).collect();
    settle(repo, settlements).await;
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
}

/// The smallest open id of a contest: the cursor behind it.
pub(super) fn cursor(contest: &Contest) -> ObservationId {
    contest.claims.iter().filter(|claim| claim.open).map(|claim| claim.id).min().unwrap()
}
