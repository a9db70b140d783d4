//! The rows, and the selected deployment in a few words below them.
//!
//! ```text
//! ┌ History of shop/production: 3 deployments ────────────────────────────────────────────┐
//! │   Status       When         Group            Revision   Working  Waiting  By          │
//! │❯  ▸ InProgress 11-22 14:01  shop/production  v2         12 s              ana         │
//! │ ◊ ✖ Failed     11-22 13:40  shop/production  v1.9       41 s     2m       ci          │
//! ├ d-7F3KQ21XB ──────────────────────────────────────────────────────────────────────────┤
//! │ created 2031-11-22 14:01:51 by ana, FewAtATime, 4 of 12 succeeded                     │
//! └───────────────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use super::entry::Entry;
use super::{History, Places, Scope};
use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Short;
use crate::text::safe;
use crate::tui::aims::Aim;
use crate::tui::glyph::Glyph;
use crate::tui::lists::List;
use crate::tui::lists::row::Row;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::panes::{arranged, detail, sortable};
use crate::tui::theme::Role;
use crate::tui::widgets::list::beyond;
use crate::tui::widgets::wrap::wrap;

/// The width of the sign and the word.
const STATUS: usize = 13;
/// The width of what facts are called.
const LABEL: usize = 10;
/// The width of a time span.
const SPAN: usize = 8;
/// The least room for who created it.
const BY: usize = 3;
/// From this width on times have their year.
const WIDE: usize = 100;
/// The widest that groups and revisions become.
const WIDEST: (usize, usize) = (28, 20);

/// The widths of columns for what is visible.
struct Columns {
    when: usize,
    group: usize,
    revision: usize,
    /// Who created it, where there is room.
    by: bool,
}

/// Draws it.
pub(in crate::tui::screens) fn draw(model: &Model, brush: &mut Brush<'_>) {
    let (history, places) = (&model.history, Places::of(model));
    let mut title = vec![run(Role::Focus, history.title())];
    if let Some((role, text)) = arranged(model, List::History) {
        title.push(run(role, format!("  {text}")));
    }
    brush.frame(places.frame, Role::Focus, &title);
    rows(history, model, &places, brush);
    let selected = model.view.as_ref().zip(history.selected.as_ref());
    let entry = selected.and_then(|(view, id)| history.entry(view, id));
    if let Some(area) = places.beside {
        beside(model, entry, area, brush);
    } else if let Some(entry) = entry {
        below(model, &entry, places.below, brush);
    }
}

fn rows(history: &History, model: &Model, places: &Places, brush: &mut Brush<'_>) {
    let area = places.rows;
    let height = usize::from(area.height);
    let visible = history.rows.iter().skip(history.top).take(height);
    let entries: Vec<Entry<'_>> = model
        .view
        .iter()
        .flat_map(|view| visible.clone().filter_map(|id| history.entry(view, id)))
        .collect();
    let columns = Columns::of(history, &entries, usize::from(area.width));
    let headings = places.headings;
    brush.text(
        headings.x,
        headings.y,
        headings.width,
        Role::Heading,
        &columns.headings(),
    );
    sortable(brush, List::History, headings, &columns.sortable());
    beyond(brush, headings, history.top, history.rows.len(), height);
    if history.rows.is_empty() {
        let width = area.width.saturating_sub(2);
        let (role, text) = empty(history, model);
        for (y, line) in (area.y..area.bottom()).zip(wrap(&text, usize::from(width))) {
            brush.text(area.x + 2, y, width, role, &line);
        }
    }
    for (y, entry) in (area.y..area.bottom()).zip(&entries) {
        let selected = history.selected.as_ref() == Some(entry.id);
        let whole = Rect::new(area.x, y, area.width, 1);
        brush.aim(whole, Aim::Row(Row::Past(entry.id.clone())));
        if selected {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(area.x, y, 1, Role::Focus, cursor);
        }
        if history.marked.as_ref() == Some(entry.id) {
            let mark = brush.glyph(Glyph::Asked);
            brush.text(area.x + 1, y, 1, Role::Warn, mark);
        }
        let runs = columns.row(model, entry);
        brush.runs(area.x + 3, y, area.width.saturating_sub(3), &runs);
        if selected {
            brush.tint(whole, Role::Selected);
        }
    }
}

/// A row in words.
pub(crate) fn row(model: &Model, id: &DeploymentId) -> Option<Vec<Run>> {
    let history = &model.history;
    let entry = history.entry(model.view.as_ref()?, id)?;
    let entries = std::slice::from_ref(&entry);
    Some(Columns::of(history, entries, usize::from(model.size.0)).row(model, &entry))
}

