//! A host: its machine with a disk and a table of processes, and the agent, which decides with the very code that runs on
//! real hosts (`agent::core`). What is simulated here is what carries those decisions out.

use std::sync::Arc;
use std::time::Duration;

use super::cast::Cast;
use super::env::{Env, Killed};
use super::happening::{
    Ask, Asked, Happening, InController, Life, OnBalancer, OnHost, Reply, Request,
};
use super::marks::Mark;
use super::shape::Millis;
use super::tape::Reel;
use super::tasks::Tasks;
use super::watch::{EventStart, ScriptStart};
use crate::agent::core::{
    self, Control, Ending, Entry, Known, Note, Orphan, Process as ProcessId, Record, Refusal,
    Renewals, ScriptResult, Then,
};
use crate::agent::protocol::{LEASE, Order, What};
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};

/// How long a script has between TERM and KILL.
const GRACE: Millis = 5_000;

/// How long a silent stream lasts.
const SILENCE: Millis = 9_000;

/// A machine and its agent.
pub struct Host {
    index: usize,
    /// What the agent knows, and its log.
    pub known: Known,
    /// The lines of its log.
    pub records: Vec<Record>,
    /// The newest session that greeted it.
    greeted: (Life, u32),
    /// Lines before this one are no longer told.
    oldest: usize,
    /// So many of them survive a crash of the machine.
    durable: usize,
    boot: u32,
    /// Whether the machine runs.
    pub up: bool,
    /// Whether it never comes back.
    pub gone: bool,
    life: Life,
    /// The agent, while it runs.
    agent: Option<Agent>,
    /// How far its clock is off.
    pub skew: Millis,
    processes: Vec<Process>,
    processes_started: u32,
    stream: Option<Out>,
    /// Whether everything fails on it while things go wrong.
    pub broken: bool,
    /// The revision that was last installed, by group.
    pub installed: [Option<usize>; 2],
    /// Whether the application of each group would serve, as far as its deployments go.
    pub started: [bool; 2],
    /// The tasks of container services.
    pub tasks: Tasks,
    /// When the agent was last told to go on, by execution: as the world sees it.
    heard: Vec<(ExecutionId, Millis)>,
}

/// An agent's memory, lost when it is killed.
pub struct Agent {
    since: Millis,
    renewals: Renewals,
    busy: [Busy; 2],
}

/// What an agent does for a deployment group.
#[derive(Default)]
enum Busy {
    #[default]
    Nothing,
    /// Its own work for an event.
    Work {
        order: Arc<Order>,
        event: LifecycleEvent,
    },
    /// A script.
    Script {
        execution: ExecutionId,
        order: Arc<Order>,
        event: LifecycleEvent,
        script: usize,
        process: u32,
    },
    /// Ending what an earlier life of it left.
    Orphan { process: u32 },
}

/// An entry of the process table.
struct Process {
    id: u32,
    mark: String,
    group: usize,
    fails: bool,
    ignores_term: bool,
}

/// An open stream.
struct Out {
    asked: Asked,
    /// Lines before this one were sent.
    sent: usize,
    /// When the newest of them arrives.
    arrives: Millis,
}

impl Host {
    /// A host whose agent has just been installed.
    pub fn new(index: usize, env: &mut Env) -> Self {
        let broken = env.shape.scripts.broken_host;
        Self {
            index,
            known: Known::new(String::new(), "1"),
            records: Vec::new(),
            greeted: (0, 0),
            oldest: 0,
            durable: 0,
            boot: 1,
            up: true,
            gone: false,
            life: 1,
            agent: Some(Agent {
                since: 0,
                renewals: Renewals::default(),
                busy: Default::default(),
            }),
            skew: 0,
            processes: Vec::new(),
            processes_started: 0,
            stream: None,
            broken: env.tape.chance(Reel::Scripts, broken),
            installed: [None; 2],
            started: [false; 2],
            tasks: Tasks::new(index, env),
            heard: Vec::new(),
        }
    }

