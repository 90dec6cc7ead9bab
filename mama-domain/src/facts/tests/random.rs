//! Whatever strangers write.

use proptest::prelude::*;
use serde_json::Map;

use super::*;

/// Keys that rules look at, so that random documents are about something.
const KEYS: [&str; 24] = [
    "ExifIFD:DateTimeOriginal",
    "ExifIFD:SubSecTimeOriginal",
    "ExifIFD:OffsetTimeOriginal",
    "IFD0:ModifyDate",
    "ExifIFD:OffsetTime",
    "Nikon:TimeZone",
    "Any:DateTimeOriginal",
    "XMP-photoshop:DateCreated",
    "IPTC:DateCreated",
    "IPTC:TimeCreated",
    "Keys:CreationDate",
    "QuickTime:CreateDate",
    "Track1:MediaCreateDate",
    "GPS:GPSDateStamp",
    "GPS:GPSTimeStamp",
    "GPS:GPSLatitude",
    "GPS:GPSLatitudeRef",
    "GPS:GPSLongitude",
    "Keys:GPSCoordinates",
    "Composite:ImageSize",
    "Composite:Rotation",
    "QuickTime:Duration",
    "ID3v2_4:Track",
    "PNG:CreationTime",
];

fn arb_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[0-9]{1,5}[:/-][0-9]{1,3}[:/-][0-9]{1,3}[ T][0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3}(\\.[0-9]{0,12})?)?(Z|[+-][0-9]{1,4}(:[0-9]{1,3})?)?",
        "(19|20)[0-9]{2}:(0[1-9]|1[0-2]):(0[1-9]|2[0-8]) [01][0-9]:[0-5][0-9]:[0-5][0-9](\\+0[0-9]:[03]0)?",
        "[+-]?[0-9]{1,25}[ x.:'\"/degNSWE,-]{0,6}[0-9]{0,25}( s| m| of 3)?",
        ".{0,30}",
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,5}", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn arb_entries() -> impl Strategy<Value = Vec<(String, Value)>> {
    let key = prop_oneof![prop::sample::select(&KEYS[..]).prop_map(str::to_owned), ".{0,20}"];
    prop::collection::vec((key, arb_value()), 0..12)
}

fn arb_path() -> impl Strategy<Value = AbsPath> {
    let name = prop_oneof![
        "[A-Z]{0,4}[_-]?(19|20)[0-9]{2}[-_.]?[0-9]{2}[-_.]?[0-9]{2}([ _-]?[0-9]{2}[-.]?[0-9]{2}[-.]?[0-9]{0,5})?.{0,4}"
            .prop_map(String::into_bytes),
        "[0-9]{1,14}".prop_map(String::into_bytes),
        "(CamScanner |RPReplay_Final|Foto |12-PHOTO-)?[0-9]{0,4}[ _.-]?[0-9]{1,4}[ _.-][0-9]{2,10}( at |, | kl |_)?[0-9]{0,2}[. ]?[0-9 ._]{0,6}( PM|.jpg| Jun)?"
            .prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 1..40),
    ];
    prop::collection::vec(name, 1..4).prop_filter_map("no path", |names| {
        AbsPath::parse([b"/", names.join(&b'/').as_slice()].concat()).ok()
    })
}

fn arb_context() -> impl Strategy<Value = Context> {
    let time = || {
        prop_oneof![any::<i64>(), 0..2_000_000_000i64]
            .prop_flat_map(|secs| (0..1_000_000_000u32).prop_map(move |nanos| Timestamp::new(secs, nanos)))
    };
    let sidecar = (arb_path(), arb_entries()).prop_map(|(path, entries)| {
        (SidecarFile { path, host: None }, MetaDoc::new(entries.into_iter().collect()))
    });
    (
        prop::collection::vec(arb_path(), 0..4),
        prop::collection::vec(time(), 0..3),
        prop::option::of(time()),
        prop::collection::vec(sidecar, 0..2),
        any::<bool>(),
    )
        .prop_map(|(paths, mtimes, first_seen, sidecars, has_unread_sidecars)| Context {
            paths,
            mtimes,
            first_seen,
            sidecars,
            has_unread_sidecars,
        })
}

proptest! {
    #[test]
    fn nothing_that_strangers_write_is_too_much(entries in arb_entries(), context in arb_context()) {
        let meta = MetaDoc::new(entries.into_iter().collect());
        let known = facts(Some(&meta), &context);
        words(&known.capture);
        prop_assert!(known.place.is_none_or(|place| place.value.latitude.abs() <= 90.0));
        prop_assert!(known.duration.is_none_or(|seconds| seconds.value.is_finite()));
    }

    #[test]
    fn neither_the_order_of_keys_nor_of_sightings_matters(entries in arb_entries(), context in arb_context()) {
        let forward: Map<String, Value> = entries.iter().cloned().collect();
        let backward: Map<String, Value> = forward.clone().into_iter().rev().collect();
        let mut turned = context.clone();
        turned.paths.reverse();
        turned.mtimes.reverse();
        let known = facts(Some(&MetaDoc::new(forward)), &context);
        prop_assert_eq!(&known, &facts(Some(&MetaDoc::new(backward)), &turned));
    }
}
