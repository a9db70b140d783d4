//! The tasks of container services on a host (`agent::task_sets`). What was ordered and what was ended is durable; the processes
//! outlive the agent, and end with the machine.

use std::collections::BTreeMap;

use super::cast::{Cast, Spot, TESTS};
use super::env::{Env, Killed};
use super::happening::{Happening, Life, OnBalancer, OnHost, OnTask, Reply};
use super::marks::Mark;
use super::shape::Millis;
use super::tape::Reel;
use crate::agent::protocol::{TaskSetOrder, TaskSetState, TaskState, TaskStatus};
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::timestamp::Timestamp;

/// How soon a task is started again that has ended by itself.
const AGAIN: Millis = 1_000;

/// The task sets of a host.
#[derive(Default)]
pub struct Tasks {
    host: usize,
    /// By the number of the deployment that made each.
    sets: BTreeMap<usize, Set>,
    /// The table of processes.
    processes: Vec<Process>,
    started: u32,
    /// Ports at which something else listens.
    occupied: Vec<u16>,
}

struct Set {
    order: Option<TaskSetOrder>,
    ended: bool,
    /// Whether it is no good.
    bad: bool,
    tasks: Vec<Task>,
}

/// A task as the agent's disk has it.
struct Task {
    number: u32,
    port: u16,
    /// Whether others know it by its port.
    settled: bool,
    restarts: u32,
}

/// A process of a task.
struct Process {
    id: u32,
    set: usize,
    task: u32,
    port: u16,
    well: bool,
    ignores_term: bool,
    /// Whether it was told to end.
    stopping: bool,
}

impl Tasks {
    /// Nothing was ordered on this host yet.
    pub fn new(host: usize, env: &mut Env) -> Self {
        let mut tasks = Self {
            host,
            ..Self::default()
        };
        let services = (0..env.shape.groups).filter(|&group| env.shape.styles[group].is_service());
        for group in services.collect::<Vec<_>>() {
            let occupied = env.shape.services.occupied;
            if env.tape.chance(Reel::Services, occupied) {
                let at = 1 + env.tape.below(Reel::Services, 4) as usize;
                tasks
                    .occupied
                    .extend(Spot::of(group, at).map(|spot| spot.port));
            }
        }
        tasks
    }

    /// What was there before the world began: all is well. Answers the ports.
    pub fn settle(&mut self, env: &mut Env, set: usize, order: TaskSetOrder) -> Vec<u16> {
        let mut ports = Vec::new();
        let mut tasks = Vec::new();
        for number in 1..=order.count {
            let port = self.free_port(&order, &tasks);
            let Some(port) = port else { continue };
            tasks.push(Task {
                number,
                port,
                settled: true,
                restarts: 0,
            });
            ports.push(port);
            let id = self.new_process();
            self.processes.push(Process {
                id,
                set,
                task: number,
                port,
                well: true,
                ignores_term: false,
                stopping: false,
            });
        }
        let kept = Set {
            order: Some(order),
            ended: false,
            bad: false,
            tasks,
        };
        self.sets.insert(set, kept);
        env.watch.task_set_made(self.host, set);
        ports
    }

    /// Whether a task serves at a port.
    pub fn serves(&self, port: u16) -> bool {
        let mut processes = self.processes.iter();
        processes.any(|process| process.port == port && process.well)
    }

    /// Whether anything of a task set is here.
    pub fn has(&self, set: usize) -> bool {
        let ordered = self.sets.get(&set).is_some_and(|set| !set.tasks.is_empty());
        ordered || self.processes.iter().any(|process| process.set == set)
    }

    /// The task sets of which something is here.
    pub fn there(&self) -> Vec<usize> {
        let all = self.sets.keys().copied();
        all.filter(|set| self.has(*set)).collect()
    }

    /// Whether nothing is being ended.
    pub fn is_quiet(&self) -> bool {
        let ends = |set: &Set| set.ended && !set.tasks.is_empty();
        !self.sets.values().any(ends)
    }

    /// How a task set is.
    pub fn state(&self, set: usize) -> Reply {
        let found = self.sets.get(&set).filter(|it| !it.is_over());
        found.map_or(Reply::Unknown, |found| self.told(set, found))
    }

