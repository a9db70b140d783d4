//! One host's driver: places executions, renews their leases, and passes on what the host's stream says.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, timeout};

use super::super::{Request, lock};
use super::{Assignment, Hosts, Mode};
use crate::agent::protocol::{ExecutionState, HEARTBEAT, Leases, Message, What};
use crate::engine::Input;
use crate::engine::input::Report;
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::providers::hosts::{AgentClient, HostError, Messages};
use crate::store::output::OutputLine;

/// How long a driver without work keeps its connection.
const LINGER: Duration = Duration::from_secs(5);

/// How long to wait before trying a host again: doubled from the first to the last.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

/// What a driver is asked.
#[derive(Debug)]
pub(super) enum Ask {
    /// Run or stop an execution.
    Assign(Box<Assignment>),
    /// It is over.
    Forget(ExecutionId),
}

impl Ask {
    /// The assignment, if it is to stop an execution.
    fn stop(&self) -> Option<Assignment> {
        match self {
            Self::Assign(assignment) if assignment.mode == Mode::Halt => {
                Some(Assignment::clone(assignment))
            }
            _ => None,
        }
    }
}

/// An execution that is wanted of the host.
struct Wanted {
    assignment: Assignment,
    /// What the host answered to the order or the stop; `None` until it did.
    placed: Option<ExecutionState>,
    /// Whether the open stream has told, or will tell, everything from its beginning on.
    heard: bool,
    /// What its deployment was last told about the connection to the host; `None` before the first word.
    contact: Option<bool>,
}

/// The host's stream, and how far it has been read.
struct Ear {
    messages: Messages,
    position: u64,
}

pub(super) struct Driver {
    host: Name,
    client: AgentClient,
    hosts: Hosts,
    asks: mpsc::Receiver<Ask>,
    wanted: BTreeMap<ExecutionId, Wanted>,
}

impl Driver {
    pub(super) fn new(
        host: Name,
        client: AgentClient,
        hosts: Hosts,
        asks: mpsc::Receiver<Ask>,
    ) -> Self {
        Self {
            host,
            client,
            hosts,
            asks,
            wanted: BTreeMap::new(),
        }
    }

    /// Serves the host until it has had no work for a while.
    pub(super) async fn run(mut self) {
        let mut pause = BACK_OFF.0;
        // A retired driver has nobody left to ask it for anything, and says nothing more.
        while !(self.asks.is_closed() && self.asks.is_empty()) {
            if self.wanted.is_empty() {
                match timeout(LINGER, self.asks.recv()).await {
                    Ok(Some(ask)) => self.take(ask),
                    Ok(None) => return,
                    Err(_) => {
                        let mut drivers = lock(&self.hosts.0.drivers);
                        if self.asks.is_empty() && !self.asks.is_closed() {
                            drivers.remove(&self.host);
                            return;
                        }
                    }
                }
                continue;
            }
            match self.session().await {
                Ok(()) => pause = BACK_OFF.0,
                Err(error) => {
                    tracing::warn!(host = %self.host, %error, "lost a host; trying again");
                    self.hosts.observe(&self.host, Err(&error));
                    self.lose().await;
                    self.rest(pause).await;
                    pause = (2 * pause).min(BACK_OFF.1);
                }
            }
        }
    }

    /// The connection is gone: whoever waits for the host learns it once.
    async fn lose(&mut self) {
        let retired = self.asks.is_closed();
        for wanted in self.wanted.values_mut() {
            wanted.placed = None;
            wanted.heard = false;
            if wanted.contact != Some(false) && !retired {
                wanted.contact = Some(false);
                report(&wanted.assignment, Report::Lost).await;
            }
        }
    }

    /// The host answers, and everything it says of these executions will be heard.
    async fn regain(&mut self) {
        let found = self.wanted.values_mut();
        for wanted in found.filter(|wanted| wanted.heard && wanted.contact != Some(true)) {
            wanted.contact = Some(true);
            report(&wanted.assignment, Report::Heard).await;
        }
    }

