//! Where the parts of a screen are that is a list with headings: below the header, the list, and what is known of the selected
//! row beside or below it where there is room.

use ratatui::layout::Rect;

use crate::tui::layout::beside;
use crate::tui::model::Model;

/// From this height on the details are below the list.
const HIGH: u16 = 18;

/// The places. A place that is not there has no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// The frame of the list.
    pub frame: Rect,
    pub headings: Rect,
    pub rows: Rect,
    /// A frame of their own beside the list, or a rule and what is below it within the list's.
    pub details: Rect,
    /// Whether the details are beside the list.
    pub beside: bool,
}

impl Places {
    /// The places for the model's size.
    pub(crate) fn of(model: &Model) -> Self {
        let (width, height) = model.size;
        if model.layout().tiny {
            return Self::default();
        }
        let places = beside(model);
        let whole = Rect::new(0, 1, width, height - 1);
        // Within the frame, a column of air on both sides.
        let inside = Rect::new(2, whole.y + 1, width - 4, whole.height - 2);
        let mut rows = Rect {
            y: inside.y + 1,
            height: inside.height - 1,
            ..inside
        };
        let (mut frame, mut details) = (whole, Rect::default());
        if let Some((list, told)) = places {
            (frame, details) = (list, told);
            rows.width -= told.width;
        } else if height >= HIGH {
            let taken = rows.height * 3 / 5;
            rows.height -= taken;
            details = Rect::new(whole.x, rows.bottom(), whole.width, taken);
        }
        Self {
            frame,
            headings: Rect {
                y: inside.y,
                height: 1,
                ..rows
            },
            rows,
            details,
            beside: places.is_some(),
        }
    }
}