    fn told(&self, number: usize, set: &Set) -> Reply {
        let order = set.order.as_ref();
        let task = |task: &Task| {
            let process = self.process(number, task.number);
            TaskState {
                number: task.number,
                port: task.port,
                status: match process {
                    _ if set.ended => TaskStatus::Stopping,
                    None => TaskStatus::Pending,
                    Some(_) => TaskStatus::Running,
                },
                healthy: process.is_some_and(|process| process.well),
                restarts: task.restarts,
                since: Timestamp(0),
                trouble: None,
            }
        };
        Reply::Tasks(Box::new(TaskSetState {
            id: Cast::deployment(number),
            service: order.map_or(String::new(), |order| order.service.clone()),
            task_definition: order.map_or(String::new(), |order| order.task_definition.clone()),
            tasks: set.tasks.iter().map(task).collect(),
        }))
    }

    fn process(&self, set: usize, task: u32) -> Option<&Process> {
        let mut processes = self.processes.iter();
        processes.find(|process| process.set == set && process.task == task)
    }

    /// An order arrives; the answer, or why the agent dies.
    pub fn order(
        &mut self,
        env: &mut Env,
        life: Life,
        set: usize,
        order: &TaskSetOrder,
    ) -> Result<Reply, Killed> {
        if let Some(known) = self.sets.get(&set) {
            env.mark(Mark::TaskSetAgain);
            let other = "it was ordered otherwise before";
            return Ok(match &known.order {
                _ if known.ended => Reply::Refused("it was ended".to_owned()),
                Some(before) if before != order => Reply::Refused(other.to_owned()),
                _ => self.told(set, known),
            });
        }
        if env.goes_wrong(Reel::Scripts, env.shape.scripts.refused) {
            return Ok(Reply::Refused("its user is unknown".to_owned()));
        }
        let bad = env.goes_wrong(Reel::Services, env.shape.services.bad);
        let task = |number| Task {
            number,
            port: 0,
            settled: false,
            restarts: 0,
        };
        let ordered = Set {
            order: Some(order.clone()),
            ended: false,
            bad,
            tasks: (1..=order.count).map(task).collect(),
        };
        self.durable(env, |tasks| {
            tasks.sets.insert(set, ordered);
        })?;
        env.watch.task_set_made(self.host, set);
        for task in 1..=order.count {
            self.later(env, 0, OnTask::Starts(life, set, task));
        }
        Ok(self.state(set))
    }

    /// A task set is to end.
    pub fn end(&mut self, env: &mut Env, life: Life, set: usize) -> Result<Reply, Killed> {
        let ended = self.sets.get(&set).is_some_and(|set| set.ended);
        if !ended {
            if !self.sets.contains_key(&set) {
                env.mark(Mark::EndOvertookTaskSet);
            }
            self.durable(env, |tasks| {
                let set = tasks.sets.entry(set).or_insert_with(|| Set {
                    order: None,
                    ended: false,
                    bad: false,
                    tasks: Vec::new(),
                });
                set.ended = true;
            })?;
            self.stop(env, life, set);
        }
        let set_ = self.sets.get(&set);
        Ok(set_.map_or(Reply::Unknown, |found| self.told(set, found)))
    }

    /// Writes something down. The agent may be killed before or after.
    fn durable(&mut self, env: &mut Env, write: impl FnOnce(&mut Self)) -> Result<(), Killed> {
        let killed = env.goes_wrong(Reel::Faults, env.shape.faults.agent_at_entry);
        if killed && env.tape.below(Reel::Faults, 2) == 0 {
            env.mark(Mark::AgentKilledBeforeEntry);
            return Err(Killed);
        }
        write(self);
        if killed {
            env.mark(Mark::AgentKilledAfterEntry);
            return Err(Killed);
        }
        Ok(())
    }

    /// Tells the tasks of a set to end.
    fn stop(&mut self, env: &mut Env, life: Life, set: usize) {
        let wait = 1_000 * Millis::from(env.shape.services.stop_seconds);
        let mut gone = Vec::new();
        let mut grace = Vec::new();
        for process in self.processes.iter_mut().filter(|it| it.set == set) {
            process.stopping = true;
            if process.ignores_term {
                grace.push(process.id);
            } else {
                gone.push(process.id);
            }
        }
        for process in grace {
            env.mark(Mark::TaskIgnoresTerm);
            self.later(env, wait, OnTask::Killed(life, process));
        }
        for process in gone {
            self.ends(env, process);
        }
        self.forget(env, set);
    }

