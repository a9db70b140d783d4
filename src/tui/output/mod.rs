//! The output of an instance, or of all instances of a deployment in the order of its time: a bounded window on streams of
//! lines, and how it is read.
//!
//! What is read changes with what is selected; how it is read stays until somebody reads it another way.

mod hits;
pub(crate) mod needle;
pub(crate) mod ring;
pub(crate) mod rows;
pub(crate) mod since;
pub(crate) mod written;

use self::needle::Needle;
use self::ring::{Found, Line, Ring};
use self::rows::Long;
use self::since::{Range, Since};
use super::safe;
use crate::api::feed::OutputLine;
use crate::engine::Deployment;
use crate::model::deployment::{DeploymentId, TargetStatus};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Instances whose output is read at once: each is a connection.
pub(crate) const AT_ONCE: usize = 100;

/// Where a stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Asked for, nothing has come.
    #[default]
    Waiting,
    /// Lines come.
    Live,
    /// Nothing more will come.
    Ended,
    /// It broke.
    Failed(String),
}

/// Whose output is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub deployment: DeploymentId,
    /// One instance; all of them for nothing.
    pub instance: Option<Name>,
}

/// An instance whose output is read.
#[derive(Debug)]
struct Source {
    name: Name,
    /// The stream's number, which its news carry; none while it has to be opened.
    number: Option<u64>,
    stream: Stream,
    /// The number of its last line.
    last_seq: u64,
    /// The place of its last line in the order of time.
    order: Timestamp,
}

/// Of how many instances it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Of the selected one.
    #[default]
    One,
    /// Of all.
    All,
}

/// How much of the screen it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Room {
    /// A pane.
    #[default]
    Pane,
    /// All of it.
    Screen,
}

/// Which times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Times {
    /// The time of day.
    #[default]
    Clock,
    /// How long after the beginning of its event.
    Since,
    /// None.
    Hidden,
}

impl Times {
    /// The one after it, round and round.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Clock => Self::Since,
            Self::Since => Self::Hidden,
            Self::Hidden => Self::Clock,
        }
    }
}

/// Which lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lines {
    /// All.
    #[default]
    All,
    /// Those with a hit.
    Hits,
}

/// How it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    pub reach: Reach,
    pub room: Room,
    pub long: Long,
    pub times: Times,
    pub lines: Lines,
    pub since: Since,
    /// What is looked for.
    pub needle: Option<Needle>,
}

/// The output that is on the screen.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whose output it is.
    pub of: Option<Whose>,
    pub how: How,
    sources: Vec<Source>,
    /// What of the deployment was known when it was last asked which instances have begun.
    looked: Option<u64>,
    pub ring: Ring,
    /// Whether the newest line is kept in view.
    pub follow: bool,
    /// Lines that came since it is not.
    pub fresh: usize,
    /// Where in its line the first row in view begins, in bytes.
    offset: usize,
    /// Columns cut off at the left.
    pub column: usize,
    /// The columns of the longest line so far.
    pub longest: usize,
    /// The columns of the longest name of an instance.
    pub names: usize,
    /// The lifecycle event whose lines alone are shown, if it is one alone.
    pub only: Option<LifecycleEvent>,
    /// From when on lines are shown.
    range: Range,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            of: None,
            how: How::default(),
            sources: Vec::new(),
            looked: None,
            ring: Ring::default(),
            follow: true,
            fresh: 0,
            offset: 0,
            column: 0,
            longest: 0,
            names: 0,
            only: None,
            range: Range::default(),
        }
    }
}

impl Output {
    /// Begins with another output, which is read the same way.
    pub(crate) fn turn_to(&mut self, of: Option<Whose>) {
        *self = Self {
            of,
            how: std::mem::take(&mut self.how),
            only: self.only,
            range: self.range,
            ..Self::default()
        };
    }

    /// The streams broke: they have to be opened again, and what is here stays.
    pub(crate) fn reopen(&mut self) {
        for source in &mut self.sources {
            source.number = None;
            source.stream = Stream::Waiting;
        }
    }

    /// The instances whose output is to be asked for, and the number of the last line that is here of each.
    pub(crate) fn unopened(&mut self, deployment: &Deployment) -> Vec<(Name, u64)> {
        match &self.of {
            None => {}
            Some(Whose {
                instance: Some(name),
                ..
            }) => {
                let name = name.clone();
                self.add(&name);
            }
            Some(_) => self.look(deployment),
        }
        let unopened = self.sources.iter().filter(|source| source.number.is_none());
        unopened
            .map(|source| (source.name.clone(), source.last_seq))
            .collect()
    }

    /// Adds the instances that have begun, as many as are read at once: those that failed first.
    fn look(&mut self, deployment: &Deployment) {
        if self.looked == Some(deployment.seq) {
            return;
        }
        if self.looked.is_none() {
            let names = deployment.targets.iter();
            let longest = names.map(|target| target.name.as_str().len()).max();
            self.names = longest.unwrap_or(0).min(24);
        }
        self.looked = Some(deployment.seq);
        let begun = || {
            let targets = deployment.targets.iter();
            targets.filter(|target| target.start_time.is_some())
        };
        let failed = begun().filter(|target| target.status == TargetStatus::Failed);
        for target in failed.chain(begun()) {
            if self.sources.len() == AT_ONCE {
                return;
            }
            self.add(&target.name);
        }
    }

