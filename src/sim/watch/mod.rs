//! Those who check: every invariant has its id, and is asserted after every step that could break it. They keep their own
//! books, from what is durable and from what happens on hosts, and work figures out anew instead of believing totals.

mod balancer;
mod function;
mod gates;
mod health;
mod hosts;
mod journal;
mod route;
mod service;
mod shift;
mod traffic;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use hosts::{EventStart, ScriptStart, ordinal};

use super::cast::{Cast, TESTS};
use super::disk::Line;
use super::happening::Life;
use super::marks::Marks;
use super::shape::{Millis, Shape};
use crate::engine::availability::Refusal;
use crate::engine::input::{Command, What};
use crate::engine::pending::{WorkId, WorkSet};
use crate::engine::plan::Before;
use crate::engine::{Deployment, Ledger, pending};
use crate::model::approval::Step;
use crate::model::deployment::{ExecutionId, TargetStatus};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use function::{Found, Hooks};
use health::Books;
use route::Route;
use service::Tasks;
use shift::Shifts;

/// What must always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I-1: what we do leaves at least the minimum of healthy instances, of the fleet and of each zone.
    Availability,
    /// I-2: nothing is stopped or installed where requests come by our doing, and none is cut off before its time.
    Drained,
    /// I-3: only what has been validated gets requests by our doing.
    Validated,
    /// I-4: our doing leaves no route without a healthy server, and what others change is put right.
    Route,
    /// I-5: after a stop or a pause is durable, nothing new starts.
    StopHolds,
    /// I-6: a command that rests on an old picture is refused; a stop never is.
    OldPicture,
    /// I-7: in a freeze nothing starts and no traffic moves.
    Frozen,
    /// I-8: what waits for somebody's word waits for it.
    Permission,
    /// I-9: a script never starts twice for one execution.
    ScriptOnce,
    /// I-10: events run in their order, one after the other.
    EventOrder,
    /// I-11: an execution runs what its deployment says.
    RightRevision,
    /// I-13: one deployment at a time acts on a group, and on a host for it.
    OneAtATime,
    /// I-14: when nothing goes wrong any more, everything ends, and hosts can be deployed to.
    Ends,
    /// I-15: whatever is not over has work that is being done, or waits for a person.
    Waits,
    /// I-17: what is over stays over.
    Terminal,
    /// I-18: a success means what it says, and so does a failure.
    Verdict,
    /// I-19: what is shown is what the journal says.
    Shown,
    /// I-20: at its end a deployment, also one that goes back, has every server where it says.
    Sides,
    /// I-21: a rollback happens when it is due, to the revision that was good, and is never rolled back.
    RollbackEnds,
    /// I-23: what was acknowledged survives.
    Acknowledged,
    /// I-24: nothing is done or told before it is durable.
    DurableFirst,
    /// I-26: jumps of clocks change no decision.
    Clocks,
    /// I-27: the journal alone gives the state, and the state alone gives the work.
    Replay,
    /// I-28: the same seed does the same.
    Deterministic,
    /// I-31: no task is there twice, or where another is known, and what is said to be steady was well.
    Tasks,
    /// I-32: a task set ends only once its traffic has left it, and none is forgotten.
    TaskSets,
}

impl Invariant {
    /// Its number.
    pub fn id(self) -> &'static str {
        match self {
            Self::Availability => "I-1",
            Self::Drained => "I-2",
            Self::Validated => "I-3",
            Self::Route => "I-4",
            Self::StopHolds => "I-5",
            Self::OldPicture => "I-6",
            Self::Frozen => "I-7",
            Self::Permission => "I-8",
            Self::ScriptOnce => "I-9",
            Self::EventOrder => "I-10",
            Self::RightRevision => "I-11",
            Self::OneAtATime => "I-13",
            Self::Ends => "I-14",
            Self::Waits => "I-15",
            Self::Terminal => "I-17",
            Self::Verdict => "I-18",
            Self::Shown => "I-19",
            Self::Sides => "I-20",
            Self::RollbackEnds => "I-21",
            Self::Acknowledged => "I-23",
            Self::DurableFirst => "I-24",
            Self::Clocks => "I-26",
            Self::Replay => "I-27",
            Self::Deterministic => "I-28",
            Self::Tasks => "I-31",
            Self::TaskSets => "I-32",
        }
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant.id(), self.message)
    }
}

/// Those who check.
pub struct Watch {
    /// The first invariant that did not hold.
    pub violation: Option<Violation>,
    /// Whether what costs much is checked after every step, too.
    pub thorough: bool,
    /// Whether the orchestrator's clock has jumped: then spans between entries say nothing.
    pub clock_jumped: bool,
    /// Deployments that are durable.
    pub created: u64,
    /// Executions that are said to have succeeded and are still to be looked for on their hosts.
    pub claims: Vec<(usize, ExecutionId)>,
    /// Hosts that deployments have put into service and whose revision is still to be looked at.
    pub entered: Vec<(usize, usize)>,
    /// Hosts that are no longer in the project.
    pub gone: BTreeSet<usize>,
    now: Millis,
    /// Of the orchestrator, while it lives.
    life: Life,
    shape: Shape,
    seen: Vec<Option<Box<Seen>>>,
    ledgers: Vec<Ledger>,
    books: Vec<Books>,
    /// Of each load balancer.
    routes: Vec<Route>,
    scripts: Vec<BTreeSet<(usize, u32, usize, usize)>>,
    /// Executions that hosts were told to stop.
    stopped: BTreeSet<(usize, ExecutionId)>,
    /// Deployments that ended in the write that becomes durable right now.
    ended: Vec<usize>,
    /// What hooks have done.
    hooks: Hooks,
    /// What is known of tasks.
    tasks: Tasks,
}

