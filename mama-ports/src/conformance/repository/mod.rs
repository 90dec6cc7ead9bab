//! The promises of [`crate::repository`], one function each; every one expects a new, empty catalog.
//!
//! An adapter's tests are one line: `repository_conformance!(|| MyCatalog::new_empty());` where the expression is a
//! function that makes anything that dereferences to a repository.

#![expect(clippy::unwrap_used, reason = "a promise that fails must panic")]

mod apply;
mod browsing;
mod decisions;
mod desk;
mod enriching;
mod finding;
mod journal;
mod lease;
mod manifests;
mod mounts;
mod names;
mod presence;
mod seeing;
mod together;

pub use apply::*;
pub use browsing::*;
pub use decisions::*;
pub use desk::decide;
pub use enriching::*;
pub use finding::*;
pub use journal::*;
pub use lease::*;
pub use manifests::*;
pub use mounts::*;
pub use names::*;
pub use presence::*;
pub use seeing::*;
pub use together::*;

/// Runs a promise to its end on this thread.
pub fn run<T>(promise: impl Future<Output = T>) -> T {
    pollster::block_on(promise)
}

/// Makes one test of every promise. `$new`: a function that gives a new, empty repository, or what dereferences to one.
#[macro_export]
macro_rules! repository_conformance {
    ($new:expr) => {
        $crate::repository_conformance! { $new =>
            a_new_catalog_is_empty
            a_root_keeps_its_kind
            a_scan_is_told_of_the_hosts_other_roots
            known_files_are_those_that_are_present
            answers_come_in_the_order_asked
            what_was_seen_is_remembered_by_folder
            an_observation_tells_its_content
            repeating_a_batch_changes_nothing
            a_modified_file_is_new_and_the_old_one_is_history
            an_older_version_that_returns_is_new_again
            a_confirmation_takes_the_new_fingerprint
            a_late_confirmation_of_history_changes_nothing
            a_content_is_described_once_and_completed_later
            what_was_found_quickly_stays_until_somebody_looks
            a_sighting_of_an_undescribed_content_writes_nothing
            a_scan_that_nobody_began_is_refused
            what_is_gone_stays_in_the_catalog
            gone_below_goes_by_whole_names
            what_comes_back_is_open_again
            what_was_lost_and_comes_back_starts_again
            what_is_held_stays_held_until_it_is_seen
            held_below_goes_by_whole_names
            folders_without_present_files_are_not_named
            a_finished_scan_confirms_its_root
            the_volumes_of_folders_are_told_at_the_beginning
            a_mark_is_replaced_and_taken_away
            a_refused_batch_marks_nothing
            sidecars_are_remembered_until_they_are_others
            names_survive_byte_by_byte
            long_paths_survive
            times_survive_to_the_nanosecond
            metadata_survives
            contents_that_nobody_looked_into_lack_metadata
            what_lacks_something_comes_in_pages
            only_what_can_be_read_is_told
            a_content_is_told_with_its_files_on_that_host
            only_what_was_seen_below_a_path_is_told
            who_gave_up_is_asked_again_only_if_that_is_wanted
            a_look_replaces_the_one_before
            a_look_that_gave_up_leaves_what_was_found_quickly
            types_are_told_and_taken_once
            what_a_scan_added_is_counted_with_its_metadata
            contests_come_once_in_order_of_their_first_open_claim
            pages_are_complete_without_duplicates
            pages_go_on_after_what_was_settled
            one_place_seen_through_two_roots_is_one_contest
            two_hosts_compete_for_one_place
            two_kinds_do_not_compete
            history_competes_with_what_is_current
            claims_come_for_any_place_open_or_not
            pending_waits_where_only_decisions_count
            settling_compares_and_sets
            settling_twice_is_done
            a_settlement_that_rests_on_the_past_is_stale
            a_damaged_content_is_not_stored_and_no_observation_of_it_is_placed
            what_is_about_to_lose_its_view_is_open_and_remembers_it
            a_doubtful_file_is_racy_from_then_on
            a_settled_fingerprint_is_remembered
            what_is_stored_is_known_as_stored
            sources_are_current_and_on_that_host
            whose_a_view_is_goes_by_content_and_path
            a_catalog_is_bound_once
            a_lease_is_given_to_one_at_a_time
            an_older_lease_settles_nothing
            a_target_is_changed_only_from_what_was_expected
            blocking_concerns_every_observation_of_a_content
            a_pending_sighting_knows_that_its_content_was_turned_down
            a_decision_opens_what_is_pending_of_the_same_content
            copies_of_a_content_are_where_it_is_now
            an_empty_filter_finds_all_in_order
            what_is_found_comes_in_pages
            a_path_is_found_through_every_root
            a_content_is_found_wherever_it_was_seen
            what_is_shown_is_found_by_its_view
            conditions_narrow_what_is_found
            history_is_found_with_what_is_current
            neighbours_are_the_current_files_of_their_folders
            acts_are_told_newest_first
            decisions_are_in_the_journal
            an_act_that_nobody_began_is_refused
            totals_add_up
            two_writers_add_one_content_once
            a_new_catalog_knows_of_no_manifest
            every_change_of_a_sighting_is_unsaved
            every_change_of_a_content_is_unsaved
            every_act_is_unsaved_with_its_decisions
            what_changes_nothing_is_saved_still
            what_changes_while_it_is_written_stays_unsaved
            the_content_of_a_sighting_comes_with_it
            manifests_are_announced_and_remembered
            everything_is_opened_again
            an_older_lease_announces_no_manifest
            restored_rows_are_as_they_were
            restoring_again_changes_nothing
            restored_files_are_present_in_their_folders
            what_is_seen_after_a_rebuild_is_new
            of_two_current_rows_the_later_one_counts
            a_rebuild_has_an_end
            what_is_stored_is_listed_in_the_order_of_hashes
            what_is_placed_is_listed_with_its_view
            a_content_was_last_seen_where_it_is_present
            a_content_that_nobody_has_seen_is_none
            a_content_is_told_with_all_that_is_known_about_it
            a_content_is_told_with_every_sighting_of_it
            a_content_is_told_with_what_its_sidecars_say
        }
    };
    ($new:expr => $($promise:ident)+) => {$(
        #[test]
        fn $promise() {
            let repository = ($new)();
            $crate::conformance::repository::run($crate::conformance::repository::$promise(&*repository));
        }
    )+};
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_names_every_promise() {
        let promises = [
            include_str!("apply.rs"),
            include_str!("browsing.rs"),
            include_str!("decisions.rs"),
            include_str!("enriching.rs"),
            include_str!("manifests.rs"),
            include_str!("finding.rs"),
            include_str!("journal.rs"),
            include_str!("mounts.rs"),
            include_str!("names.rs"),
            include_str!("presence.rs"),
            include_str!("seeing.rs"),
            include_str!("together.rs"),
        ];
        let written = promises.iter().flat_map(|text| text.lines()).filter_map(|line| {
            line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('(')).map(|(name, _)| name)
        });
        let listed: Vec<&str> = include_str!("mod.rs").lines().map(str::trim).collect();
        let missing: Vec<&str> = written.filter(|name| !listed.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
