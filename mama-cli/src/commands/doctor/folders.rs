//! The archive's folders.

use mama_domain::archive::Archive;
use mama_domain::layout;
use mama_ports::vocab::FileKind;

use super::{Check, Verdict};

/// Whether they are there, and hold something if they should.
pub(super) fn checks(archive: &Archive, stored: u64) -> Vec<Check> {
    let bad = |found: String, advice: &str| Check {
        verdict: Verdict::Bad,
        ..Check::warn("folders", found, advice)
    };
    let root = archive.root();
    let mut checks = Vec::new();
    for folder in layout::folders() {
        let kind = archive.tree().facts(&folder).map(|facts| facts.map(|facts| facts.kind));
        match kind {
            Ok(Some(FileKind::Directory)) => {
                let may = archive.tree().check_changing(&folder);
                checks.extend(may.err().map(|error| Check::bad("folders", &error.into())));
            }
            Ok(Some(_)) => checks.push(bad(
                format!("{root}/{folder} is no folder"),
                "put the folder itself there, or mount it; mama follows no symbolic link inside of an archive",
            )),
            Ok(None) if stored == 0 => {}
            Ok(None) => checks.push(bad(
                format!("{root}/{folder} is missing"),
                "is its disk mounted? If it is lost, `mama repair` shows what the archive lacks",
            )),
            Err(error) => checks.push(Check::bad("folders", &error.into())),
        }
    }
    if checks.is_empty() {
        checks.push(match archive.holds_contents() {
            Ok(false) if stored > 0 => bad(
                format!(
                    "{root}/{} holds nothing, and the catalog knows {stored} contents there",
                    layout::BLOBS
                ),
                "is its disk mounted? If they are lost, `mama repair` shows which",
            ),
            Ok(_) => Check::ok(
                "folders",
                format!("{stored} contents should be there; whether each is, `mama repair` finds out"),
            ),
            Err(error) => Check::bad("folders", &error.into()),
        });
    }
    checks
}
