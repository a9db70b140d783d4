//! The linear mode: the same model and the same updates, told in sentences, one below the other, to those who listen, to
//! terminals that can only print, and to logs. A line that is typed is a key, the name of an action, or the number of a row.
//!
//! ```text
//! line ──▶ meaning ──▶ messages ──▶ update(model)        as in the cockpit
//! feed ──────────────────────────▶      │
//!                                       ▼
//!                        tell: what is new since it was told last ──▶ paper
//! ```
//!
//! A number means the row that had it when it was told, whatever the list is now.

mod action;
mod drive;
mod line;
mod news;
mod page;
mod paper;
mod row;
mod words;

use std::collections::VecDeque;

use self::line::Meaning;
use self::news::News;
use self::paper::Line;
use self::words::words;
use super::action::{Action, Context};
use super::effect::Effect;
use super::layers::Layer;
use super::layers::told::{Choice, Takes, Told, WAITS, told};
use super::lists::List;
use super::lists::row::{self as rows, Row};
use super::message::Message;
use super::model::{Fetch, Link, Model};
use super::paint::Run;
use super::panes::{footer, output};
use super::screens;
use super::theme::Theme;
use super::theme::choose::choose;
use super::tour;
use super::update::update;
use crate::model::address::Address;
use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;

pub(super) use drive::drive;

/// What empties a field of a form.
pub(super) const EMPTY: &str = "-";
/// As many rows as one listens to at once.
const PAGE: usize = 20;
/// The candidates that are told at once.
const CANDIDATES: usize = 9;
/// The size of a screen on which everything has room: what is told is never cut.
pub(super) const BOUNDLESS: (u16, u16) = (1000, 1000);

/// Signs as words, and no colour.
///
/// # Errors
/// Never, as a test proves.
pub(super) fn theme(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Theme, super::PreferencesError> {
    let mono = super::Source::named("mono");
    Ok(Theme {
        words: true,
        ..choose(Some(&mono), variable, || None)?
    })
}

/// What was told, and what is to be told.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    out: VecDeque<Line>,
    /// What the guide said last.
    guided: Option<String>,
    /// What the place was as it was told last.
    seen: Option<Seen>,
    /// Where the list begins that was told last.
    top: usize,
    /// The rows that have a number.
    rows: Vec<Row>,
    /// The candidates that have a number.
    choices: Vec<Choice>,
    /// The dialog that was told, and whether it was told that it listens.
    dialog: Option<(String, bool)>,
    /// How many messages were told.
    said: u64,
    /// The same of the cockpit behind a replay.
    outer: Option<u64>,
    link: Option<String>,
    news: News,
    /// What a terminal would be asked to copy.
    copied: Vec<String>,
    /// Somebody waits for an answer to what they have typed.
    asked: bool,
}

/// What is worth telling a place again for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at: Address,
    /// Whether it is in a replay.
    replay: bool,
    /// The deployment that is told whole, once it is there.
    deployment: Option<DeploymentId>,
    /// The list, and how it is arranged.
    list: Option<(List, String)>,
    /// Whether the list has rows.
    filled: bool,
    /// The row with the cursor.
    cursor: Option<Row>,
}

impl Seen {
    fn of(model: &Model) -> Self {
        let list = List::with_keys(model);
        let arranged = |list: List| {
            let arrangement = model.arranged.of(list);
            let filter = arrangement.filter.text();
            format!("{filter} {} {}", arrangement.column, arrangement.inverted)
        };
        let at = screens::here(model);
        // A cursor that moves in such a list goes nowhere.
        let at = at.list().unwrap_or(at);
        Self {
            at,
            replay: model.replay.is_some(),
            deployment: model.deployment().map(|d| d.id().clone()),
            list: list.map(|list| (list, arranged(list))),
            filled: list.is_some_and(|list| super::lists::counts(model, list).0 > 0),
            cursor: list.and_then(|list| rows::selected(model, list)),
        }
    }
}

impl Plain {
    /// Hears a message before it changes the picture.
    pub(crate) fn hear(&mut self, model: &Model, message: &Message) {
        self.news.hear(model, message);
    }

    /// Looks at what the message has changed.
    pub(crate) fn heard(&mut self, model: &Model) {
        self.news.heard(model);
    }

