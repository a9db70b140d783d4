//! What a command would do, in sentences for people.

use std::fmt;

use super::{End, Foreseen, RollsBack, Sum};
use crate::engine::event::Event;
use crate::engine::input::What;
use crate::engine::plan::Before;
use crate::engine::words::{counted, names, verb};
use crate::model::approval::Step;
use crate::model::deployment::DeploymentStatus;
use crate::model::name::Name;
use crate::model::traffic::Side;

impl fmt::Display for Foreseen {
    /// `stop now: 2 hosts finish their event; 5 are skipped, 3 stay on 1.8.0; Stopped`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{} now: {}", self.what.label(), self.at_once());
        if let Some(arithmetic) = self.arithmetic() {
            text.push_str("; ");
            text.push_str(&arithmetic);
        }
        text.push_str("; ");
        text.push_str(&self.in_the_end());
        f.pad(&text)
    }
}

impl Foreseen {
    /// What happens at once.
    pub fn at_once(&self) -> String {
        let ends = self.ends();
        let own = match &self.what {
            What::Stop { .. } if self.events.is_empty() => {
                Some("it is being stopped already".to_owned())
            }
            What::Stop { .. } => self.in_flight("finishes its event", "finish their event"),
            What::Pause => Some(match self.in_flight("finishes", "finish") {
                Some(finish) => format!("{finish}, nothing new starts"),
                None => "nothing new starts".to_owned(),
            }),
            What::Resume if self.started().is_empty() && !ends => {
                Some(match self.in_flight("ends", "end") {
                    Some(_) => format!("nothing starts before {}", self.one_ends()),
                    None => self.lacking(),
                })
            }
            What::Resume => None,
            What::Retry { target } => Some(if self.starts(target) {
                format!("{target} starts again")
            } else {
                format!("{target} starts again as soon as there is room")
            }),
            What::Skip { target } => Some(format!("{target} is left out and keeps what it has")),
            What::StartNext { target } => Some(if self.starts(target) {
                format!("{target} starts")
            } else {
                format!("{target} starts next")
            }),
            What::Weight { split } => Some(format!(
                "{} % of the traffic goes to the replacement, {} % to the original, and nothing shifts until resumed",
                split.share(Side::Green),
                split.share(Side::Blue)
            )),
            What::Continue {
                before: Before::Reroute,
            } => Some(match self.unapproved {
                0 => "traffic moves to the replacement".to_owned(),
                n => format!(
                    "traffic moves to the replacement as soon as it is approved ({} missing)",
                    counted(n, "approval")
                ),
            }),
            What::Approve { .. } => Some(self.approved()),
            What::Continue {
                before: Before::Termination,
            } => Some("the original is kept no longer".to_owned()),
            What::GiveUp => match self.in_flight("finishes", "finish") {
                Some(finish) => Some(format!("{finish}, nothing new starts")),
                None => Some("it fails".to_owned()),
            },
        };
        let mut parts: Vec<String> = own.into_iter().collect();
        if self.events.contains(&Event::Released) {
            parts.push("it goes on".to_owned());
        }
        let shifts = self.events.iter().find_map(|event| match event {
            Event::Shifted {
                split, by: None, ..
            } => Some(split.replacement()),
            _ => None,
        });
        if let Some(share) = shifts {
            parts.push(format!("the replacement gets {share} % of the traffic"));
        }
        let others: Vec<&Name> = self
            .started()
            .into_iter()
            .filter(|name| self.what.target() != Some(name))
            .collect();
        if !others.is_empty() {
            let n = u32::try_from(others.len()).unwrap_or(u32::MAX);
            let shown = names(&others, others.len());
            parts.push(format!("{shown} {}", verb(n, "starts", "start")));
        }
        if ends && !matches!(self.what, What::GiveUp) {
            parts.push("it ends at once".to_owned());
        }
        if parts.is_empty() {
            parts.push("nothing".to_owned());
        }
        parts.join(", ")
    }

    /// What an approval sets going.
    fn approved(&self) -> String {
        let step = self.events.iter().find_map(|event| match event {
            Event::Approved { step, .. } => Some(*step),
            _ => None,
        });
        let once = self.kept_until.as_ref();
        match (self.unapproved, step, once) {
            (0, Some(Step::Reroute), None) if self.awaits_word => {
                "traffic moves as soon as somebody reroutes it".to_owned()
            }
            (0, Some(Step::Reroute), None) => "traffic moves to the replacement".to_owned(),
            (0, Some(Step::Reroute), Some(once)) if self.awaits_word => {
                format!("traffic moves once it is {once} and somebody reroutes it")
            }
            (0, Some(Step::Reroute), Some(once)) => {
                format!("traffic moves as soon as it is {once}")
            }
            (0, _, None) => "it starts as soon as it is its turn".to_owned(),
            (0, _, Some(once)) => format!("it starts once it is {once} and it is its turn"),
            (n, ..) => format!("{} more needed", counted(n, "approval")),
        }
    }

