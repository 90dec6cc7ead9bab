//! The promises of the file-system ports, one function each.

mod files;
mod folders;
mod links;
mod odd;
mod renaming;
mod whole;

use std::io::{Read, Write};
use std::sync::Arc;

use crate::filesystem::{Filesystem, Fs, FsErrorKind as Kind, ReadTree, WriteTree};
use crate::vocab::{AbsPath, FileFacts, RelPath};

pub use self::files::*;
pub use self::folders::*;
pub use self::links::*;
pub use self::odd::*;
pub use self::renaming::*;
pub use self::whole::*;

/// A file system to try, and what the port itself cannot do to it.
pub trait Bench {
    /// What is tried.
    fn filesystem(&self) -> Arc<dyn Filesystem>;
    /// An empty folder, for this bench alone.
    fn root(&self) -> AbsPath;
    /// Makes a symbolic link.
    fn symlink(&self, target: &[u8], at: &AbsPath);
    /// Makes a FIFO.
    fn fifo(&self, at: &AbsPath);
}

/// Makes a test of each promise. `$bench` is called for a new [`Bench`](crate::conformance::tree::Bench) each time.
///
/// [`Bench`]: crate::conformance::tree::Bench
#[macro_export]
macro_rules! tree_conformance {
    ($bench:expr) => {
        $crate::tree_conformance! { @each $bench;
            a_file_holds_what_was_written
            a_new_file_is_closed_to_strangers
            creating_takes_a_name_that_is_free
            a_file_is_there_before_it_is_finished
            reading_starts_again_after_a_rewind
            linking_never_replaces
            hard_links_share_one_inode
            linking_and_unlinking_move_the_ctime
            unlinking_one_name_leaves_the_others
            an_open_file_outlives_its_name
            a_link_from_an_open_file_ignores_what_its_name_means_by_now
            a_file_that_somebody_writes_is_not_linked
            a_clone_has_the_content_and_an_inode_of_its_own_or_leaves_nothing
            a_device_from_which_one_file_cannot_be_cloned_gives_none
            renaming_replaces_a_file
            renaming_between_two_names_of_one_inode_does_nothing
            a_name_moves_to_a_new_one_and_replaces_nothing
            renaming_a_folder_moves_what_is_in_it
            a_folder_does_not_move_into_itself
            renaming_does_not_mix_files_and_folders
            renaming_does_not_replace_a_folder_that_holds_something
            unlinking_refuses_a_folder
            removing_refuses_what_is_not_an_empty_folder
            a_folder_needs_the_one_above_it_and_a_free_name
            a_folder_of_ones_own_may_be_changed
            a_new_folder_is_closed_to_strangers
            facts_of_what_is_missing_are_none
            the_root_has_facts
            a_symbolic_link_is_itself
            a_symbolic_link_in_the_middle_is_refused
            a_symbolic_link_to_the_outside_is_refused
            a_fifo_is_not_opened
            a_folder_is_not_opened
            a_listing_is_complete_and_keeps_odd_names
            a_listing_says_what_each_entry_is
            only_a_folder_is_listed
            paths_may_be_longer_than_the_kernel_takes_at_once
            sealing_makes_a_file_read_only_for_everybody
            what_is_sealed_is_what_was_opened
            a_lock_excludes_others_until_it_is_dropped
            what_is_there_can_be_synced
            what_is_missing_cannot_be_synced
            a_missing_root_is_made_with_those_above_it
            a_root_must_be_a_folder
            a_root_may_lead_through_links
        }
    };
    (@each $bench:expr; $($promise:ident)+) => {$(
        #[test]
        fn $promise() {
            $crate::conformance::tree::$promise(&$bench());
        }
    )+};
}

fn rel(path: impl Into<Vec<u8>>) -> RelPath {
    RelPath::parse(path).expect("the suite writes valid paths")
}

fn under(bench: &dyn Bench, path: &str) -> AbsPath {
    bench.root().join(&rel(path))
}

fn tree(bench: &dyn Bench) -> Arc<dyn WriteTree> {
    done(bench.filesystem().archive(&bench.root()))
}

#[track_caller]
pub(super) fn done<T>(outcome: Fs<T>) -> T {
    outcome.unwrap_or_else(|error| panic!("{error}: {}", error.source))
}

#[track_caller]
fn fails<T>(outcome: Fs<T>, expected: &[Kind]) {
    let kind = outcome.err().expect("this must fail").kind;
    assert!(expected.contains(&kind), "it failed as {kind:?}, and not as one of {expected:?}");
}

#[track_caller]
pub(super) fn store(tree: &dyn WriteTree, at: &RelPath, bytes: &[u8]) {
    let mut file = done(tree.create(at));
    file.write_all(bytes).expect("a few bytes can be written");
    done(file.finish());
}

#[track_caller]
fn content(tree: &dyn ReadTree, at: &RelPath) -> Vec<u8> {
    let mut bytes = Vec::new();
    done(tree.open(at)).read_to_end(&mut bytes).expect("what was opened can be read");
    bytes
}

#[track_caller]
fn facts(tree: &dyn ReadTree, at: &RelPath) -> FileFacts {
    done(tree.facts(at)).expect("it is there")
}

#[track_caller]
fn is_there(tree: &dyn ReadTree, at: &RelPath) -> bool {
    done(tree.facts(at)).is_some()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_is_in_its_macro() {
        let tree = [
            include_str!("mod.rs"),
            include_str!("files.rs"),
            include_str!("folders.rs"),
            include_str!("links.rs"),
            include_str!("odd.rs"),
            include_str!("renaming.rs"),
            include_str!("whole.rs"),
        ];
        for suite in [tree.concat().as_str(), include_str!("../walker.rs")] {
            let promises = suite.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next());
            assert!(promises.clone().count() > 9);
            for promise in promises {
                assert!(suite.lines().any(|line| line.trim() == promise), "{promise} is in no macro");
            }
        }
    }
}
