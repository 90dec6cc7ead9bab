//! From what ExifTool prints to what the catalog keeps.

use std::io;

use mama_ports::vocab::MetaDoc;
use serde_json::{Map, Value};

/// The groups that speak of the file and of ExifTool: the catalog knows the one, and the other is no fact about the content.
const NOISE: [&str; 3] = ["File:", "System:", "ExifTool:"];

/// The document in the answer to `-j -G1` about one file, without the noise; `None` if ExifTool knows no such kind of file.
///
/// A kind that ExifTool knows but finds nothing to say about (a plain text) is an empty document. Values are kept whole,
/// however long: what bounds them is the limit on the answer.
pub(super) fn document(answer: &[u8]) -> io::Result<Option<MetaDoc>> {
    let mut files: Vec<Map<String, Value>> = serde_json::from_slice(answer)?;
    let (Some(mut tags), true) = (files.pop(), files.is_empty()) else {
        return Err(io::Error::other("the answer is not about one file"));
    };
    let known = tags.contains_key("File:FileType");
    tags.retain(|key, _| key != "SourceFile" && !NOISE.iter().any(|group| key.starts_with(group)));
    Ok((known || !tags.is_empty()).then(|| MetaDoc::new(tags)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(answer: &str) -> Option<String> {
        document(answer.as_bytes()).unwrap().map(|doc| doc.to_json())
    }

    #[test]
    fn what_concerns_the_file_is_dropped_and_the_rest_is_sorted() {
        let answer = r#"[{"SourceFile":"/tmp/x/f.png","ExifTool:Warning":"w","File:FileType":"PNG","PNG:B":1,"IFD0:A":"a"}]"#;
        assert_eq!(cleaned(answer).unwrap(), r#"{"IFD0:A":"a","PNG:B":1}"#);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let answer = r#"[{"File:FileType":"PNG","A":0.50,"B":1.10,"C":123456789012345.1234567890123456}]"#;
        assert_eq!(cleaned(answer).unwrap(), r#"{"A":0.50,"B":1.10,"C":123456789012345.1234567890123456}"#);
    }

    #[test]
    fn an_unknown_kind_has_no_document_and_a_silent_one_an_empty_one() {
        assert_eq!(cleaned(r#"[{"SourceFile":"f","ExifTool:Error":"Unknown file type"}]"#), None);
        assert_eq!(cleaned(r#"[{"SourceFile":"f","File:FileType":"TXT"}]"#).unwrap(), "{}");
        let partly = r#"[{"File:FileType":"MP3","ExifTool:Error":"File format error","MPEG:AudioLayer":3}]"#;
        assert_eq!(cleaned(partly).unwrap(), r#"{"MPEG:AudioLayer":3}"#);
    }

    #[test]
    fn nonsense_is_an_error() {
        for nonsense in ["", "[]", "{}", "[1]", "[{},{}]", "[{", "Error: no such file"] {
            assert!(document(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
