//! Editing a document in the operator's own editor.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use color_eyre::eyre::{WrapErr as _, bail};

use super::Exit;
use super::change::{self, Options};
use super::context::{Context, UsageError};
use super::print::{note, say};
use crate::store::documents::edit::{Changes, Draft, Editor};
use crate::text::safe;

/// Opens a document in `$VISUAL` or `$EDITOR`, as a copy; what comes back is checked, shown and written.
pub(super) fn edit(
    context: &Context,
    folder: &Path,
    path: &Path,
    options: Options,
) -> color_eyre::Result<Exit> {
    if !options.dry_run {
        change::allowed(context)?;
    }
    let Some(editor) = Editor::find(|name| std::env::var(name).ok()) else {
        let message = "nothing says what to change: give an option such as --set, or set EDITOR to your editor";
        return Err(UsageError(message.to_owned()).into());
    };
    let mut draft = Draft::new(Changes::of(folder), path);
    let done = by_hand(&mut draft, &editor).and_then(|()| {
        if !options.dry_run {
            draft.diff().iter().for_each(say);
        }
        change::finish(draft.changes(), options, context)
    });
    if let Some(left) = draft.let_go() {
        note(format_args!(
            "what you wrote is in {}",
            safe(&left.display().to_string())
        ));
    }
    done
}

/// Has the document written by hand until the project is right with it.
fn by_hand(draft: &mut Draft, editor: &Editor) -> color_eyre::Result<()> {
    let mut line = None;
    loop {
        let file = draft.open().map_err(|error| change::explain(&error))?;
        let status = editor
            .command(&file, line)
            .status()
            .wrap_err_with(|| format!("{} can't be run", editor.name()))?;
        if !status.success() {
            bail!("{} ended with {status}: nothing is written", editor.name());
        }
        let Err(wrong) = draft.take_back() else {
            return Ok(());
        };
        if !std::io::stdin().is_terminal() {
            return Err(change::explain(&wrong));
        }
        note(safe_lines(&wrong.to_string()));
        if !again()? {
            return Err(UsageError("given up: nothing is written".to_owned()).into());
        }
        line = wrong.line_in(draft.path());
    }
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
