//! The rows: state, name, and what fits.

use ratatui::layout::Rect;

use super::Hosts;
use crate::api::host::HostView;
use crate::text::size;
use crate::tui::aims::Aim;
use crate::tui::glyph::{self, Glyph};
use crate::tui::lists::List;
use crate::tui::lists::row::Row;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::panes::sortable;
use crate::tui::screens::places::Places;
use crate::tui::theme::Role;
use crate::tui::widgets::duration::tiny;
use crate::tui::widgets::list::beyond;

/// The width of the state: sign, word, gap.
const STATE: usize = 14;
/// The width of the free space.
const FREE: usize = 10;
/// The width of the uptime.
const UP: usize = 5;
/// The width of the system, and the width of the list from which on it is there.
const SYSTEM: (usize, usize) = (32, 100);

/// Draws headings and visible rows.
pub(super) fn draw(hosts: &Hosts, model: &Model, places: &Places, brush: &mut Brush<'_>) {
    let (area, width) = (places.rows, usize::from(places.rows.width));
    let visible = || {
        let rows = hosts.rows.iter().skip(hosts.top);
        rows.take(usize::from(area.height))
    };
    let names = visible().map(|row| row.name.as_str().len());
    let name = names.max().unwrap_or(0);
    let name = name.max("Host".len()).min(width / 3);
    let wide = width >= SYSTEM.1;
    let system = if wide {
        format!("{:1$}", "System", SYSTEM.0)
    } else {
        String::new()
    };
    let headings = format!(
        "  {:STATE$}{:name$} {:>UP$} {:>FREE$}  {system}{}",
        "State", "Host", "up", "free", "Installed, or what is wrong"
    );
    brush.text(
        places.headings.x,
        places.headings.y,
        places.headings.width,
        Role::Heading,
        &headings,
    );
    let columns = [
        (Some("state"), 2 + STATE),
        (Some("name"), name + 1),
        (Some("up"), UP + 1),
        (Some("free"), FREE + 1),
        (wide.then_some("system"), SYSTEM.0),
    ];
    sortable(brush, List::Hosts, places.headings, &columns);
    let rows = usize::from(area.height);
    beyond(brush, places.headings, hosts.top, hosts.rows.len(), rows);
    if hosts.rows.is_empty() {
        let text = match (&model.view, hosts.all() == 0) {
            (None, _) => "loading",
            (_, true) => "the project has no hosts: cutover.yaml lists them",
            (_, false) => "no host fits the filter",
        };
        brush.text(
            area.x + 2,
            area.y,
            area.width.saturating_sub(2),
            Role::Muted,
            text,
        );
    }
    for (y, line) in (area.y..area.bottom()).zip(visible()) {
        let Some(host) = line.host(model) else {
            continue;
        };
        let selected = hosts.selected.as_ref() == Some(&line.name);
        let whole = Rect::new(area.x, y, area.width, 1);
        brush.aim(whole, Aim::Row(Row::Host(line.name.clone())));
        if selected {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(area.x, y, 1, Role::Focus, cursor);
        }
        let runs = row(model, host, name, wide);
        brush.runs(area.x + 2, y, area.width.saturating_sub(2), &runs);
        if selected {
            brush.tint(whole, Role::Selected);
        }
    }
}

/// A row, its name in so many columns.
pub(crate) fn row(model: &Model, host: HostView<'_>, name: usize, wide: bool) -> Vec<Run> {
    let mark = glyph::host(host.state());
    // What an agent that is silent now once said is no present.
    let silent = host.state().is_silent();
    let old = if silent { Role::Muted } else { Role::Text };
    let up = host.uptime(model.present()).filter(|_| !silent);
    let up = up.map_or_else(String::new, tiny);
    let free = host.disk().map_or_else(String::new, |disk| size(disk.free));
    let cut = |text: &str, width: usize| match text.char_indices().nth(width) {
        Some(_) => {
            let kept: String = text.chars().take(width.saturating_sub(1)).collect();
            format!("{kept}{}", Glyph::Cut.draw(model.theme))
        }
        None => text.to_owned(),
    };
    let id = cut(host.host.name.as_str(), name);
    let state = format!("{:1$}", mark.word, STATE - 2);
    let mut runs = vec![
        run(mark.role, mark.glyph.beside(model.theme, &state)),
        run(Role::Text, format!("{id:name$} ")),
        run(old, format!("{up:>UP$} {free:>FREE$}  ")),
    ];
    if wide {
        let system = cut(host.os(), SYSTEM.0 - 2);
        runs.push(run(old, format!("{system:0$}", SYSTEM.0)));
    }
    let health = host.health();
    runs.push(if !health.is_empty() {
        run(mark.role, health)
    } else if host.facts().is_none() && host.status.is_some() {
        run(Role::Muted, "reports no facts")
    } else {
        run(Role::Text, host.installed().join(", "))
    });
    runs
}
