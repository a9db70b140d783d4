//! What was counted in the last minutes, as one row: two samples a cell in dots, or one a cell in ASCII.

use crate::tui::theme::Theme;

/// The heights of a cell in ASCII: nothing was counted, then up to the most.
const ASCII: [char; 4] = ['_', '-', '=', '#'];
/// The dots of the left and the right half of a cell, by height.
const LEFT: [u32; 5] = [0, 0x40, 0x44, 0x46, 0x47];
const RIGHT: [u32; 5] = [0, 0x80, 0xa0, 0xb0, 0xb8];

/// How many of the last samples have room in so many cells.
pub(crate) fn samples(theme: Theme, cells: usize) -> usize {
    if theme.unicode { 2 * cells } else { cells }
}

/// Draws the newest samples at the right, the highest as high as `most`. Nothing counted is a low line, no sample a blank.
pub(crate) fn sparkline(theme: Theme, newest: &[f64], most: f64, cells: usize) -> String {
    let room = samples(theme, cells);
    let newest = &newest[newest.len().saturating_sub(room)..];
    if !theme.unicode {
        let drawn = newest.iter().map(|n| ASCII[height(*n, most, 3)]);
        return " ".repeat(cells - newest.len()) + &drawn.collect::<String>();
    }
    let mut heights = vec![0; room - newest.len()];
    heights.extend(newest.iter().map(|n| 1 + height(*n, most, 3)));
    let cell = |pair: &[usize]| {
        let dots = LEFT[pair[0]] + RIGHT[pair.get(1).copied().unwrap_or(0)];
        match dots {
            0 => ' ',
            dots => char::from_u32(0x2800 + dots).unwrap_or(' '),
        }
    };
    heights.chunks(2).map(cell).collect()
}

/// 0 for nothing, otherwise 1 to `top`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to a few steps"
)]
fn height(n: f64, most: f64, top: usize) -> usize {
    if n <= 0.0 || most <= 0.0 {
        return 0;
    }
    ((n / most * top as f64).ceil() as usize).clamp(1, top)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNICODE: Theme = Theme {
        colour: false,
        unicode: true,
    };
    const PLAIN: Theme = Theme {
        colour: false,
        unicode: false,
    };

    #[test]
    fn the_newest_is_at_the_right_and_nothing_is_not_no_sample() {
        let counts = [0.0, 1.0, 40.0, 70.0, 100.0];
        assert_eq!(sparkline(PLAIN, &counts, 100.0, 8), "   _-=##");
        assert_eq!(sparkline(PLAIN, &counts, 100.0, 2), "##");
        assert_eq!(
            sparkline(UNICODE, &counts, 100.0, 4),
            " \u{2880}\u{28f4}\u{28ff}"
        );
        assert_eq!(sparkline(UNICODE, &[0.0, 0.0], 0.0, 1), "\u{28c0}");
        assert_eq!(sparkline(UNICODE, &[], 0.0, 2), "  ");
        assert_eq!(samples(UNICODE, 3), 6);
    }
}