    /// Takes a line that was typed.
    pub(crate) fn line(&mut self, model: &mut Model, at: Timestamp, line: &str) -> Vec<Effect> {
        self.asked = true;
        let dialog = told(model);
        let meaning = match &dialog {
            Some(dialog) => line::in_dialog(model, dialog, &self.choices, line),
            None => line::anywhere(model, &self.rows, line),
        };
        // What was typed before somebody could read the question is no answer to it.
        let listens = self.dialog.as_ref().is_some_and(|(_, listens)| *listens);
        let keys = dialog.is_some_and(|told| matches!(told.takes, Takes::Keys { .. }));
        let mut effects = Vec::new();
        match meaning {
            Meaning::Act(action) if keys && !listens && line::decides(action) => {
                self.say("That came before the question could be read, and does nothing.");
                return effects;
            }
            Meaning::Type(_) if !super::layers::listens(model, at) => {
                self.say("That came before the question could be read, and does nothing.");
                return effects;
            }
            Meaning::Nothing => {}
            Meaning::Where => self.seen = None,
            Meaning::Explain(wanted) => {
                let told = action::explain(model, &wanted);
                self.put(told);
            }
            Meaning::Act(Action::Help) => self.put(action::list(model)),
            Meaning::Act(Action::PageDown) if !model.reads() => self.turn(model, true),
            Meaning::Act(Action::PageUp) if !model.reads() => self.turn(model, false),
            Meaning::Act(action) => {
                let depth = model.layers.len();
                let shown = matches!(model.layers.last(), Some(Layer::Invitation(_)));
                effects.extend(update(model, at, Message::Act(action)));
                // The question has changed, or it can't be done: then it is asked anew.
                let goes_on = super::layers::context(model) == Some(line::TYPING);
                let refused = line::decides(action) && model.layers.len() == depth && !goes_on;
                let closed = matches!(
                    action,
                    Action::Cancel | Action::Stay | Action::Close | Action::FormClose
                );
                if shown {
                    // It was done before.
                } else if closed || (refused && model.outcome.is_none()) {
                    self.say("Nothing is done.");
                }
            }
            Meaning::Keys(keys) => {
                for key in keys.each() {
                    effects.extend(update(model, at, Message::Key(key)));
                }
            }
            Meaning::Open(row) => {
                effects.extend(update(model, at, Message::Select(row.clone())));
                let list = row.list();
                if rows::selected(model, list).as_ref() == Some(&row) {
                    effects.extend(update(model, at, Message::Act(Action::Enter)));
                }
            }
            Meaning::Go(address) => effects.extend(update(model, at, Message::Go(address))),
            Meaning::Choose(choice) => {
                effects.extend(update(model, at, Message::Choose(choice)));
            }
            Meaning::Narrow(text) => effects.extend(update(model, at, Message::Type(text))),
            Meaning::Type(text) => effects.extend(typed(model, at, text)),
            Meaning::Find(text) => {
                effects.extend(update(model, at, Message::Act(Action::GoTo)));
                effects.extend(update(model, at, Message::Type(text)));
            }
            Meaning::Unknown(why) => self.say(why),
        }
        effects
    }

    /// Turns to the next part of a list, or to the one before.
    fn turn(&mut self, model: &Model, forward: bool) {
        let Some(list) = List::with_keys(model) else {
            return;
        };
        let (shown, _) = super::lists::counts(model, list);
        let furthest = shown.saturating_sub(1) / PAGE * PAGE;
        self.top = if forward {
            (self.top + PAGE).min(furthest)
        } else {
            self.top.saturating_sub(PAGE)
        };
        self.list(model, list);
    }

    /// Tells what is new since it was told last. What is only read is closed once it was told.
    pub(crate) fn tell(&mut self, model: &mut Model, at: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let asked = std::mem::take(&mut self.asked);
        let answered = !self.out.is_empty();
        self.link(model);
        self.messages(model);
        // What was told is not in the way of anything.
        model.messages.put_away();
        let copied = std::mem::take(&mut self.copied);
        self.whole(copied);
        if model.view.is_none() {
            return effects;
        }
        while let Some(told) = told(model).filter(|told| matches!(told.takes, Takes::Nothing)) {
            // A comparison waits for what it is made of.
            if told.mark == WAITS {
                break;
            }
            self.dialog(&told, false);
            effects.extend(update(model, at, Message::Act(Action::CloseHelp)));
        }
        let first = self.seen.is_none();
        if model.layers.is_empty() {
            self.dialog = None;
            self.place(model, asked);
            self.guide(model);
        }
        let needs = self.news.needs(model, first);
        self.put(needs);
        let news = self.news.flush(model, asked);
        self.put(news);
        let open = told(model).filter(|_| model.outcome.is_none());
        if let Some(told) = open.filter(|told| !matches!(told.takes, Takes::Nothing)) {
            self.dialog(&told, asked);
        }
        if asked && !answered && self.out.is_empty() && model.outcome.is_none() {
            self.say("Done.");
        }
        effects
    }