    /// Something arrives.
    pub fn request(&mut self, env: &mut Env, request: Request) {
        let Some(agent) = &mut self.agent else {
            return;
        };
        let asked = request.asked;
        let lease = env.now - agent.since;
        let until = Duration::from_millis(lease.unsigned_abs()) + LEASE;
        let answered = match request.what {
            Ask::Greet => {
                self.forget_old_lines(env, asked);
                Ok(Reply::Done)
            }
            Ask::Place { execution, order } => self.place(env, &execution, &order, until),
            Ask::Stop { execution } => self.stop(env, &execution),
            Ask::Renew { executions } => {
                agent.renewals.renew(&self.known, &executions, until);
                for execution in &executions {
                    self.hears(execution, env.now);
                }
                Ok(Reply::Done)
            }
            Ask::OrderTasks { set, order } => self.tasks.order(env, self.life, set, &order),
            Ask::LookAtTasks { set } => Ok(self.tasks.state(set)),
            Ask::EndTasks { set } => self.tasks.end(env, self.life, set),
            Ask::Stream { after } => {
                self.open_stream(env, asked, after);
                Ok(Reply::Done)
            }
        };
        let done = answered.and_then(|reply| {
            env.reply(self.index, asked, reply);
            self.turn_all(env)
        });
        if let Err(Killed) = done {
            self.kill_agent(env);
        }
    }

    fn hears(&mut self, execution: &ExecutionId, now: Millis) {
        match self.heard.iter_mut().find(|(known, _)| known == execution) {
            Some((_, at)) => *at = now,
            None => self.heard.push((execution.clone(), now)),
        }
    }

    fn place(
        &mut self,
        env: &mut Env,
        id: &ExecutionId,
        order: &Arc<Order>,
        until: Duration,
    ) -> Result<Reply, Killed> {
        match core::order(&self.known, id, order) {
            Ok(_) if env.goes_wrong(Reel::Scripts, env.shape.scripts.refused) => {
                return Ok(Reply::Refused("its bundle is broken".to_owned()));
            }
            Ok(entries) => {
                if entries.is_empty() {
                    env.mark(Mark::OrderAgain);
                }
                if entries.len() > 2 {
                    env.mark(Mark::StopOvertookOrder);
                }
                self.append(env, entries)?;
            }
            Err(refusal) => return Ok(Reply::Refused(refusal.to_string())),
        }
        if deliberate(Bug::OrderIsLease)
            && let Some(agent) = &mut self.agent
        {
            agent.renewals.renew(&self.known, [id], until);
        }
        env.watch
            .taken(self.index, id, self.known.executions.get(id));
        Ok(self.state(id))
    }

    fn stop(&mut self, env: &mut Env, id: &ExecutionId) -> Result<Reply, Killed> {
        match core::stop(&self.known, id) {
            Ok(entries) => {
                self.append(env, entries)?;
                env.watch.stopped(self.index, id);
            }
            Err(Refusal::Unknown(_)) => return Ok(Reply::Unknown),
            Err(refusal) => return Ok(Reply::Refused(refusal.to_string())),
        }
        Ok(self.state(id))
    }

    fn state(&self, id: &ExecutionId) -> Reply {
        match self.known.state(id) {
            Some(state) => Reply::State(Box::new(state.clone())),
            None => Reply::Unknown,
        }
    }

    /// Appends to the log, durably, all or none. The agent may be killed before or after.
    fn append(&mut self, env: &mut Env, entries: Vec<Entry>) -> Result<(), Killed> {
        if entries.is_empty() {
            return Ok(());
        }
        let killed = env.goes_wrong(Reel::Faults, env.shape.faults.agent_at_entry);
        if killed && env.tape.below(Reel::Faults, 2) == 0 {
            env.mark(Mark::AgentKilledBeforeEntry);
            return Err(Killed);
        }
        let at = env.time(self.skew);
        for entry in entries {
            if let Entry::Message(id, What::EventStarted { event }) = &entry {
                self.watch_event(env, id, *event);
            }
            self.serve(env, &entry);
            self.records.push(self.known.append(entry, at));
        }
        self.durable = self.records.len();
        if killed {
            env.mark(Mark::AgentKilledAfterEntry);
            return Err(Killed);
        }
        self.send_lines(env);
        Ok(())
    }

