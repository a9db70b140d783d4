//! The flight recorder: what came to the cockpit last and what it asked for, without a word of what was said in it; and the
//! file that a crash leaves.

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::action::Context;
use super::effect::Effect;
use super::message::Message;
use super::model::Model;
use crate::api::feed::FeedItem;
use crate::clock;
use crate::model::timestamp::Timestamp;
use crate::store::state::user_state;
use crate::text::{safe, utc};

/// How much is kept.
const KEPT: usize = 200;

/// What was noted, the newest last. The panic hook reads it, which knows of no cockpit.
static LAST: Mutex<VecDeque<(Timestamp, Cow<'static, str>)>> = Mutex::new(VecDeque::new());

/// Whether the report of a panic is written.
static LANDED: AtomicBool = AtomicBool::new(false);

/// How often it is looked whether it is, and how long it takes from one look to the next.
const TRIES: u32 = 500;
const TRY: Duration = Duration::from_millis(20);

/// A part of the cockpit failed: that is a bug, and a report is left.
#[derive(Debug, thiserror::Error)]
#[error("a part of the cockpit failed: the report is above")]
pub struct Crashed;

/// Notes a message that has come.
pub(super) fn came(at: Timestamp, model: &Model, message: &Message) {
    note(at, of_message(model, message));
}

/// Notes what the cockpit asks for.
pub(super) fn asks(at: Timestamp, effect: &Effect) {
    note(at, of_effect(effect));
}

fn note(at: Timestamp, what: Cow<'static, str>) {
    let mut last = super::terminal::held(&LAST);
    if last.len() == KEPT {
        last.pop_front();
    }
    last.push_back((at, what));
}

/// A message by its kind. What is typed into a text may be anything, and is not told.
fn of_message(model: &Model, message: &Message) -> Cow<'static, str> {
    let kind = match message {
        Message::Key(_) if matches!(model.context(), Some(Context::Typing | Context::Form)) => {
            "a key of a text"
        }
        Message::Key(key) => return format!("key {key}").into(),
        Message::Act(action) => return format!("act {}", action.entry().name).into(),
        Message::Go(_) => "go",
        Message::Select(_) => "select",
        Message::Click(_) => "click",
        Message::Wheel { .. } => "wheel",
        Message::Choose(_) => "choose",
        Message::Type(_) => "a line of text",
        Message::Paste(_) => "paste",
        Message::Resized(width, height) => return format!("resized {width}x{height}").into(),
        Message::Focused(_) => "focus",
        Message::Tick => "tick",
        Message::Feed(item) => return of_feed(item),
        Message::Lost(_) => "feed lost",
        Message::Fetched(id, _) => return format!("fetched {id}").into(),
        Message::Journal(_, id, _) => return format!("journal {id}").into(),
        Message::Past(..) => "past",
        Message::Servers(id, _) => return format!("servers {id}").into(),
        Message::Output(..) => "output",
        Message::Saved(_) => "saved",
        Message::Uncopied(_) => "not copied",
        Message::Edited(_) => "edited",
        Message::Prepared(..) => "prepared",
        Message::Written(_) => "written",
        Message::Previewed(..) => "previewed",
        Message::Answered(_, Ok(_)) => "answered",
        Message::Answered(_, Err(_)) => "refused",
        Message::Terminated => "terminated",
    };
    kind.into()
}

fn of_feed(item: &FeedItem) -> Cow<'static, str> {
    match item {
        FeedItem::Snapshot(_) => "feed: snapshot".into(),
        FeedItem::Alive => "feed: alive".into(),
        FeedItem::Project { .. } => "feed: project".into(),
        FeedItem::Record { deployment, record } => {
            format!("feed: {deployment} {}", record.seq).into()
        }
        FeedItem::Ledger { group, record } => format!("feed: {group} {}", record.seq).into(),
        _ => "feed".into(),
    }
}

