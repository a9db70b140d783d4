//! What changes, in sentences: at most a few a second, and of a flood what matters, with how much there was besides.

use std::collections::VecDeque;
use std::time::Duration;

use super::words::words;
use super::{BOUNDLESS, PAGE};
use crate::api::afterwards::timeline::{is_failure, told};
use crate::api::attention::{Kind, Need, attention};
use crate::api::feed::FeedItem;
use crate::engine::Event;
use crate::model::address::Address;
use crate::model::lifecycle::EventStatus;
use crate::model::timestamp::{Timestamp, Whole};
use crate::tui::message::{Message, OutputNews};
use crate::tui::model::{Link, Model, Pane};
use crate::tui::output::{Reach, written};
use crate::tui::panes::rollout;
use crate::tui::screens::Screen;

/// Something is told at most this often, if nobody has asked for anything.
const CALM: Duration = Duration::from_secs(1);
/// So many changes are told one by one.
const MOST: usize = 5;
/// The times left at which a deadline is told again, the longest first.
const REMINDERS: [Duration; 4] = [
    Duration::from_mins(10),
    Duration::from_mins(5),
    Duration::from_mins(1),
    Duration::from_secs(15),
];

/// A change.
#[derive(Clone, Debug)]
struct Change {
    text: String,
    /// Whether it is told also where there are many.
    grave: bool,
}

/// A need that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    kind: Kind,
    at: Address,
    which: String,
    /// How many reminders of its deadline are past.
    reminded: usize,
}

/// What is not told yet.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What a message says, until it is known that nobody else says it.
    heard: Option<Change>,
    /// How many messages there were before it.
    said: u64,
    changes: VecDeque<Change>,
    /// Lines of output have come.
    written: bool,
    /// Lines of output.
    lines: VecDeque<String>,
    /// Lines of output that were left out.
    skipped: usize,
    /// When something was told last.
    told: Option<Timestamp>,
    /// What needs a person, as it was told, and of how many news it was made and when.
    needs: Vec<Known>,
    made: Option<(u64, Timestamp)>,
    /// How far a replay was told.
    replayed: Option<usize>,
    now: Timestamp,
}

impl News {
    /// Hears a message before it changes the picture.
    pub(super) fn hear(&mut self, model: &Model, message: &Message) {
        self.said = model.messages.count();
        self.heard = match message {
            // Behind a replay the world goes on.
            Message::Feed(item) if model.behind.is_none() => match &**item {
                FeedItem::Record { deployment, record } => {
                    let known = model
                        .view
                        .as_ref()
                        .and_then(|v| v.deployments.get(deployment));
                    let plan = known.map(|known| &*known.plan);
                    if known.is_some_and(|known| record.seq <= known.seq) {
                        return;
                    }
                    let here = model.screen == Screen::Rollouts
                        && model.focus >= Pane::Deployments
                        && model.selected.deployment.as_ref() == Some(deployment);
                    let group = known.map(|known| known.group_key().to_string());
                    let whose = format!("{deployment} in {}: ", group.unwrap_or_default());
                    let main = told(&record.event, plan);
                    let small = || of_target(&record.event).filter(|_| here);
                    let grave = main.is_some();
                    let text = main.or_else(small);
                    text.map(|text| {
                        let whose = if here { "" } else { whose.as_str() };
                        let time = (model.clock)(record.at);
                        Change {
                            text: format!("{time} {whose}{text}."),
                            grave: grave || is_failure(&record.event),
                        }
                    })
                }
                _ => None,
            },
            _ => None,
        };
        self.written = matches!(message, Message::Output(_, OutputNews::Lines(_)));
    }

    /// Looks at what the message has changed. What the operator was told already is not told again.
    pub(super) fn heard(&mut self, model: &Model) {
        if let Some(change) = self.heard.take()
            && model.messages.count() == self.said
        {
            self.changes.push_back(change);
        }
        if std::mem::take(&mut self.written) && model.reads() && model.output.follow {
            self.came(model);
        }
    }

    /// Takes the lines of output that have just come.
    fn came(&mut self, model: &Model) {
        let came = model.output.ring.came.iter();
        self.lines
            .extend(came.filter_map(|number| line(model, *number)));
        let over = self.lines.len().saturating_sub(PAGE);
        self.lines.drain(..over);
        self.skipped += over;
    }

    /// The output was told as far as it has come.
    pub(super) fn at_output(&mut self) {
        self.lines.clear();
        self.skipped = 0;
    }

