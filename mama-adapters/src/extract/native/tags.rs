//! A document in the making.

use mama_ports::vocab::MetaDoc;
use serde_json::{Map, Value};

use super::print;

/// Longer texts are left to ExifTool: no rule reads them. In bytes.
const LONGEST: usize = 4096;

/// Tags as ExifTool prints them with `-j -G1 -struct`. Of several under one key the first counts.
#[derive(Debug, Default)]
pub(super) struct Tags(Map<String, Value>);

impl Tags {
    /// What ExifTool prints as this text.
    pub(super) fn put(&mut self, group: &str, tag: &str, text: &str) {
        if text.len() <= LONGEST {
            self.0.entry(format!("{group}:{tag}")).or_insert_with(|| print::json(text));
        }
    }

    /// What is in the file as these bytes, up to a NUL; nothing if they are no UTF-8, of which ExifTool makes something else.
    pub(super) fn put_bytes(&mut self, group: &str, tag: &str, bytes: &[u8]) {
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        if let Ok(text) = std::str::from_utf8(text) {
            self.put(group, tag, text);
        }
    }

    /// One text, or several as a list.
    pub(super) fn put_list(&mut self, group: &str, tag: &str, texts: &[&str]) {
        match texts {
            [] => {}
            [text] => self.put(group, tag, text),
            _ if texts.iter().all(|text| text.len() <= LONGEST) => {
                let list = texts.iter().map(|text| print::json(text)).collect();
                self.0.entry(format!("{group}:{tag}")).or_insert(Value::Array(list));
            }
            _ => {}
        }
    }

    /// Width and height, from wherever ExifTool takes them.
    pub(super) fn put_size(&mut self, width: u64, height: u64) {
        self.put("Composite", "ImageSize", &format!("{width}x{height}"));
    }

    pub(super) fn into_doc(self) -> MetaDoc {
        MetaDoc::new(self.0)
    }
}
