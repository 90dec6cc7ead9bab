//! `mama find`.

use std::sync::Arc;

use mama_domain::search::{Hit, Search};

use super::interrupt::until_interrupted;
use super::selection;
use crate::args::{Places, Which};
use crate::compose::App;
use crate::config::Config;
use crate::exit::Status;
use crate::render::json::Object;
use crate::render::{Output, show};

/// Lists what meets the conditions, and changes nothing.
pub(super) async fn run(which: &Which, places: &Places, output: &Arc<Output>) -> anyhow::Result<Status> {
    // `--host` says here whose files, not who asks.
    let config = Config::load(&Places { host: None, ..places.clone() })?;
    let app = App::open_to_read(&config, output).await?;
    let asked = selection::read(which, true, places.host.as_deref(), &app, output).await?;
    let search = Search { curation: Arc::clone(&app.catalog) as _, browse: Arc::clone(&app.catalog) as _ };
    let (mut bytes, is_json) = (0, output.is_json());
    let mut tell = |hit: &Hit| {
        bytes += hit.found.size;
        match is_json {
            true => output.result(|| show::hit(hit), String::new),
            false => output.raw(&show::hit_words(hit)),
        }
    };
    let files = until_interrupted("nothing was changed", search.run(&asked.selection, &mut tell)).await?;
    let summary = || Object::new("find_summary").with("files", files).with("bytes", bytes);
    output.summary(files > 0, summary, || "nothing matches".to_owned());
    Ok(if files > 0 { Status::Done } else { Status::No })
}
