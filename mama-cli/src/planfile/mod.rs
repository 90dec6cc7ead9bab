//! A plan in a file: JSON, one object a line, complete and whole or not used at all.

mod line;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mama_domain::reconcile::{Agreed, Plan};
use mama_ports::content::ContentHasher;
use mama_ports::vocab::ArchiveId;
use tempfile::NamedTempFile;

use self::line::{End, Header, Line, Nothing};
use crate::exit::Fault;

/// The format that this program writes and reads.
const FORMAT: u64 = 1;
/// No line is longer: a path has at most 4,096 bytes, a line holds four, and JSON writes one byte as six at the most.
const LONGEST: u64 = 128 << 10;
/// No page has more lines.
const MOST: usize = 1 << 16;

/// A plan that is being written; it is not there before it is whole.
pub(crate) struct Draft {
    to: PathBuf,
    file: BufWriter<NamedTempFile>,
    outcomes: u64,
    /// What went wrong first; nothing is written afterwards.
    failed: Option<io::Error>,
}

impl Draft {
    /// Begins a plan for this archive in a new file.
    pub(crate) fn create(to: &Path, archive: &ArchiveId) -> Result<Self, Fault> {
        if to.symlink_metadata().is_ok() {
            return Err(Fault::failed(format!("{} is there already", to.display()))
                .hint("choose another name; mama overwrites nothing"));
        }
        let folder = match to.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let file = NamedTempFile::new_in(folder).map_err(|error| cannot_write(to, error))?;
        let mut draft = Self { to: to.to_owned(), file: BufWriter::new(file), outcomes: 0, failed: None };
        draft.line(&Line::Plan(Header { format: FORMAT, archive: archive.to_string() }));
        Ok(draft)
    }

    /// Adds one page.
    pub(crate) fn page(&mut self, plan: &Plan) {
        if plan.prospects.is_empty() {
            return;
        }
        self.line(&Line::Page(Nothing {}));
        plan.actions.iter().for_each(|action| self.line(&action.into()));
        plan.prospects.iter().for_each(|prospect| self.line(&prospect.into()));
        self.outcomes += plan.prospects.len() as u64;
    }

    /// Ends the plan, and gives it its name.
    pub(crate) fn finish(self, hasher: &dyn ContentHasher) -> Result<(), Fault> {
        let to = self.to.clone();
        self.write_end(hasher).map_err(|error| cannot_write(&to, error))
    }

    fn write_end(mut self, hasher: &dyn ContentHasher) -> io::Result<()> {
        self.file.flush()?;
        let mut file = self.file.get_ref().as_file();
        file.rewind()?;
        let blake3 = hasher.digest(&mut file)?.hash.to_string();
        let outcomes = self.outcomes;
        self.line(&Line::End(End { outcomes, blake3 }));
        if let Some(error) = self.failed {
            return Err(error);
        }
        let file = self.file.into_inner()?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&self.to)?;
        Ok(())
    }

    fn line(&mut self, line: &Line) {
        if self.failed.is_none() {
            let written = serde_json::to_writer(&mut self.file, line).map_err(io::Error::from);
            self.failed = written.and_then(|()| self.file.write_all(b"\n")).err();
        }
    }
}

fn cannot_write(to: &Path, error: io::Error) -> Fault {
    Fault::failed(format!("cannot write the plan to {}", to.display())).because(error)
}

/// A whole plan for this archive.
pub(crate) struct PlanFile {
    path: PathBuf,
    /// Observations in the plan.
    pub(crate) outcomes: u64,
}