    /// An application serves from its start to its stop.
    fn serve(&mut self, env: &mut Env, entry: &Entry) {
        let Entry::Message(execution, what) = entry else {
            return;
        };
        let serves = match what {
            What::EventStarted {
                event: LifecycleEvent::ApplicationStop,
            } => false,
            What::EventEnded {
                event: LifecycleEvent::ApplicationStart,
                status: EventStatus::Succeeded,
                ..
            } => true,
            _ => return,
        };
        let group = env.watch.group(Cast::deployment_of(execution));
        self.started[group] = serves;
        self.noticed(env, group);
    }

    /// A load balancer notices sooner or later what has become of an application.
    fn noticed(&self, env: &mut Env, group: usize) {
        let style = env.shape.styles[group];
        let serves = style.controls_traffic() && style.is_on_hosts();
        if !serves || !env.shape.balancers.judges {
            return;
        }
        let wait = env
            .tape
            .between(Reel::Traffic, 0, env.shape.balancers.check);
        let what = OnBalancer::Checks(self.index);
        env.after(wait, Happening::Balancer { gate: group, what });
    }

    /// Whether a task serves at a port.
    pub fn serves_at(&self, port: u16) -> bool {
        self.up && self.tasks.serves(port)
    }

    /// Whether the application of a group serves.
    pub fn serves(&self, group: usize) -> bool {
        self.up && self.started[group]
    }

    fn all_noticed(&self, env: &mut Env) {
        for group in 0..env.shape.groups {
            self.noticed(env, group);
        }
    }

    fn append_in_passing(&mut self, env: &mut Env, entry: Entry) -> Result<(), Killed> {
        if env.goes_wrong(Reel::Faults, env.shape.faults.agent_at_entry) {
            env.mark(Mark::AgentKilledBeforeEntry);
            return Err(Killed);
        }
        let record = self.known.append(entry, env.time(self.skew));
        if !record.is_passing() {
            env.watch.not_passing();
        }
        self.records.push(record);
        Ok(())
    }

    fn watch_event(&self, env: &mut Env, execution: &ExecutionId, event: LifecycleEvent) {
        let heard = self.heard.iter().find(|(known, _)| known == execution);
        let start = EventStart {
            host: self.index,
            execution,
            event,
            heard: heard.map(|(_, at)| *at),
            known: self.known.executions.get(execution),
            other: self.known.executions.get(execution).is_some_and(|known| {
                let others = self.known.open_in(known.group());
                others
                    .into_iter()
                    .any(|other| other.state.execution != *execution && other.running().is_some())
            }),
        };
        env.watch.event_starts(env.now, &start);
    }

    /// Sends what the open stream has not had yet.
    fn send_lines(&mut self, env: &mut Env) {
        let Some(out) = &mut self.stream else { return };
        let (from, to) = (out.sent, self.records.len());
        if self.records[from..to]
            .iter()
            .all(|line| line.message().is_none())
        {
            return;
        }
        let network = env.network();
        let cut = env.links[self.index].from_host_cut;
        if cut || env.tape.chance(Reel::Network, network.loss / 4) {
            env.mark(Mark::StreamCut);
            let stream = out.asked;
            self.stream = None;
            self.break_stream(env, stream, SILENCE);
            return;
        }
        let delay = env.delay(network);
        out.arrives = out.arrives.max(env.now + delay);
        out.sent = to;
        let wait = out.arrives - env.now;
        let stream = out.asked;
        let host = self.index;
        env.after(
            wait,
            Happening::Lines {
                host,
                stream,
                from,
                to,
            },
        );
    }

    fn break_stream(&self, env: &mut Env, stream: Asked, wait: Millis) {
        let what = InController::StreamBroken(self.index, stream.session);
        let life = stream.life;
        env.after(wait, Happening::Controller { life, what });
    }

