//! An outlook in one line for people.

use std::fmt;
use std::time::Duration;

use super::{Awaited, Doing, Outlook, Standing, Wait};
use crate::engine::approval::Approvals;
use crate::engine::deployment::Wish;
use crate::engine::event::Event;
use crate::engine::plan::Before;
use crate::engine::words::{names, verb};
use crate::model::approval::Step;
use crate::model::deployment::DeploymentStatus;
use crate::model::freeze::Freeze;
use crate::model::name::Name;
use crate::model::timestamp::{Timestamp, Whole};

/// How long before the end of a deployment's time that is told.
const NEAR: Duration = Duration::from_mins(10);

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.standing {
            Standing::Over {
                status,
                error,
                rollback,
            } => {
                let error = error.as_ref().map(|error| format!(": {}", error.message));
                let rollback = rollback.as_ref().map(|message| format!("; {message}"));
                format!(
                    "{status}{}{}",
                    error.unwrap_or_default(),
                    rollback.unwrap_or_default()
                )
            }
            Standing::Queued { message } => match message {
                Some(message) => format!("queued: {message}; then {}", self.next()),
                None => format!("about to begin; then {}", self.next()),
            },
            Standing::Unapproved(approvals) => self.unapproved(approvals),
            Standing::Runs => self.runs(),
            Standing::Paused(wish) => self.stands(paused_by(wish, self.now), "resumed"),
            Standing::Frozen(freeze) => self.stands(frozen_by(freeze, self.now), "thawed"),
            Standing::Holds {
                error,
                failed,
                paused,
                ..
            } => self.holds(&error.message, failed, paused.as_ref()),
            Standing::Ending { error } => {
                format!(
                    "ending, {}: {}; then {}",
                    error.message,
                    self.finishing(),
                    self.next()
                )
            }
            Standing::Stopping(stop) => {
                let why = stop.why.as_ref().map(|why| format!(" ({why})"));
                format!(
                    "{} stops it{}: {}; then {}",
                    stop.by,
                    why.unwrap_or_default(),
                    self.ceasing(),
                    self.next()
                )
            }
            Standing::Alarmed { message } => {
                format!("{message}: {}; then {}", self.ceasing(), self.next())
            }
            Standing::TimedOut => {
                format!("its time is over: {}; then {}", self.ceasing(), self.next())
            }
        };
        f.pad(&text)
    }
}

/// A target that is waited for.
struct Busy<'a> {
    name: &'a Name,
    doing: Doing,
    silent_since: Option<Timestamp>,
    wait: &'a Wait,
}