/// A deployment as far as it is durable.
struct Seen {
    deployment: Deployment,
    group: usize,
    /// Entries up to this one were acknowledged to somebody.
    acknowledged: u64,
    /// When a stop became durable.
    ceased: Option<Millis>,
    rolled_back: bool,
    /// Whether an operator has given it up.
    given_up: bool,
    /// When the newest event of each target started, by the journal.
    event_started: BTreeMap<Name, Timestamp>,
    /// When the stage that runs began, by the journal.
    stage_time: Timestamp,
    /// When it started.
    began: Millis,
    /// When the newest event at the load balancer started of each target.
    moved: BTreeMap<Name, Millis>,
    /// How its traffic shifts.
    shifts: Shifts,
    /// What somebody said last that it need not wait for.
    continued: Option<Before>,
    /// Who has approved which step, but for its creator.
    approved: BTreeSet<(Step, String)>,
    /// What the keeper of a function, or of a service, has found.
    found: Found,
}

impl Watch {
    /// Nothing has happened yet.
    pub fn new(shape: &Shape) -> Self {
        Self {
            violation: None,
            thorough: false,
            clock_jumped: false,
            created: 0,
            claims: Vec::new(),
            entered: Vec::new(),
            gone: BTreeSet::new(),
            routes: vec![Route::default(); 2 * TESTS],
            now: 0,
            life: 0,
            shape: shape.clone(),
            seen: Vec::new(),
            ledgers: vec![Ledger::default(); shape.groups],
            books: vec![Books::default(); shape.groups],
            scripts: vec![BTreeSet::new(); shape.hosts],
            stopped: BTreeSet::new(),
            ended: Vec::new(),
            hooks: Hooks::default(),
            tasks: Tasks::default(),
        }
    }

