//! What can happen next in the simulated world.

use std::sync::Arc;

use super::balancer::Step;
use crate::agent::protocol::{ExecutionState, Order, TaskSetOrder, TaskSetState};
use crate::engine::input;
use crate::model::deployment::ExecutionId;
use crate::providers::notify::Answer;
use crate::providers::traffic::{At, Observed, TrafficError, Wanted};

/// Which life of a process, counted from 1: what was meant for an earlier one does not concern the next.
pub type Life = u32;

/// Something that happens.
#[derive(Debug)]
pub enum Happening {
    /// A request arrives at a host.
    Request {
        /// Which.
        host: usize,
        /// What it says.
        request: Request,
    },
    /// A host's answer arrives.
    Reply {
        /// Whose.
        host: usize,
        /// To which request.
        to: Asked,
        /// What it says.
        reply: Reply,
    },
    /// Lines of a host's log arrive on its stream: from this one to before that one.
    Lines {
        /// Whose.
        host: usize,
        /// On which stream.
        stream: Asked,
        /// The first.
        from: usize,
        /// Behind the last.
        to: usize,
    },
    /// Something happens on a host by itself.
    Host {
        /// Which.
        host: usize,
        /// What.
        what: OnHost,
    },
    /// Something happens in the orchestrator by itself.
    Controller {
        /// In which of its lives.
        life: Life,
        /// What.
        what: InController,
    },
    /// Something arrives or happens at a load balancer.
    Balancer {
        /// Which.
        gate: usize,
        /// What.
        what: OnBalancer,
    },
    /// A load balancer's answer arrives.
    BalancerTells {
        /// To which request.
        called: Called,
        /// What it says.
        told: Box<Result<Told, TrafficError>>,
    },
    /// A call arrives at a hook, or it does something by itself.
    Hook(OnHook),
    /// A hook's answer to a call arrives.
    HookTells {
        /// To which call.
        called: CalledHook,
        /// What it says.
        answer: Answer,
    },
    /// Somebody gives a version of a group's function everything by hand, or the task set of its service, and deploys the next one.
    GivesAll {
        /// Whose.
        group: usize,
        /// Which version.
        version: usize,
        /// The key that deploys.
        key: Box<Key>,
    },
    /// The orchestrator is started again.
    ControllerStarts,
    /// An operator presses a key.
    Operator(usize),
    /// A key arrives at the orchestrator.
    Key {
        /// Who pressed it.
        person: usize,
        /// What it means.
        key: Box<Key>,
    },
    /// Something breaks, or not.
    Fault,
    /// Alarms are polled.
    Alarms,
    /// Freezes come and go.
    Freezes,
    /// A host that is cut off is reached again.
    Heals {
        /// Which.
        host: usize,
    },
    /// A host is cut off.
    Cut {
        /// Which.
        host: usize,
    },
    /// Nothing goes wrong from here on.
    Calm,
}

/// What an operator wants.
#[derive(Clone, Debug)]
pub enum Key {
    /// Deploy a revision to a group.
    Deploy {
        /// To which.
        group: usize,
        /// Which.
        revision: usize,
        /// The version that gets the traffic by now, where whoever deploys a function says so.
        current: Option<usize>,
    },
    /// Roll a deployment back that is over.
    RollBack {
        /// Which.
        deployment: usize,
    },
    /// Something about a deployment.
    Command {
        /// Which.
        deployment: usize,
        /// What.
        command: input::Command,
    },
}

/// Which request of which session of which life of the orchestrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The orchestrator's life.
    pub life: Life,
    /// The driver's session with the host; 0: whoever has task sets made and ended asks.
    pub session: u32,
    /// The request.
    pub number: u32,
}

/// A request to a host.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub asked: Asked,
    /// What.
    pub what: Ask,
}

/// What a host is asked.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Who it is.
    Greet,
    /// To run an execution.
    Place {
        /// Which.
        execution: ExecutionId,
        /// What it is to do.
        order: Arc<Order>,
    },
    /// To stop an execution.
    Stop {
        /// Which.
        execution: ExecutionId,
    },
    /// To go on with executions.
    Renew {
        /// Which.
        executions: Vec<ExecutionId>,
    },
    /// To have these tasks, of the task set of this number.
    OrderTasks {
        /// The task set.
        set: usize,
        /// What is ordered.
        order: Box<TaskSetOrder>,
    },
    /// How the tasks of a task set are.
    LookAtTasks {
        /// The task set.
        set: usize,
    },
    /// To end the tasks of a task set.
    EndTasks {
        /// The task set.
        set: usize,
    },
    /// To tell everything after this message.
    Stream {
        /// Its number.
        after: u64,
    },
}

