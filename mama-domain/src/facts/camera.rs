//! With which camera.

use super::Sourced;
use super::doc::Docs;

/// A camera, as far as it is named.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Camera {
    /// Who made it, such as `Canon`.
    pub make: Option<Sourced<String>>,
    /// Which one, such as `Canon EOS 40D`.
    pub model: Option<Sourced<String>>,
    /// The lens on it.
    pub lens: Option<Sourced<String>>,
}

impl Camera {
    /// Make and model; the make only once, where the model begins with it.
    pub fn name(&self) -> Option<String> {
        let text = |field: &Option<Sourced<String>>| field.as_ref().map(|field| field.value.clone());
        match (text(&self.make), text(&self.model)) {
            (Some(make), Some(model)) if begins_with_a_word_of(&model, &make) => Some(model),
            (Some(make), Some(model)) => Some(format!("{make} {model}")),
            (make, model) => model.or(make),
        }
    }
}

/// Groups that name the camera, in the order in which they are believed: EXIF, what QuickTime has instead, raw formats, XMP.
const GROUPS: [&str; 10] = [
    "IFD0", "ExifIFD", "Keys", "UserData", "ItemList", "CanonRaw", "SigmaRaw", "PhaseOne", "XMP-tiff",
    "XMP-exif",
];
/// As ExifTool calls what other formats have for a make.
const OTHER_MAKES: [&str; 5] =
    ["Keys:AndroidManufacturer", "Keys:AndroidMake", "XML:DeviceManufacturer", "H264:Make", "RIFF:Make"];
/// And for a model.
const OTHER_MODELS: [&str; 5] =
    ["Keys:AndroidModel", "XML:DeviceModelName", "GoPro:Model", "H264:Model", "RIFF:Model"];
/// The lens by its name; then by what ExifTool knows of its number.
const LENSES: [&str; 8] = [
    "ExifIFD:LensModel",
    "XMP-exifEX:LensModel",
    "Keys:CameraLensModel",
    "Composite:LensID",
    "Canon:LensModel",
    "XMP-aux:Lens",
    "Nikon:Lens",
    "Composite:Lens",
];

pub(super) fn camera(docs: &Docs<'_>) -> Camera {
    let first = |tag: &str, others: &[&str]| {
        let keys = GROUPS.iter().map(|group| format!("{group}:{tag}"));
        docs.first_text(&keys.chain(others.iter().map(ToString::to_string)).collect::<Vec<_>>())
    };
    let is_named =
        |lens: &Sourced<String>| !lens.value.starts_with("Unknown") && !lens.value.starts_with("--");
    Camera {
        make: first("Make", &OTHER_MAKES),
        model: first("Model", &OTHER_MODELS),
        lens: LENSES.iter().find_map(|key| docs.first_text(&[key]).filter(is_named)),
    }
}

/// Whether the model says the make itself: `NIKON CORPORATION` and `NIKON D70`, `EASTMAN KODAK COMPANY` and `KODAK DX4900`.
fn begins_with_a_word_of(model: &str, make: &str) -> bool {
    let first = model.split_whitespace().next().unwrap_or_default().to_lowercase();
    make.to_lowercase().split_whitespace().any(|word| word == first)
}
