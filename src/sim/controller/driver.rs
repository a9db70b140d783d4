//! One host's driver: places executions, renews their leases, passes on what the host's stream says (`orchestrator::hosts`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::env::Env;
use super::super::happening::{Ask, Asked, Happening, InController, Life, Reply, Request};
use super::super::marks::Mark;
use super::super::shape::Millis;
use super::Heard;
use crate::agent::core::Record;
use crate::agent::protocol::{ExecutionState, HEARTBEAT, Order, What};
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::input::Report;
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::EventStatus;

/// How long a host may take to answer.
const PATIENCE: Millis = 5_000;

/// How long to wait before trying a host again: doubled from the first to the last.
const BACK_OFF: (Millis, Millis) = (200, 3_000);

/// What is wanted of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Run,
    Halt,
}

/// An execution that is wanted of a host.
pub(super) struct Assignment {
    pub execution: ExecutionId,
    pub deployment: usize,
    pub mode: Mode,
    pub order: Arc<Order>,
}

struct Wanted {
    assignment: Assignment,
    /// What the host answered to the order or the stop.
    placed: Option<Box<ExecutionState>>,
    /// Whether the open stream tells everything from its beginning on.
    heard: bool,
}

enum State {
    /// Ready to do the next thing.
    Ready,
    /// Waits before it tries again.
    Resting,
    /// Waits for the answer to this request.
    Busy(u32, Doing),
}

#[derive(Debug)]
enum Doing {
    Greet,
    Place(ExecutionId),
    Halt(ExecutionId),
    Listen,
}

enum Change {
    Assign(Box<Assignment>),
    Forget(ExecutionId),
}

/// How far a stream has been read.
struct Ear {
    number: u32,
    position: u64,
}

pub(super) struct Driver {
    host: usize,
    life: Life,
    session: u32,
    requests: u32,
    greeted: bool,
    state: State,
    wanted: Vec<Wanted>,
    changes: VecDeque<Change>,
    ear: Option<Ear>,
    renewing: Option<u32>,
    /// Lines that arrived while it waited for an answer.
    unread: Vec<(Asked, Vec<Record>)>,
    pause: Millis,
    lost: bool,
}

impl Driver {
    pub(super) fn new(host: usize, life: Life) -> Self {
        Self {
            host,
            life,
            session: 1,
            requests: 0,
            greeted: false,
            state: State::Ready,
            wanted: Vec::new(),
            changes: VecDeque::new(),
            ear: None,
            renewing: None,
            unread: Vec::new(),
            pause: BACK_OFF.0,
            lost: false,
        }
    }

    /// Whether it works on an execution, running or halting it.
    pub(super) fn wants(&self, execution: &ExecutionId, halts: bool) -> bool {
        let mode = if halts { Mode::Halt } else { Mode::Run };
        let soon = self.changes.iter().any(|change| {
            matches!(change, Change::Assign(a) if a.execution == *execution && a.mode == mode)
        });
        let now = |wanted: &Wanted| {
            wanted.assignment.execution == *execution && wanted.assignment.mode == mode
        };
        soon || self.wanted.iter().any(now)
    }

    pub(super) fn assign(&mut self, env: &mut Env, assignment: Assignment) {
        self.changes.push_back(Change::Assign(Box::new(assignment)));
        self.proceed(env);
    }

    pub(super) fn forget(&mut self, env: &mut Env, execution: ExecutionId) {
        self.changes.push_back(Change::Forget(execution));
        self.proceed(env);
    }

    fn take_changes(&mut self) {
        while let Some(change) = self.changes.pop_front() {
            match change {
                Change::Assign(assignment) => {
                    let at = self.find(&assignment.execution);
                    let heard = at.is_some_and(|at| self.wanted[at].heard);
                    let wanted = Wanted {
                        assignment: *assignment,
                        placed: None,
                        heard,
                    };
                    match at {
                        Some(at) => self.wanted[at] = wanted,
                        None => self.wanted.push(wanted),
                    }
                }
                Change::Forget(execution) => {
                    if let Some(at) = self.find(&execution) {
                        self.wanted.remove(at);
                    }
                }
            }
        }
    }

    fn find(&self, execution: &ExecutionId) -> Option<usize> {
        self.wanted
            .iter()
            .position(|wanted| wanted.assignment.execution == *execution)
    }

    fn send(&mut self, env: &mut Env, what: Ask) -> u32 {
        self.requests += 1;
        let number = self.requests;
        let asked = Asked {
            life: self.life,
            session: self.session,
            number,
        };
        env.request(self.host, Request { asked, what });
        let what = InController::TimesOut(self.host, self.session, number);
        env.after(
            PATIENCE,
            Happening::Controller {
                life: self.life,
                what,
            },
        );
        number
    }

