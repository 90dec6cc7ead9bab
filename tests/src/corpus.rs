//! The corpus: other people's sample files, and what other people's programs say about them.
//!
//! It is not part of the repository: it is looked for as `shared/corpus` beside it or above, or at `$MAMA_SHARED/corpus`.

#![expect(clippy::print_stdout, reason = "only tests call this")]

use std::path::{Path, PathBuf};

/// Where the corpus is; says so if it is not there.
pub fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("MAMA_SHARED").map(PathBuf::from).into_iter();
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared"));
    let found = named.chain(above).map(|shared| shared.join("corpus")).find(|corpus| corpus.is_dir());
    if found.is_none() {
        println!("skipped: there is no shared/corpus here to compare with");
    }
    found
}

/// Has a row of the table in docs/metadata.md say what was found.
///
/// # Panics
///
/// If it says something else.
#[track_caller]
pub fn documented(cells: [&str; 4]) {
    let row = format!("| {} |", cells.join(" | "));
    let page = include_str!("../../docs/metadata.md");
    assert!(page.lines().any(|line| line == row), "docs/metadata.md does not say: {row}");
}
