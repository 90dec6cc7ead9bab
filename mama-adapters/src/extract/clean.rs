//! From what ExifTool prints to what the catalog keeps.

use std::io;

use mama_ports::vocab::MetaDoc;
use serde_json::{Map, Value};

/// The groups that speak of the file and of ExifTool: the catalog knows the one, and the other is no fact about the content.
const NOISE: [&str; 3] = ["File:", "System:", "ExifTool:"];

/// The longest text that is kept, in bytes; no tag that people read has more, and some hold a whole file.
const LONGEST_TEXT: usize = 64 * 1024;

/// The document in the answer to `-j -G1 -l` about one file, without the noise; `None` if ExifTool knows no such kind of file.
///
/// A kind that ExifTool knows but finds nothing to say about (a plain text) is an empty document. A text that is too long is cut,
/// and says so at its end.
pub(super) fn document(answer: &[u8]) -> io::Result<Option<MetaDoc>> {
    let mut files: Vec<Map<String, Value>> = serde_json::from_str(&String::from_utf8_lossy(answer))?;
    let (Some(mut tags), true) = (files.pop(), files.is_empty()) else {
        return Err(io::Error::other("the answer is not about one file"));
    };
    let known = tags.contains_key("File:FileType");
    tags.retain(|key, _| key != "SourceFile" && !NOISE.iter().any(|group| key.starts_with(group)));
    let (mut entries, mut numbers) = (Map::new(), Map::new());
    for (key, tag) in tags {
        let Value::Object(mut tag) = tag else {
            return Err(io::Error::other("the answer is not in the long form"));
        };
        numbers.extend(tag.remove("num").map(|num| (key.clone(), bounded(num))));
        entries.extend(tag.remove("val").map(|val| (key, bounded(val))));
    }
    Ok((known || !entries.is_empty()).then(|| MetaDoc::new(entries).with_numbers(numbers)))
}

fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => {
            let kept = &text[..text.floor_char_boundary(LONGEST_TEXT)];
            Value::String(format!("{kept}… (the first {} of {} bytes)", kept.len(), text.len()))
        }
        Value::Array(items) => items.into_iter().map(bounded).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(key, value)| (key, bounded(value))).collect::<Map<_, _>>().into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(answer: &str) -> Option<String> {
        document(answer.as_bytes()).unwrap().map(|doc| doc.to_json())
    }

    #[test]
    fn what_concerns_the_file_is_dropped_and_the_rest_is_sorted() {
        let answer = r#"[{"SourceFile":"/tmp/x/f.png","ExifTool:Warning":{"val":"w"},"File:FileType":{"val":"PNG"},
                          "PNG:B":{"desc":"B","val":1},"IFD0:A":{"desc":"A","val":"a"}}]"#;
        assert_eq!(cleaned(answer).unwrap(), r#"{"IFD0:A":"a","PNG:B":1}"#);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let answer = r#"[{"File:FileType":{"val":"PNG"},"A":{"val":0.50},"B":{"val":1.10},
                          "C":{"val":123456789012345.1234567890123456}}]"#;
        assert_eq!(cleaned(answer).unwrap(), r#"{"A":0.50,"B":1.10,"C":123456789012345.1234567890123456}"#);
    }

    #[test]
    fn an_unknown_kind_has_no_document_and_a_silent_one_an_empty_one() {
        assert_eq!(cleaned(r#"[{"SourceFile":"f","ExifTool:Error":{"val":"Unknown file type"}}]"#), None);
        assert_eq!(cleaned(r#"[{"SourceFile":"f","File:FileType":{"val":"TXT"}}]"#).unwrap(), "{}");
        let partly = r#"[{"File:FileType":{"val":"MP3"},"ExifTool:Error":{"val":"File format error"},
                          "MPEG:AudioLayer":{"val":3}}]"#;
        assert_eq!(cleaned(partly).unwrap(), r#"{"MPEG:AudioLayer":3}"#);
    }

    #[test]
    fn what_printing_changes_is_kept_beside() {
        let answer = r#"[{"File:FileType":{"num":"JPG","val":"JPEG"},"E:Time":{"num":0.0040,"val":"1/250"},"E:ISO":{"val":100},
                          "E:Same":{"num":true,"val":true},"X:S":{"num":{"A":1,"B":"x"},"val":{"A":"one","B":"x"}}}]"#;
        let doc = document(answer.as_bytes()).unwrap().unwrap();
        assert_eq!(
            doc.to_json(),
            r#"{"E:ISO":100,"E:Same":true,"E:Time":"1/250","X:S":{"A":"one","B":"x"}}"#
        );
        let numbers = serde_json::to_string(doc.numbers()).unwrap();
        assert_eq!(numbers, r#"{"E:Time":0.0040,"X:S":{"A":1,"B":"x"}}"#);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters_at_any_depth() {
        let long = format!("a{}", "é".repeat(LONGEST_TEXT / 2));
        let answer =
            format!(r#"[{{"File:FileType":{{"val":"X"}},"A":{{"val":["{long}",{{"b":"{long}"}}]}}}}]"#);
        let doc = document(answer.as_bytes()).unwrap().unwrap();
        let cut = &doc.entries()["A"][0];
        assert_eq!(doc.entries()["A"][1]["b"], *cut);
        let cut = cut.as_str().unwrap();
        assert!(
            cut.starts_with("aé") && cut.ends_with("é… (the first 65535 of 65537 bytes)"),
            "{}",
            cut.len()
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let doc = document(b"[{\"File:FileType\":{\"val\":\"X\"},\"A\":{\"val\":\"\xff\\u0000\"}}]")
            .unwrap()
            .unwrap();
        assert_eq!(doc.to_json(), "{\"A\":\"\u{fffd}\u{fffd}\"}");
    }

    #[test]
    fn nonsense_is_an_error() {
        for nonsense in ["", "[]", "{}", "[1]", "[{},{}]", "[{", "Error: no such file", r#"[{"A":1}]"#] {
            assert!(document(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
