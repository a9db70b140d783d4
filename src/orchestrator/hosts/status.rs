//! What is known of a host: whether its agent answers, and what the agent said of the host when it was last asked.
//! Observations with the time they were made, not facts of any journal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agent::facts::{Facts, HealthProblem, bound};
use crate::identity::Pin;
use crate::model::name::Name;
use crate::model::timestamp::{Short, Timestamp};
use crate::providers::hosts::{Greeting, HostError};

/// A clock that is this far from ours, in milliseconds, is a problem.
const CLOCK: i64 = 5_000;

/// What is known of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// Which host.
    pub name: Name,
    /// Whether its agent answered the last time it was asked.
    pub reachable: bool,
    /// When that was.
    pub checked: Timestamp,
    /// Why not.
    pub problem: Option<String>,
    /// What to do, if it is that one does not know the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Since when it has been so, as far as this orchestrator knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What its agent said the last time it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentStatus>,
}

/// What an agent said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// When it said so, by our clock.
    pub read: Timestamp,
    /// Its program's version.
    pub version: String,
    /// By how many milliseconds the host's clock is ahead of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset: Option<i64>,
    /// The key that the host is known by; none if it is spoken to plainly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Pin>,
    /// What it knows about its host; older agents say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Arc<Facts>>,
}

/// A host's state in a word. What needs somebody comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HostState {
    /// Its agent does not answer.
    Unreachable,
    /// It has not joined, or does not obey, or somebody else is there.
    Untrusted,
    /// Its agent answers, and something is wrong.
    Problem,
    /// Nobody has asked it yet.
    NotAsked,
    /// Its agent is carrying out an execution.
    Working,
    /// Its agent answers, and nothing is wrong.
    Ok,
}

impl HostState {
    /// The state of a host of which this is known.
    pub fn of(status: Option<&HostStatus>) -> Self {
        let Some(status) = status else {
            return Self::NotAsked;
        };
        if !status.reachable && status.remedy.is_some() {
            Self::Untrusted
        } else if !status.reachable {
            Self::Unreachable
        } else if !status.problems().is_empty() {
            Self::Problem
        } else if status
            .facts()
            .is_some_and(|facts| !facts.running.is_empty())
        {
            Self::Working
        } else {
            Self::Ok
        }
    }

    /// Whether its agent says nothing, so that what is known of it may be old.
    pub fn is_silent(self) -> bool {
        matches!(self, Self::Unreachable | Self::Untrusted)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
            Self::Problem => "problem",
            Self::NotAsked => "not asked",
            Self::Working => "working",
            Self::Ok => "ok",
        }
    }
}

/// Why an agent said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// What is wrong.
    pub reason: String,
    /// What to do, if it is that one does not know the other.
    pub remedy: Option<String>,
}

impl From<&HostError> for Silence {
    fn from(error: &HostError) -> Self {
        let mut reason = error.reason();
        bound(&mut reason);
        Self {
            reason,
            remedy: error.remedy().map(str::to_owned),
        }
    }
}

impl From<Greeting> for AgentStatus {
    fn from(greeting: Greeting) -> Self {
        let facts = greeting.info.facts;
        Self {
            read: greeting.answered,
            version: greeting.info.version,
            key: greeting.key,
            clock_offset: facts
                .as_ref()
                .and_then(|facts| offset(facts.clock, greeting.asked, greeting.answered)),
            facts,
        }
    }
}

/// How far a host's clock is ahead of ours. It was read some time between question and answer: what that explains is
/// taken off.
fn offset(theirs: Timestamp, asked: Timestamp, answered: Timestamp) -> Option<i64> {
    if theirs < asked {
        theirs.0.checked_sub(asked.0)
    } else if theirs > answered {
        theirs.0.checked_sub(answered.0)
    } else {
        Some(0)
    }
}

impl HostStatus {
    /// What is known after the agent answered or did not, at this time; with what it said, if it was asked that.
    pub fn observed(
        former: Option<&Self>,
        name: &Name,
        outcome: Result<Option<AgentStatus>, Silence>,
        at: Timestamp,
    ) -> Self {
        let (reachable, silence, said) = match outcome {
            Ok(said) => (true, None, said),
            Err(silence) => (false, Some(silence), None),
        };
        let (problem, remedy) = silence.map_or((None, None), |why| (Some(why.reason), why.remedy));
        let as_before = former.filter(|former| former.reachable == reachable);
        Self {
            name: name.clone(),
            reachable,
            checked: at,
            problem,
            remedy,
            since: as_before.map_or(Some(at), |former| former.since),
            agent: said.or_else(|| former?.agent.clone()),
        }
    }

    /// Whether somebody who knows the former should be told. Time that passed is no news, nor are numbers that moved
    /// little.
    pub fn is_news_after(&self, former: Option<&Self>) -> bool {
        let Some(former) = former else {
            return true;
        };
        self.reachable != former.reachable
            || self.problem != former.problem
            || match (&self.agent, &former.agent) {
                (Some(new), Some(old)) => !new.resembles(old),
                (new, old) => new.is_some() != old.is_some(),
            }
    }

    /// Moves the time of what is known, as nothing has changed since.
    pub fn confirm(&mut self, at: Timestamp) {
        self.checked = self.checked.max(at);
        if let Some(agent) = self.agent.as_mut().filter(|_| self.reachable) {
            agent.read = agent.read.max(at);
        }
    }