    /// What has no process any more of a set that was ended is gone.
    fn forget(&mut self, env: &mut Env, set: usize) {
        let Self {
            sets, processes, ..
        } = self;
        let Some(found) = sets.get_mut(&set).filter(|set| set.ended) else {
            return;
        };
        let lives = |task: &Task| {
            let mut processes = processes.iter();
            processes.any(|process| process.set == set && process.task == task.number)
        };
        found.tasks.retain(lives);
        if found.tasks.is_empty() {
            env.watch.task_set_gone(self.host, set);
        }
    }

    /// A process is gone.
    fn ends(&mut self, env: &mut Env, id: u32) -> Option<Process> {
        let at = self.processes.iter().position(|process| process.id == id)?;
        let process = self.processes.swap_remove(at);
        self.noticed(env, process.port);
        Some(process)
    }

    /// Something happens here by itself. `agent` says which life of it runs.
    pub fn happens(&mut self, env: &mut Env, what: OnTask, agent: Option<Life>) {
        match what {
            OnTask::Starts(life, set, task) if agent == Some(life) => {
                self.start(env, life, set, task);
            }
            OnTask::Killed(life, id) if agent == Some(life) => {
                if let Some(process) = self.ends(env, id) {
                    self.forget(env, process.set);
                }
            }
            OnTask::Serves(id) => self.serves_from_now_on(env, id, agent.is_some()),
            OnTask::Dies(id) => {
                let stopping = |it: &Process| it.id == id && it.stopping;
                if self.processes.iter().any(stopping) {
                    return;
                }
                if let Some(process) = self.ends(env, id) {
                    env.mark(Mark::TaskDied);
                    if let Some(life) = agent {
                        let again = OnTask::Starts(life, process.set, process.task);
                        self.later(env, AGAIN, again);
                    }
                }
            }
            OnTask::Starts(..) | OnTask::Killed(..) => {}
        }
    }

    fn serves_from_now_on(&mut self, env: &mut Env, id: u32, agent: bool) {
        let mut processes = self.processes.iter_mut();
        let Some(process) = processes.find(|process| process.id == id) else {
            return;
        };
        process.well = true;
        let (set, task, port) = (process.set, process.task, process.port);
        if agent {
            self.known_by_its_port(set, task);
        }
        env.watch.task_was_well(self.host, set, port);
        self.noticed(env, port);
    }

    /// The agent has found a task well: from now on others know it by its port.
    fn known_by_its_port(&mut self, set: usize, task: u32) {
        let set = self.sets.get_mut(&set);
        let mut tasks = set.into_iter().flat_map(|set| &mut set.tasks);
        if let Some(task) = tasks.find(|it| it.number == task) {
            task.settled = true;
        }
    }

    /// The agent starts a task, unless it is there.
    fn start(&mut self, env: &mut Env, life: Life, set: usize, number: u32) {
        if self.process(set, number).is_some() && !deliberate(Bug::TaskStartedTwice) {
            return;
        }
        if self.sets.get(&set).is_none_or(|set| set.ended) {
            return;
        }
        let Some(port) = self.choose(set, number) else {
            return self.later(env, AGAIN, OnTask::Starts(life, set, number));
        };
        let Some(found) = self.sets.get_mut(&set) else {
            return;
        };
        let bad = found.bad && env.faulty;
        let mut tasks = found.tasks.iter_mut();
        let Some(task) = tasks.find(|task| task.number == number) else {
            return;
        };
        // It is started again.
        task.restarts += u32::from(task.port > 0);
        task.port = port;
        let services = env.shape.services;
        let id = self.new_process();
        let crashes = bad && id.is_multiple_of(2);
        let dies = env.goes_wrong(Reel::Services, services.dies) || crashes;
        let wait = env.tape.wait(Reel::Services, services.starts);
        let wait = if env.faulty { wait } else { wait.min(1_000) };
        if !bad {
            self.later(env, wait, OnTask::Serves(id));
        }
        if dies {
            let lives = env.tape.wait(Reel::Services, 4 * services.starts);
            self.later(env, lives, OnTask::Dies(id));
        }
        self.processes.push(Process {
            id,
            set,
            task: number,
            port,
            well: false,
            ignores_term: env.goes_wrong(Reel::Services, services.ignores_term),
            stopping: false,
        });
        let host = self.host;
        env.tell(|| format!("h{host:03} starts task {number} of task set {set} at {port}"));
        let copies = |it: &&Process| it.set == set && it.task == number;
        let copies = self.processes.iter().filter(copies).count();
        let shared = |it: &&Process| it.port == port;
        let shared = self.processes.iter().filter(shared).count();
        env.watch.task_starts(self.host, set, port, copies, shared);
    }