    fn open_stream(&mut self, env: &mut Env, asked: Asked, after: u64) {
        let newer = |out: &Out| {
            (out.asked.life, out.asked.session, out.asked.number)
                > (asked.life, asked.session, asked.number)
        };
        if self.stream.as_ref().is_some_and(newer) {
            return;
        }
        let later = |line: &Record| line.message().is_some_and(|message| message.seq > after);
        let mut from = self
            .records
            .iter()
            .position(later)
            .unwrap_or(self.records.len());
        if from < self.oldest {
            env.mark(Mark::LogTooShort);
            from = self.oldest;
        }
        self.stream = Some(Out {
            asked,
            sent: from,
            arrives: env.now,
        });
        self.send_lines(env);
    }

    /// A short log drops its oldest lines.
    fn forget_old_lines(&mut self, env: &Env, asked: Asked) {
        // Not behind the back of a session that has asked for states already.
        if (asked.life, asked.session) <= self.greeted {
            return;
        }
        self.greeted = (asked.life, asked.session);
        let short = env.shape.faults.short_log as usize;
        if short > 0 {
            self.oldest = self.oldest.max(self.durable.saturating_sub(short));
        }
    }

    fn turn_all(&mut self, env: &mut Env) -> Result<(), Killed> {
        for group in 0..env.shape.groups {
            self.turn(env, group, None)?;
        }
        Ok(())
    }

    /// Has the agent do what is to be done next for a group, unless it is busy with it.
    fn turn(
        &mut self,
        env: &mut Env,
        group: usize,
        mut ending: Option<Ending>,
    ) -> Result<(), Killed> {
        loop {
            let Some(agent) = &self.agent else {
                return Ok(());
            };
            if !matches!(agent.busy[group], Busy::Nothing) {
                return Ok(());
            }
            let Some(id) = self.known.first(GROUPS[group]).cloned() else {
                return Ok(());
            };
            let now = Duration::from_millis((env.now - agent.since).unsigned_abs());
            let control = Control {
                lease_live: agent.renewals.is_live(&id, now),
                ending: false,
            };
            let step = core::step(&self.known, &id, control, ending.take());
            self.append(env, step.entries)?;
            match step.then {
                Then::Wait => {
                    env.mark(Mark::AgentWaits);
                    return Ok(());
                }
                Then::Leave => return Ok(()),
                Then::Over => {
                    if let Some(agent) = &mut self.agent {
                        agent.renewals.forget(&id);
                    }
                }
                Then::Run { event, from } => {
                    if from > 0 {
                        env.mark(Mark::GoesOnBehindScripts);
                    }
                    let Some(order) = self.known.executions.get(&id).map(|e| Arc::clone(&e.order))
                    else {
                        return Ok(());
                    };
                    ending = self.run(env, group, id, order, event, from)?;
                    if ending.is_none() {
                        return Ok(());
                    }
                }
                Then::EndOrphan(orphan) => {
                    if !self.end_orphan(env, group, &orphan) {
                        return Ok(());
                    }
                    ending = Some(Ending::Orphaned);
                }
            }
        }
    }

    /// Runs an event from this script on; its ending if there is nothing to wait for.
    fn run(
        &mut self,
        env: &mut Env,
        group: usize,
        execution: ExecutionId,
        order: Arc<Order>,
        event: LifecycleEvent,
        script: usize,
    ) -> Result<Option<Ending>, Killed> {
        if !event.carries_hooks() {
            let wait = env.tape.wait(Reel::Scripts, env.shape.scripts.duration / 4);
            let wait = if env.faulty { wait } else { wait.min(1_000) };
            let what = OnHost::WorkEnds(self.life, group);
            let host = self.index;
            env.after(wait, Happening::Host { host, what });
            self.set_busy(group, Busy::Work { order, event });
            return Ok(None);
        }
        if script >= self.scripts(env, group, &order, event) {
            return Ok(Some(Ending::Succeeded));
        }
        let mark = core::mark(&execution, event, script);
        let starting = Note::ScriptStarting { mark: mark.clone() };
        if deliberate(Bug::ScriptBeforeItsNote) {
            let process = self.start(env, group, &execution, &order, event, script, mark);
            self.append(env, vec![Entry::Note(execution.clone(), starting)])?;
            self.set_busy(
                group,
                Busy::Script {
                    execution,
                    order,
                    event,
                    script,
                    process,
                },
            );
            return Ok(None);
        }
        self.append(env, vec![Entry::Note(execution.clone(), starting)])?;
        let process = self.start(env, group, &execution, &order, event, script, mark);
        let id = ProcessId {
            pid: i32::try_from(process).unwrap_or(i32::MAX),
            start: None,
            boot: String::new(),
        };
        self.set_busy(
            group,
            Busy::Script {
                execution: execution.clone(),
                order,
                event,
                script,
                process,
            },
        );
        let running = Note::ScriptStarted { process: id };
        self.append_in_passing(env, Entry::Note(execution, running))?;
        Ok(None)
    }

