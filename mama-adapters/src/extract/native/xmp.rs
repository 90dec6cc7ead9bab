//! The properties of XMP that say when, where and with what, read by the crate roxmltree.

use roxmltree::{Document, Node, ParsingOptions};

use super::print;
use super::tags::Tags;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const EXIF_EX: &str = "http://cipa.jp/exif/1.0/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const CAMERA: &str = "http://ns.google.com/photos/1.0/camera/";

/// A packet has some hundred; more is not worth the time.
const MOST_NODES: u32 = 20_000;
/// A packet has fewer than 40 of them. Each element has a copy of those around it, made by comparing all with all.
const MOST_NAMESPACES: usize = 256;
/// Those of one element are compared, all with all; Lightroom writes some hundred.
const MOST_ATTRIBUTES: usize = 1024;

#[derive(Clone, Copy)]
enum Form {
    Text,
    Date,
    /// A text in several languages.
    Languages,
}

/// Which property is which tag.
const PROPERTIES: [(&str, &str, &str, &str, Form); 14] = [
    (EXIF, "DateTimeOriginal", "XMP-exif", "DateTimeOriginal", Form::Date),
    (EXIF, "DateTimeDigitized", "XMP-exif", "DateTimeDigitized", Form::Date),
    (EXIF, "SubSecTimeOriginal", "XMP-exif", "SubSecTimeOriginal", Form::Text),
    (PHOTOSHOP, "DateCreated", "XMP-photoshop", "DateCreated", Form::Date),
    (XMP, "CreateDate", "XMP-xmp", "CreateDate", Form::Date),
    (XMP, "ModifyDate", "XMP-xmp", "ModifyDate", Form::Date),
    (TIFF, "Make", "XMP-tiff", "Make", Form::Text),
    (TIFF, "Model", "XMP-tiff", "Model", Form::Text),
    (EXIF, "Make", "XMP-exif", "Make", Form::Text),
    (EXIF, "Model", "XMP-exif", "Model", Form::Text),
    (EXIF_EX, "LensModel", "XMP-exifEX", "LensModel", Form::Text),
    (CAMERA, "MotionPhoto", "XMP-GCamera", "MotionPhoto", Form::Text),
    (CAMERA, "MicroVideo", "XMP-GCamera", "MicroVideo", Form::Text),
    (DC, "title", "XMP-dc", "Title", Form::Languages),
];

/// Reads a packet; one that is no XML, or that would take long, says nothing.
pub(super) fn read(packet: &[u8], tags: &mut Tags) {
    let Ok(text) = std::str::from_utf8(packet) else { return };
    if text.matches("xmlns").count() > MOST_NAMESPACES || most_attributes(text) > MOST_ATTRIBUTES {
        return;
    }
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let text = text.trim_start_matches('\u{feff}').trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let Ok(document) = Document::parse_with_options(text, options) else { return };
    let subjects = document
        .descendants()
        .filter(|node| node.has_tag_name((RDF, "Description")))
        .filter(|node| node.parent().is_some_and(|parent| parent.has_tag_name((RDF, "RDF"))));
    for subject in subjects {
        for attribute in subject.attributes() {
            put(attribute.namespace(), attribute.name(), Some(attribute.value()), None, tags);
        }
        for property in subject.children().filter(Node::is_element) {
            let name = property.tag_name();
            put(name.namespace(), name.name(), simple(property), in_default_language(property), tags);
        }
    }
}

/// No element has more: in a value `<` is escaped.
fn most_attributes(text: &str) -> usize {
    text.split('<').map(|tag| tag.matches('=').count()).max().unwrap_or_default()
}

fn put(space: Option<&str>, name: &str, simple: Option<&str>, by_language: Option<&str>, tags: &mut Tags) {
    let known = PROPERTIES.iter().find(|(known, property, ..)| Some(*known) == space && *property == name);
    let Some((_, _, group, tag, form)) = known else { return };
    let text = match form {
        Form::Text => simple.map(str::to_owned),
        Form::Date => simple.map(print::date),
        Form::Languages => by_language.or(simple).map(str::to_owned),
    };
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        tags.put(group, tag, &text);
    }
}

/// The text of a property that has nothing else in it.
fn simple<'a>(property: Node<'a, '_>) -> Option<&'a str> {
    let is_simple = property.children().count() == 1 && property.attributes().len() == 0;
    is_simple.then(|| property.text())?
}

fn in_default_language<'a>(property: Node<'a, '_>) -> Option<&'a str> {
    const XML: &str = "http://www.w3.org/XML/1998/namespace";
    let alternatives = property.children().find(|node| node.has_tag_name((RDF, "Alt")))?;
    let is_default = |node: &Node<'_, '_>| {
        node.has_tag_name((RDF, "li")) && node.attribute((XML, "lang")) == Some("x-default")
    };
    alternatives.children().find(is_default)?.text()
}