    /// The port at which others know a task, or that it had, or one that is free.
    fn choose(&self, set: usize, number: u32) -> Option<u16> {
        let found = self.sets.get(&set)?;
        let order = found.order.as_ref()?;
        let task = found.tasks.iter().find(|task| task.number == number)?;
        let others = self.sets.iter().flat_map(|(other, it)| {
            let tasks = it.tasks.iter();
            let tasks = tasks.filter(move |task| (*other, task.number) != (set, number));
            tasks.map(|task| task.port)
        });
        let others: Vec<u16> = others.collect();
        let free = |port: &u16| !others.contains(port) && !self.occupied.contains(port);
        if task.settled {
            return Some(task.port).filter(free);
        }
        let range = order.definition.port;
        let had = Some(task.port).filter(|port| *port > 0);
        let mut all = had.into_iter().chain(range.first..=range.last);
        all.find(|port| free(port) && !order.avoid.contains(port))
    }

    /// The agent is back: it ends what was ended, and starts what is not there.
    pub fn resume(&mut self, env: &mut Env, life: Life) {
        let all: Vec<(usize, bool, u32)> = self
            .sets
            .iter()
            .map(|(number, set)| {
                let count = set.order.as_ref().map_or(0, |order| order.count);
                (*number, set.ended, count)
            })
            .collect();
        for (set, ended, count) in all {
            if ended {
                self.stop(env, life, set);
                continue;
            }
            for task in 1..=count {
                match self.process(set, task).map(|process| process.well) {
                    Some(true) => self.known_by_its_port(set, task),
                    Some(false) => {}
                    None => self.later(env, 0, OnTask::Starts(life, set, task)),
                }
                if deliberate(Bug::TaskStartedTwice) {
                    self.later(env, 0, OnTask::Starts(life, set, task));
                }
            }
        }
    }

    /// The machine crashes; perhaps its disk is new afterwards.
    pub fn crash(&mut self, env: &mut Env) {
        let ports: Vec<u16> = self.processes.drain(..).map(|it| it.port).collect();
        for port in ports {
            self.noticed(env, port);
        }
        for set in self.sets.keys().copied().collect::<Vec<_>>() {
            self.forget(env, set);
        }
        let lost = env.goes_wrong(Reel::Services, env.shape.services.new_disk);
        if lost && !self.sets.is_empty() {
            env.mark(Mark::NewDisk);
            self.sets.clear();
            env.watch.disk_is_new(self.host);
        }
    }

    /// Load balancers notice sooner or later what has become of a port.
    fn noticed(&self, env: &mut Env, port: u16) {
        if !env.shape.balancers.judges {
            return;
        }
        let spot = Spot {
            host: self.host,
            port,
        };
        let server = spot.server();
        let of_it = |group: &usize| Spot::of(*group, server) == Some(spot);
        let Some(group) = (0..env.shape.groups).find(of_it) else {
            return;
        };
        for gate in [group, TESTS + group] {
            let check = env.shape.balancers.check;
            let wait = env.tape.between(Reel::Services, 0, check);
            let what = OnBalancer::Checks(server);
            env.after(wait, Happening::Balancer { gate, what });
        }
    }

    fn later(&self, env: &mut Env, wait: Millis, what: OnTask) {
        let host = self.host;
        let what = OnHost::Task(what);
        env.after(wait, Happening::Host { host, what });
    }

    fn free_port(&self, order: &TaskSetOrder, tasks: &[Task]) -> Option<u16> {
        let range = order.definition.port;
        let taken = |port: &u16| tasks.iter().any(|task| task.port == *port);
        let mut ports = range.first..=range.last;
        ports.find(|port| !taken(port) && !self.occupied.contains(port))
    }

    fn new_process(&mut self) -> u32 {
        self.started += 1;
        self.started
    }
}

impl Set {
    /// Whether it was ended and nothing of it is left.
    fn is_over(&self) -> bool {
        self.ended && self.tasks.is_empty()
    }
}