    /// How many scripts an event has: a property of the revision.
    fn scripts(&self, env: &Env, group: usize, order: &Order, event: LifecycleEvent) -> usize {
        let revision = if event == LifecycleEvent::ApplicationStop {
            self.installed[group].unwrap_or(0)
        } else {
            revision(env, order)
        };
        (revision * 5 + super::watch::ordinal(event) * 3)
            % (env.shape.scripts.per_event as usize + 1)
    }

    #[expect(clippy::too_many_arguments, reason = "what a process is told")]
    fn start(
        &mut self,
        env: &mut Env,
        group: usize,
        execution: &ExecutionId,
        order: &Order,
        event: LifecycleEvent,
        script: usize,
        mark: String,
    ) -> u32 {
        self.processes_started += 1;
        let id = self.processes_started;
        let scripts = env.shape.scripts;
        let wait = env.tape.wait(Reel::Scripts, scripts.duration);
        let wait = if env.faulty { wait } else { wait.min(1_000) };
        let fails = env.goes_wrong(Reel::Scripts, scripts.fails) || (self.broken && env.faulty);
        let hangs = env.goes_wrong(Reel::Scripts, scripts.hangs);
        let ignores_term = env.goes_wrong(Reel::Scripts, scripts.ignores_term);
        let other = self.processes.iter().any(|process| process.group == group);
        env.watch.script_starts(
            &env.disk,
            &ScriptStart {
                host: self.index,
                group,
                execution,
                event,
                script,
                order,
                other,
            },
        );
        let (index, number) = (self.index, Cast::deployment_of(execution));
        env.tell(|| {
            format!("h{index:03} starts script {script} of {event} of deployment {number}")
        });
        if hangs {
            env.mark(Mark::ScriptHangs);
        } else {
            let what = OnHost::ProcessEnds(id);
            env.after(wait, Happening::Host { host: index, what });
        }
        if hangs || wait > scripts.timeout {
            let what = OnHost::TimesOut(self.life, id);
            env.after(scripts.timeout, Happening::Host { host: index, what });
        }
        self.processes.push(Process {
            id,
            mark,
            group,
            fails,
            ignores_term,
        });
        id
    }

    fn set_busy(&mut self, group: usize, busy: Busy) {
        if let Some(agent) = &mut self.agent {
            agent.busy[group] = busy;
        }
    }

    /// Ends what an earlier life of the agent left; false if that takes a while.
    fn end_orphan(&mut self, env: &mut Env, group: usize, orphan: &Orphan) -> bool {
        env.mark(Mark::Orphan);
        let Some(at) = self
            .processes
            .iter()
            .position(|process| process.mark == orphan.mark)
        else {
            return true;
        };
        if !self.processes[at].ignores_term {
            self.processes.swap_remove(at);
            return true;
        }
        env.mark(Mark::OrphanIgnoresTerm);
        let process = self.processes[at].id;
        let what = OnHost::GraceEnds(self.life, process);
        env.after(
            GRACE,
            Happening::Host {
                host: self.index,
                what,
            },
        );
        self.set_busy(group, Busy::Orphan { process });
        false
    }

