use proptest::prelude::*;

use super::*;

fn after(said: &'static str, head: &[u8]) -> &'static str {
    correction(said, head).unwrap_or(said)
}

fn a_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// With the brands `major` and `others`, and a movie with tracks of these kinds.
fn movie(major: &str, others: &str, tracks: &[&str]) -> Vec<u8> {
    let track = |kind: &&str| {
        let handler = a_box(b"hdlr", &[&[0; 8], kind.as_bytes(), &[0; 12]].concat());
        a_box(b"trak", &a_box(b"mdia", &handler))
    };
    let tracks: Vec<u8> = tracks.iter().flat_map(track).collect();
    let brands = [major.as_bytes(), &[0; 4], others.as_bytes()].concat();
    [a_box(b"ftyp", &brands), a_box(b"moov", &[a_box(b"mvhd", &[0; 100]), tracks].concat())].concat()
}

#[test]
fn brands_tell_what_libmagic_does_not_know() {
    for (major, others, mime) in [
        ("crx ", "crx isom", "image/x-canon-cr3"),
        ("XAVC", "XAVCmp42", "video/mp4"),
        ("kddi", "kddi3g2a", "video/3gpp2"),
        ("heix", "mif1heix", "image/heic"),
        ("hevc", "msf1hevc", "image/heic-sequence"),
        ("M4B ", "M4B mp42", "audio/mp4"),
        ("xxxx", "yyyyzzzz", "application/octet-stream"),
    ] {
        assert_eq!(after("application/octet-stream", &movie(major, others, &["vide"])), mime, "{major}");
    }
}

#[test]
fn avif_under_a_general_brand_is_avif_and_heif_stays_heif() {
    assert_eq!(after("image/heif", &movie("mif1", "mif1avifmiaf", &[])), "image/avif");
    assert_eq!(after("image/heif", &movie("mif1", "mif1heic", &[])), "image/heif");
}

#[test]
fn a_movie_that_is_taken_for_sound_is_one() {
    assert_eq!(after("audio/mp4", &movie("MSNV", "MSNVmp42isom", &["vide", "soun"])), "video/mp4");
    assert_eq!(after("audio/mp4", &movie("M4A ", "M4A mp42isom", &["soun"])), "audio/mp4");
}

#[test]
fn a_movie_without_pictures_is_sound() {
    for (said, brand) in [("video/mp4", "isom"), ("video/3gpp", "3gp5"), ("video/3gpp2", "3g2a")] {
        let sound = said.replace("video", "audio");
        assert_eq!(after(said, &movie(brand, "", &["soun"])), sound);
        assert_eq!(after(said, &movie(brand, "", &["soun", "text"])), sound);
        for tracks in [&["soun", "vide"][..], &["vide"], &["soun", "meta"], &[]] {
            assert_eq!(after(said, &movie(brand, "", tracks)), said, "{tracks:?}");
        }
        let cut = movie(brand, "", &["soun", "vide"]);
        // whoever sees half of the tracks knows nothing
        for length in 0..cut.len() {
            assert_eq!(after(said, &cut[..length]), said);
        }
    }
}

fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    [id, &[0x80 | body.len() as u8], body].concat()
}

/// A segment of unknown size with tracks of these types.
fn matroska(tracks: &[u8]) -> Vec<u8> {
    let entries: Vec<u8> =
        tracks.iter().flat_map(|kind| element(b"\xae", &element(b"\x83", &[*kind]))).collect();
    let (start, info) = (element(b"\x1a\x45\xdf\xa3", b""), element(b"\x15\x49\xa9\x66", b"info"));
    let tracks = element(b"\x16\x54\xae\x6b", &entries);
    [start, b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff".to_vec(), info, tracks].concat()
}

#[test]
fn matroska_without_pictures_is_sound() {
    assert_eq!(after("video/webm", &matroska(&[2])), "audio/webm");
    assert_eq!(after("video/x-matroska", &matroska(&[2, 2])), "audio/x-matroska");
    for tracks in [&[1, 2][..], &[2, 17], &[]] {
        assert_eq!(after("video/webm", &matroska(tracks)), "video/webm", "{tracks:?}");
    }
    let whole = matroska(&[2, 1]);
    for length in 0..whole.len() {
        assert_eq!(after("video/webm", &whole[..length]), "video/webm");
    }
}

/// A directory at byte 8 with entries of one number each; `Make` is at its end.
fn tiff(make: &str, entries: &[(u16, u32)]) -> Vec<u8> {
    let place = 8 + 2 + 12 * (entries.len() as u32 + 1) + 4;
    let mut directory = (entries.len() as u16 + 1).to_le_bytes().to_vec();
    for (tag, value) in [&[(0x010f, place)], entries].concat() {
        let length = if tag == 0x010f { make.len() as u32 } else { 1 };
        directory.extend([tag.to_le_bytes(), 4_u16.to_le_bytes()].concat());
        directory.extend([length.to_le_bytes(), value.to_le_bytes()].concat());
    }
    [b"II*\0\x08\0\0\0", &directory[..], &[0; 4], make.as_bytes()].concat()
}

#[test]
fn a_tiff_from_a_sensor_is_of_the_family_of_its_maker() {
    let (cfa, dng, sr2) = ((0x0106, 32803), (0xc612, 0x0401), (0xc634, 99));
    for (make, entries, mime) in [
        ("NIKON CORPORATION", &[cfa][..], "image/x-nikon-nef"),
        ("SONY ", &[sr2], "image/x-sony-arw"),
        ("PENTAX Corporation", &[cfa], "image/x-pentax-pef"),
        ("Nobody", &[cfa], "image/x-raw"),
        ("NIKON CORPORATION", &[cfa, dng], "image/x-adobe-dng"),
        // what was edited keeps its Make and is no raw file any more
        ("NIKON CORPORATION", &[(0x0106, 2)], "image/tiff"),
        ("Nobody", &[sr2], "image/tiff"),
        ("Nobody", &[], "image/tiff"),
    ] {
        assert_eq!(after("image/tiff", &tiff(make, entries)), mime, "{make} {entries:x?}");
    }
}

#[test]
fn a_directory_that_names_itself_ends() {
    assert_eq!(after("image/tiff", &tiff("SONY ", &[(0x014a, 8), (0x014a, 8)])), "image/tiff");
}

#[test]
fn packets_of_xmp_are_told_in_every_encoding() {
    let packet = "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta/>";
    let wide: Vec<u8> = format!("\u{feff}{packet}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    let declared = "\u{feff}<?xml version='1.0'?>\n<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
    for text in [packet.as_bytes(), &wide, declared.as_bytes()] {
        assert_eq!(after("text/plain", text), "application/rdf+xml");
    }
    assert_eq!(after("text/xml", b"<?xml version='1.0'?><gpx><x:xmpmeta/></gpx>"), "text/xml");
    assert_eq!(after("text/plain", format!("see {packet}").as_bytes()), "text/plain");
}

proptest! {
    #[test]
    fn rubbish_after_a_signature_is_looked_through(
        start in prop::sample::select(vec![&b"II*\0"[..], b"MM\0*", b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75", b""]),
        rest: Vec<u8>,
        said in prop::sample::select(vec![
            "image/tiff", "video/mp4", "video/webm", "video/x-ms-asf", "text/plain", "application/octet-stream",
        ]),
    ) {
        prop_assert!(after(said, &[start, &rest].concat()).contains('/'));
    }
}
