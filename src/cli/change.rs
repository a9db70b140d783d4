//! What every command that changes documents does with its changes: check them, show them, write them.

use std::path::Path;

use similar::TextDiff;

use super::Exit;
use super::context::{Context, UsageError};
use super::print::{note, say};
use crate::api::gate::Closed;
use crate::model::yaml;
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
pub(super) fn allowed(context: &Context, folder: &Path) -> color_eyre::Result<()> {
    // A document with errors can be put right; its settings can't be asked then.
    let settings = documents::settings(folder).unwrap_or_default();
    if context.read_only || settings.read_only {
        return Err(UsageError(Closed::ReadOnly.to_string()).into());
    }
    Ok(())
}

/// Writes what was prepared, or shows it only. Says which files were written.
pub(super) fn finish(
    changes: &Changes,
    options: Options,
    context: &Context,
    folder: &Path,
) -> color_eyre::Result<Exit> {
    let files: Vec<&FileChange> = changes.files().collect();
    if files.is_empty() {
        say("nothing to write: the documents say so already");
        return Ok(Exit::Succeeded);
    }
    if options.dry_run {
        let notes = changes.check().map_err(|error| explain(&error))?;
        for file in files {
            diff(file).iter().for_each(say);
        }
        warn(&files_of(changes), &notes);
        return Ok(Exit::Succeeded);
    }
    allowed(context, folder)?;
    let notes = changes.commit().map_err(|error| explain(&error))?;
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

/// The difference of a file, as `diff -u` shows it.
pub(super) fn diff(file: &FileChange) -> Vec<String> {
    let path = file.path.display().to_string();
    let name = |side: &str, text: Option<&str>| match text {
        Some(_) => format!("{side}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (before, after) = (file.before(), file.after());
    let texts = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    texts
        .unified_diff()
        .context_radius(2)
        .header(&name("a", before), &name("b", after))
        .to_string()
        .lines()
        .map(safe)
        .collect()
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
    let help = yaml::nearest(name, known).map_or(String::new(), |help| format!(": {help}"));
    UsageError(format!("there is no {kind} {name}{help} ({error})"))
}