fn of_effect(effect: &Effect) -> Cow<'static, str> {
    let kind = match effect {
        Effect::Fetch(id) => return format!("> fetch {id}").into(),
        Effect::Journal { deployment, .. } => return format!("> journal {deployment}").into(),
        Effect::Past(..) => "> past",
        Effect::Servers(id) => return format!("> servers {id}").into(),
        Effect::Follow {
            deployment, target, ..
        } => return format!("> follow {deployment}/{target}").into(),
        Effect::Unfollow => "> unfollow",
        Effect::Preview(..) => "> preview",
        Effect::Send(command, _) => {
            let command = serde_json::to_value(command).unwrap_or_default();
            let what = command["control"]["what"].as_str();
            let name = what.or_else(|| command["type"].as_str());
            return format!("> send {}", name.unwrap_or("?")).into();
        }
        Effect::Call(_) => "> call",
        Effect::Copy(_) => "> copy",
        Effect::Save { .. } => "> save",
        Effect::Edit(_) => "> edit",
        Effect::Prepare(..) => "> prepare",
        Effect::Write(..) => "> write",
        Effect::Quit => "> quit",
    };
    kind.into()
}

/// Waits until the report of a panic elsewhere in the process is written, which takes a while: the end of the process would cut
/// it short.
pub(super) async fn landed() {
    for _ in 0..TRIES {
        if LANDED.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(TRY).await;
    }
}

/// Leaves the report of a panic in the user's state folder, and says where it is.
///
/// # Errors
/// If it can't be written.
pub(super) fn crash(panic: &str) -> io::Result<PathBuf> {
    let folder = user_state().map_err(io::Error::other)?.join("crashes");
    leave(&folder, clock::now(), panic)
}

/// Everything about a panic has been said.
pub(super) fn land() {
    LANDED.store(true, Ordering::SeqCst);
}

fn leave(folder: &Path, at: Timestamp, panic: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("cockpit-{}-{}.txt", at.0, std::process::id()));
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(report(at, panic).as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

fn report(at: Timestamp, panic: &str) -> String {
    let mut text = format!(
        "cutover {} on {} {}, {}\n\n{}\n\nThe last messages, keys and effects (>), the newest last:\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        utc(at),
        safe_lines(unquoted(panic))
    );
    // Whoever failed while noting holds it for ever.
    if let Ok(last) = LAST.try_lock() {
        for (at, what) in &*last {
            let _ = writeln!(text, "{} {}", at.0, safe(what));
        }
    }
    let _ = write!(text, "\nBacktrace:\n{}", Backtrace::force_capture());
    text
}

/// What a panic says, up to what it quotes: that may have been typed, or printed by a script.
fn unquoted(panic: &str) -> &str {
    let quotes = ["`", "value: "].into_iter();
    let first = quotes.filter_map(|quote| panic.find(quote)).min();
    first.and_then(|at| panic.get(..at)).unwrap_or(panic)
}

fn safe_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(safe).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::keymap::Keymap;
    use crate::tui::theme::Theme;

    #[test]
    fn a_report_has_what_came_last_and_nothing_that_was_said() {
        let theme = Theme::built_in("terminal", true);
        let model = Model::new(Keymap::defaults().unwrap(), theme, "ana".to_owned(), false);
        for width in 0..300 {
            came(Timestamp(1), &model, &Message::Resized(width, 24));
        }
        came(Timestamp(2), &model, &Message::Paste("hunter2".to_owned()));
        asks(Timestamp(3), &Effect::Copy("hunter2".to_owned()));
        let folder = tempfile::tempdir().unwrap();
        let path = leave(&folder.path().join("crashes"), Timestamp(4), "it broke").unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with(&format!("cutover {}", env!("CARGO_PKG_VERSION"))));
        for part in [
            "it broke",
            "1 resized 299x24",
            "2 paste",
            "3 > copy",
            "Backtrace:",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let noted = text.lines().filter(|line| line.contains("resized")).count();
        assert_eq!(noted, KEPT - 2);
        assert!(!text.contains("hunter2"));
    }
}