    /// Says that an invariant does not hold. The first one counts.
    pub fn violated(&mut self, invariant: Invariant, message: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(Violation {
                invariant,
                message: message(),
            });
        }
    }

    fn check(&mut self, holds: bool, invariant: Invariant, message: impl FnOnce() -> String) {
        if !holds {
            self.violated(invariant, message);
        }
    }

    fn seen(&self, number: usize) -> Option<&Seen> {
        self.seen.get(number)?.as_deref()
    }

    /// A deployment as far as it is durable.
    pub fn deployment(&self, number: usize) -> Option<&Deployment> {
        self.seen(number).map(|seen| &seen.deployment)
    }

    /// Every deployment as far as it is durable.
    pub fn deployments(&self) -> impl Iterator<Item = (usize, &Deployment)> {
        let seen = self.seen.iter().enumerate();
        seen.filter_map(|(number, seen)| Some((number, &seen.as_ref()?.deployment)))
    }

    /// A deployment's group.
    pub fn group(&self, number: usize) -> usize {
        self.seen(number).map_or(0, |seen| seen.group)
    }

    /// A line of the journal is durable.
    pub fn durable(&mut self, now: Millis, line: &Line, marks: &mut Marks) {
        self.now = now;
        match line {
            Line::Deployment(number, record) => self.record(*number, record, marks),
            Line::Group(group, record) => self.ledger(*group, record),
        }
    }

    /// Somebody was told that their command was carried out; the entries up to this one must survive.
    pub fn acknowledged(&mut self, number: usize, seq: u64, answers: &[(usize, bool)]) {
        if answers.is_empty() {
            return;
        }
        let durable = self.seen(number).map_or(0, |seen| seen.deployment.seq);
        self.check(seq <= durable, Invariant::Acknowledged, || {
            format!("deployment {number} answered for entry {seq} when {durable} were durable")
        });
        if let Some(Some(seen)) = self.seen.get_mut(number) {
            seen.acknowledged = seen.acknowledged.max(seq);
        }
    }

    /// A new life of the orchestrator has read a deployment from the journal.
    pub fn read_back(&mut self, number: usize, read: &Deployment) {
        let Some(seen) = self.seen(number) else {
            self.violated(Invariant::Replay, || {
                format!("deployment {number} was never written")
            });
            return;
        };
        let (same, acknowledged) = (seen.deployment == *read, seen.acknowledged);
        self.check(same, Invariant::Replay, || {
            format!("the fold of the journal of deployment {number} is not its state")
        });
        self.check(read.seq >= acknowledged, Invariant::Acknowledged, || {
            format!(
                "deployment {number} came back with entry {} and had acknowledged {acknowledged}",
                read.seq
            )
        });
    }

    /// A host is told to run an execution.
    pub fn places(&mut self, number: usize, execution: &ExecutionId) {
        let Some(seen) = self.seen(number) else {
            self.violated(Invariant::DurableFirst, || {
                format!("{execution} was placed before its deployment was durable")
            });
            return;
        };
        let current = seen
            .deployment
            .targets
            .iter()
            .find(|t| t.execution.as_ref() == Some(execution));
        let runs = current.is_some_and(|t| t.status == TargetStatus::InProgress);
        let (ceasing, over) = (
            seen.deployment.is_ceasing(),
            seen.deployment.status.is_terminal(),
        );
        self.check(!over, Invariant::Terminal, || {
            format!("{execution} was placed after its deployment was over")
        });
        self.check(!ceasing, Invariant::StopHolds, || {
            format!("{execution} was placed after a stop was durable")
        });
        self.check(runs, Invariant::DurableFirst, || {
            format!("{execution} was placed and the journal does not say that it runs")
        });
    }

    /// A host is told to go on with an execution.
    pub fn renews(&mut self, number: usize, execution: &ExecutionId) {
        // A request that is under way to the host holds the next one up for so long.
        const UNDER_WAY: Millis = 5_000;
        let ceased = self.seen(number).and_then(|seen| seen.ceased);
        let now = self.now;
        self.check(
            ceased.is_none_or(|at| now <= at + UNDER_WAY),
            Invariant::StopHolds,
            || format!("the lease of {execution} was renewed after a stop was durable"),
        );
    }

    /// An operator's command has been looked at.
    pub fn pressed(
        &mut self,
        deployment: &Deployment,
        command: &Command,
        refused: Option<&Refusal>,
    ) {
        let old = command.seen.is_some_and(|seen| seen < deployment.decided);
        let stops = matches!(command.what, What::Stop { .. });
        let id = deployment.id();
        if stops {
            // What ends can't be taken back.
            let goes_on = !deployment.status.is_terminal() && deployment.ends().is_none();
            let refused = refused.is_some() && goes_on;
            self.check(!refused, Invariant::OldPicture, || {
                format!("a stop of {id} was refused")
            });
        } else {
            self.check(!old || refused.is_some(), Invariant::OldPicture, || {
                format!(
                    "{} of {id} rests on entry {:?} and {} was decided",
                    command.what.label(),
                    command.seen,
                    deployment.decided
                )
            });
        }
    }

    /// Compares what an idle deployment believes and does with what the journal says.
    pub fn waits(
        &mut self,
        number: usize,
        believed: &Deployment,
        works: &WorkSet,
        mut is_done: impl FnMut(usize, &ExecutionId, bool) -> bool,
    ) {
        if !self.thorough {
            return;
        }
        let Some(seen) = self.seen(number) else {
            return;
        };
        let same = seen.deployment == *believed;
        let due = pending(&seen.deployment);
        let waits_for_a_person = believed.paused.is_some()
            || believed.held.is_some()
            || believed.frozen.is_some()
            || believed.next_approval().is_some();
        self.check(same, Invariant::Shown, || {
            format!("deployment {number} is not what its journal says")
        });
        self.check(due == *works, Invariant::Replay, || {
            format!(
                "deployment {number} does {:?} where {:?} is due",
                works.keys(),
                due.keys()
            )
        });
        self.check(
            !due.is_empty() || waits_for_a_person,
            Invariant::Waits,
            || format!("deployment {number} waits for nothing"),
        );
        for work in due.values() {
            let (execution, halts) = match &work.id {
                WorkId::Run(execution) => (execution, false),
                WorkId::Halt(execution) => (execution, true),
                _ => continue,
            };
            let host = work.target.as_ref().map_or(0, Cast::host);
            let done = is_done(host, execution, halts);
            self.check(done, Invariant::Waits, || {
                format!("nobody works on {:?}", work.id)
            });
        }
    }

    /// Looks whether an idle deployment will be woken when its times come.
    pub fn timers(
        &mut self,
        number: usize,
        now: Timestamp,
        has: impl Fn(Timestamp, Option<&ExecutionId>) -> bool,
    ) {
        if !self.thorough {
            return;
        }
        let Some(seen) = self.seen(number) else {
            return;
        };
        for id in pending(&seen.deployment).into_keys() {
            let armed = match &id {
                WorkId::Deadline(execution, at) => *at <= now || has(*at, Some(execution)),
                WorkId::Timer(_, at) => *at <= now || has(*at, None),
                _ => true,
            };
            self.check(armed, Invariant::Waits, || {
                format!("nobody will be woken for {id:?}")
            });
        }
    }

    /// A host that crashed has forgotten something that it told.
    pub fn forgot(&mut self, host: usize, told: u64, known: u64) {
        self.violated(Invariant::DurableFirst, || {
            format!("h{host:03} told message {told} and knows {known} after a crash")
        });
    }

    /// An agent wrote something in passing that its log would not.
    pub fn not_passing(&mut self) {
        self.violated(Invariant::DurableFirst, || {
            "an agent wrote a fact in passing".to_owned()
        });
    }
}
