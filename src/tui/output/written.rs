//! The output as plain text, for the clipboard and for files: as it is shown, but whole lines.

use std::fmt::Write as _;

use super::Reach;
use super::ring::Line;
use crate::model::output::OutputSource;
use crate::model::timestamp::{Short, Timestamp};
use crate::tui::model::Model;
use crate::tui::output::Times;

/// What a line's source is called, in three cells.
pub(crate) fn source(line: &Line) -> &'static str {
    match line.source {
        OutputSource::Stdout => "   ",
        OutputSource::Stderr => "err",
        OutputSource::Agent => "agt",
    }
}

/// A line's time as times are shown, in eight cells; nothing where they are not.
pub(crate) fn time(model: &Model, line: &Line) -> String {
    match model.output.how.times {
        Times::Clock => (model.clock)(line.at),
        Times::Since => match begun(model, line) {
            Some(begun) => {
                let since = Short(line.at.since(begun)).to_string();
                format!("{:>8}", format!("+{}", since.replace(' ', "")))
            }
            None => " ".repeat(8),
        },
        Times::Hidden => String::new(),
    }
}

/// When the event of a line began.
fn begun(model: &Model, line: &Line) -> Option<Timestamp> {
    let target = model.deployment()?.target(model.output.name(line)?)?;
    target.event(line.event)?.start_time
}

/// Some lines as text, a line each.
pub(crate) fn text<'a>(model: &Model, lines: impl Iterator<Item = &'a Line>) -> String {
    let output = &model.output;
    let mut text = String::new();
    for line in lines {
        let time = time(model, line);
        if !time.is_empty() {
            text.push_str(&time);
            text.push(' ');
        }
        if let Some(name) = output.name(line).filter(|_| output.how.reach == Reach::All) {
            let wide = output.names;
            // Writing to a text never fails.
            let _ = write!(text, "{:wide$} ", name.as_str());
        }
        let _ = writeln!(
            text,
            "{:5} {} {}",
            line.event.short_name(),
            source(line),
            line.text
        );
    }
    text
}