    /// Does the next thing, if it waits for nothing.
    fn proceed(&mut self, env: &mut Env) {
        match self.state {
            State::Busy(..) => return,
            State::Resting => {
                self.take_changes();
                return;
            }
            State::Ready => self.take_changes(),
        }
        if self.wanted.is_empty() {
            self.hang_up();
            self.pause = BACK_OFF.0;
            return;
        }
        if !self.greeted {
            let number = self.send(env, Ask::Greet);
            self.state = State::Busy(number, Doing::Greet);
            return;
        }
        if let Some(wanted) = self.wanted.iter().find(|wanted| wanted.placed.is_none()) {
            let Assignment {
                execution,
                mode,
                order,
                deployment,
            } = &wanted.assignment;
            let execution = execution.clone();
            let (ask, doing) = match mode {
                Mode::Run => {
                    env.watch.places(*deployment, &execution);
                    let order = Arc::clone(order);
                    (
                        Ask::Place {
                            execution: execution.clone(),
                            order,
                        },
                        Doing::Place(execution),
                    )
                }
                Mode::Halt => (
                    Ask::Stop {
                        execution: execution.clone(),
                    },
                    Doing::Halt(execution),
                ),
            };
            let number = self.send(env, ask);
            self.state = State::Busy(number, doing);
            return;
        }
        self.listen(env);
    }

    /// Makes sure that the stream is open from before the beginning of every execution that it has not told of yet.
    fn listen(&mut self, env: &mut Env) {
        let mut oldest = None::<u64>;
        for wanted in self.wanted.iter_mut().filter(|wanted| !wanted.heard) {
            let Some(state) = &wanted.placed else {
                continue;
            };
            wanted.heard = true;
            oldest =
                Some(oldest.map_or(state.accepted_seq, |oldest| oldest.min(state.accepted_seq)));
        }
        if let Some(oldest) = oldest
            && self.ear.as_ref().is_none_or(|ear| oldest < ear.position)
        {
            let number = self.send(env, Ask::Stream { after: oldest });
            self.ear = Some(Ear {
                number,
                position: oldest,
            });
            self.state = State::Busy(number, Doing::Listen);
        }
    }

    /// Ends the session: answers to it do not count any more.
    fn hang_up(&mut self) {
        if self.greeted || self.ear.is_some() {
            self.session += 1;
        }
        self.greeted = false;
        self.ear = None;
        self.renewing = None;
        self.unread.clear();
        self.state = State::Ready;
    }

    /// The host was lost: everything begins anew after a while.
    fn break_session(&mut self, env: &mut Env) -> Vec<Heard> {
        self.session += 1;
        self.hang_up();
        self.state = State::Resting;
        for wanted in &mut self.wanted {
            wanted.placed = None;
            wanted.heard = false;
        }
        let what = InController::Rested(self.host, self.session);
        env.after(
            self.pause,
            Happening::Controller {
                life: self.life,
                what,
            },
        );
        self.pause = (2 * self.pause).min(BACK_OFF.1);
        self.lost = true;
        self.tell_all(env, &Report::Lost)
    }

    fn tell_all(&self, env: &Env, report: &Report) -> Vec<Heard> {
        let host = env.cast.name(self.host);
        self.wanted
            .iter()
            .map(|wanted| &wanted.assignment)
            .map(|a| Heard::new(a.deployment, &a.execution, host, report.clone()))
            .collect()
    }

    pub(super) fn rested(&mut self, env: &mut Env, session: u32) {
        if session == self.session && matches!(self.state, State::Resting) {
            self.state = State::Ready;
            self.proceed(env);
        }
    }

    pub(super) fn times_out(&mut self, env: &mut Env, session: u32, number: u32) -> Vec<Heard> {
        let waits = match &self.state {
            State::Busy(waiting, _) => *waiting == number,
            _ => false,
        };
        if session == self.session && (waits || self.renewing == Some(number)) {
            return self.break_session(env);
        }
        Vec::new()
    }

    pub(super) fn stream_broken(&mut self, env: &mut Env, session: u32) -> Vec<Heard> {
        if session == self.session && self.ear.is_some() {
            return self.break_session(env);
        }
        Vec::new()
    }

    /// Renews the leases of what runs.
    pub(super) fn lease(&mut self, env: &mut Env, session: u32) {
        if session != self.session || !self.greeted {
            return;
        }
        self.arm_lease(env);
        if self.renewing.is_none() {
            self.renew(env);
        }
    }

    fn renew(&mut self, env: &mut Env) {
        let runs = |wanted: &&Wanted| {
            (wanted.assignment.mode == Mode::Run || deliberate(Bug::StopKeepsLease))
                && wanted.placed.is_some()
        };
        let executions: Vec<ExecutionId> = self
            .wanted
            .iter()
            .filter(runs)
            .map(|wanted| wanted.assignment.execution.clone())
            .collect();
        if !executions.is_empty() {
            for wanted in self.wanted.iter().filter(runs) {
                env.watch
                    .renews(wanted.assignment.deployment, &wanted.assignment.execution);
            }
            self.renewing = Some(self.send(env, Ask::Renew { executions }));
        }
    }

    fn arm_lease(&self, env: &mut Env) {
        let what = InController::Lease(self.host, self.session);
        let wait = i64::try_from(HEARTBEAT.as_millis()).unwrap_or(0);
        env.after(
            wait,
            Happening::Controller {
                life: self.life,
                what,
            },
        );
    }

