//! What every command that changes documents does with its changes: check them, show them, write them.

use std::path::Path;

use super::Exit;
use super::context::{Context, UsageError};
use super::print::{note, say};
use crate::api::gate::{self, Unwritten};
use crate::store::documents::edit::{ChangeError, Changes, FileChange};
use crate::store::documents::{self, Loaded, Problem, Severity};
use crate::text::safe;

/// Options of commands that change documents.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Options {
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Refuses a change of a project that is read-only.
pub(super) fn allowed(context: &Context) -> color_eyre::Result<()> {
    gate::check_writing(&context.circumstances()?)
        .map_err(|closed| UsageError(closed.to_string()).into())
}

/// Writes what was prepared, or shows it only. Says which files were written.
pub(super) fn finish(
    changes: &Changes,
    options: Options,
    context: &Context,
) -> color_eyre::Result<Exit> {
    let files: Vec<&FileChange> = changes.files().collect();
    if files.is_empty() {
        say("nothing to write: the documents say so already");
        return Ok(Exit::Succeeded);
    }
    if options.dry_run {
        let notes = changes.check().map_err(|error| explain(&error))?;
        for file in files {
            file.diff().iter().for_each(say);
        }
        warn(&files_of(changes), &notes);
        return Ok(Exit::Succeeded);
    }
    let written = gate::write(changes, &context.circumstances()?);
    let notes = written.map_err(|error: Unwritten| UsageError(error.to_string()))?;
    for file in files {
        let verb = match file.after() {
            Some(_) => "wrote",
            None => "deleted",
        };
        say(format_args!(
            "{verb} {}",
            safe(&file.path.display().to_string())
        ));
    }
    warn(&files_of(changes), &notes);
    Ok(Exit::Succeeded)
}

fn files_of(changes: &Changes) -> Vec<&Path> {
    changes.files().map(|file| file.path.as_path()).collect()
}

/// Says what looks wrong in the files that were changed, and every error.
fn warn(files: &[&Path], problems: &[Problem]) {
    let about = |problem: &&Problem| {
        problem.is_error()
            || (problem.severity == Severity::Warning && files.contains(&problem.file.as_path()))
    };
    for problem in problems.iter().filter(about) {
        note(safe(&problem.to_string()));
    }
}

/// A change that the documents do not take is wrong usage.
pub(super) fn explain(error: &ChangeError) -> color_eyre::Report {
    UsageError(error.to_string()).into()
}

/// The project as it is, or its errors as wrong usage.
pub(super) fn load(folder: &Path) -> color_eyre::Result<Loaded> {
    documents::load(folder).map_err(|problems| {
        let errors = problems.iter().filter(|problem| problem.is_error());
        let lines: Vec<String> = errors.map(ToString::to_string).collect();
        UsageError(lines.join("\n")).into()
    })
}

/// "There is no …", with the nearest name there is.
pub(super) fn unknown<T: AsRef<str>>(
    kind: &str,
    name: &str,
    known: impl IntoIterator<Item = T>,
    error: &str,
) -> UsageError {
    UsageError(ChangeError::unknown(kind, name, known, error).to_string())
}