/// The selected deployment in a sentence; why there is none to select.
pub(crate) fn sentence(model: &Model) -> String {
    let history = &model.history;
    let selected = model.view.as_ref().zip(history.selected.as_ref());
    let entry = selected.and_then(|(view, id)| history.entry(view, id));
    match entry {
        Some(entry) => format!("{}: {}", entry.id, about(model, &entry)),
        None => empty(history, model).1,
    }
}

/// Why there are no rows.
fn empty(history: &History, model: &Model) -> (Role, String) {
    let text = match (&model.view, &history.scope) {
        (None, _) => "loading",
        (_, Scope::Host(_)) if history.past.problem.is_some() => {
            let problem = history.past.problem.clone().unwrap_or_default();
            return (
                Role::Bad,
                format!("what it was given can't be found out: {problem}"),
            );
        }
        (_, Scope::Host(_)) if !history.past.known => "asking what it was given",
        (_, Scope::Host(_)) if history.all == 0 => "nothing was deployed to this host",
        _ if history.all == 0 => "nothing was deployed yet",
        _ => "no deployment fits the filter",
    };
    (Role::Muted, text.to_owned())
}

impl Columns {
    fn of(history: &History, entries: &[Entry<'_>], width: usize) -> Self {
        let widest = |least: usize, most: usize, of: fn(&Entry<'_>) -> usize| {
            entries
                .iter()
                .map(of)
                .max()
                .unwrap_or(0)
                .min(most)
                .max(least)
        };
        let group = match history.scope {
            Scope::Group(_) => 0,
            _ => widest("Group".len(), WIDEST.0.min(width / 4), |entry| {
                entry.group.to_string().len()
            }),
        };
        let when = if width >= WIDE {
            "2031-02-03 14:02".len()
        } else {
            "02-03 14:02".len()
        };
        let revision = widest("Revision".len(), WIDEST.1.min(width / 6), |entry| {
            entry.revision.chars().count()
        });
        let taken = 3 + STATUS + when + 1 + group + 1 + revision + 1 + 2 * SPAN;
        Self {
            when,
            group,
            revision,
            by: taken + BY <= width,
        }
    }

    fn headings(&self) -> String {
        let group = if self.group > 0 {
            format!("{:1$} ", "Group", self.group)
        } else {
            String::new()
        };
        format!(
            "   {:STATUS$}{:when$} {group}{:revision$} {:SPAN$}{:SPAN$}{}",
            "Status",
            "When",
            "Revision",
            "Working",
            "Waiting",
            if self.by { "By" } else { "" },
            when = self.when,
            revision = self.revision,
        )
    }

    /// What each heading sorts by, and how wide it is.
    fn sortable(&self) -> [(Option<&'static str>, usize); 7] {
        let group = if self.group > 0 { self.group + 1 } else { 0 };
        [
            (Some("status"), 3 + STATUS),
            (Some("age"), self.when + 1),
            (Some("group"), group),
            (Some("revision"), self.revision + 1),
            (Some("time"), SPAN),
            (Some("waiting"), SPAN),
            (self.by.then_some("person"), SPAN),
        ]
    }

    fn row(&self, model: &Model, entry: &Entry<'_>) -> Vec<Run> {
        let cut = |text: &str, width: usize| match text.char_indices().nth(width) {
            Some(_) => {
                let kept: String = text.chars().take(width.saturating_sub(1)).collect();
                format!("{kept}{}", Glyph::Cut.draw(model.theme))
            }
            None => text.to_owned(),
        };
        let mark = entry.mark;
        let status = format!("{:1$}", mark.word, STATUS - 2);
        let date = (model.date)(entry.create_time);
        // Without seconds, and without the year where there is no room for it.
        let minutes = date.get(.."2031-02-03 14:02".len()).unwrap_or(&date);
        let when = minutes
            .get(minutes.len().saturating_sub(self.when)..)
            .unwrap_or(minutes);
        let spans = entry.spans(model.present());
        let working = spans.map_or_else(String::new, |(took, waited)| {
            Short(took.saturating_sub(waited)).to_string()
        });
        let waiting = spans.filter(|(_, waited)| !waited.is_zero());
        let waiting = waiting.map_or_else(String::new, |(_, waited)| Short(waited).to_string());
        let mut runs = vec![
            run(mark.role, mark.glyph.beside(model.theme, &status)),
            run(Role::Muted, format!("{when:0$} ", self.when)),
        ];
        if self.group > 0 {
            let group = cut(&entry.group.to_string(), self.group);
            runs.push(run(Role::Text, format!("{group:0$} ", self.group)));
        }
        let revision = cut(&safe(entry.revision), self.revision);
        runs.push(run(Role::Heading, format!("{revision:0$} ", self.revision)));
        runs.push(run(Role::Text, format!("{working:SPAN$}")));
        runs.push(run(Role::Warn, format!("{waiting:SPAN$}")));
        runs.extend(self.by.then(|| run(Role::Muted, safe(entry.by()))));
        runs
    }
}

/// The selected deployment, in the lowest lines.
fn below(model: &Model, entry: &Entry<'_>, area: Rect, brush: &mut Brush<'_>) {
    if area.height < 2 {
        return;
    }
    brush.rule(Rect { height: 1, ..area }, Ends::Middle, Role::Focus);
    brush.title(area, &[run(Role::Heading, entry.id.to_string())]);
    let width = area.width.saturating_sub(4);
    let text = wrap(&safe(&about(model, entry)), usize::from(width));
    for (y, line) in (area.y + 1..area.bottom()).zip(&text) {
        brush.text(area.x + 2, y, width, Role::Text, line);
    }
}

/// The selected deployment, beside the rows: what is kept of it, and the deployment as it tells itself.
fn beside(model: &Model, entry: Option<Entry<'_>>, area: Rect, brush: &mut Brush<'_>) {
    let title = entry.map(|entry| run(Role::Heading, entry.id.to_string()));
    let title: Vec<Run> = title.into_iter().collect();
    let width = detail::columns(area);
    let mut rows = Vec::new();
    if let Some(entry) = entry {
        for (label, text) in facts(model, &entry) {
            let lines = wrap(&safe(&text), width.saturating_sub(LABEL)).into_iter();
            rows.extend(lines.enumerate().map(|(part, line)| {
                let label = if part == 0 { label } else { "" };
                let label = run(Role::Muted, format!("{label:LABEL$}"));
                vec![label, run(Role::Text, line)]
            }));
        }
        if entry.summary.is_some() {
            rows.push(Vec::new());
            rows.extend(detail::deployment(model, width));
        }
    }
    detail::draw(model, area, &title, &rows, brush);
}

/// What is known of it, each with its name.
fn facts(model: &Model, entry: &Entry<'_>) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("revision", entry.revision.to_owned()),
        ("group", entry.group.to_string()),
    ];
    let created = (model.date)(entry.create_time);
    let Some(summary) = entry.summary else {
        facts.push(("created", format!("{created}; no more of it is kept")));
        return facts;
    };
    facts.push(("created", format!("{created} by {}", summary.by)));
    let configuration = summary.deployment_config_name.to_string();
    facts.push(("with", configuration));
    if let Some((took, waited)) = entry.spans(model.present()) {
        let took = if waited.is_zero() {
            Short(took).to_string()
        } else {
            let worked = Short(took.saturating_sub(waited));
            let (took, waited) = (Short(took), Short(waited));
            format!("{took} in all: worked {worked}, waited {waited}")
        };
        facts.push(("took", took));
    }
    facts.extend(match (&summary.rolls_back, &summary.rolled_back_by) {
        (Some(id), _) => Some(("rollback", format!("rolls back {id}"))),
        (None, Some(id)) => Some(("rollback", format!("rolled back by {id}"))),
        (None, None) => None,
    });
    facts
}

fn about(model: &Model, entry: &Entry<'_>) -> String {
    let created = format!("created {}", (model.date)(entry.create_time));
    let Some(summary) = entry.summary else {
        return format!("{created}; no more of it is kept");
    };
    let overview = summary.deployment_overview;
    let error = summary.error_information.as_ref();
    let error = error.map_or_else(String::new, |error| format!(": {}", error.message));
    let linked = match (&summary.rolls_back, &summary.rolled_back_by) {
        (Some(id), _) => format!(", rolls back {id}"),
        (None, Some(id)) => format!(", rolled back by {id}"),
        (None, None) => String::new(),
    };
    format!(
        "{created} by {} with {}: {} of {} succeeded, {} failed{linked}; {}{error}",
        summary.by,
        summary.deployment_config_name,
        overview.succeeded,
        overview.total(),
        overview.failed,
        summary.status,
    )
}
