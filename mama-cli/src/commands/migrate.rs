//! `mama migrate`.

use crate::compose::Upkeep;
use crate::config::Config;
use crate::config::places::{archive_root, catalog_place};
use crate::exit::Status;
use crate::render::Output;
use crate::render::json::Object;

/// Brings the catalog's schema up to date and does nothing else, for whoever keeps the right to change it apart from the right to use it.
pub(super) async fn run(config: &Config, output: &Output) -> anyhow::Result<Status> {
    let place = catalog_place(config, archive_root(config)?.as_ref())?;
    let schema = Upkeep::migrate(&place).await?;
    let object = || Object::new("migrated").with("catalog", place.to_string()).with("schema_version", schema);
    output.result(object, || format!("the catalog {place} has schema {schema}, which is this mama's"));
    Ok(Status::Done)
}