    /// What its agent said about it, if it ever did.
    pub fn facts(&self) -> Option<&Facts> {
        self.agent.as_ref()?.facts.as_deref()
    }

    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<HealthProblem> {
        let mut problems = Vec::new();
        if let Some(reason) = &self.problem {
            problems.push(match &self.remedy {
                Some(remedy) => HealthProblem::new("Untrusted", reason.clone(), remedy.clone()),
                None => HealthProblem::new(
                    "Unreachable",
                    format!("{reason}: its agent does not answer"),
                    "start its agent, or correct its address in cutover.yaml",
                ),
            });
        }
        if let Some(facts) = self.facts() {
            problems.extend(facts.problems.iter().cloned());
        }
        problems.extend(self.agent.as_ref().and_then(AgentStatus::clock_problem));
        problems
    }
}

impl AgentStatus {
    fn resembles(&self, former: &Self) -> bool {
        let facts = match (&self.facts, &former.facts) {
            (Some(new), Some(old)) => new.resembles(old),
            (new, old) => new.is_some() == old.is_some(),
        };
        let offset = |agent: &Self| agent.clock_offset.unwrap_or(0);
        facts
            && self.version == former.version
            && self.key == former.key
            && self.clock_problem().is_some() == former.clock_problem().is_some()
            && offset(self).abs_diff(offset(former)) < CLOCK.unsigned_abs()
    }

    fn clock_problem(&self) -> Option<HealthProblem> {
        let offset = self
            .clock_offset
            .filter(|by| by.unsigned_abs() > CLOCK.unsigned_abs())?;
        let span = Short(std::time::Duration::from_millis(offset.unsigned_abs()));
        let side = if offset > 0 { "ahead of" } else { "behind" };
        Some(HealthProblem::new(
            "ClockOff",
            format!("its clock is {span} {side} the orchestrator's"),
            "set both by a time service, such as chrony or systemd-timesyncd",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(read: i64, facts: Facts) -> AgentStatus {
        AgentStatus {
            read: Timestamp(read),
            version: "0.1.0".to_owned(),
            clock_offset: Some(0),
            key: None,
            facts: Some(Arc::new(facts)),
        }
    }

    fn name() -> Name {
        "web-1".parse().unwrap()
    }

    fn observe(
        former: Option<&HostStatus>,
        outcome: Result<Option<AgentStatus>, &str>,
        at: i64,
    ) -> HostStatus {
        HostStatus::observed(
            former,
            &name(),
            outcome.map_err(|reason| Silence {
                reason: reason.to_owned(),
                remedy: None,
            }),
            Timestamp(at),
        )
    }

    #[test]
    fn what_an_agent_said_outlives_its_silence() {
        let first = observe(None, Ok(Some(said(1, Facts::default()))), 1);
        assert!(first.is_news_after(None));
        assert_eq!(HostState::of(Some(&first)), HostState::Ok);
        let gone = observe(Some(&first), Err("refused"), 2);
        assert!(gone.is_news_after(Some(&first)));
        let still = observe(Some(&gone), Err("refused"), 9);
        assert!(!still.is_news_after(Some(&gone)));
        assert_eq!(
            (still.since, still.checked),
            (Some(Timestamp(2)), Timestamp(9))
        );
        assert_eq!(still.agent.as_ref().unwrap().read, Timestamp(1));
        assert_eq!(still.problems()[0].code, "Unreachable");
        assert_eq!(HostState::of(Some(&still)), HostState::Unreachable);
        let back = observe(Some(&still), Ok(None), 10);
        assert_eq!(back.since, Some(Timestamp(10)));
        assert!(back.agent.is_some());
    }

    #[test]
    fn time_that_passes_is_no_news_and_a_change_is() {
        let facts = Facts {
            hostname: "a".to_owned(),
            ..Facts::default()
        };
        let first = observe(None, Ok(Some(said(1, facts.clone()))), 1);
        let later = Facts {
            clock: Timestamp(50_000),
            ..facts.clone()
        };
        let second = observe(Some(&first), Ok(Some(said(2, later))), 2);
        assert!(!second.is_news_after(Some(&first)));
        let renamed = Facts {
            hostname: "b".to_owned(),
            ..facts
        };
        let third = observe(Some(&second), Ok(Some(said(3, renamed))), 3);
        assert!(third.is_news_after(Some(&second)));
        let silent = AgentStatus {
            facts: None,
            ..said(4, Facts::default())
        };
        let fourth = observe(Some(&third), Ok(Some(silent)), 4);
        assert!(
            fourth.is_news_after(Some(&third)),
            "an older agent came back"
        );
    }

    #[test]
    fn a_clock_is_off_by_what_the_journey_does_not_explain() {
        let off = |theirs| offset(Timestamp(theirs), Timestamp(1_000), Timestamp(4_000)).unwrap();
        assert_eq!((off(1_000), off(2_500), off(4_000)), (0, 0, 0));
        assert_eq!((off(11_000), off(-9_000)), (7_000, -10_000));
        let ahead = AgentStatus {
            clock_offset: Some(61_000),
            ..said(1, Facts::default())
        };
        let status = observe(None, Ok(Some(ahead)), 1);
        let problem = &status.problems()[0];
        assert_eq!(
            problem.message,
            "its clock is 1m01s ahead of the orchestrator's"
        );
        assert_eq!(HostState::of(Some(&status)), HostState::Problem);
    }
}
