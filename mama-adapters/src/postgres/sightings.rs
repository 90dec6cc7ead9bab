//! What scan remembers.

use std::sync::Arc;

use async_trait::async_trait;
use mama_ports::repository::{
    Known, KnownBlob, Recorded, Remembered, Repo, ScanBatch, ScanBegun, SidecarLink, Sightings,
};
use mama_ports::vocab::{BlobHash, Mime, ObservationId, RelPath, ScanId, ScanRoot, Timestamp};
use sqlx::{PgConnection, query};

use super::Postgres;
use super::failure::{Failure, Outcome};
use super::record::Recorder;
use super::roots::{self, Root};
use super::rows::Cells;
use crate::sql::codec::{self, Damage};

#[async_trait]
impl Sightings for Postgres {
    async fn begin(&self, root: &ScanRoot, at: Timestamp) -> Repo<ScanBegun> {
        let about = (root.clone(), at);
        self.write("begin a scan", about, |(root, at), catalog| Box::pin(roots::begin(catalog, root, *at)))
            .await
    }

    async fn remembered(&self, scan: ScanId, dirs: &[RelPath]) -> Repo<Vec<Remembered>> {
        let about = (self.root_of(scan).await?, dirs.to_vec());
        self.ask("read the files of some folders", about, |(root, dirs), catalog| {
            Box::pin(remembered(catalog, root, dirs))
        })
        .await
    }

    async fn contents_of(&self, observations: &[ObservationId]) -> Repo<Vec<Option<BlobHash>>> {
        self.ask("look up what was seen", observations.to_vec(), |observations, catalog| {
            Box::pin(contents_of(catalog, observations))
        })
        .await
    }

    async fn blobs(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<KnownBlob>>> {
        self.ask("look up contents", hashes.to_vec(), |hashes, catalog| Box::pin(blobs(catalog, hashes)))
            .await
    }

    async fn record(&self, batch: &ScanBatch) -> Repo<Recorded> {
        self.write("record what was seen", batch.clone(), |batch, catalog| {
            Box::pin(async move { Recorder::new(catalog, batch).await?.record().await })
        })
        .await
    }

    async fn finish(&self, scan: ScanId, at: Timestamp) -> Repo<()> {
        self.write("end a scan", (scan, at), |&(scan, at), catalog| {
            Box::pin(roots::finish(catalog, scan, at))
        })
        .await?;
        self.roots().remove(&scan);
        Ok(())
    }
}

async fn remembered(
    catalog: &mut PgConnection,
    root: &Arc<Root>,
    dirs: &[RelPath],
) -> Outcome<Vec<Remembered>> {
    let keys: Vec<[u8; 32]> = dirs.iter().map(|dir| root.key(dir)).collect();
    let rows = query(
        "WITH asked AS (
             SELECT d.number, f.id FROM unnest($1::bytea[]) WITH ORDINALITY AS d (key, number)
             JOIN folder f ON f.place_key = d.key AND f.root = $2
         )
         SELECT a.number, o.name, NULL::bytea, o.id, o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode,
                o.racy, o.gone_s IS NOT NULL, o.held
         FROM asked a JOIN observation o ON o.folder = a.id AND o.current
         UNION ALL
         SELECT a.number, f.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
         FROM asked a JOIN folder f ON f.parent = a.id AND f.present > 0
         UNION ALL
         SELECT a.number, s.name, s.sidecar, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
         FROM asked a JOIN sidecar s ON s.folder = a.id AND s.current",
    )
    .bind(keys)
    .bind(root.id)
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![Remembered::default(); dirs.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        let name = cells.name()?;
        if let Some(sidecar) = cells.optional_name()? {
            answer.sidecars.push(SidecarLink { of: name, sidecar });
            continue;
        }
        match cells.next()? {
            Some(id) => answer.files.push(Known {
                id: ObservationId(id),
                name,
                fingerprint: cells.fingerprint()?,
                racy: cells.next()?,
                gone: cells.next()?,
                held: cells.next()?,
            }),
            None => answer.folders.push(name),
        }
    }
    for Remembered { files, folders, sidecars } in &mut answers {
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        folders.sort_unstable();
        sidecars.sort_unstable();
    }
    Ok(answers)
}

async fn contents_of(
    catalog: &mut PgConnection,
    observations: &[ObservationId],
) -> Outcome<Vec<Option<BlobHash>>> {
    let asked: Vec<i64> = observations.iter().map(|id| id.0).collect();
    let rows = query(
        "SELECT a.number, b.hash FROM unnest($1::bigint[]) WITH ORDINALITY AS a (id, number)
         JOIN observation o ON o.id = a.id JOIN blob b ON b.id = o.blob",
    )
    .bind(asked)
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![None; observations.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        *answer = Some(cells.hash()?);
    }
    Ok(answers)
}

async fn blobs(catalog: &mut PgConnection, hashes: &[BlobHash]) -> Outcome<Vec<Option<KnownBlob>>> {
    let asked: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let rows = query(
        "SELECT h.number, b.size, b.mime, m.doc <> '{}', b.stored, b.block_reason
         FROM unnest($1::bytea[]) WITH ORDINALITY AS h (hash, number)
         JOIN blob b ON b.hash = h.hash LEFT JOIN meta m ON m.blob = b.id",
    )
    .bind(asked)
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![None; hashes.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        *answer = Some(KnownBlob {
            size: cells.count()?,
            mime: cells.next::<Option<&str>>()?.map(Mime::new),
            has_meta: cells.next()?,
            stored: cells.next()?,
            block: cells.next::<Option<&str>>()?.map(codec::block).transpose()?,
        });
    }
    Ok(answers)
}

/// The answer to the question with this number, counted from 1.
pub(super) fn numbered<T>(answers: &mut [T], number: i64) -> Outcome<&mut T> {
    let index = usize::try_from(number - 1).ok();
    let answer = index.and_then(|index| answers.get_mut(index));
    answer.ok_or_else(|| Failure::Damage(Damage(format!("an answer to question {number}"))))
}