    /// Takes what a terminal would be asked to copy.
    pub(crate) fn copy(&mut self, text: &str) {
        self.copied.extend(text.lines().map(str::to_owned));
    }

    /// When there is something to tell although nothing happens.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.news.due()
    }

    /// What is to be written.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Line> {
        std::mem::take(&mut self.out).into_iter()
    }

    fn say(&mut self, text: impl Into<String>) {
        self.out.push_back(text.into().into());
    }

    fn put(&mut self, texts: impl IntoIterator<Item = String>) {
        self.out.extend(texts.into_iter().map(Line::from));
    }

    /// What is not broken into several lines.
    fn whole(&mut self, texts: impl IntoIterator<Item = String>) {
        let lines = texts.into_iter();
        self.out
            .extend(lines.map(|text| Line { text, whole: true }));
    }

    /// How the connection stands, where that has changed.
    fn link(&mut self, model: &Model) {
        let said = match &model.link {
            Link::Connecting => "Connecting to the orchestrator.".to_owned(),
            Link::Lost { reason, .. } => {
                format!("Disconnected, trying again: {reason}. What was told before is old.")
            }
            Link::Live if model.is_stale() => "No news: what was told before is old.".to_owned(),
            Link::Live => "Connected.".to_owned(),
        };
        if self.link.as_ref() != Some(&said) {
            self.say(said.clone());
            self.link = Some(said);
        }
    }

    /// What was said to the operator.
    fn messages(&mut self, model: &Model) {
        // A replay has messages of its own.
        match (model.behind.is_some(), self.outer) {
            (true, None) => self.outer = Some(std::mem::take(&mut self.said)),
            (false, Some(said)) => (self.said, self.outer) = (said, None),
            _ => {}
        }
        let new = model.messages.count().saturating_sub(self.said);
        self.said = model.messages.count();
        let new = usize::try_from(new).unwrap_or(usize::MAX);
        let new: Vec<_> = model.messages.all().take(new).collect();
        for said in new.into_iter().rev() {
            self.say(format!("{} {}", (model.clock)(said.at), said.text));
        }
    }

    /// What the guide says, if that is new.
    fn guide(&mut self, model: &Model) {
        let said = tour::said(model);
        if said != self.guided {
            self.put(said.clone());
            self.guided = said;
        }
    }

    /// The place, if it is another, or the row that the cursor is on now.
    fn place(&mut self, model: &Model, asked: bool) {
        // What is on its way belongs to the place.
        if matches!(model.fetch, Some(Fetch::Running(_))) {
            return;
        }
        let now = Seen::of(model);
        let Some(before) = self.seen.replace(now.clone()) else {
            return self.page(model);
        };
        let goes = |seen: &Seen| {
            let cursor = None;
            Seen {
                cursor,
                ..seen.clone()
            }
        };
        // A list whose rows come and go is told when somebody asks for it.
        let elsewhere = (&before.at, before.replay) != (&now.at, now.replay)
            || before.list != now.list
            || (before.deployment != now.deployment && now.deployment.is_some())
            || (!before.filled && now.filled);
        if elsewhere && goes(&before) != goes(&now) {
            return self.page(model);
        }
        let moved = before.cursor != now.cursor;
        if let Some(cursor) = now.cursor.filter(|_| moved && asked) {
            let (place, text) = (rows::place(model, &cursor), row::told(model, &cursor));
            let place = place.map_or(0, |place| place + 1);
            self.say(format!("Selected: row {place}, {text}"));
        }
    }

    /// Everything about the place.
    fn page(&mut self, model: &Model) {
        let list = List::with_keys(model);
        self.put(page::head(model));
        if let Some(list) = list {
            let cursor = rows::selected(model, list);
            let place = cursor.and_then(|row| rows::place(model, &row));
            self.top = place.unwrap_or(0) / PAGE * PAGE;
            self.list(model, list);
        } else {
            self.rows.clear();
            self.news.at_output();
        }
        self.put(page::foot(model));
        let keys = words(&footer::told(model, usize::from(BOUNDLESS.0)));
        self.say(format!("Keys: {keys}."));
    }

    /// The rows of a list, each with its number.
    fn list(&mut self, model: &Model, list: List) {
        let (shown, _) = super::lists::counts(model, list);
        self.put(page::title(model, list));
        self.rows.clear();
        let mut part = None;
        for place in self.top..shown.min(self.top + PAGE) {
            let Some(found) = rows::at(model, list, place) else {
                break;
            };
            let heading = row::part(&found);
            if part != heading {
                part = heading;
                self.put(heading.map(|heading| format!("{heading}:")));
            }
            let cursor = rows::selected(model, list).as_ref() == Some(&found);
            let here = if cursor { ", selected" } else { "" };
            let text = row::told(model, &found);
            self.rows.push(found);
            self.say(format!("{}. {text}{here}", self.rows.len()));
        }
        let (above, below) = (self.top, shown.saturating_sub(self.top + PAGE));
        let key = |action| model.keymap.shown(action);
        if above > 0 {
            let key = key(Action::PageUp);
            self.say(format!("{above} more come before: {key} tells them."));
        }
        if below > 0 {
            let (key, filter) = (key(Action::PageDown), key(Action::Filter));
            self.say(format!(
                "{below} more follow: {key} tells them, {filter} narrows the list."
            ));
        }
    }

    /// What a dialog says, if it says something new; its choices, once it listens.
    fn dialog(&mut self, told: &Told, asked: bool) {
        if told.mark == WAITS {
            if self.dialog.as_ref().is_none_or(|(mark, _)| mark != WAITS) {
                self.say("One moment.");
                self.dialog = Some((WAITS.to_owned(), false));
            }
            return;
        }
        let (known, listened) = match &self.dialog {
            Some((mark, listened)) if *mark == told.mark => (true, *listened),
            _ => (false, false),
        };
        if !known {
            let title = told.title.trim_end_matches(['?', ':']);
            let end = if told.title.ends_with('?') { "?" } else { ":" };
            self.say(format!("{title}{end}"));
            if told.whole {
                let text = |runs: &Vec<Run>| runs.iter().map(|(_, text)| text.as_str()).collect();
                self.whole(told.lines.iter().map(text));
            } else {
                let lines = told.lines.iter().map(|line| words(line));
                let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
                self.put(lines);
            }
        }
        let listens = match &told.takes {
            Takes::Nothing | Takes::Text => true,
            Takes::Keys { listens, choices } => {
                if *listens && (!listened || asked) {
                    self.put(choices.iter().flat_map(|line| words::choices(line)));
                }
                *listens
            }
            Takes::OneOf(choices) => {
                if !known || asked {
                    self.candidates(choices);
                }
                true
            }
        };
        self.dialog = Some((told.mark.clone(), listens));
    }

    /// The candidates, each with its number.
    fn candidates(&mut self, choices: &[(Choice, String)]) {
        self.choices.clear();
        for (choice, text) in choices.iter().take(CANDIDATES) {
            self.choices.push(choice.clone());
            let number = self.choices.len();
            self.say(format!("{number}. {}", words::tidy(text)));
        }
        let more = choices.len().saturating_sub(CANDIDATES);
        if choices.is_empty() {
            self.say("None fits. Type something else, or an empty line to close.");
        } else if more > 0 {
            self.say(format!(
                "{more} more. Type a number, letters that narrow them, or an empty line to close."
            ));
        } else {
            self.say("Type a number, letters that narrow them, or an empty line to close.");
        }
    }
}