    /// Waits before the next try, open to requests.
    async fn rest(&mut self, pause: Duration) {
        let rest = tokio::time::sleep(pause);
        tokio::pin!(rest);
        loop {
            tokio::select! {
                () = &mut rest => return,
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.take(ask),
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, ask: Ask) {
        take(&mut self.wanted, &self.hosts, ask);
    }

    /// Works with the host until nothing is wanted of it any more, or the connection breaks.
    async fn session(&mut self) -> Result<(), HostError> {
        let mut greeting = Some(self.client.greet(&self.host).await?);
        let mut ear: Option<Ear> = None;
        let mut lease = tokio::time::interval(HEARTBEAT);
        lease.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.place_all(&mut lease).await?;
            if self.wanted.is_empty() {
                // What it has installed is to be seen at once.
                let farewell = self.client.greet(&self.host).await?;
                self.hosts.observe(&self.host, Ok(Some(farewell)));
                return Ok(());
            }
            self.listen(&mut ear).await?;
            self.regain().await;
            self.hosts.observe(&self.host, Ok(greeting.take()));
            let Some(ear) = &mut ear else { continue };
            tokio::select! {
                biased;
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.take(ask),
                    None => return Ok(()),
                },
                _ = lease.tick() => renew(&self.client, &self.wanted).await?,
                message = ear.messages.next() => match message {
                    Some(message) => {
                        let message = message?;
                        let gap = message.seq > ear.position.saturating_add(1);
                        ear.position = message.seq;
                        if gap {
                            self.tell_states(message.seq).await?;
                        }
                        crate::crash_point::here!("driver.before-report");
                        self.pass_on(message).await;
                        crate::crash_point::here!("driver.after-report");
                    }
                    None => return Err(self.client.silent()),
                },
            }
        }
    }

    /// Gives every order, and tells every stop, that the host has not answered yet.
    async fn place_all(&mut self, lease: &mut Interval) -> Result<(), HostError> {
        let waiting: Vec<Assignment> = self
            .wanted
            .values()
            .filter(|wanted| wanted.placed.is_none())
            .map(|wanted| wanted.assignment.clone())
            .collect();
        for assignment in waiting {
            let placing = place(&self.client, &self.hosts, &assignment);
            tokio::pin!(placing);
            // Sending a large bundle must neither cost the host's other executions their leases nor keep a stop waiting.
            let placed = loop {
                tokio::select! {
                    placed = &mut placing => break Some(placed),
                    _ = lease.tick() => renew(&self.client, &self.wanted).await?,
                    ask = self.asks.recv() => {
                        let Some(ask) = ask else { return Ok(()) };
                        let stop = ask.stop();
                        take(&mut self.wanted, &self.hosts, ask);
                        if let Some(stop) = stop {
                            let told = self.client.stop(&stop.execution, &stop.by).await;
                            settle(&mut self.wanted, &stop, told).await?;
                        }
                        let still = self.wanted.get(&assignment.execution);
                        if still.is_none_or(|wanted| wanted.assignment.mode != assignment.mode) {
                            break None;
                        }
                    }
                }
            };
            if let Some(placed) = placed {
                settle(&mut self.wanted, &assignment, placed).await?;
                // Only now may the host begin: had the order come too late, nobody would say so.
                renew(&self.client, &self.wanted).await?;
                lease.reset();
            }
        }
        Ok(())
    }

    /// Makes sure that the stream is open, from before the beginning of every execution that it has not told of yet.
    async fn listen(&mut self, ear: &mut Option<Ear>) -> Result<(), HostError> {
        let new = self
            .wanted
            .values_mut()
            .filter(|wanted| !wanted.heard)
            .filter_map(|wanted| Some((&mut wanted.heard, wanted.placed.as_ref()?.accepted_seq)));
        let mut oldest = None::<u64>;
        for (heard, accepted) in new {
            *heard = true;
            oldest = Some(oldest.map_or(accepted, |oldest| oldest.min(accepted)));
        }
        if let Some(oldest) = oldest
            && ear.as_ref().is_none_or(|ear| oldest < ear.position)
        {
            // Entries heard once more change nothing; entries never heard would be lost.
            *ear = Some(Ear {
                messages: self.client.stream(oldest).await?,
                position: oldest,
            });
        }
        Ok(())
    }

    /// The host's log no longer reaches back to where an execution began: its state, asked for anew, tells what was lost.
    async fn tell_states(&mut self, first: u64) -> Result<(), HostError> {
        for wanted in self.wanted.values_mut() {
            let began = wanted.placed.as_ref().map(|state| state.accepted_seq);
            if began.is_none_or(|began| began >= first) {
                continue;
            }
            // Asking again for what the host knows changes nothing there.
            let state = place(&self.client, &self.hosts, &wanted.assignment).await?;
            for entry in &state.events {
                let known = entry.start_time.or(entry.end_time);
                if let Some(at) = known {
                    let event = entry.event;
                    report(&wanted.assignment, Report::EventStarted { event, at }).await;
                }
                if let Some(at) = entry.end_time
                    && matches!(entry.status, EventStatus::Succeeded | EventStatus::Failed)
                {
                    let ended = Report::EventEnded {
                        event: entry.event,
                        status: entry.status,
                        at,
                        diagnostics: entry.diagnostics.clone(),
                    };
                    report(&wanted.assignment, ended).await;
                }
            }
            if state.ended.is_some() {
                report(&wanted.assignment, Report::Ended).await;
            }
            wanted.placed = Some(state);
        }
        Ok(())
    }

