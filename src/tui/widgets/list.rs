//! Lists of any length in a window: only what is visible is laid out, and what is selected is an id.

use ratatui::layout::Rect;

use crate::tui::glyph::Glyph;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;

/// The first visible row so that the selected one is in view, moving as little as possible.
pub(crate) fn scroll(top: usize, selected: Option<usize>, length: usize, height: usize) -> usize {
    let last = length.saturating_sub(height);
    let top = top.min(last);
    match selected {
        Some(row) if row < top => row,
        Some(row) if height > 0 && row >= top + height => row + 1 - height,
        _ => top,
    }
}

/// The row that is reached from `row` by so many steps, within the list.
pub(crate) fn step(row: Option<usize>, by: isize, length: usize) -> Option<usize> {
    let last = length.checked_sub(1)?;
    Some(row.map_or(0, |row| row.saturating_add_signed(by).min(last)))
}

/// Writes at the right of a line how much of a list lies above and below what is visible.
pub(crate) fn beyond(brush: &mut Brush<'_>, line: Rect, top: usize, length: usize, height: usize) {
    if length <= height {
        return;
    }
    let (up, down) = (brush.glyph(Glyph::Up), brush.glyph(Glyph::Down));
    let part = |sign: &str, n: usize| {
        if n > 0 {
            format!("{sign}{n} ")
        } else {
            String::new()
        }
    };
    let below = length.saturating_sub(top + height);
    let text = format!(" {}{}", part(up, top), part(down, below));
    brush.right(line.right(), line.y, &[run(Role::Muted, text)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_selected_row_is_in_view(top in 0usize..200, row in 0usize..100, more in 0usize..100, height in 1usize..50) {
            let length = row + 1 + more;
            let top = scroll(top, Some(row), length, height);
            prop_assert!(top <= row && row < top + height);
        }
    }

    #[test]
    fn steps_stay_within_the_list() {
        assert_eq!(step(None, 5, 3), Some(0));
        assert_eq!(step(Some(1), 5, 3), Some(2));
        assert_eq!(step(Some(1), -5, 3), Some(0));
        assert_eq!(step(Some(1), 1, 0), None);
    }
}
