//! The results as a picture.

use super::{Outcome, Report, shown};

/// Pixels: of a line, from the left to the bars, of a bar that is as long as it may be, and to the right of it.
const LINE: usize = 22;
const LEFT: usize = 360;
const MUST: f64 = 260.0;
const RIGHT: f64 = 180.0;

/// The longest bar, in what the row must come to; what is longer is cut.
const LONGEST: f64 = 1.5;

const STYLE: &str = "<style>.bar { fill: #3a7d44 } .over { fill: #b3392f } .goal { stroke: #222; stroke-width: 2 } \
    .must { stroke: #888; stroke-dasharray: 4 3 }</style>";

/// A bar for each measured row that must come to something: its length is the result over what it must come to.
pub(super) fn svg(report: &Report) -> String {
    let bars: Vec<_> = report
        .rows
        .iter()
        .filter_map(|(target, outcome)| match (outcome, target.limits(report.cores)) {
            (Outcome::Measured(measured), (Some(must), goal)) => Some((target, measured.value, must, goal)),
            (Outcome::Measured(_) | Outcome::Skipped(_) | Outcome::Failed(_), _) => None,
        })
        .collect();
    let (width, height) = (LEFT as f64 + MUST * LONGEST + RIGHT, (bars.len() + 2) * LINE);
    let mut lines = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">"
        ),
        STYLE.to_owned(),
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>".to_owned(),
        format!("<text x=\"{LEFT}\" y=\"15\">shorter is better; dashes: must, tick: goal</text>"),
    ];
    for (number, (target, value, must, goal)) in bars.iter().enumerate() {
        let top = (number + 1) * LINE;
        let (base, share) = (top + 15, value / must);
        let length = share.min(LONGEST) * MUST;
        let class = if share <= 1.0 { "bar" } else { "bar over" };
        let name = target.operation.replace('&', "&amp;").replace('<', "&lt;");
        lines.push(format!("<text x=\"8\" y=\"{base}\">{} · {name}</text>", target.row));
        lines.push(format!(
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{length:.1}\" height=\"14\"/>",
            top + 4
        ));
        if let Some(goal) = goal {
            let x = LEFT as f64 + goal / must * MUST;
            lines.push(format!("<path class=\"goal\" d=\"M{x:.1} {}v18\"/>", top + 2));
        }
        let after = LEFT as f64 + length.max(MUST) + 8.0;
        let (value, must) = (shown(target.unit, *value), shown(target.unit, *must));
        lines.push(format!("<text x=\"{after:.1}\" y=\"{base}\">{value} of {must}</text>"));
    }
    let x = LEFT as f64 + MUST;
    lines.push(format!("<path class=\"must\" d=\"M{x:.1} {LINE}V{}\"/>", (bars.len() + 1) * LINE));
    lines.push("</svg>\n".to_owned());
    lines.join("\n")
}
