//! The form on the screen.

use super::{Entry, Form};
use crate::tui::action::Action;
use crate::tui::glyph::Glyph;
use crate::tui::layers::told::{Takes, Told, WAITS};
use crate::tui::layers::window;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::safe::width;
use crate::tui::theme::Role;

/// The rows that are always seen below the fields.
const BELOW: usize = 2;

impl Form {
    /// Draws it. Where there is little room, what is around the field that has the keys is seen.
    pub(in crate::tui::layers) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let (mut rows, at) = self.rows(model);
        if let Some(failure) = &self.failure {
            let columns = window::columns(model);
            for line in failure.lines() {
                rows.extend(window::paragraph(Role::Bad, line, columns));
            }
        }
        let room = usize::from(model.size.1).saturating_sub(2 + BELOW).max(1);
        // What is said of a field stands right below it; a failure stands last.
        let seen = if self.failure.is_some() {
            rows.len()
        } else {
            (at + 3).min(rows.len())
        };
        let top = seen.saturating_sub(room);
        let mut shown: Vec<Vec<Run>> = rows.into_iter().skip(top).take(room).collect();
        shown.push(Vec::new());
        shown.push(self.keys(model));
        let title = format!("New {}", self.kind.name());
        let inside = window::open(model, brush, shown.len(), &title, Role::Focus);
        window::rows(brush, inside, &shown, BELOW);
    }

    /// What it says to those who listen: the field that has the keys.
    pub(in crate::tui::layers) fn told(&self, model: &Model) -> Told {
        let texts = self.entries.iter().map(|entry| &entry.field.text);
        let mark = format!(
            "{}{:?}{:?}",
            self.at,
            texts.collect::<Vec<_>>(),
            self.failure
        );
        let mut lines = Vec::new();
        let mut title = format!("New {}", self.kind.name());
        if let Some(entry) = self.entries.get(self.at) {
            title = format!("{title}: {}? {}", entry.blank.name, self.help(model, entry));
            let wrong = self.wrong(model, entry).filter(|_| entry.left);
            lines.extend(wrong.map(|wrong| vec![run(Role::Bad, wrong)]));
            if !entry.field.text.is_empty() {
                let kept = format!(
                    "An empty line leaves {}; - leaves nothing",
                    entry.field.text
                );
                lines.push(vec![run(Role::Muted, kept)]);
            }
        }
        let failure = self.failure.iter().flat_map(|failure| failure.lines());
        lines.extend(failure.map(|line| vec![run(Role::Bad, line)]));
        Told {
            whole: false,
            mark: if self.awaited.is_some() {
                WAITS.to_owned()
            } else {
                mark
            },
            title,
            lines,
            takes: Takes::Text,
        }
    }

    /// The fields with what is said of them, and the row of the one that has the keys.
    fn rows(&self, model: &Model) -> (Vec<Vec<Run>>, usize) {
        let labels = self.entries.iter().map(|entry| width(entry.blank.name));
        let wide = labels.max().unwrap_or(0) + 2;
        let room = window::columns(model).saturating_sub(wide).max(1);
        let (mut rows, mut current) = (Vec::new(), 0);
        for (index, entry) in self.entries.iter().enumerate() {
            if !self.asked(model, entry) {
                continue;
            }
            let here = index == self.at;
            // While somebody types it is not done.
            let judged = entry.left && !(here && self.touched);
            if here {
                current = rows.len();
            }
            rows.push(self.row(model, entry, here, wide));
            let said = match self.wrong(model, entry).filter(|_| judged) {
                Some(wrong) => window::paragraph(Role::Bad, &wrong, room),
                None if here => window::paragraph(Role::Muted, &self.help(model, entry), room),
                None => Vec::new(),
            };
            for mut line in said {
                line.insert(0, run(Role::Muted, " ".repeat(wide)));
                rows.push(line);
            }
        }
        (rows, current)
    }

    fn row(&self, model: &Model, entry: &Entry, here: bool, wide: usize) -> Vec<Run> {
        let label = format!("{:wide$}", entry.blank.name);
        let role = if here { Role::Key } else { Role::Muted };
        let mut row = vec![run(role, label), run(Role::Text, entry.field.text.as_str())];
        if here {
            row.push(run(Role::Key, "_"));
            if let Some(whole) = self.completion(model, entry) {
                // What follows where the cursor is, or the whole where that is elsewhere in it.
                let typed = entry.word().to_lowercase();
                let rest = whole.to_lowercase().starts_with(&typed);
                let ghost = match whole.get(typed.len()..).filter(|_| rest) {
                    Some(rest) => rest.to_owned(),
                    None => format!("  {whole}"),
                };
                row.push(run(Role::Muted, ghost));
            }
        }
        row
    }

    /// What a field is for, and what may stand in it.
    fn help(&self, model: &Model, entry: &Entry) -> String {
        let choices = self.choices(model, entry);
        let typed = entry.word();
        let whole = choices.iter().any(|choice| choice == typed);
        if choices.is_empty() || whole {
            return entry.blank.about.to_owned();
        }
        let few: Vec<&str> = choices.iter().take(4).map(String::as_str).collect();
        let more = if choices.len() > few.len() {
            format!(", {}", Glyph::Cut.draw(model.theme))
        } else {
            String::new()
        };
        format!("{}: {}{more}", entry.blank.about, few.join(", "))
    }

    fn keys(&self, model: &Model) -> Vec<Run> {
        if self.awaited.is_some() {
            return vec![run(Role::Warn, "looking at what it would do")];
        }
        let shown = |action| model.keymap.shown(action);
        let mut row = Vec::new();
        for (action, what) in [
            (Action::FormNext, "completes"),
            (Action::FormTake, "at the end shows it"),
            (Action::FormClose, "closes"),
        ] {
            row.push(run(Role::Key, shown(action)));
            row.push(run(Role::Muted, format!(" {what}  ")));
        }
        row
    }
}