    /// Something happens here by itself.
    pub fn happens(&mut self, env: &mut Env, what: OnHost) {
        let done = match what {
            OnHost::ProcessEnds(id) => match self.take_process(id) {
                Some(process) => self.process_ended(env, &process, None),
                None => Ok(()),
            },
            OnHost::WorkEnds(life, group) if life == self.life => self.work_ended(env, group),
            OnHost::TimesOut(life, id) if life == self.life && self.agent.is_some() => {
                env.mark(Mark::ScriptTimesOut);
                let stubborn = |process: &Process| process.id == id && process.ignores_term;
                if self.processes.iter().any(stubborn) {
                    env.mark(Mark::ScriptIgnoresTerm);
                    let what = OnHost::GraceEnds(life, id);
                    env.after(
                        GRACE,
                        Happening::Host {
                            host: self.index,
                            what,
                        },
                    );
                    Ok(())
                } else {
                    self.kill(env, id)
                }
            }
            OnHost::GraceEnds(life, id) if life == self.life && self.agent.is_some() => {
                self.kill(env, id)
            }
            OnHost::Task(what) => {
                let agent = self.agent.as_ref().map(|_| self.life);
                self.tasks.happens(env, what, agent);
                Ok(())
            }
            OnHost::AgentStarts => self.start_agent(env),
            OnHost::Boots => {
                self.up = true;
                self.all_noticed(env);
                self.start_agent(env)
            }
            OnHost::WorkEnds(..) | OnHost::TimesOut(..) | OnHost::GraceEnds(..) => Ok(()),
        };
        if let Err(Killed) = done {
            self.kill_agent(env);
        }
    }

    fn take_process(&mut self, id: u32) -> Option<Process> {
        let at = self.processes.iter().position(|process| process.id == id)?;
        Some(self.processes.swap_remove(at))
    }

    fn kill(&mut self, env: &mut Env, id: u32) -> Result<(), Killed> {
        match self.take_process(id) {
            Some(process) => {
                self.process_ended(env, &process, Some(LifecycleErrorCode::ScriptTimedOut))
            }
            None => Ok(()),
        }
    }

    /// A process is gone; the agent, if it waits for it, goes on.
    fn process_ended(
        &mut self,
        env: &mut Env,
        process: &Process,
        failure: Option<LifecycleErrorCode>,
    ) -> Result<(), Killed> {
        let group = process.group;
        let Some(agent) = &mut self.agent else {
            env.mark(Mark::OrphanEndsByItself);
            return Ok(());
        };
        match std::mem::take(&mut agent.busy[group]) {
            Busy::Script {
                execution,
                order,
                event,
                script,
                process: id,
            } if id == process.id => {
                let failure = failure.or(process.fails.then_some(LifecycleErrorCode::ScriptFailed));
                let failure = failure.map(|code| diagnostics(env, code));
                let is_last = script + 1 >= self.scripts(env, group, &order, event);
                let result = ScriptResult {
                    script,
                    failure: failure.clone(),
                };
                let must = result.must_be_durable(is_last);
                let note = Note::ScriptEnded {
                    result: Some(result),
                };
                let entry = Entry::Note(execution.clone(), note);
                if must {
                    self.append(env, vec![entry])?;
                } else {
                    self.append_in_passing(env, entry)?;
                }
                let ending = match failure {
                    Some(failure) => Some(Ending::Failed(failure)),
                    None if is_last => Some(Ending::Succeeded),
                    None => self.run(env, group, execution, order, event, script + 1)?,
                };
                match ending {
                    Some(ending) => self.turn(env, group, Some(ending)),
                    None => Ok(()),
                }
            }
            Busy::Orphan { process: id } if id == process.id => {
                self.turn(env, group, Some(Ending::Orphaned))
            }
            other => {
                self.set_busy(group, other);
                Ok(())
            }
        }
    }

    fn work_ended(&mut self, env: &mut Env, group: usize) -> Result<(), Killed> {
        let Some(agent) = &mut self.agent else {
            return Ok(());
        };
        let Busy::Work { order, event } = std::mem::take(&mut agent.busy[group]) else {
            return Ok(());
        };
        let fails = env.goes_wrong(Reel::Scripts, env.shape.scripts.fails / 2);
        if !fails && event == LifecycleEvent::Install {
            self.installed[group] = Some(revision(env, &order));
        }
        let ending = if fails {
            Ending::Failed(diagnostics(env, LifecycleErrorCode::UnknownError))
        } else {
            Ending::Succeeded
        };
        self.turn(env, group, Some(ending))
    }

