//! The results in the repository's documentation.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Report;

/// Between these lines of the page, the results stand.
const BEGIN: &str = "<!-- results: `make bench` writes them -->";
const END: &str = "<!-- end of the results -->";

/// Replaces the results in `docs/performance.md` and `docs/performance.svg` of the repository in this folder.
pub fn write(report: &Report, repository: &Path) -> anyhow::Result<()> {
    let (page, picture) = (repository.join("docs/performance.md"), repository.join("docs/performance.svg"));
    let text = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let results =
        format!("{}\n![Each result over what it must come to](performance.svg)\n", report.to_markdown());
    let text = replaced(&text, &results)
        .with_context(|| format!("{} has no lines `{BEGIN}` and `{END}`", page.display()))?;
    fs::write(picture, report.to_svg())?;
    Ok(fs::write(page, text)?)
}

fn replaced(page: &str, results: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{results}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(replaced("no marks", "new"), None);
        let own = include_str!("../../../docs/performance.md");
        assert!(replaced(own, "new").is_some(), "the page has the marks");
    }
}
