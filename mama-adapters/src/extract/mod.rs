//! What is in a file, as other people's programs tell, libmagic and ExifTool; and the few tags that mama reads before they do.

mod clean;
mod corrections;
mod exiftool;
mod libmagic;
mod native;
pub mod sandbox;

pub use exiftool::{ExifTool, Settings};
pub use libmagic::{Libmagic, NoDatabase};
pub use native::Native;
