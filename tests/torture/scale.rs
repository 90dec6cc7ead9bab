//! How much, and with which seed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The quick figure, or the full one.
pub(crate) fn pick(quick: usize, full: usize) -> usize {
    if env::var("MAMA_TORTURE").is_ok_and(|scale| scale == "full") { full } else { quick }
}

/// Dice for one test, whose seed is printed.
pub(crate) fn dice(test: &str) -> fastrand::Rng {
    let seed = match env::var("MAMA_TORTURE_SEED") {
        Ok(seed) => seed.parse().expect("MAMA_TORTURE_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("{test}: MAMA_TORTURE_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Where worlds are made. In memory unless said, because every apply syncs its whole file system.
pub(crate) fn folder() -> PathBuf {
    if let Some(folder) = env::var_os("MAMA_TORTURE_DIR") {
        return folder.into();
    }
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { env::temp_dir() }
}

/// The program under fire: the one built with the tests, or that which `MAMA_TORTURE_BINARY` names.
pub(crate) fn mama() -> OsString {
    env::var_os("MAMA_TORTURE_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_mama").into())
}
