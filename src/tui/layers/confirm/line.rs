//! What a confirmation would do, as command lines: to learn them, and to do the same without the cockpit.

use super::Confirm;
use crate::api::command::Command;
use crate::api::line::line;
use crate::text::safe;
use crate::tui::action::Action;
use crate::tui::consequence::Choice;
use crate::tui::copy;
use crate::tui::effect::Effect;
use crate::tui::layers::window;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::chop;

impl Confirm {
    /// What a choice sends, with the reason that was typed.
    pub(super) fn command(&self, choice: &Choice) -> Command {
        let mut command = choice.command.clone();
        if let Command::Control { control, .. } = &mut command {
            control.why = self.reason.given();
        }
        command
    }

    /// The lines, each below its key.
    pub(super) fn lines(&self, model: &Model, width: usize) -> Vec<Vec<Run>> {
        let statement = &self.statement;
        let choices = std::iter::once((Action::Accept, &statement.accept))
            .chain((statement.alternative.iter()).map(|choice| (Action::Alternative, choice)));
        let mut rows = vec![vec![run(Role::Heading, "On a command line:")]];
        for (action, choice) in choices {
            let (role, text) = match line(&self.command(choice), model.place.as_deref()) {
                Ok(line) => (Role::Text, safe(&line)),
                Err(why) => (Role::Muted, why.to_string()),
            };
            rows.push(vec![
                run(Role::Key, model.keymap.shown(action)),
                run(Role::Muted, format!("  {}", choice.label)),
            ]);
            let lines = chop(&text, width).into_iter();
            rows.extend(lines.map(|line| vec![run(role, line)]));
            let locks = (model.view.as_ref()).map(|view| view.locks(&choice.command));
            for environment in locks.into_iter().flatten() {
                // What is unlocked here is so for nobody else.
                let text = format!("{environment} is locked: it takes --unlock REASON besides");
                rows.extend(window::paragraph(Role::Muted, &text, width));
            }
        }
        rows
    }

    /// Asks the terminal to copy the line of what is accepted.
    pub(super) fn copy(&self, model: &mut Model) -> Option<Effect> {
        let command = self.command(&self.statement.accept);
        let line = line(&command, model.place.as_deref());
        copy::command_line(model, line)
    }
}