    fn add(&mut self, name: &Name) {
        if self.sources.iter().all(|source| source.name != *name) {
            self.sources.push(Source {
                name: name.clone(),
                number: None,
                stream: Stream::Waiting,
                last_seq: 0,
                order: Timestamp(i64::MIN),
            });
        }
    }

    /// The output of an instance is asked for under this number.
    pub(crate) fn opened(&mut self, name: &Name, number: u64) {
        let source = self.sources.iter_mut().find(|source| source.name == *name);
        if let Some(source) = source {
            source.number = Some(number);
        }
    }

    /// How many instances are read.
    pub(crate) fn instances(&self) -> usize {
        self.sources.len()
    }

    /// The instance of a line.
    pub(crate) fn name(&self, line: &Line) -> Option<&Name> {
        let source = self.sources.get(usize::from(line.of));
        source.map(|source| &source.name)
    }

    /// The number of the only stream.
    #[cfg(test)]
    pub(crate) fn number(&self) -> u64 {
        self.sources[0].number.unwrap()
    }

    /// Where the streams stand, taken together: the first that broke says so.
    pub(crate) fn stream(&self) -> Stream {
        let streams = || self.sources.iter().map(|source| &source.stream);
        let failed = self.sources.iter().find_map(|source| match &source.stream {
            Stream::Failed(reason) if self.sources.len() > 1 => {
                Some(format!("{}: {reason}", source.name))
            }
            Stream::Failed(reason) => Some(reason.clone()),
            _ => None,
        });
        if let Some(reason) = failed {
            Stream::Failed(reason)
        } else if streams().all(|stream| *stream == Stream::Ended) && !self.sources.is_empty() {
            Stream::Ended
        } else if streams().all(|stream| *stream == Stream::Waiting) {
            Stream::Waiting
        } else {
            Stream::Live
        }
    }

    /// A stream ended, or broke; an older one tells nothing.
    pub(crate) fn end(&mut self, number: u64, reason: Option<String>) {
        let source = self.source(number);
        if let Some((_, source)) = source {
            source.stream = reason.map_or(Stream::Ended, Stream::Failed);
        }
    }

    fn source(&mut self, number: u64) -> Option<(usize, &mut Source)> {
        let mut sources = self.sources.iter_mut().enumerate();
        sources.find(|(_, source)| source.number == Some(number))
    }

    /// Takes new lines of a stream; those of an older one are dropped.
    pub(crate) fn extend(&mut self, number: u64, lines: Vec<OutputLine>) {
        self.ring.came.clear();
        let Some((of, source)) = self.source(number) else {
            return;
        };
        let of = u16::try_from(of).unwrap_or(u16::MAX);
        source.stream = Stream::Live;
        let mut new = Vec::with_capacity(lines.len());
        for line in lines {
            // A stream that was opened anew may repeat what is here.
            if line.seq <= source.last_seq {
                continue;
            }
            source.last_seq = line.seq;
            // A clock that was set back does not turn lines round.
            source.order = source.order.max(line.at);
            new.push(Line {
                at: line.at,
                event: line.event,
                source: line.source,
                of,
                text: safe::line(&line.text).into(),
                order: source.order,
                found: Found::default(),
            });
        }
        let longest = new.iter().map(|line| safe::width(&line.text)).max();
        self.longest = self.longest.max(longest.unwrap_or(0));
        let (only, range, how) = (self.only, self.range, &self.how);
        let shown = self.ring.merge(new, |line| found(only, range, how, line));
        if !self.follow {
            self.fresh += shown;
        }
    }

    /// Shows the lines of one lifecycle event alone, or of all.
    pub(crate) fn narrow(&mut self, only: Option<LifecycleEvent>) {
        if self.only != only {
            self.only = only;
            self.set_follow(true);
            self.judge();
        }
    }

    /// Keeps the newest line in view, or stops doing so.
    pub(crate) fn set_follow(&mut self, follow: bool) {
        if follow != self.follow {
            self.fresh = 0;
        }
        self.follow = follow;
    }

    /// Shows the beginning.
    pub(crate) fn show_start(&mut self) {
        self.ring.held.top = 0;
        self.offset = 0;
        self.set_follow(false);
    }

    /// Looks at every line anew.
    fn judge(&mut self) {
        let (only, range, how) = (self.only, self.range, &self.how);
        self.ring.judge(|line| found(only, range, how, line));
    }
}

/// What there is to a line, as it is read.
fn found(only: Option<LifecycleEvent>, range: Range, how: &How, line: &Line) -> Found {
    let of = |event: Option<LifecycleEvent>| event.is_none_or(|event| event == line.event);
    let in_time = range.from.is_none_or(|from| from <= line.order);
    let wanted = of(only) && of(range.event) && in_time;
    let hit = |needle: &Needle| wanted && needle.is_in(&line.text);
    let hit = how.needle.as_ref().is_some_and(hit);
    Found {
        shown: wanted && (hit || how.lines == Lines::All),
        hit,
    }
}

#[cfg(test)]
mod tests;