    /// What needs a person and did not when this was asked last, and what does so soon no more. At the first time, where a
    /// list has told them, they are only noted.
    pub(super) fn needs(&mut self, model: &Model, first: bool) -> Vec<String> {
        self.now = model.now;
        let (Some(view), None, Link::Live) = (&model.view, &model.replay, &model.link) else {
            return Vec::new();
        };
        let due = self.made.is_none_or(|(news, at)| {
            let second = model.now.since(at) >= CALM || model.now < at;
            second && (news != model.news || !self.needs.is_empty())
        });
        if !due && !first {
            return Vec::new();
        }
        self.made = Some((model.news, model.now));
        let needs = attention(view, model.present()).needs;
        let mut lines = Vec::new();
        let mut known = Vec::new();
        for need in needs {
            let before = self.needs.iter().find(|known| known.is(&need));
            let reminded = reminders(&need, model.present());
            let listed = first && model.screen == Screen::Home;
            match before {
                None if !listed => lines.push(sentence("Needs a person", &need)),
                Some(before) if before.reminded < reminded => {
                    let left = need.until.map(|until| until.since(model.present()));
                    let left = left.map_or_else(String::new, |left| Whole(left).to_string());
                    lines.push(sentence(&format!("{left} left"), &need));
                }
                _ => {}
            }
            known.push(Known {
                kind: need.kind,
                at: need.at,
                which: need.which,
                reminded,
            });
        }
        self.needs = known;
        lines
    }

    /// What is told now, if it is time.
    pub(super) fn flush(&mut self, model: &Model, asked: bool) -> Vec<String> {
        self.now = model.now;
        self.replay(model);
        let calm = self
            .told
            .is_none_or(|at| model.now.since(at) >= CALM || model.now < at);
        let nothing = self.changes.is_empty() && self.lines.is_empty();
        if nothing || !(calm || asked) {
            return Vec::new();
        }
        self.told = Some(model.now);
        let mut told = Vec::new();
        let many = self.changes.len() > MOST;
        let mut left = MOST;
        let mut besides = 0;
        for change in self.changes.drain(..) {
            if !many || (change.grave && left > 0) {
                left = left.saturating_sub(1);
                told.push(change.text);
            } else {
                besides += 1;
            }
        }
        if besides > 0 {
            let stands = rollout::lines(model, usize::from(BOUNDLESS.0));
            let stands = stands.first().map(|line| words(line));
            let stands = stands.unwrap_or_default();
            told.push(format!("And {besides} more changes. Now: {stands}."));
        }
        if self.skipped > 0 {
            told.push(format!("{} lines of output are left out.", self.skipped));
            self.skipped = 0;
        }
        told.extend(self.lines.drain(..));
        told
    }

    /// When something is to be told that has had to wait.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let waits = !self.changes.is_empty() || !self.lines.is_empty();
        let at = self.told.map_or(self.now, |told| told + CALM);
        waits.then_some(at)
    }

    /// Where a replay has come to since this was asked last.
    fn replay(&mut self, model: &Model) {
        let Some(player) = &model.replay else {
            self.replayed = None;
            return;
        };
        let progress = player.progress();
        let before = self.replayed.replace(progress.position);
        if before.is_none_or(|before| before == progress.position) {
            return;
        }
        let plan = model.deployment().map(|deployment| &*deployment.plan);
        let newest = progress.newest;
        let said = newest.and_then(|event| told(event, plan).or_else(|| of_target(event)));
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        let (time, position, all) = ((model.clock)(model.now), progress.position, progress.all);
        // Of those that were passed on the way only the last is told.
        self.changes.clear();
        self.changes.push_back(Change {
            text: format!("{time} entry {position} of {all}{said}."),
            grave: true,
        });
    }
}

impl Known {
    fn is(&self, need: &Need) -> bool {
        self.kind == need.kind && self.at == need.at && self.which == need.which
    }
}

/// How many reminders of a deadline are past.
fn reminders(need: &Need, now: Timestamp) -> usize {
    let left = need.until.map(|until| until.since(now));
    let past = |at: &&Duration| left.is_some_and(|left| left <= **at);
    REMINDERS.iter().filter(past).count()
}

fn sentence(what: &str, need: &Need) -> String {
    let group = need.group.as_ref();
    let group = group.map_or_else(String::new, |group| format!(" {group},"));
    format!(
        "{what}: {},{group} {}: {}.",
        need.kind.word(),
        need.at,
        need.text
    )
}

/// What an entry says about one instance that is no main fact.
fn of_target(event: &Event) -> Option<String> {
    Some(match event {
        Event::TargetStarted { target, .. } => format!("{target} begins"),
        Event::EventEnded {
            target,
            event,
            status: EventStatus::Succeeded,
            ..
        } => format!("{target}: {event} succeeded"),
        Event::TargetEnded { target, status, .. } => format!("{target}: {status}"),
        _ => return None,
    })
}

/// A line of output with its time and whose it is.
pub(super) fn line(model: &Model, number: usize) -> Option<String> {
    let output = &model.output;
    let line = output.ring.get(number)?;
    let mut parts = vec![written::time(model, line).trim().to_owned()];
    if output.how.reach == Reach::All {
        parts.extend(output.name(line).map(ToString::to_string));
    }
    parts.push(line.event.to_string());
    parts.push(written::source(line).trim().to_owned());
    parts.retain(|part| !part.is_empty());
    Some(format!("{}: {}", parts.join(" "), line.text))
}
