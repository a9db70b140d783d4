//! How a load balancer splits the traffic, in one line: the share that the replacement was to get, has, and really gets.
//!
//! ```text
//! web: replacement ▰▰▰▰▰▰▰▰▱▱▱▱◊▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  asked ◊ 30 %  in effect ▰ 20 %  measured ◦ 19 %
//! ```

use crate::model::traffic::Split;
use crate::model::traffic::status::BalancerStatus;
use crate::tui::glyph::Glyph;
use crate::tui::paint::{Run, run, width};
use crate::tui::theme::{Role, Theme};

/// The most cells of a bar.
const WIDEST: usize = 50;
/// The fewest that say something.
const LEAST: usize = 8;

/// One load balancer on one line of at most this width.
pub(super) fn line(
    theme: Theme,
    balancer: &BalancerStatus,
    replacement: &str,
    room: usize,
) -> Vec<Run> {
    let kind = balancer.kind.as_ref().filter(|_| room >= 100);
    let kind = kind.map_or_else(String::new, |kind| format!(" ({kind})"));
    let what = if balancer.tests { "tests of " } else { "" };
    let name = run(
        Role::Text,
        format!("{}{kind}: {what}{replacement} ", balancer.name),
    );
    let shares = Shares {
        asked: balancer.asked.map(Split::replacement),
        in_effect: balancer.in_effect.map(Split::replacement),
        measured: balancer.measured,
    };
    let counts = balancer.original.counted.is_some() || balancer.replacement.counted.is_some();
    let told = [true, false].map(|words| shares.told(theme, counts, words));
    let [full, short] = told;
    let left =
        |told: &Vec<Run>| room.saturating_sub(width(std::slice::from_ref(&name)) + width(told));
    let told = if left(&full) >= LEAST { full } else { short };
    let cells = left(&told).min(WIDEST);
    let mut runs = vec![name];
    if cells >= LEAST {
        runs.extend(shares.bar(theme, cells));
    }
    runs.extend(told);
    runs
}

/// Shares of the replacement, in percent.
struct Shares {
    asked: Option<u8>,
    in_effect: Option<u8>,
    measured: Option<u8>,
}

impl Shares {
    /// The bar: filled as far as it is in effect, with marks where it was to be and where it was measured.
    fn bar(&self, theme: Theme, cells: usize) -> Vec<Run> {
        let end = |share: u8| (usize::from(share) * cells + 50) / 100;
        // A mark is in the last cell of what it marks.
        let cell = |share: Option<u8>| share.map(|share| end(share).saturating_sub(1));
        let full = self.in_effect.map_or(0, end);
        let (asked, measured) = (cell(self.asked), cell(self.measured));
        (0..cells)
            .map(|at| {
                let (role, glyph) = match at {
                    at if Some(at) == asked => (Role::Heading, Glyph::Asked),
                    at if Some(at) == measured => (Role::Warn, Glyph::Measured),
                    at if at < full => (Role::Active, Glyph::BarFull),
                    _ => (Role::Muted, Glyph::BarEmpty),
                };
                run(role, glyph.draw(theme))
            })
            .collect()
    }

    /// The numbers, each with its mark.
    fn told(&self, theme: Theme, counts: bool, words: bool) -> Vec<Run> {
        let sign = |glyph: Glyph, share: u8| glyph.beside(theme, &format!("{share} %"));
        let word = |text: &str| {
            if words {
                format!("{text} ")
            } else {
                String::new()
            }
        };
        let mut runs = Vec::new();
        let late = self.asked.is_some() && self.asked != self.in_effect;
        if let Some(asked) = self.asked {
            let role = if late { Role::Warn } else { Role::Text };
            let share = sign(Glyph::Asked, asked);
            let text = format!("  {}{share}", word("asked"));
            runs.push(run(role, text));
        }
        let in_effect = self.in_effect.map_or_else(
            || Glyph::BarFull.beside(theme, "?"),
            |share| sign(Glyph::BarFull, share),
        );
        let text = format!("  {}{in_effect}", word("in effect"));
        runs.push(run(Role::Text, text));
        let (role, text) = match (self.measured, counts) {
            (Some(share), _) => (
                Role::Text,
                format!("  {}{}", word("measured"), sign(Glyph::Measured, share)),
            ),
            (None, true) => (Role::Muted, "  no requests".to_owned()),
            (None, false) => (Role::Muted, "  no counts".to_owned()),
        };
        runs.push(run(role, text));
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(unicode: bool, shares: [Option<u8>; 3]) -> String {
        let theme = Theme::built_in("mono", unicode);
        let [asked, in_effect, measured] = shares;
        let shares = Shares {
            asked,
            in_effect,
            measured,
        };
        let runs = shares.bar(theme, 10);
        runs.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn asked_in_effect_and_measured_are_told_apart_without_colour() {
        assert_eq!(bar(false, [Some(50), Some(20), Some(80)]), "##..|..o..");
        assert_eq!(bar(false, [Some(30), Some(30), Some(30)]), "##|.......");
        assert_eq!(bar(false, [Some(0), Some(0), Some(0)]), "|.........");
        assert_eq!(bar(false, [Some(100), Some(100), Some(99)]), "#########|");
        assert_eq!(bar(false, [None, Some(100), None]), "##########");
        assert_eq!(
            bar(true, [Some(50), Some(20), Some(80)]),
            "\u{25b0}\u{25b0}\u{25b1}\u{25b1}\u{25ca}\u{25b1}\u{25b1}\u{25e6}\u{25b1}\u{25b1}"
        );
    }
}