    /// Why nothing starts although somebody resumes it.
    fn lacking(&self) -> String {
        match (&self.kept_until, self.unapproved) {
            (None, 0) => "nothing starts yet".to_owned(),
            (Some(until), 0) => format!("nothing starts until it is {until}"),
            (until, n) => {
                let until = until.as_ref().map(|until| format!("{until} and "));
                format!(
                    "nothing starts until it is {}approved ({} missing)",
                    until.unwrap_or_default(),
                    counted(n, "approval")
                )
            }
        }
    }

    /// The arithmetic of the minimum, where the command changes it: `7 of 8 can be healthy, more than 5 must`.
    pub fn arithmetic(&self) -> Option<String> {
        if !matches!(self.what, What::Skip { .. } | What::Retry { .. }) {
            return None;
        }
        let sums: Vec<String> = self.sums.iter().map(ToString::to_string).collect();
        (!sums.is_empty()).then(|| sums.join(", "))
    }

    /// How it ends if every host does its work well: `5 are skipped, 3 stay on 1.8.0; Stopped, then rolled back to 1.7.2`.
    pub fn in_the_end(&self) -> String {
        let End {
            succeeded,
            failed,
            interrupted,
            untouched,
            ..
        } = self.end;
        let mut parts = Vec::new();
        if interrupted > 0 {
            parts.push(format!("{interrupted} half way"));
        }
        if untouched > 0 {
            let still = self.end.waits.is_some();
            parts.push(if still {
                format!("{untouched} not started")
            } else {
                format!("{untouched} {} skipped", verb(untouched, "is", "are"))
            });
        }
        if succeeded > 0 {
            let stays = if matches!(self.what, What::Stop { .. } | What::GiveUp) {
                verb(succeeded, "stays", "stay")
            } else {
                verb(succeeded, "is", "are")
            };
            parts.push(format!("{succeeded} {stays} on {}", self.label));
        }
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        let counts = parts.join(", ");
        let end = self.end.to_string();
        if counts.is_empty() {
            end
        } else {
            format!("{counts}; {end}")
        }
    }

    fn started(&self) -> Vec<&Name> {
        let names = self.events.iter().filter_map(|event| match event {
            Event::TargetStarted { target, .. } => Some(target),
            _ => None,
        });
        names.collect()
    }

    fn starts(&self, name: &Name) -> bool {
        self.started().contains(&name)
    }

    fn ends(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| matches!(event, Event::Ended { .. }))
    }

    /// `web-3 finishes`, `2 hosts finish`
    fn in_flight(&self, one: &str, more: &str) -> Option<String> {
        match self.running.as_slice() {
            [] => None,
            [name] => Some(format!("{name} {one}")),
            names => {
                let n = u32::try_from(names.len()).unwrap_or(u32::MAX);
                Some(format!("{} {more}", counted(n, "host")))
            }
        }
    }

    fn one_ends(&self) -> String {
        match self.running.as_slice() {
            [name] => format!("{name} ends"),
            running => format!("one of {} ends", names(running, running.len())),
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            can_be_healthy,
            total,
            floor,
            minimum,
            ..
        } = self;
        if let Some(zone) = &self.zone {
            write!(f, "in zone {zone} ")?;
        }
        write!(f, "{can_be_healthy} of {total} can be healthy, ")?;
        if self.waiting {
            write!(f, "more than {floor} must")
        } else {
            write!(f, "at least {minimum} must")
        }
    }
}

impl fmt::Display for End {
    /// `Stopped, then rolled back to 1.7.2`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(waits) = &self.waits {
            return write!(f, "then it waits for {waits}");
        }
        write!(f, "{}", self.status)?;
        if let (DeploymentStatus::Failed, Some(error)) = (self.status, &self.error) {
            write!(f, " ({})", error.message)?;
        }
        match &self.rollback {
            Some(RollsBack::To { label }) => write!(f, ", then rolled back to {label}"),
            Some(RollsBack::Nowhere) => f.write_str(", and there is no revision to roll back to"),
            None => Ok(()),
        }
    }
}
