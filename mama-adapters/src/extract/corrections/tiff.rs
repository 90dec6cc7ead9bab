//! Raw pictures that are TIFF files, told by what they hold: TIFF 6.0, TIFF/EP (ISO 12234-2) and the DNG specification.

/// Makers, as their name begins in `Make`, and types: ExifTool and shared-mime-info.
const MAKERS: [(&[u8], &str); 8] = [
    (b"NIKON", "image/x-nikon-nef"),
    (b"SONY", "image/x-sony-arw"),
    (b"PENTAX", "image/x-pentax-pef"),
    (b"RICOH", "image/x-pentax-pef"),
    (b"SAMSUNG", "image/x-samsung-srw"),
    (b"Eastman Kodak", "image/x-kodak-kdc"),
    (b"Hasselblad", "image/x-hasselblad-3fr"),
    (b"SEIKO EPSON", "image/x-epson-erf"),
];

/// A raw picture of another maker: ExifTool.
const OTHER: &str = "image/x-raw";

const PHOTOMETRIC: u16 = 0x0106;
const MAKE: u16 = 0x010f;
const SUB_IFDS: u16 = 0x014a;
const DNG_VERSION: u16 = 0xc612;
/// Sony's private data, which it puts into raw files only: ExifTool, Sony.pm.
const SR2_PRIVATE: u16 = 0xc634;

/// A colour filter array, which only a sensor has: TIFF/EP.
const CFA: u32 = 32803;

/// Directories that are looked into: one, its neighbours and what is in them; more is no camera's work.
const MOST: usize = 16;

/// The family of a raw picture, if `head` begins one; `None` for TIFF files that are just pictures.
pub(super) fn raw(head: &[u8]) -> Option<&'static str> {
    let tiff = Tiff::new(head)?;
    let mut found = Found::default();
    let mut directories = vec![tiff.long(4)?];
    for _ in 0..MOST {
        let Some(place) = directories.pop() else { break };
        tiff.look(place as usize, &mut found, &mut directories);
    }
    let is_sony = found.make.starts_with(b"SONY");
    match found {
        Found { dng: true, .. } => Some("image/x-adobe-dng"),
        Found { cfa, private, make, .. } if cfa || private && is_sony => {
            Some(MAKERS.iter().find(|(maker, _)| make.starts_with(maker)).map_or(OTHER, |(_, mime)| *mime))
        }
        _ => None,
    }
}

/// What the directories say.
#[derive(Default)]
struct Found<'a> {
    make: &'a [u8],
    dng: bool,
    cfa: bool,
    private: bool,
}

/// Numbers in the file's own order. Places count from its start; what lies beyond the head is not there.
struct Tiff<'a> {
    head: &'a [u8],
    little: bool,
}

impl<'a> Tiff<'a> {
    fn new(head: &'a [u8]) -> Option<Self> {
        let little = head.starts_with(b"II*\0");
        (little || head.starts_with(b"MM\0*")).then_some(Self { head, little })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = *self.head.get(at..)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = *self.head.get(at..)?.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// Takes what the directory at `place` says, and where more of them are.
    fn look(&self, place: usize, found: &mut Found<'a>, directories: &mut Vec<u32>) {
        let count = usize::from(self.short(place).unwrap_or(0));
        for entry in (0..count).map(|number| place + 2 + 12 * number) {
            let (Some(tag), Some(length)) = (self.short(entry), self.long(entry + 4)) else { return };
            let (length, value) = (length as usize, entry + 8);
            // a value of more than four bytes is elsewhere
            let elsewhere = self.long(value).unwrap_or(0) as usize;
            match tag {
                PHOTOMETRIC => found.cfa |= self.short(value).map(u32::from) == Some(CFA),
                MAKE if length > 4 => found.make = self.head.get(elsewhere..).unwrap_or_default(),
                SUB_IFDS => {
                    let first = if length > 1 { elsewhere } else { value };
                    directories
                        .extend((0..length.min(MOST)).filter_map(|number| self.long(first + 4 * number)));
                }
                DNG_VERSION => found.dng = true,
                SR2_PRIVATE => found.private = true,
                _ => {}
            }
        }
        directories.extend(self.long(place + 2 + 12 * count).filter(|next| *next != 0));
    }
}
