//! The confirmation on the screen.

use super::{Confirm, shut};
use crate::tui::action::Action;
use crate::tui::aims::Aim;
use crate::tui::consequence::Choice;
use crate::tui::glyph::Glyph;
use crate::tui::layers::told::{Takes, Told};
use crate::tui::layers::window;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::{Role, Theme};

impl Confirm {
    /// Draws it.
    pub(in crate::tui::layers) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let width = window::columns(model);
        let mut rows = self.shown(model, width);
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
        let last = window::rows(brush, inside, &rows, choices);
        brush.aim(last, Aim::Act(Action::Cancel));
    }

    /// What it says to those who listen. A change of what was decided is worth saying it again; a live rate is not.
    pub(in crate::tui::layers) fn told(&self, model: &Model) -> Told {
        let blocked = self.blocked(model);
        let statement = &self.statement;
        let said = (&statement.decided, &statement.warnings, &blocked);
        let mark = format!(
            "{:?}",
            (
                self.shown,
                self.reason.typing,
                said,
                &self.rehearsal,
                self.as_command
            )
        );
        if let Some(naming) = &self.naming {
            return Told {
                whole: false,
                // Another name than the one that is asked for is answered by asking again.
                mark: format!("{mark} named {}", naming.field.text),
                title: format!(
                    "Type {} to {}; an empty line goes back",
                    naming.name, naming.choice.label
                ),
                lines: Vec::new(),
                takes: Takes::Text,
            };
        }
        if self.reason.typing {
            return Told {
                whole: false,
                mark,
                title: "Why? It is written into the journal; an empty line gives no reason"
                    .to_owned(),
                lines: Vec::new(),
                takes: Takes::Text,
            };
        }
        let cancel = model.keymap.shown(Action::Cancel);
        let mut choices = match &blocked {
            Some(reason) => vec![vec![run(
                Role::Bad,
                format!("It can't be done now: {reason}"),
            )]],
            None => self.choices(model),
        };
        choices.push(vec![run(
            Role::Text,
            format!("{cancel}, or an empty line, cancels"),
        )]);
        Told {
            whole: self.as_command,
            mark,
            title: statement.title.clone(),
            lines: self.shown(model, usize::MAX),
            takes: Takes::Keys {
                listens: model.now >= self.armed_at(),
                choices,
            },
        }
    }

    /// What somebody has asked to see: what is decided, if nothing else.
    fn shown(&self, model: &Model, width: usize) -> Vec<Vec<Run>> {
        let mut rows = match &self.rehearsal {
            _ if self.as_command => self.lines(model, width),
            Some(steps) => rehearsed(steps, width),
            None => return self.body(model.theme, width),
        };
        rows.extend(self.warnings(model.theme, width));
        rows
    }

    /// What is said however it is looked at.
    fn warnings(&self, theme: Theme, width: usize) -> Vec<Vec<Run>> {
        let sign = Glyph::Attention.draw(theme);
        let warnings = self.statement.warnings.iter();
        let told = warnings.map(|line| format!("{sign} Changed: {line}"));
        told.flat_map(|text| window::paragraph(Role::Warn, &text, width))
            .collect()
    }

    /// What was decided, what has changed, and what is so at the moment.
    fn body(&self, theme: Theme, width: usize) -> Vec<Vec<Run>> {
        let mut rows: Vec<Vec<Run>> = Vec::new();
        for line in &self.statement.decided {
            rows.extend(window::paragraph(Role::Text, line, width));
        }
        if let Some(before) = &self.before {
            let gone = || {
                let lines = before.iter();
                lines.filter(|line| !self.statement.decided.contains(line))
            };
            let mut now = self.statement.decided.iter();
            let more = now.any(|line| !before.contains(line));
            let heading = if gone().next().is_some() {
                "This has changed while you looked. Before, it said:"
            } else if more || !self.statement.warnings.is_empty() {
                "This has changed while you looked."
            } else {
                "Something was decided while you looked; this is still what it does."
            };
            rows.push(vec![run(Role::Warn, heading)]);
            for line in gone() {
                rows.extend(window::paragraph(Role::Muted, line, width));
            }
        }
        rows.extend(self.warnings(theme, width));
        if !self.statement.now.is_empty() {
            rows.push(Vec::new());
            let dot = Glyph::Separator;
            for line in &self.statement.now {
                let text = dot.beside(theme, line);
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
            None => "what would happen, step by step",
        };
        let hint = |action, label| {
            let key = run(Role::Key, model.keymap.shown(action));
            vec![key, run(Role::Muted, format!("  {label}"))]
        };
        let rehearse = self
            .takes_rehearsal()
            .then(|| hint(Action::Rehearse, label));
        let as_command = (!self.as_command).then(|| hint(Action::AsCommand, "as a command"));
        // Both show the same in another way.
        let otherwise = match (rehearse, as_command) {
            (Some(mut one), Some(other)) => {
                one.push(run(Role::Muted, "   "));
                one.extend(other);
                Some(one)
            }
            (one, other) => one.or(other),
        };
        let lines = self.as_command.then(|| {
            [
                hint(Action::AsCommand, "what is decided"),
                hint(Action::CopyCommand, "copy the first command"),
            ]
        });
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
            .chain(lines.into_iter().flatten())
            .chain(otherwise)
            .chain(reason)
            .collect()
    }
}

/// What would happen.
fn rehearsed(steps: &Result<Vec<String>, String>, width: usize) -> Vec<Vec<Run>> {
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
