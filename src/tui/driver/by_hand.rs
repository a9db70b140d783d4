//! The operator's editor has the terminal: nobody else reads it or draws on it, and the world goes on behind.

use std::process::ExitStatus;

use crossterm::event::EventStream;
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::mpsc::Receiver;

use super::{Driver, Received, Signals};
use crate::store::documents::edit::Draft;
use crate::tui::message::Message;
use crate::tui::model::Model;
use crate::tui::terminal;
use crate::tui::writing::{self, Manuscript, Reviewed};

/// Gives the terminal to the editor until it ends, and checks what it wrote. The terminal has to be taken again afterwards.
///
/// # Errors
/// If signals can't be heeded. That nothing was written is an answer, with where it is that was.
pub(super) async fn write(
    manuscript: Manuscript,
    driver: &mut Driver,
    model: &mut Model,
    (signals, inbox): (&mut Signals, &mut Receiver<Message>),
    input: &mut EventStream,
) -> color_eyre::Result<Result<Reviewed, String>> {
    let (Some(project), Some(editor)) = (model.documents.clone(), model.editor.clone()) else {
        return Ok(Err(
            "there is no editor, or there are no documents".to_owned()
        ));
    };
    let opened = writing::begin(manuscript, &project).and_then(|(mut draft, line)| {
        let file = draft.open().map_err(|error| error.to_string())?;
        Ok((draft, editor.command(&file, line)))
    });
    let (draft, command) = match opened {
        Ok(opened) => opened,
        Err(reason) => return Ok(Err(reason)),
    };
    // The one that goes reads no more, and the new one reads nothing before it is asked.
    *input = EventStream::new();
    terminal::give_back();
    let status = match tokio::process::Command::from(command).spawn() {
        Ok(child) => wait(child, driver, model, signals, inbox).await?,
        Err(error) => return Ok(Err(given_up(&draft, &error.to_string()))),
    };
    // Nobody looks at a review any more.
    if driver.is_done() {
        return Ok(Err(given_up(&draft, "the cockpit was ended")));
    }
    if !status.success() {
        let reason = format!("{} ended with {status}", editor.name());
        return Ok(Err(given_up(&draft, &reason)));
    }
    Ok(tokio::task::spawn_blocking(move || writing::review(draft))
        .await
        .map_err(|error| error.to_string()))
}

/// Waits for the editor. What comes meanwhile is taken, so that nothing is lost and nobody is kept waiting.
async fn wait(
    mut child: Child,
    driver: &mut Driver,
    model: &mut Model,
    signals: &mut Signals,
    inbox: &mut Receiver<Message>,
) -> color_eyre::Result<ExitStatus> {
    loop {
        tokio::select! {
            biased;
            received = signals.next() => match received {
                // The keys of the terminal are the editor's, and so is what they say.
                Received::Interrupt => {}
                Received::Suspend => raise(Signal::SIGSTOP)?,
                Received::End => {
                    let pid = child.id().and_then(|id| i32::try_from(id).ok());
                    if let Some(pid) = pid {
                        // It may have ended in this moment.
                        let _gone = kill(Pid::from_raw(pid), Signal::SIGTERM);
                    }
                    driver.take(model, Message::Terminated);
                }
            },
            status = child.wait() => return Ok(status?),
            Some(message) = inbox.recv() => driver.take_all(model, message, inbox),
        }
    }
}

fn given_up(draft: &Draft, reason: &str) -> String {
    match draft.let_go() {
        Some(left) => {
            // Whoever is gone finds it in the log.
            tracing::warn!(file = %left.display(), "a document was not written");
            format!("{reason}: nothing is written; {}", writing::kept(&left))
        }
        None => format!("{reason}: nothing is written"),
    }
}