    pub(super) fn reply(&mut self, env: &mut Env, to: Asked, reply: Reply) -> Vec<Heard> {
        if to.session != self.session {
            return Vec::new();
        }
        if self.renewing == Some(to.number) {
            self.renewing = None;
            return Vec::new();
        }
        let State::Busy(number, doing) = &self.state else {
            return Vec::new();
        };
        if *number != to.number {
            return Vec::new();
        }
        let host = self.host;
        env.tell(|| format!("h{host:03} answers {doing:?}: {reply:?}"));
        let mut heard = Vec::new();
        match (doing, reply) {
            (Doing::Greet, _) => {
                self.greeted = true;
                self.arm_lease(env);
                if self.lost {
                    self.lost = false;
                    heard = self.tell_all(env, &Report::Heard);
                }
            }
            (Doing::Place(execution) | Doing::Halt(execution), Reply::State(state)) => {
                if let Some(at) = self.find(execution) {
                    self.wanted[at].placed = Some(state);
                    self.renew(env);
                }
            }
            (Doing::Halt(execution), Reply::Unknown) => {
                env.mark(Mark::NeverGotOrder);
                if let Some(at) = self.find(execution) {
                    heard.push(self.dismiss(env, at, Report::Ended));
                }
            }
            (Doing::Place(execution) | Doing::Halt(execution), Reply::Refused(message)) => {
                env.mark(Mark::HostRefused);
                if let Some(at) = self.find(execution) {
                    heard.push(self.dismiss(env, at, Report::Refused { message }));
                }
            }
            (
                _,
                Reply::Done
                | Reply::State(_)
                | Reply::Tasks(_)
                | Reply::Unknown
                | Reply::Refused(_),
            ) => {}
        }
        self.state = State::Ready;
        self.proceed(env);
        for (stream, lines) in std::mem::take(&mut self.unread) {
            heard.extend(self.lines(env, stream, &lines));
        }
        heard
    }

    fn dismiss(&mut self, env: &Env, at: usize, report: Report) -> Heard {
        let Assignment {
            execution,
            deployment,
            ..
        } = self.wanted.remove(at).assignment;
        Heard::new(deployment, &execution, env.cast.name(self.host), report)
    }

    pub(super) fn lines(&mut self, env: &mut Env, stream: Asked, lines: &[Record]) -> Vec<Heard> {
        let mut heard = Vec::new();
        // It does not read while it waits for an answer.
        if matches!(self.state, State::Busy(..)) {
            self.unread.push((stream, lines.to_vec()));
            return heard;
        }
        for line in lines {
            let Some(message) = line.message() else {
                continue;
            };
            let Some(ear) = &mut self.ear else { break };
            if stream.session != self.session || stream.number != ear.number {
                break;
            }
            let gap = message.seq > ear.position + 1;
            ear.position = message.seq;
            let (host, seq) = (self.host, message.seq);
            env.tell(|| format!("h{host:03} tells #{seq} {:?}", message.what));
            if gap {
                self.tell_states(env, message.seq, &mut heard);
            }
            let Some(at) = self.find(&message.execution) else {
                continue;
            };
            let Assignment {
                execution,
                deployment,
                ..
            } = &self.wanted[at].assignment;
            let at = message.at;
            let report = match &message.what {
                What::Accepted | What::Output { .. } => continue,
                What::EventStarted { event } => Report::EventStarted { event: *event, at },
                What::EventEnded {
                    event,
                    status,
                    diagnostics,
                } => Report::EventEnded {
                    event: *event,
                    status: *status,
                    at,
                    diagnostics: diagnostics.clone(),
                },
                What::Ended { .. } => Report::Ended,
            };
            heard.push(Heard::new(
                *deployment,
                execution,
                env.cast.name(self.host),
                report,
            ));
        }
        heard
    }

    /// The host's log no longer reaches back to where an execution began: what its state says must do.
    fn tell_states(&self, env: &mut Env, first: u64, heard: &mut Vec<Heard>) {
        for wanted in &self.wanted {
            let Some(state) = wanted.placed.as_ref().filter(|s| s.accepted_seq < first) else {
                continue;
            };
            env.mark(Mark::StatesTold);
            let host = env.cast.name(self.host);
            let Assignment {
                execution,
                deployment,
                ..
            } = &wanted.assignment;
            let mut tell = |report| heard.push(Heard::new(*deployment, execution, host, report));
            for entry in &state.events {
                let event = entry.event;
                if let Some(at) = entry.start_time.or(entry.end_time) {
                    tell(Report::EventStarted { event, at });
                }
                if let Some(at) = entry.end_time
                    && matches!(entry.status, EventStatus::Succeeded | EventStatus::Failed)
                {
                    let (status, diagnostics) = (entry.status, entry.diagnostics.clone());
                    tell(Report::EventEnded {
                        event,
                        status,
                        at,
                        diagnostics,
                    });
                }
            }
            if state.ended.is_some() && state.seq < first {
                tell(Report::Ended);
            }
        }
    }
}