    /// Whether the agent runs and is busy with nothing.
    pub fn is_quiet(&self) -> bool {
        let idle = |busy: &Busy| matches!(busy, Busy::Nothing);
        let agent = self.agent.as_ref();
        agent.is_some_and(|agent| agent.busy.iter().all(idle)) && self.tasks.is_quiet()
    }

    /// Kills the agent; somebody starts it again, unless the host is gone.
    pub fn kill_agent(&mut self, env: &mut Env) {
        if self.agent.take().is_none() {
            return;
        }
        let index = self.index;
        env.tell(|| format!("h{index:03} loses its agent"));
        env.mark(Mark::AgentKilled);
        self.life += 1;
        if env.shape.faults.takes_scripts_along {
            self.processes.clear();
        } else if !self.processes.is_empty() {
            env.mark(Mark::ScriptOutlivesAgent);
        }
        if let Some(out) = self.stream.take() {
            self.break_stream(env, out.asked, 1);
        }
        let wait = env.tape.wait(Reel::Faults, env.shape.faults.away);
        let what = OnHost::AgentStarts;
        env.after(wait, Happening::Host { host: index, what });
    }

    /// The machine crashes, and comes back, or does not.
    pub fn crash(&mut self, env: &mut Env, for_ever: bool) {
        if !self.up {
            return;
        }
        let index = self.index;
        env.tell(|| {
            format!(
                "h{index:03} crashes{}",
                if for_ever { " for good" } else { "" }
            )
        });
        env.mark(Mark::HostCrashed);
        self.agent = None;
        self.life += 1;
        self.up = false;
        self.gone = for_ever;
        self.all_noticed(env);
        self.processes.clear();
        self.tasks.crash(env);
        if let Some(out) = self.stream.take() {
            self.break_stream(env, out.asked, SILENCE);
        }
        let passing = u32::try_from(self.records.len() - self.durable).unwrap_or(0);
        let kept = self.durable + env.tape.below(Reel::Disk, passing + 1) as usize;
        if kept < self.records.len() {
            env.mark(Mark::PassingNotesLost);
        }
        self.records.truncate(kept);
        self.durable = kept;
        let told = self.known.seq;
        self.known = Known::new(String::new(), "1");
        for record in &self.records {
            self.known.fold(record);
        }
        if self.known.seq < told {
            env.watch.forgot(index, told, self.known.seq);
        }
        self.boot += 1;
        let wait = 1_000 + env.tape.wait(Reel::Faults, env.shape.faults.away);
        if !for_ever {
            let what = OnHost::Boots;
            env.after(wait, Happening::Host { host: index, what });
        }
    }

    fn start_agent(&mut self, env: &mut Env) -> Result<(), Killed> {
        if self.agent.is_some() || !self.up || self.gone {
            return Ok(());
        }
        let index = self.index;
        env.tell(|| format!("h{index:03} starts its agent"));
        self.agent = Some(Agent {
            since: env.now,
            renewals: Renewals::default(),
            busy: Default::default(),
        });
        self.heard.clear();
        self.tasks.resume(env, self.life);
        if let Some(record) = self.known.restarted(&self.boot.to_string()) {
            self.records.push(record);
            self.durable = self.records.len();
        }
        self.turn_all(env)
    }
}

/// The ids of the deployment groups, by number.
const GROUPS: [&str; 2] = ["g0", "g1"];

fn revision(env: &Env, order: &Order) -> usize {
    let digest = &order.revision.digest;
    let revisions = &env.cast.revisions;
    revisions
        .iter()
        .position(|revision| &revision.digest == digest)
        .unwrap_or(0)
}

fn diagnostics(env: &Env, error_code: LifecycleErrorCode) -> Diagnostics {
    Diagnostics {
        error_code,
        script_name: env.cast.failure.to_string(),
        message: env.cast.failure.to_string(),
        log_tail: String::new(),
        ends_with: None,
    }
}