/// What a host answers.
#[derive(Debug)]
pub enum Reply {
    /// It did what it was asked.
    Done,
    /// What has become of an execution.
    State(Box<ExecutionState>),
    /// How the tasks of a task set are.
    Tasks(Box<TaskSetState>),
    /// It does not know the execution.
    Unknown,
    /// It refuses.
    Refused(String),
}

/// Which request to a load balancer: of which keeper of which life of the orchestrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// The orchestrator's life.
    pub life: Life,
    /// The keeper's deployment.
    pub deployment: usize,
    /// The load balancer.
    pub gate: usize,
    /// The request.
    pub number: u32,
}

/// Which call of a hook: of which life of the orchestrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalledHook {
    /// The orchestrator's life.
    pub life: Life,
    /// The deployment.
    pub deployment: usize,
    /// The turn of whoever calls.
    pub turn: u32,
}

/// What arrives at a hook, or happens there.
#[derive(Debug)]
pub enum OnHook {
    /// It is called, with this ticket.
    Asked(CalledHook, ExecutionId),
    /// It reports how it ended.
    Reports {
        /// Of which deployment.
        deployment: usize,
        /// The ticket that it was given.
        ticket: ExecutionId,
        /// Whether all is well.
        well: bool,
        /// How often it tries again if nobody answers.
        tries: u32,
    },
}

/// What a load balancer is asked.
#[derive(Debug)]
pub enum AskedBalancer {
    /// How things are for these servers.
    Observe(Vec<usize>),
    /// To be so, decided on what the watch had counted so far.
    Apply(Wanted<At>, u64),
}

/// What a load balancer answers.
#[derive(Debug)]
pub enum Told {
    /// How things are, and what the watch had counted then.
    Observed(Box<Observed>, u64),
    /// It accepted everything.
    Done,
}

/// What arrives or happens at a load balancer.
#[derive(Debug)]
pub enum OnBalancer {
    /// A request.
    Asked(Called, Box<AskedBalancer>),
    /// What it accepted in this life takes effect.
    Changes(Life, Step),
    /// It looks whether the application on a host serves.
    Checks(usize),
    /// It is back, in this life.
    Returns(Life),
}

/// What happens on a host by itself.
#[derive(Clone, Copy, Debug)]
pub enum OnHost {
    /// A process ends.
    ProcessEnds(u32),
    /// The agent's own work is done, in this life of it, for this group.
    WorkEnds(Life, usize),
    /// A script has taken too long: in this life of the agent, this process.
    TimesOut(Life, u32),
    /// A script that was told to end did not: in this life of the agent, this process.
    GraceEnds(Life, u32),
    /// Something happens to a task of a service.
    Task(OnTask),
    /// The agent is started again.
    AgentStarts,
    /// The machine has started again.
    Boots,
}

/// What happens to a task of a service by itself.
#[derive(Clone, Copy, Debug)]
pub enum OnTask {
    /// In this life of the agent it is started: of this task set, the task of this number.
    Starts(Life, usize, u32),
    /// This process of one serves from now on.
    Serves(u32),
    /// This process of one ends by itself.
    Dies(u32),
    /// In this life of the agent, this process was told to end, and did not in time.
    Killed(Life, u32),
}

/// What happens in the orchestrator by itself.
#[derive(Clone, Copy, Debug)]
pub enum InController {
    /// What was written is durable.
    Synced,
    /// A time has come of this deployment.
    Due(usize),
    /// Leases of this host are to be renewed, in this session.
    Lease(usize, u32),
    /// This host has not answered this request of this session.
    TimesOut(usize, u32, u32),
    /// The stream of this session with this host has broken, or has been silent for too long.
    StreamBroken(usize, u32),
    /// It is time to try this host again, after this session.
    Rested(usize, u32),
    /// The keeper of this deployment goes on, if it has not since it was to for the so manieth time.
    Keeps(usize, u32),
    /// A load balancer has not answered this request of the keeper of this deployment.
    BalancerSilent(usize, u32),
    /// Whoever calls a hook of this deployment goes on, if it has not since.
    Calls(usize, u32),
    /// Whoever has task sets made and ended for this deployment goes on, if they have not since.
    Makes(usize, u32),
}