/// A whole line into what takes text; nothing, where that is no answer, closes it.
fn typed(model: &mut Model, at: Timestamp, text: String) -> Vec<Effect> {
    let (depth, empty) = (model.layers.len(), text.is_empty());
    let mut effects = Vec::new();
    // In a form an empty line leaves what stands there.
    let form = super::layers::context(model) == Some(Context::Form);
    if !(form && empty) {
        let text = if form && text == EMPTY {
            String::new()
        } else {
            text
        };
        effects.extend(update(model, at, Message::Type(text)));
    }
    let take = if form {
        Action::FormTake
    } else {
        Action::Choose
    };
    effects.extend(update(model, at, Message::Act(take)));
    let stays = model.layers.len() == depth && super::layers::context(model) == Some(line::TYPING);
    if stays && empty {
        effects.extend(update(model, at, Message::Act(Action::Close)));
    }
    effects
}

/// The lines of output that are told with their place.
fn lines(model: &Model) -> Vec<String> {
    let shown = model.output.ring.shown();
    let skip = shown.len().saturating_sub(PAGE);
    let lines = shown.iter().skip(skip);
    let lines: Vec<String> = lines
        .filter_map(|number| news::line(model, *number))
        .collect();
    if lines.is_empty() {
        return vec![output::silence(model)];
    }
    lines
}
