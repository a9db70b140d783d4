//! A line of cells as high as the values of the past, the newest at the right.

use crate::tui::glyph::Glyph;

/// The heights, from the lowest.
const LEVELS: [Glyph; 4] = [Glyph::Level1, Glyph::Level2, Glyph::Level3, Glyph::Level4];

/// A cell for each value, between the least and the greatest of them; a value that is not there has a sign of its own. What
/// is the same all the time is low.
pub(crate) fn cells(values: &[Option<f64>]) -> Vec<Glyph> {
    let known = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let least = known().fold(f64::INFINITY, f64::min);
    let greatest = known().fold(f64::NEG_INFINITY, f64::max);
    let level = |value: f64| {
        if value == f64::INFINITY {
            return LEVELS[3];
        }
        let share = (value - least) / (greatest - least);
        match share {
            share if share >= 0.75 => LEVELS[3],
            share if share >= 0.5 => LEVELS[2],
            share if share >= 0.25 => LEVELS[1],
            // Also where there is nothing to compare it with.
            _ => LEVELS[0],
        }
    };
    values
        .iter()
        .map(|value| value.map_or(Glyph::Unknown, level))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Theme;

    fn drawn(values: &[Option<f64>]) -> String {
        let theme = Theme {
            colour: false,
            unicode: false,
        };
        let cells = cells(values).into_iter();
        cells.map(|glyph| glyph.draw(theme)).collect()
    }

    #[test]
    fn heights_are_between_the_least_and_the_greatest() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0].map(Some);
        assert_eq!(drawn(&values), "_-=##");
        assert_eq!(drawn(&[Some(7.0); 3]), "___");
        assert_eq!(drawn(&[Some(-4.0), None, Some(4.0)]), "_?#");
        assert_eq!(drawn(&[]), "");
    }

    #[test]
    fn what_is_no_number_hides_nothing() {
        let infinite = [Some(1.0), Some(f64::INFINITY), Some(f64::NAN), Some(2.0)];
        assert_eq!(drawn(&infinite), "_#_#");
        assert_eq!(drawn(&[Some(f64::NEG_INFINITY), Some(1.0)]), "__");
    }
}
