//! What may be read of one content.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::BorrowedFd;

use mama_ports::filesystem::ReadHandle;

/// Bytes that may be read of one content, however often each. Tables of contents of long videos have some; pictures need less.
const BUDGET: u64 = 16 * 1024 * 1024;
/// What a call costs besides its bytes: so many calls are made at the most that loops over nothing come to an end.
const CALL: u64 = 64;

/// A content to read anywhere in, until the budget is spent. Leaves the place of a descriptor alone.
pub(super) struct Window<'a> {
    content: Content<'a>,
    size: u64,
    at: u64,
    left: u64,
    failure: Option<io::Error>,
}

enum Content<'a> {
    Opened(BorrowedFd<'a>),
    /// The beginning of a content without a descriptor.
    Copied(Vec<u8>),
}

impl<'a> Window<'a> {
    /// The content of a handle that is at its start.
    pub(super) fn new(handle: &'a mut dyn ReadHandle) -> io::Result<Self> {
        let (content, size) = if handle.fd().is_some() {
            let fd = (handle as &'a dyn ReadHandle).fd().ok_or(ErrorKind::Unsupported)?;
            (Content::Opened(fd), u64::try_from(rustix::fs::fstat(fd)?.st_size).unwrap_or_default())
        } else {
            let mut head = Vec::new();
            Read::take(&mut *handle, BUDGET).read_to_end(&mut head)?;
            // Only a copy that fills the budget may be a part.
            let size = match head.len() as u64 {
                BUDGET => handle.facts().map_err(io::Error::other)?.size,
                whole => whole,
            };
            (Content::Copied(head), size)
        };
        Ok(Self { content, size, at: 0, left: BUDGET, failure: None })
    }

    /// Bytes of the whole content.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Up to `most` bytes from `at` on: fewer only where the content ends.
    pub(super) fn bytes_at(&mut self, at: u64, most: usize) -> io::Result<Vec<u8>> {
        self.at = at;
        let mut bytes = Vec::new();
        self.by_ref().take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Why the content could not be read, if that happened: a parser may have hidden it.
    pub(super) fn failure(self) -> Option<io::Error> {
        self.failure
    }

    fn spend(&mut self, cost: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(cost).ok_or_else(|| io::Error::other("enough was read"))?;
        Ok(())
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.spend(CALL)?;
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = match &self.content {
            Content::Opened(fd) => {
                rustix::io::pread(fd, &mut buffer[..most], self.at).map_err(io::Error::from)
            }
            Content::Copied(bytes) => {
                let rest = usize::try_from(self.at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
                let read = rest.len().min(most);
                buffer[..read].copy_from_slice(&rest[..read]);
                Ok(read)
            }
        };
        match read {
            Ok(read) => {
                self.spend(read as u64)?;
                self.at += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = io::Error::new(error.kind(), error.to_string());
                self.failure = Some(error);
                Err(told)
            }
        }
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.spend(CALL)?;
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        // What the kernel can address.
        let to = to.filter(|at| i64::try_from(*at).is_ok()).ok_or(ErrorKind::InvalidInput)?;
        self.at = to;
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use mama_ports::conformance::content::{InMemory, Opened};
    use mama_ports::filesystem::Fs;
    use mama_ports::vocab::{FileFacts, FileId, FileKind, Timestamp};

    use super::*;

    #[test]
    fn a_window_is_over_a_descriptor_or_a_copy_alike() {
        let content: Vec<u8> = (0..=255).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let mut opened = Opened::new(file);
        let mut copied = InMemory::new(content);
        for handle in [&mut opened as &mut dyn ReadHandle, &mut copied] {
            let mut window = Window::new(handle).unwrap();
            assert_eq!(window.size(), 256);
            assert_eq!(window.bytes_at(250, 100).unwrap(), [250, 251, 252, 253, 254, 255]);
            assert!(window.bytes_at(1 << 40, 1).unwrap().is_empty());
            assert_eq!(window.seek(SeekFrom::End(-1)).unwrap(), 255);
            assert!(window.seek(SeekFrom::Current(-256)).is_err());
            assert!(window.seek(SeekFrom::Start(u64::MAX)).is_err());
        }
    }

    /// A content of zeros without a descriptor, longer than the budget.
    struct Long;

    impl Read for Long {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            io::repeat(0).read(buffer)
        }
    }

    impl ReadHandle for Long {
        fn facts(&self) -> Fs<FileFacts> {
            let time = Timestamp::new(0, 0);
            let (kind, id) = (FileKind::File, FileId { device: 1, inode: 1 });
            let (size, mode) = (BUDGET + 1, 0o444);
            Ok(FileFacts { kind, id, size, mtime: time, ctime: time, mode, links: 1, owned: true })
        }

        fn rewind(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_size_is_that_of_the_content_not_of_the_copy() {
        let mut long = Long;
        assert_eq!(Window::new(&mut long).unwrap().size(), BUDGET + 1);
    }

    #[test]
    fn reading_and_seeking_come_to_an_end() {
        let mut zeros = Opened::new(File::open("/dev/zero").unwrap());
        let mut window = Window::new(&mut zeros).unwrap();
        let read = io::copy(&mut window, &mut io::sink());
        assert!(read.is_err() && window.left < CALL);

        let mut nothing = InMemory::new([]);
        let mut window = Window::new(&mut nothing).unwrap();
        let seeks = (0..).take_while(|_| window.rewind().is_ok()).count();
        assert_eq!(seeks as u64, BUDGET / CALL);
        assert!(window.failure().is_none(), "that it was enough is no failure of the content");
    }
}
