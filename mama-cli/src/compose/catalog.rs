//! The catalog's own side, of which no port speaks: opening, emptying and inspecting it.

use std::sync::Arc;

use mama_adapters::postgres::{Patience, Postgres};
use mama_adapters::sqlite::{OpenError, Sqlite};
use mama_ports::events::{EventSink, Silent};
use mama_ports::repository::{Repo, Repository};

use crate::config::places::CatalogPlace;
use crate::exit::Fault;

/// An opened catalog, by its kind.
#[derive(Clone)]
pub(crate) enum Upkeep {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

/// What there is to know about a catalog.
pub(crate) struct CatalogFacts {
    /// The database and its version, such as `SQLite 3.54.0`.
    pub(crate) engine: String,
    pub(crate) schema_version: i64,
    pub(crate) bytes: u64,
    /// Bytes of the log beside an SQLite file.
    pub(crate) log_bytes: Option<u64>,
    pub(crate) tables: Vec<(&'static str, u64)>,
}

/// What a catalog in a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// To write; it is made if it is missing.
    Make,
    /// To write.
    Write,
    /// To read, also where it cannot be written.
    Read,
}

impl Upkeep {
    /// Opens the catalog. Applies the migrations that it lacks.
    pub(crate) async fn open(
        place: &CatalogPlace,
        wanted: Use,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, Fault> {
        match place {
            CatalogPlace::File(file) => {
                let opened = match wanted {
                    Use::Make => Sqlite::open(file),
                    Use::Write => Sqlite::open_existing(file),
                    Use::Read => match Sqlite::open_existing(file) {
                        Err(OpenError::NotWritable { .. } | OpenError::Refused { .. }) => {
                            Sqlite::open_to_read(file)
                        }
                        opened => opened,
                    },
                };
                opened.map(|catalog| Self::Sqlite(Arc::new(catalog))).map_err(|error| match error {
                    OpenError::NotFound { .. } => Fault::failed("cannot open the catalog")
                        .because(error)
                        .hint("is it where `mama config show` says? If it is lost, `mama rebuild` recreates it from the archive; if there was never one, run `mama init`"),
                    error => Fault::failed("cannot open the catalog").because(error),
                })
            }
            CatalogPlace::Server(url) => {
                let opened = Postgres::connect_with(url, Patience::default(), events).await;
                opened
                    .map(|catalog| Self::Postgres(Arc::new(catalog)))
                    .map_err(|error| Fault::failed("cannot open the catalog").because(error))
            }
        }
    }

    /// Applies the migrations that the catalog lacks; gives the number of its schema now.
    pub(crate) async fn migrate(place: &CatalogPlace) -> anyhow::Result<i64> {
        match place {
            CatalogPlace::File(_) => match Self::open(place, Use::Write, Arc::new(Silent)).await? {
                Self::Sqlite(catalog) => Ok(catalog.schema_version().await?),
                Self::Postgres(catalog) => Ok(catalog.schema_version().await?),
            },
            CatalogPlace::Server(url) => match Postgres::migrate(url).await {
                Ok(migrated) => Ok(migrated.to),
                Err(error) => Err(Fault::failed("cannot migrate the catalog").because(error).into()),
            },
        }
    }

    /// The catalog, as the domain sees it.
    pub(crate) fn repository(&self) -> Arc<dyn Repository> {
        match self {
            Self::Sqlite(catalog) => Arc::<Sqlite>::clone(catalog),
            Self::Postgres(catalog) => Arc::<Postgres>::clone(catalog),
        }
    }

    /// Forgets everything but the archive that it belongs to.
    pub(crate) async fn reset(&self) -> Repo<()> {
        match self {
            Self::Sqlite(catalog) => catalog.reset().await,
            Self::Postgres(catalog) => catalog.reset().await,
        }
    }

    /// What is damaged in it, in the database's words. A server checks its own pages.
    pub(crate) async fn check(&self) -> Repo<Vec<String>> {
        match self {
            Self::Sqlite(catalog) => catalog.check().await,
            Self::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// Makes sure that a file can be written. A server is not asked: it says so when it refuses.
    pub(crate) async fn check_writing(&self) -> Repo<()> {
        match self {
            Self::Sqlite(catalog) => catalog.check_writing().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Counts rows and bytes.
    pub(crate) async fn inspect(&self) -> Repo<CatalogFacts> {
        Ok(match self {
            Self::Sqlite(catalog) => {
                let found = catalog.inspect().await?;
                CatalogFacts {
                    engine: format!("SQLite {}", found.sqlite_version),
                    schema_version: found.schema_version,
                    bytes: found.bytes,
                    log_bytes: Some(found.log_bytes),
                    tables: found.tables,
                }
            }
            Self::Postgres(catalog) => {
                let found = catalog.inspect().await?;
                CatalogFacts {
                    engine: format!("PostgreSQL {}", found.server_version),
                    schema_version: found.schema_version,
                    bytes: found.bytes,
                    log_bytes: None,
                    tables: found.tables,
                }
            }
        })
    }
}
