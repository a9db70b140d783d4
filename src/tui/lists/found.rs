//! What a list was narrowed by, marked in the rows that are drawn: one sees why a row is there.

use crate::tui::aims::Aim;
use crate::tui::model::Model;
use crate::tui::paint::Brush;
use crate::tui::theme::Role;
use crate::tui::widgets::fuzzy::Fuzzy;

/// Marks it in every list on the screen that is narrowed.
pub(crate) fn mark(model: &Model, brush: &mut Brush<'_>) {
    let filter = |aim: &Aim| match aim {
        Aim::Row(row) => Some(&model.arranged.of(row.list()).filter).filter(|f| !f.is_empty()),
        _ => None,
    };
    let rows: Vec<_> = brush
        .aims()
        .filter_map(|(area, aim)| Some((*area, filter(aim)?)))
        .collect();
    let mut fuzzy = Fuzzy::new();
    for (area, filter) in rows {
        let letters = brush.letters(area);
        let text: String = letters.iter().map(|(_, letter)| letter).collect();
        for hit in filter.hits(&text, &mut fuzzy) {
            if let Some((cell, _)) = letters.get(hit) {
                brush.tint((*cell, (1, 1).into()).into(), Role::Found);
            }
        }
    }
}