    async fn pass_on(&self, message: Message) {
        let Some(wanted) = self.wanted.get(&message.execution) else {
            return;
        };
        let assignment = &wanted.assignment;
        let at = message.at;
        match message.what {
            What::Accepted => {}
            What::EventStarted { event } => {
                report(assignment, Report::EventStarted { event, at }).await;
            }
            What::EventEnded {
                event,
                status,
                diagnostics,
            } => {
                let ended = Report::EventEnded {
                    event,
                    status,
                    at,
                    diagnostics,
                };
                report(assignment, ended).await;
            }
            What::Output {
                event,
                source,
                text,
            } => {
                let line = OutputLine {
                    execution: message.execution,
                    seq: message.seq,
                    at,
                    event,
                    source,
                    text,
                };
                let outputs = &self.hosts.0.outputs;
                let kept = outputs.append(&assignment.deployment, &assignment.target, &line);
                if let Err(error) = kept {
                    tracing::error!(host = %self.host, %error, "a line of output was lost");
                }
            }
            What::Ended { .. } => report(assignment, Report::Ended).await,
        }
    }
}

/// Changes what is wanted of the host.
fn take(wanted: &mut BTreeMap<ExecutionId, Wanted>, hosts: &Hosts, ask: Ask) {
    match ask {
        Ask::Assign(assignment) => {
            let former = wanted.get(&assignment.execution);
            let new = Wanted {
                heard: former.is_some_and(|former| former.heard),
                contact: former.and_then(|former| former.contact),
                placed: None,
                assignment: *assignment,
            };
            wanted.insert(new.assignment.execution.clone(), new);
        }
        Ask::Forget(execution) => {
            if let Some(former) = wanted.remove(&execution) {
                let assignment = &former.assignment;
                hosts
                    .0
                    .outputs
                    .close(&assignment.deployment, &assignment.target);
            }
        }
    }
}

/// What the host answered to an order or a stop.
async fn settle(
    wanted: &mut BTreeMap<ExecutionId, Wanted>,
    assignment: &Assignment,
    answer: Result<ExecutionState, HostError>,
) -> Result<(), HostError> {
    match answer {
        Ok(state) => {
            crate::crash_point::here!("driver.after-order");
            if let Some(wanted) = wanted.get_mut(&assignment.execution) {
                wanted.placed = Some(state);
            }
        }
        // The host never got the order, and will not get it now.
        Err(HostError::Unknown { .. }) if assignment.mode == Mode::Halt => {
            wanted.remove(&assignment.execution);
            report(assignment, Report::Ended).await;
        }
        Err(HostError::Refused { reason, .. }) => {
            wanted.remove(&assignment.execution);
            report(assignment, Report::Refused { message: reason }).await;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn place(
    client: &AgentClient,
    hosts: &Hosts,
    assignment: &Assignment,
) -> Result<ExecutionState, HostError> {
    match assignment.mode {
        Mode::Run => {
            let digest = &assignment.order.revision.digest;
            let file = hosts.0.bundles.path(digest);
            client.ensure_bundle(digest, &file).await?;
            crate::crash_point::here!("driver.before-order");
            let Assignment {
                execution,
                order,
                by,
                ..
            } = assignment;
            client.place(execution, order, by).await
        }
        Mode::Halt => client.stop(&assignment.execution, &assignment.by).await,
    }
}

async fn renew(
    client: &AgentClient,
    wanted: &BTreeMap<ExecutionId, Wanted>,
) -> Result<(), HostError> {
    let executions: Vec<ExecutionId> = wanted
        .values()
        .filter(|wanted| wanted.assignment.mode == Mode::Run && wanted.placed.is_some())
        .map(|wanted| wanted.assignment.execution.clone())
        .collect();
    if executions.is_empty() {
        return Ok(());
    }
    client.renew(&Leases { executions }).await
}

async fn report(assignment: &Assignment, report: Report) {
    let input = Input::Report {
        execution: assignment.execution.clone(),
        target: assignment.target.clone(),
        report,
    };
    // A deployment that is over has no ear any more.
    let _over = assignment.reports.send(Request::Input(input)).await;
}
