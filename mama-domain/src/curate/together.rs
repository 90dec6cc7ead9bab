//! Decisions act on what belongs together.

use std::collections::{BTreeMap, HashMap};

use mama_ports::curation::{Found, Neighbour};
use mama_ports::vocab::{ObservationId, RelPath, ScanRoot};

use super::{Curate, Selection, Verb};
use crate::belonging::companions::{Why, companions};
use crate::belonging::group::{Member, Traits};
use mama_ports::repository::Repo;

/// Folders that are asked for in one question.
const FOLDERS: usize = 128;

/// What came along so far, and why.
pub(super) type Along = HashMap<ObservationId, Why>;

impl Curate {
    /// Adds to what was found on a page what belongs together with it; takes away what came along with an earlier page.
    pub(super) async fn with_companions(
        &self,
        verb: Verb,
        selection: &Selection,
        mut page: Vec<Found>,
        along: &mut Along,
    ) -> Repo<Vec<Found>> {
        page.retain(|found| !along.contains_key(&found.id));
        if selection.alone {
            return Ok(page);
        }
        let mut chosen: BTreeMap<(ScanRoot, RelPath), Vec<ObservationId>> = BTreeMap::new();
        for Found { id, at, .. } in &page {
            chosen.entry((at.root.clone(), at.dir.clone())).or_default().push(*id);
        }
        let folders: Vec<(ScanRoot, RelPath)> = chosen.keys().cloned().collect();
        for folders in folders.chunks(FOLDERS) {
            let answers = self.curation.neighbours(folders, &Traits::TAGS).await?;
            for (folder, files) in folders.iter().zip(answers) {
                for (found, why) in companions_of(verb, selection, &files, &chosen[folder]) {
                    along.insert(found.id, why);
                    page.push(found);
                }
            }
        }
        Ok(page)
    }
}

/// The files of one folder that go along with these of its observations, which are in order; only with the status that was asked for.
fn companions_of(
    verb: Verb,
    selection: &Selection,
    files: &[Neighbour],
    chosen: &[ObservationId],
) -> Vec<(Found, Why)> {
    let members: Vec<Member<'_>> = files.iter().map(Member::of).collect();
    let is_chosen = |file: &Neighbour| chosen.binary_search(&file.found.id).is_ok();
    let chosen: Vec<usize> =
        files.iter().enumerate().filter(|(_, file)| is_chosen(file)).map(|(at, _)| at).collect();
    let may_go = |at: usize| selection.filter.status.is_none_or(|status| files[at].found.status == status);
    let found = companions(&members, &chosen, may_go).into_iter();
    // the content of a sidecar may be that of many, which a block would hit
    let goes = |why: &Why| !(verb.is_about_contents() && *why == Why::Sidecar);
    found.filter(|(_, why)| goes(why)).map(|(at, why)| (files[at].found.clone(), why)).collect()
}
