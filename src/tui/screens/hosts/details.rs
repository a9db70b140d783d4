//! Everything that is known of the selected host, as far as there is room.

use crate::api::host::HostView;
use crate::tui::glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::screens::places::Places;
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;
use ratatui::layout::Rect;

/// The width of the labels.
const LABEL: usize = 11;

/// Draws the details where they have a place.
pub(super) fn draw(
    host: Option<HostView<'_>>,
    model: &Model,
    places: &Places,
    brush: &mut Brush<'_>,
) {
    let area = places.details;
    if area.height < 3 {
        return;
    }
    let title = host.map(|host| run(Role::Heading, host.host.name.as_str()));
    let title: Vec<Run> = title.into_iter().collect();
    let inside = if places.beside {
        brush.frame(area, Role::Focus, &title)
    } else {
        brush.rule(Rect { height: 1, ..area }, Ends::Middle, Role::Focus);
        brush.title(area, &title);
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 1)
    };
    let inside = Rect {
        x: inside.x + 1,
        width: inside.width.saturating_sub(2),
        ..inside
    };
    let Some(host) = host else { return };
    let rows = rows(host, model, usize::from(inside.width));
    let room = usize::from(inside.height);
    let all = rows.len() <= room;
    let shown = if all { room } else { room - 1 };
    for (y, row) in (inside.y..).zip(rows.iter().take(shown)) {
        brush.runs(inside.x, y, inside.width, row);
    }
    if !all {
        let more = format!("`cutover hosts {}` shows all", host.host.name);
        brush.text(
            inside.x,
            inside.bottom() - 1,
            inside.width,
            Role::Muted,
            &more,
        );
    }
}

/// Everything that is known of a host, row by row.
pub(crate) fn rows(host: HostView<'_>, model: &Model, width: usize) -> Vec<Vec<Run>> {
    let mark = glyph::host(host.state());
    let mut rows = Vec::new();
    for (index, line) in host
        .lines(model.present(), model.clock)
        .into_iter()
        .enumerate()
    {
        let role = match index {
            // The first tells its state.
            0 => mark.role,
            _ if line.problem => mark.role,
            _ => Role::Text,
        };
        let text = if index == 0 {
            mark.glyph.beside(model.theme, &line.text)
        } else {
            line.text
        };
        for (part, text) in wrap(&text, width.saturating_sub(LABEL))
            .into_iter()
            .enumerate()
        {
            let label = if part == 0 { line.label } else { "" };
            rows.push(vec![
                run(Role::Muted, format!("{label:LABEL$}")),
                run(role, text),
            ]);
        }
    }
    rows
}
