//! Files that meet conditions, also such as only their metadata, names and sidecars can tell.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::DateTime;
use mama_ports::browse::{Browse, Content};
use mama_ports::curation::{Curation, Found};
use mama_ports::repository::{PageSize, Repo};
use mama_ports::vocab::{BlobHash, ObservationId};

use crate::curate::Selection;
use crate::facts::{Context, Facts, Moment, facts};

/// Sightings that are looked up together.
const PAGE: PageSize = PageSize(1024);

/// A span of time, on the clocks by which things were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// Then or later.
    pub since: Option<DateTime>,
    /// Before then.
    pub until: Option<DateTime>,
}

impl Period {
    /// Whether a moment lies within it, all of it: of what is known by its year alone nobody knows whether it was in May.
    pub fn holds(&self, moment: &Moment) -> bool {
        let (start, end) = moment.civil_span();
        self.since.is_none_or(|since| since <= start) && self.until.is_none_or(|until| end <= until)
    }
}

/// Looks for files, and changes nothing.
pub struct Search {
    /// Where sightings are found.
    pub curation: Arc<dyn Curation>,
    /// Where all is that is known about their contents.
    pub browse: Arc<dyn Browse>,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which.
    pub found: Found,
    /// What is known about its content.
    pub content: Arc<Content>,
    /// What that says about this file.
    pub facts: Facts,
}

impl Hit {
    /// Whether it was there when its folder was last scanned.
    pub fn is_present(&self) -> bool {
        let mut rows = self.content.observations.iter();
        rows.any(|row| row.id == self.found.id && row.current && row.gone.is_none())
    }
}

impl Search {
    /// Shows each file of the selection that is present, in the order in which they were first seen; gives how many.
    pub async fn run(&self, selection: &Selection, show: &mut (dyn FnMut(&Hit) + Send)) -> Repo<u64> {
        let (mut after, mut count) = (None::<ObservationId>, 0);
        loop {
            let mut page = self.curation.find(&selection.filter, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(count) };
            after = Some(last.id);
            page.retain(|found| selection.holds(&found.at));
            for hit in hits(&*self.browse, page).await? {
                if hit.is_present() && selection.is_taken_then(&hit.facts) {
                    count += 1;
                    show(&hit);
                }
            }
        }
    }
}

/// Those that were taken when the selection says. All that is known about them is not held at once.
pub(crate) async fn taken_then(
    browse: &dyn Browse,
    selection: &Selection,
    found: Vec<Found>,
) -> Repo<Vec<Found>> {
    let mut then = Vec::new();
    for some in found.chunks(PAGE.0 as usize) {
        let mut hits = hits(browse, some.to_vec()).await?;
        hits.retain(|hit| selection.is_taken_then(&hit.facts));
        then.extend(hits.into_iter().map(|hit| hit.found));
    }
    Ok(then)
}

/// What is known about each of these files; about each content it is asked once.
async fn hits(browse: &dyn Browse, found: Vec<Found>) -> Repo<Vec<Hit>> {
    let mut known: HashMap<BlobHash, Arc<Content>> = HashMap::new();
    let mut hits = Vec::with_capacity(found.len());
    for found in found {
        let content = match known.get(&found.hash) {
            Some(content) => Arc::clone(content),
            None => {
                let Some(content) = browse.content(&found.hash).await? else { continue };
                let content = Arc::new(content);
                known.insert(found.hash, Arc::clone(&content));
                content
            }
        };
        let path = found.at.full_path();
        let facts = facts(content.blob.record.meta.as_ref(), &Context::of(&content, Some(&path)));
        hits.push(Hit { found, content, facts });
    }
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::facts::Precision;

    #[test]
    fn a_moment_is_within_a_period_with_all_that_it_may_be() {
        let day = |year, month, day| date(year, month, day).at(0, 0, 0, 0);
        let summer = Period { since: Some(day(2015, 6, 1)), until: Some(day(2015, 9, 1)) };
        let moment = |civil, precision| Moment { civil, precision, zone: None };
        for (civil, precision, expected) in [
            (date(2015, 8, 31).at(23, 59, 59, 0), Precision::Second, true),
            (day(2015, 9, 1), Precision::Second, false),
            (date(2015, 5, 31).at(23, 59, 59, 0), Precision::Second, false),
            (day(2015, 8, 31), Precision::Day, true),
            (day(2015, 8, 1), Precision::Month, true),
            (day(2015, 9, 1), Precision::Month, false),
            (day(2015, 1, 1), Precision::Year, false),
        ] {
            assert_eq!(summer.holds(&moment(civil, precision)), expected, "{civil} {precision:?}");
        }
        let year = Period { since: Some(day(2015, 1, 1)), until: Some(day(2016, 1, 1)) };
        assert!(year.holds(&moment(day(2015, 1, 1), Precision::Year)));
        assert!(Period::default().holds(&moment(day(1899, 1, 1), Precision::Year)));
    }
}