impl PlanFile {
    /// Opens a plan and checks it from end to end.
    pub(crate) fn open(path: &Path, archive: &ArchiveId, hasher: &dyn ContentHasher) -> Result<Self, Fault> {
        let refused = |why: String| {
            Fault::failed(format!("{} cannot be used: {why}", path.display()))
                .hint("make a new one: mama plan --out FILE")
        };
        let end = check_digest(path, hasher).map_err(|why| refused(why.to_string()))?;
        let plan = Self { path: path.to_owned(), outcomes: end.outcomes };
        let mut pages = plan.pages().map_err(|why| refused(why.to_string()))?;
        let expected = Header { format: FORMAT, archive: archive.to_string() };
        if pages.header.format != FORMAT {
            return Err(refused(format!("it has format {}, this mama reads {FORMAT}", pages.header.format)));
        }
        if pages.header != expected {
            let (its, own) = (&pages.header.archive, &expected.archive);
            return Err(refused(format!("it was made for archive {its}, and this is {own}")));
        }
        let outcomes = pages
            .try_fold(0, |sum, page| page.map(|page| sum + page.prospects.len() as u64))
            .map_err(|why| refused(why.to_string()))?;
        if outcomes != plan.outcomes {
            return Err(refused(format!("it holds {outcomes} outcomes instead of {}", plan.outcomes)));
        }
        Ok(plan)
    }

    /// Its pages, read one at a time.
    pub(crate) fn pages(&self) -> io::Result<Pages> {
        let mut pages = Pages {
            file: BufReader::new(File::open(&self.path)?),
            header: Header { format: 0, archive: String::new() },
            number: 0,
            is_over: false,
        };
        match pages.next_line()? {
            Some(Line::Plan(header)) => pages.header = header,
            _ => return Err(wrong("it does not begin like a plan")),
        }
        match pages.next_line()? {
            Some(Line::Page(_)) => {}
            Some(Line::End(_)) => pages.is_over = true,
            _ => return Err(wrong("it does not go on like a plan")),
        }
        Ok(pages)
    }
}

/// Checks that the last line is the end of this very text.
fn check_digest(path: &Path, hasher: &dyn ContentHasher) -> io::Result<End> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let tail_at = length.saturating_sub(LONGEST);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_at))?;
    (&file).take(LONGEST).read_to_end(&mut tail)?;
    let text = tail.strip_suffix(b"\n").ok_or_else(|| wrong("it is not complete"))?;
    let start = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let Ok(Line::End(end)) = Line::parse(&text[start..]) else {
        return Err(wrong("it is not a whole plan: its last line is missing"));
    };
    file.rewind()?;
    let digest = hasher.digest(&mut file.take(tail_at + start as u64))?;
    if digest.hash.to_string() != end.blake3 {
        return Err(wrong("it was changed after it was made"));
    }
    Ok(end)
}

/// The pages of a plan, in order.
pub(crate) struct Pages {
    file: BufReader<File>,
    header: Header,
    number: u64,
    is_over: bool,
}

impl Pages {
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut text = Vec::new();
        self.file.by_ref().take(LONGEST).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let line = Line::parse(&text).map_err(|what| self.wrong_line(&what))?;
        Ok(Some(line))
    }

    fn wrong_line(&self, what: &str) -> io::Error {
        wrong(&format!("line {} makes no sense: {what}", self.number))
    }

    fn next_page(&mut self) -> io::Result<Agreed> {
        let mut page = Agreed::default();
        loop {
            let read = match self.next_line()? {
                Some(Line::Page(_)) => return Ok(page),
                Some(Line::End(_)) => {
                    self.is_over = true;
                    return Ok(page);
                }
                Some(Line::Store(store)) => store.action().map(|action| page.actions.push(action)),
                Some(Line::Link(link)) => link.action().map(|action| page.actions.push(action)),
                Some(Line::Remove(remove)) => remove.action().map(|action| page.actions.push(action)),
                Some(Line::Outcome(outcome)) => {
                    outcome.prospect().map(|prospect| page.prospects.push(prospect))
                }
                Some(Line::Plan(_)) | None => Err("it should not be here".to_owned()),
            };
            read.map_err(|what| self.wrong_line(&what))?;
            if page.actions.len() + page.prospects.len() > MOST {
                return Err(wrong("one of its pages is too long"));
            }
        }
    }
}

impl Iterator for Pages {
    type Item = io::Result<Agreed>;

    fn next(&mut self) -> Option<io::Result<Agreed>> {
        if self.is_over {
            return None;
        }
        let page = self.next_page();
        self.is_over |= page.is_err();
        Some(page)
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
