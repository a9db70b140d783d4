//! What agents say is data: however they mean it, it is bounded before anybody goes by it. A host that lies harms itself alone.

use crate::agent::facts::bound_time;
use crate::agent::protocol::{ExecutionState, Message, TaskSetState, What};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::EventStatus;
use crate::text::safe;

/// The longest line of a stream, in bytes: several times what an agent can have to say at once.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// The longest text, in characters: twice the longest line of output that agents send in one piece.
const LONGEST: usize = 16 * 1024;

/// The most events of an execution: more than there are kinds of them.
const EVENTS: usize = 64;

/// The most tasks of a task set on one host: as many as an agent takes.
const TASKS: usize = 256;

/// Reads a line of a stream.
///
/// # Errors
/// Why it is no message.
pub(super) fn message(line: &str) -> Result<Message, String> {
    let mut message: Message = serde_json::from_str(line).map_err(|error| error.to_string())?;
    bound_time(&mut message.at);
    match &mut message.what {
        What::Output { text, .. } => cut(text),
        What::EventEnded {
            event,
            status,
            diagnostics,
        } => {
            // Otherwise it could end for ever, each time as an entry of the journal.
            if !matches!(status, EventStatus::Succeeded | EventStatus::Failed) {
                return Err(format!("{event} can't end as {status:?}"));
            }
            diagnostics.iter_mut().for_each(explained);
        }
        What::Accepted | What::EventStarted { .. } | What::Ended { .. } => {}
    }
    Ok(message)
}

/// The state of an execution, within bounds.
pub(super) fn state(mut state: ExecutionState) -> ExecutionState {
    state.events.truncate(EVENTS);
    for event in &mut state.events {
        let times = event.start_time.iter_mut().chain(&mut event.end_time);
        times.for_each(bound_time);
        event.diagnostics.iter_mut().for_each(explained);
    }
    state
}

/// The state of a task set, within bounds.
pub(super) fn task_set(mut state: TaskSetState) -> TaskSetState {
    cut(&mut state.service);
    cut(&mut state.task_definition);
    state.tasks.truncate(TASKS);
    for task in &mut state.tasks {
        bound_time(&mut task.since);
        task.trouble = task.trouble.as_deref().map(words);
    }
    state
}

/// What somebody said in words, in as many lines, with no character that a terminal would obey.
pub(super) fn words(text: &str) -> String {
    let mut text = text.to_owned();
    cut(&mut text);
    let lines: Vec<String> = text.lines().map(safe).collect();
    lines.join("\n")
}

fn explained(diagnostics: &mut Diagnostics) {
    cut(&mut diagnostics.script_name);
    cut(&mut diagnostics.message);
    cut(&mut diagnostics.log_tail);
}

/// Nearly every text is short, and stays as it is: it is made safe where it is shown.
fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;

    fn said(what: &str) -> Result<Message, String> {
        message(&format!(
            r#"{{"seq":1,"at":9223372036854775807,"execution":"e","what":{what}}}"#
        ))
    }

    #[test]
    fn texts_and_times_are_within_bounds() {
        let long = "é".repeat(100_000);
        let output = said(&format!(
            r#"{{"type":"output","event":"Install","source":"stdout","text":"{long}"}}"#
        ));
        let output = output.unwrap();
        assert!(output.at < Timestamp(i64::MAX));
        let What::Output { text, .. } = output.what else {
            panic!("{:?}", output.what)
        };
        assert_eq!(text.chars().count(), LONGEST);
        let failed = said(&format!(
            r#"{{"type":"eventEnded","event":"Install","status":"Failed","diagnostics":{{"errorCode":"UnknownError",
                "scriptName":"{long}","message":"{long}","logTail":"{long}"}}}}"#
        ));
        let What::EventEnded {
            diagnostics: Some(why),
            ..
        } = failed.unwrap().what
        else {
            panic!("it has no reason")
        };
        for text in [why.script_name, why.message, why.log_tail] {
            assert_eq!(text.chars().count(), LONGEST);
        }
    }

    #[test]
    fn an_event_ends_well_or_badly_and_in_no_other_way() {
        for (status, fits) in [
            ("Succeeded", true),
            ("Failed", true),
            ("Pending", false),
            ("InProgress", false),
            ("Skipped", false),
        ] {
            let ended = said(&format!(
                r#"{{"type":"eventEnded","event":"Install","status":"{status}","diagnostics":null}}"#
            ));
            assert_eq!(ended.is_ok(), fits, "{status}: {ended:?}");
        }
        assert!(said(r#"{"type":"explode"}"#).is_err());
    }

    #[test]
    fn words_keep_their_lines_and_lose_their_escapes() {
        assert_eq!(words("a\u{1b}[2J\nb\r"), "a\u{241b}[2J\nb\u{240d}");
        assert_eq!(words(&"x".repeat(1 << 20)).len(), LONGEST);
    }
}
