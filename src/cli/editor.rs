//! Editing a document in the operator's own editor.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Command;

use color_eyre::eyre::{WrapErr as _, bail};

use super::Exit;
use super::change::{self, Options};
use super::context::{Context, UsageError};
use super::print::{note, say};
use crate::store::documents::edit::Changes;
use crate::text::safe;

/// Opens a document in `$VISUAL` or `$EDITOR`, as a copy; what comes back is checked, shown and written.
pub(super) fn edit(
    context: &Context,
    folder: &Path,
    path: &Path,
    options: Options,
) -> color_eyre::Result<Exit> {
    if !options.dry_run {
        change::allowed(context, folder)?;
    }
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|editor| !editor.trim().is_empty());
    let Some(editor) = editor else {
        let message = "nothing says what to change: give an option such as --set, or set EDITOR to your editor";
        return Err(UsageError(message.to_owned()).into());
    };
    let mut changes = Changes::of(folder);
    let before = changes
        .text(path)
        .map_err(|error| change::explain(&error))?;
    let mut text = before.unwrap_or_default().to_owned();
    let copy = tempfile::tempdir().wrap_err("a copy can't be made")?;
    // The name tells an editor what it is.
    let file = copy.path().join(path.file_name().unwrap_or_default());
    loop {
        std::fs::write(&file, &text).wrap_err("a copy can't be made")?;
        run(&editor, &file)?;
        text = std::fs::read_to_string(&file).wrap_err("what the editor wrote can't be read")?;
        changes
            .write(path, text.clone())
            .map_err(|error| change::explain(&error))?;
        let Err(wrong) = changes.check() else {
            break;
        };
        if !std::io::stdin().is_terminal() {
            return Err(change::explain(&wrong));
        }
        note(safe_lines(&wrong.to_string()));
        if !again()? {
            return Err(UsageError("given up: nothing is written".to_owned()).into());
        }
    }
    if !options.dry_run {
        for file in changes.files() {
            change::diff(file).iter().for_each(say);
        }
    }
    change::finish(&changes, options, context, folder)
}

/// Runs the editor, which may be a command with options, on a file.
fn run(editor: &str, file: &Path) -> color_eyre::Result<()> {
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file)
        .status()
        .wrap_err_with(|| format!("{editor} can't be run"))?;
    if !status.success() {
        bail!("{editor} ended with {status}: nothing is written");
    }
    Ok(())
}

/// Asks whether to go back to the editor.
fn again() -> color_eyre::Result<bool> {
    let mut error = std::io::stderr().lock();
    let _gone = write!(error, "[e]dit again or [g]ive up? ");
    let _gone = error.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer)?;
    Ok(read > 0 && !answer.trim().starts_with(['g', 'G', 'q', 'n']))
}

fn safe_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(safe).collect();
    lines.join("\n")
}
