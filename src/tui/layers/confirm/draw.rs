//! The confirmation on the screen.

use super::{Confirm, shut};
use crate::tui::action::Action;
use crate::tui::consequence::Choice;
use crate::tui::glyph::Glyph;
use crate::tui::layers::window;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

impl Confirm {
    /// Draws it.
    pub(in crate::tui::layers) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let width = window::columns(model);
        let mut rows = match &self.rehearsal {
            Some(steps) => told(steps, width),
            None => self.body(brush, width),
        };
        let body = rows.len();
        rows.push(Vec::new());
        match self.blocked(model) {
            Some(reason) => rows.extend(window::paragraph(Role::Bad, &reason, width)),
            None => rows.extend(self.choices(model)),
        }
        if self.naming.is_none() {
            let cancel = model.keymap.shown(Action::Cancel);
            rows.push(vec![
                run(Role::Selected, " Cancel "),
                run(Role::Muted, format!("  {cancel}, enter or esc")),
            ]);
        }
        let choices = rows.len() - body;
        let inside = window::open(model, brush, rows.len(), &self.statement.title, Role::Warn);
        window::rows(brush, inside, &rows, choices);
    }

    /// What was decided, what has changed, and what is so at the moment.
    fn body(&self, brush: &Brush<'_>, width: usize) -> Vec<Vec<Run>> {
        let mut rows: Vec<Vec<Run>> = Vec::new();
        for line in &self.statement.decided {
            rows.extend(window::paragraph(Role::Text, line, width));
        }
        if let Some(before) = &self.before {
            let gone = || {
                let lines = before.iter();
                lines.filter(|line| !self.statement.decided.contains(line))
            };
            let heading = if gone().next().is_some() {
                "This has changed while you looked. Before, it said:"
            } else {
                "This has changed while you looked."
            };
            rows.push(vec![run(Role::Warn, heading)]);
            for line in gone() {
                rows.extend(window::paragraph(Role::Muted, line, width));
            }
        }
        let sign = brush.glyph(Glyph::Attention);
        for line in &self.statement.warnings {
            let text = format!("{sign} Changed: {line}");
            rows.extend(window::paragraph(Role::Warn, &text, width));
        }
        if !self.statement.now.is_empty() {
            rows.push(Vec::new());
            let dot = brush.glyph(Glyph::Separator);
            for line in &self.statement.now {
                let text = format!("{dot} {line}");
                rows.extend(window::paragraph(Role::Text, &text, width));
            }
        }
        rows
    }

    fn choices(&self, model: &Model) -> Vec<Vec<Run>> {
        if self.reason.typing {
            return vec![vec![
                run(Role::Key, "why> "),
                run(Role::Text, format!("{}_", self.reason.field.text)),
                run(Role::Muted, "  enter keeps it, esc forgets it"),
            ]];
        }
        if let Some(naming) = &self.naming {
            return vec![
                vec![run(
                    Role::Text,
                    format!("Type {} to {}:", naming.name, naming.choice.label),
                )],
                vec![
                    run(Role::Key, "name> "),
                    run(Role::Text, format!("{}_", naming.field.text)),
                    run(Role::Muted, "  enter does it, esc goes back"),
                ],
            ];
        }
        let armed = model.now >= self.armed_at();
        let one = |action, choice: &Choice| match shut(model, choice) {
            Some(why) => vec![run(Role::Muted, format!("{} ({why})", choice.label))],
            None => window::choice(model, armed, action, &choice.label),
        };
        let alternative = self.statement.alternative.as_ref();
        let reason = self.takes_reason().then(|| {
            let label = match self.reason.given() {
                Some(why) => format!("why: {why}"),
                None => "say why, for the journal".to_owned(),
            };
            vec![
                run(Role::Key, model.keymap.shown(Action::Reason)),
                run(Role::Muted, format!("  {label}")),
            ]
        });
        let label = match &self.rehearsal {
            Some(_) => "what is decided",
            None => "step by step: what would happen, and when",
        };
        let rehearse = vec![
            run(Role::Key, model.keymap.shown(Action::Rehearse)),
            run(Role::Muted, format!("  {label}")),
        ];
        let share = self.is_share().then(|| {
            let keys = [Action::More, Action::Less].map(|action| model.keymap.shown(action));
            vec![
                run(Role::Key, keys.join(" ")),
                run(Role::Muted, "  5 points more, or less"),
            ]
        });
        let forgot = self.forgot.then(|| {
            let text = "Nothing was typed for 30 s: the name is asked for again.";
            vec![run(Role::Warn, text)]
        });
        forgot
            .into_iter()
            .chain(std::iter::once(one(Action::Accept, &self.statement.accept)))
            .chain(alternative.map(|choice| one(Action::Alternative, choice)))
            .chain(share)
            .chain(std::iter::once(rehearse))
            .chain(reason)
            .collect()
    }
}

/// What would happen.
fn told(steps: &Result<Vec<String>, String>, width: usize) -> Vec<Vec<Run>> {
    let heading = "If everything goes well, and nobody says anything more:";
    let mut rows = vec![vec![run(Role::Heading, heading)]];
    match steps {
        Ok(lines) => {
            for line in lines {
                rows.extend(window::paragraph(Role::Text, line, width));
            }
        }
        Err(reason) => rows.extend(window::paragraph(Role::Bad, reason, width)),
    }
    rows
}