impl Outlook {
    fn busy(&self) -> impl Iterator<Item = Busy<'_>> {
        self.waits.iter().filter_map(|wait| match &wait.what {
            Awaited::Target {
                name,
                doing,
                silent_since,
            } => Some(Busy {
                name,
                doing: *doing,
                silent_since: *silent_since,
                wait,
            }),
            _ => None,
        })
    }

    /// What it waits to do, and until when.
    fn continues(&self) -> Option<(Before, Option<Timestamp>)> {
        self.waits.iter().find_map(|wait| match wait.what {
            Awaited::Continue { before } => Some((before, wait.until)),
            _ => None,
        })
    }

    /// The share that the replacement was to get, in percent, and how long it keeps it once it has it.
    fn shifts(&self) -> Option<(u8, Option<Duration>)> {
        self.waits.iter().find_map(|wait| match wait.what {
            Awaited::Shift { asked, in_effect } => {
                let left = wait.until.map_or(Duration::ZERO, |at| at.since(self.now));
                Some((asked.replacement(), in_effect.then_some(left)))
            }
            _ => None,
        })
    }

    /// `waits for approval: 1 of 2 (ana approved), by somebody other than ben; then web-1`
    fn unapproved(&self, approvals: &Approvals) -> String {
        let until = self.waits.iter().find_map(|wait| match wait.what {
            Awaited::Approval(_) => wait.until,
            _ => None,
        });
        let what = match approvals.step {
            Step::Start => "",
            Step::Reroute => " of the reroute",
        };
        let text = format!("waits for approval{what}: {}", approvals.by_whom());
        match until {
            None => format!("{text}; then {}", self.next()),
            Some(until) => format!(
                "{text}, {} left; at zero it ends, {}: the original keeps all of the traffic",
                Whole(until.since(self.now)),
                self.next()
            ),
        }
    }

    /// What approvals are missing besides what else it waits for: with `for approval` ahead of them, or `approved`.
    fn besides(&self, what: &str) -> String {
        let approvals = self.waits.iter().find_map(|wait| match &wait.what {
            Awaited::Approval(approvals) => Some(approvals),
            _ => None,
        });
        approvals.map_or_else(String::new, |approvals| {
            format!(" and {what}: {}", approvals.by_whom())
        })
    }

    fn runs(&self) -> String {
        let watched = self.waits.iter().find_map(|wait| match &wait.what {
            Awaited::Monitor { zone } => Some((zone, wait.until?)),
            _ => None,
        });
        let mut text = String::new();
        if let Some((zone, until)) = watched {
            text = match until.since(self.now) {
                left if left.is_zero() => format!("watched zone {zone} long enough"),
                left => format!("watching zone {zone}, {} left", Whole(left)),
            };
            if self.in_flight > 0 {
                text = format!("{text}, and waiting for {}", self.hosts());
            }
        } else if let Some((before, until)) = self.continues() {
            let what = match before {
                Before::Reroute => "waiting for somebody to reroute",
                Before::Termination => "keeping the original for a way back",
            };
            let left = until.map_or_else(String::new, |until| {
                format!(", {} left", Whole(until.since(self.now)))
            });
            text = format!("{what}{}{left}", self.besides("for approval"));
            if before == Before::Reroute && until.is_some() {
                return format!(
                    "{text}; at zero it ends, {}: the original keeps all of the traffic",
                    self.next()
                );
            }
        } else if let Some((asked, left)) = self.shifts() {
            text = match left {
                None => format!(
                    "waiting for the load balancers to give {} {asked} %",
                    self.replacement
                ),
                Some(left) => format!("{} has {asked} %, {} left", self.replacement, Whole(left)),
            };
        } else if let Some(fleet) = self.fleet() {
            text = format!("waiting for {fleet}");
        } else if self.in_flight == 0 && self.then.after == 0 && !self.then.events.is_empty() {
            // Between two entries of one decision, where a replay can stand still.
            return format!("going on at once: {}", self.next());
        } else if self.in_flight == 0 {
            // A state that must not be: it is told rather than hidden.
            return "waiting for nothing: a fault of this program's, please report it".to_owned();
        } else if let Some(silent) = self.busy().find(|busy| busy.silent_since.is_some()) {
            text = self.silent(&silent);
        } else if let Some(needed) = self.needed {
            let shown = names(self.busy().map(|busy| busy.name), self.in_flight as usize);
            let who = match (self.in_flight, self.then.after) {
                (1, _) => format!("{shown} ends"),
                (_, 1) => format!("one of {shown} ends"),
                (_, after) if after < self.in_flight => format!("{after} of {shown} end"),
                _ => format!("{shown} end"),
            };
            return format!(
                "nothing starts before {who}: {} healthy {} available, and {} must be; then {}",
                needed.available,
                verb(needed.available, "is", "are"),
                needed.floor,
                self.next()
            );
        } else {
            text.push_str("waiting for ");
            text.push_str(&self.hosts());
        }
        // The end of its time is told when it is near.
        let left = self.due.map(|due| due.since(self.now));
        let left = match left.filter(|left| *left < NEAR) {
            Some(left) => format!("; its time is over in {}", Whole(left)),
            None => String::new(),
        };
        format!("{text}; {}{left}", self.afterwards())
    }

    /// `silent for 20 s: web-3 is given up in 49 s`
    fn silent(&self, busy: &Busy<'_>) -> String {
        let since = busy.silent_since.unwrap_or(self.now);
        let others = match self.busy().filter(|b| b.silent_since.is_some()).count() {
            1 => String::new(),
            more => format!(", the first of {more} that are silent,"),
        };
        let left = busy.wait.until.map(|until| until.since(self.now));
        let end = match left {
            Some(left) if left.is_zero() => "is being given up".to_owned(),
            Some(left) => format!("is given up in {}", Whole(left)),
            None => "is waited for".to_owned(),
        };
        let who = match busy.doing {
            Doing::Runs(event) | Doing::Begins(event) if !event.is_on_host() => {
                "load balancers silent"
            }
            _ => "silent",
        };
        format!(
            "{who} for {}: {}{others} {end}",
            Whole(self.now.since(since)),
            busy.name
        )
    }

    /// `web-3 AfterInstall, 41 s of 1h10m`, `web-3 and web-5 (2 at a time)`
    fn hosts(&self) -> String {
        let mut busy = self.busy();
        let (Some(one), 1) = (busy.next(), self.in_flight) else {
            let shown = names(self.busy().map(|busy| busy.name), self.in_flight as usize);
            return format!("{shown} ({} at a time)", self.concurrency);
        };
        let of = match (one.wait.since, one.wait.until) {
            (Some(since), Some(until)) => format!(
                ", {} of {}",
                Whole(self.now.since(since)),
                Whole(until.since(since))
            ),
            _ => String::new(),
        };
        match one.doing {
            Doing::Runs(event) => format!("{} {event}{of}", one.name),
            Doing::Begins(event) => format!("{} to start {event}{of}", one.name),
            Doing::Finishes => format!("{} to say that it is done{of}", one.name),
        }
    }

    /// Somebody keeps it where it is, until something is done about that.
    fn stands(&self, mut text: String, until: &str) -> String {
        if let Some((asked, _)) = self.shifts() {
            text = format!("{text}, {} has {asked} %", self.replacement);
        }
        let begins = self.waits.iter().any(|wait| match &wait.what {
            Awaited::Admission => true,
            Awaited::Approval(approvals) => approvals.step == Step::Start,
            _ => false,
        });
        let approved = self.besides("approved");
        if begins {
            return format!("{text}: it has not begun, and nothing starts until {until}{approved}");
        }
        let last = match self.in_flight {
            0 => String::new(),
            _ => format!("{}; then ", self.finishing()),
        };
        // What was asked to be tried again starts also while it is paused, and the last to finish ends it.
        if self.then.events.is_empty() || self.only_begins_a_stage() {
            format!("{text}: {last}nothing until {until}{approved}")
        } else {
            format!("{text}: {last}{}", self.next())
        }
    }

    fn only_begins_a_stage(&self) -> bool {
        let mut events = self.then.events.iter();
        events.all(|event| matches!(event, Event::StageStarted { .. }))
    }

    fn holds(&self, error: &str, failed: &[Name], paused: Option<&Wish>) -> String {
        let paused = match paused {
            Some(wish) => format!("{}, and ", paused_by(wish, self.now)),
            None => String::new(),
        };
        if self.in_flight > 0 {
            return format!("{paused}holds, {error}: {}; {}", self.finishing(), {
                if self.then.events.is_empty() {
                    "then it still holds".to_owned()
                } else {
                    self.afterwards()
                }
            });
        }
        let retry = match failed {
            [] => String::new(),
            failed => format!("retry {}, ", names(failed, failed.len())),
        };
        format!("{paused}holds, {error}: {retry}give up, or stop")
    }

    /// What targets do that go through all their events.
    fn finishing(&self) -> String {
        let n = self.in_flight;
        if n == 0 {
            return "nothing is in flight".to_owned();
        }
        let shown = names(self.busy().map(|busy| busy.name), n as usize);
        let at = match self.busy().next().map(|busy| busy.doing) {
            Some(Doing::Runs(event) | Doing::Begins(event)) if n == 1 => format!(" (at {event})"),
            _ => String::new(),
        };
        format!("{shown} {}{at}", verb(n, "finishes", "finish"))
    }

    /// What targets do that go no further than the event that runs.
    fn ceasing(&self) -> String {
        if let Some(fleet) = self.fleet() {
            return format!("waiting for {fleet}, which is not called off");
        }
        let n = self.in_flight;
        let shown = names(self.busy().map(|busy| busy.name), n as usize);
        if let Some(silent) = self.busy().find(|busy| busy.silent_since.is_some()) {
            return self.silent(&silent);
        }
        match self.busy().next().map(|busy| busy.doing) {
            None => "nothing is in flight".to_owned(),
            Some(Doing::Runs(event)) if n == 1 => format!("{shown} finishes {event}"),
            Some(_) if n == 1 => format!("{shown} goes no further"),
            Some(_) => format!("{shown} finish their event"),
        }
    }

    /// `then web-4`, `after 2 of them web-4`, `after web-2 web-4`
    fn afterwards(&self) -> String {
        let then = &self.then;
        if !then.these.is_empty() {
            let these = names(&then.these, then.these.len());
            return format!("after {these}: {}", self.next());
        }
        match then.after {
            after if after > 1 && after < self.in_flight => {
                format!("when {after} of them have ended {}", self.next())
            }
            _ => format!("then {}", self.next()),
        }
    }

    /// What comes next, in a few words.
    fn next(&self) -> String {
        let then = &self.then;
        let mut parts = Vec::new();
        let mut started = Vec::new();
        for event in &then.events {
            match event {
                Event::TargetStarted { target, .. } => started.push(target),
                Event::Halted { .. } => parts.push("nothing more starts".to_owned()),
                Event::Held { .. } => parts.push("it holds".to_owned()),
                Event::Shifted { split, .. } => {
                    parts.push(format!("{} % to {}", split.replacement(), self.replacement));
                }
                Event::Ended { status, error } => {
                    parts.push(ended(*status, error.as_ref().map(|e| e.message.as_str())));
                }
                _ => {}
            }
        }
        let goes_on = then.events.contains(&Event::Released);
        if goes_on && (started.is_empty() || then.stage.is_some()) {
            parts.push("it goes on".to_owned());
        }
        parts.extend(
            then.rolls_back_to
                .iter()
                .map(|l| format!("rolled back to {l}")),
        );
        let first = names(&started, started.len());
        match &then.stage {
            Some(stage) if started.is_empty() || then.alone => parts.push(stage.clone()),
            Some(stage) => parts.push(format!("{stage}, beginning with {first}")),
            None if started.is_empty() => {}
            None if goes_on => parts.push(format!("it goes on with {first}")),
            None => parts.push(first),
        }
        if parts.is_empty() {
            return "nothing until somebody decides".to_owned();
        }
        parts.join(", ")
    }
}

fn ended(status: DeploymentStatus, error: Option<&str>) -> String {
    match (status, error) {
        (DeploymentStatus::Failed, Some(error)) => format!("Failed ({error})"),
        (status, _) => status.to_string(),
    }
}

fn frozen_by(freeze: &Freeze, now: Timestamp) -> String {
    format!(
        "frozen by {} for another {} ({})",
        freeze.by,
        Whole(freeze.until.since(now)),
        freeze.why
    )
}

fn paused_by(wish: &Wish, now: Timestamp) -> String {
    let why = wish.why.as_ref().map(|why| format!(" ({why})"));
    format!(
        "paused by {} for {}{}",
        wish.by,
        Whole(now.since(wish.at)),
        why.unwrap_or_default()
    )
}
