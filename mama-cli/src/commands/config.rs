//! `mama config`.

use crate::args::{ConfigCommand, Places};
use crate::config::{Config, Origin, location};
use crate::exit::Status;
use crate::render::Output;
use crate::render::json::Object;

/// Shows the settings, or where they are read from.
pub(super) fn run(command: &ConfigCommand, places: &Places, output: &Output) -> anyhow::Result<Status> {
    match command {
        ConfigCommand::Show { origin } => show(&Config::load(places)?, *origin, output),
        ConfigCommand::Path => {
            let (path, _) = location(places)?;
            let object = || {
                Object::new("config_path").with("path", path.to_string_lossy()).with("exists", path.exists())
            };
            output.result(object, || path.display().to_string());
        }
    }
    Ok(Status::Done)
}

fn show(config: &Config, with_origin: bool, output: &Output) {
    for (key, value, origin) in config.shown() {
        let object = || {
            let word = match origin {
                Origin::Flag(_) => "flag",
                Origin::Environment(_) => "environment",
                Origin::File(_) => "file",
                Origin::Default => "default",
            };
            let object = Object::new("setting").with("key", key).with("value", &*value).with("origin", word);
            match origin {
                Origin::Environment(name) => object.with("variable", &**name),
                Origin::File(path) => object.with("file", path.to_string_lossy()),
                Origin::Flag(_) | Origin::Default => object,
            }
        };
        let words = || match with_origin {
            true => format!("{key:<22} {value:<32} {origin}"),
            false => format!("{key:<22} {value}").trim_end().to_owned(),
        };
        output.result(object, words);
    }
}
