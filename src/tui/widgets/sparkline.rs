//! The past as one row of cells, the newest at the right: dots, or ASCII, of four heights.

use crate::tui::theme::Theme;

/// The heights of a cell in ASCII, from the lowest.
const ASCII: [char; 4] = ['_', '-', '=', '#'];
/// The dots of the left and the right half of a cell, by height. Braille: blocks are two cells wide in some terminals.
const LEFT: [u32; 4] = [0x40, 0x44, 0x46, 0x47];
const RIGHT: [u32; 4] = [0x80, 0xa0, 0xb0, 0xb8];

/// How many of the last samples have room in so many cells.
pub(crate) fn samples(theme: Theme, cells: usize) -> usize {
    if theme.unicode { 2 * cells } else { cells }
}

/// Draws the newest samples as close together as the theme can, the highest as high as `most`. Nothing counted is a low line,
/// no sample a blank.
pub(crate) fn sparkline(theme: Theme, newest: &[f64], most: f64, cells: usize) -> String {
    // Nobody hears a picture.
    if theme.words {
        return String::new();
    }
    let room = samples(theme, cells);
    let newest = &newest[newest.len().saturating_sub(room)..];
    let mut heights = vec![None; room - newest.len()];
    heights.extend(newest.iter().map(|n| Some(height(*n, most))));
    let cells = heights.chunks(samples(theme, 1));
    cells
        .map(|halves| cell(theme, halves[0], halves[halves.len() - 1]))
        .collect()
}

/// A whole cell for each value, so that each can have a colour of its own, between the least and the greatest of them. What is
/// the same all the time is low; for a value that is not there, there is no cell.
pub(crate) fn cells(theme: Theme, values: &[Option<f64>]) -> Vec<Option<char>> {
    let known = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let least = known().fold(f64::INFINITY, f64::min);
    let greatest = known().fold(f64::NEG_INFINITY, f64::max);
    let drawn = |value: f64| {
        let height = Some(quarter(value, least, greatest));
        cell(theme, height, height)
    };
    values.iter().map(|value| value.map(drawn)).collect()
}

/// A cell with halves of these heights; ASCII has one height for both.
fn cell(theme: Theme, left: Option<usize>, right: Option<usize>) -> char {
    let half = |dots: [u32; 4], height: Option<usize>| height.map_or(0, |height| dots[height]);
    let drawn = match (theme.unicode, left) {
        (false, left) => left.map(|height| ASCII[height]),
        (true, _) => match half(LEFT, left) + half(RIGHT, right) {
            0 => None,
            dots => char::from_u32(0x2800 + dots),
        },
    };
    drawn.unwrap_or(' ')
}

/// 0 for nothing, otherwise 1 to 3: whatever was counted is seen.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a few steps"
)]
fn height(n: f64, most: f64) -> usize {
    if n <= 0.0 || most <= 0.0 {
        return 0;
    }
    ((n / most * 3.0).ceil() as usize).clamp(1, 3)
}

/// The quarter between the least and the greatest that a value is in; what can't be compared is low.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is no number is 0, and there are four quarters"
)]
fn quarter(value: f64, least: f64, greatest: f64) -> usize {
    if value == f64::INFINITY {
        return 3;
    }
    (((value - least) / (greatest - least) * 4.0) as usize).min(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unicode() -> Theme {
        Theme::built_in("mono", true)
    }

    fn plain() -> Theme {
        Theme::built_in("mono", false)
    }

    #[test]
    fn the_newest_is_at_the_right_and_nothing_is_not_no_sample() {
        let counts = [0.0, 1.0, 40.0, 70.0, 100.0];
        assert_eq!(sparkline(plain(), &counts, 100.0, 8), "   _-=##");
        assert_eq!(sparkline(plain(), &counts, 100.0, 2), "##");
        assert_eq!(
            sparkline(unicode(), &counts, 100.0, 4),
            " \u{2880}\u{28f4}\u{28ff}"
        );
        assert_eq!(sparkline(unicode(), &[0.0, 0.0], 0.0, 1), "\u{28c0}");
        assert_eq!(sparkline(unicode(), &[], 0.0, 2), "  ");
        assert_eq!(samples(unicode(), 3), 6);
    }

    fn each(values: &[Option<f64>]) -> String {
        let cells = cells(plain(), values).into_iter();
        cells.map(|cell| cell.unwrap_or('?')).collect()
    }

    #[test]
    fn cells_are_between_the_least_and_the_greatest() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0].map(Some);
        assert_eq!(each(&values), "_-=##");
        assert_eq!(each(&[Some(7.0); 3]), "___");
        assert_eq!(each(&[Some(-4.0), None, Some(4.0)]), "_?#");
        assert_eq!(each(&[]), "");
        let dots = cells(unicode(), &[Some(0.0), Some(0.5), Some(1.0)]);
        assert_eq!(dots, ['\u{28c0}', '\u{28f6}', '\u{28ff}'].map(Some));
    }

    #[test]
    fn what_is_no_number_hides_nothing() {
        let infinite = [Some(1.0), Some(f64::INFINITY), Some(f64::NAN), Some(2.0)];
        assert_eq!(each(&infinite), "_#_#");
        assert_eq!(each(&[Some(f64::NEG_INFINITY), Some(1.0)]), "__");
    }
}
