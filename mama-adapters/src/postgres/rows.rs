//! Rows to vocabulary, column by column.

use mama_ports::manifest::{BlobRow, ObservationRow};
use mama_ports::vocab::{
    AbsPath, BlobHash, BlobRecord, FileName, Fingerprint, Location, Mime, ObservationId, RelPath, ScanRoot,
    Standing, Timestamp,
};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};

use super::failure::{Failure, Outcome};
use crate::sql::codec;

/// A row, read from left to right.
pub(super) struct Cells<'r> {
    row: &'r PgRow,
    at: usize,
}

impl<'r> Cells<'r> {
    pub(super) const fn of(row: &'r PgRow) -> Self {
        Self { row, at: 0 }
    }

    /// The next column.
    pub(super) fn next<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Outcome<T> {
        let value = self.row.try_get(self.at)?;
        self.at += 1;
        Ok(value)
    }

    pub(super) fn hash(&mut self) -> Outcome<BlobHash> {
        Ok(codec::hash(self.next()?)?)
    }

    pub(super) fn name(&mut self) -> Outcome<FileName> {
        Ok(codec::name(self.next()?)?)
    }

    /// `None` for NULL.
    pub(super) fn optional_name(&mut self) -> Outcome<Option<FileName>> {
        let bytes: Option<&[u8]> = self.next()?;
        Ok(bytes.map(codec::name).transpose()?)
    }

    pub(super) fn rel_path(&mut self) -> Outcome<RelPath> {
        Ok(codec::rel_path(self.next()?)?)
    }

    pub(super) fn abs_path(&mut self) -> Outcome<AbsPath> {
        Ok(codec::abs_path(self.next()?)?)
    }

    /// `None` for NULL.
    pub(super) fn optional_path(&mut self) -> Outcome<Option<RelPath>> {
        let bytes: Option<&[u8]> = self.next()?;
        Ok(bytes.map(codec::rel_path).transpose()?)
    }

    pub(super) fn count(&mut self) -> Outcome<u64> {
        Ok(codec::count(self.next()?)?)
    }

    /// Two columns: seconds, nanoseconds.
    pub(super) fn time(&mut self) -> Outcome<Timestamp> {
        let (secs, nanos): (i64, i32) = (self.next()?, self.next()?);
        Ok(codec::time(secs, nanos.into())?)
    }

    /// As [`Cells::time`]; `None` for NULL.
    pub(super) fn optional_time(&mut self) -> Outcome<Option<Timestamp>> {
        let (secs, nanos): (Option<i64>, Option<i32>) = (self.next()?, self.next()?);
        let time = secs.zip(nanos).map(|(secs, nanos)| codec::time(secs, nanos.into()));
        Ok(time.transpose()?)
    }

    /// Six columns: size, mtime, ctime, inode.
    pub(super) fn fingerprint(&mut self) -> Outcome<Fingerprint> {
        Ok(Fingerprint {
            size: self.count()?,
            mtime: self.time()?,
            ctime: self.time()?,
            inode: codec::from_signed(self.next()?),
        })
    }

    /// Three columns: host, basedir, kind.
    pub(super) fn root(&mut self) -> Outcome<ScanRoot> {
        Ok(ScanRoot {
            host: codec::host(self.next()?)?,
            basedir: self.abs_path()?,
            kind: codec::word(self.next()?)?,
        })
    }

    /// Two columns: status, placement.
    pub(super) fn standing(&mut self) -> Outcome<Standing> {
        Ok(Standing { status: codec::word(self.next()?)?, placement: codec::word(self.next()?)? })
    }

    /// The columns of [`OBSERVATION`]: an observation below this root.
    pub(super) fn observation(&mut self, root: ScanRoot) -> Outcome<ObservationRow> {
        Ok(ObservationRow {
            id: ObservationId(self.next()?),
            at: Location { root, dir: self.rel_path()?, name: self.name()? },
            hash: self.hash()?,
            fingerprint: self.fingerprint()?,
            racy: self.next()?,
            seen: self.time()?,
            gone: self.optional_time()?,
            held: self.next()?,
            current: self.next()?,
            open: self.next()?,
            standing: self.standing()?,
            view: self.optional_path()?,
        })
    }

    /// The columns of [`BLOB`]: a content.
    pub(super) fn blob(&mut self) -> Outcome<BlobRow> {
        let (hash, size, mime) = (self.hash()?, self.count()?, self.next::<Option<&str>>()?.map(Mime::new));
        let (doc, stored): (Option<&str>, bool) = (self.next()?, self.next()?);
        let block = self.next::<Option<&str>>()?.map(codec::block).transpose()?;
        let (first_seen, numbers) = (self.time()?, self.next()?);
        let meta = doc.map(|doc| codec::meta(doc, numbers)).transpose()?;
        let look = codec::look(self.next()?, self.optional_time()?, self.next()?)?;
        Ok(BlobRow { record: BlobRecord { hash, size, mime, meta, look, stored, block }, first_seen })
    }
}

/// What [`Cells::observation`] reads.
pub(super) const OBSERVATION: &str = "o.id, f.relpath, o.name, b.hash, o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n,
    o.inode, o.racy, o.seen_s, o.seen_n, o.gone_s, o.gone_n, o.held, o.current, o.open, o.status, o.placement, o.view_path";

/// What [`Cells::blob`] reads.
pub(super) const BLOB: &str = "b.hash, b.size, b.mime, coalesce(m.exact, m.doc::text), b.stored, b.block_reason, b.first_seen_s, b.first_seen_n,
    coalesce(m.numbers_exact, m.numbers::text), b.looked_by, b.looked_s, b.looked_n, b.look_error";

/// A number of bytes as a column holds it.
pub(super) fn to_i64(bytes: u64) -> Outcome<i64> {
    i64::try_from(bytes).map_err(|_| Failure::Misuse(format!("no file has {bytes} bytes")))
}

/// Nanoseconds as a column holds them: below a milliard, so they fit.
pub(super) const fn nanos(time: Timestamp) -> i32 {
    time.nanos.cast_signed()
}

/// Fingerprints as columns.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    pub(super) size: Vec<i64>,
    pub(super) mtime_s: Vec<i64>,
    pub(super) mtime_n: Vec<i32>,
    pub(super) ctime_s: Vec<i64>,
    pub(super) ctime_n: Vec<i32>,
    pub(super) inode: Vec<i64>,
}

impl Fingerprints {
    pub(super) fn push(&mut self, fingerprint: &Fingerprint) -> Outcome<()> {
        let Fingerprint { size, mtime, ctime, inode } = *fingerprint;
        self.size.push(to_i64(size)?);
        self.mtime_s.push(mtime.secs);
        self.mtime_n.push(nanos(mtime));
        self.ctime_s.push(ctime.secs);
        self.ctime_n.push(nanos(ctime));
        self.inode.push(codec::to_signed(inode));
        Ok(())
    }
}
