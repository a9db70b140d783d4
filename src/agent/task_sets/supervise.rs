//! The life of a task: found or started, asked whether it is well, started again when it ends, and ended with its task set.
//!
//! Every step may be the last one of this agent, and of this future: what follows is decided by what is there.

use std::convert::Infallible;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use super::folder::{Found, Memory, Run, TaskFolder};
use super::set::Set;
use super::{Host, health, said, start, stop};
use crate::agent::protocol::{TaskSetOrder, TaskStatus};

/// How long the first start after an end waits; each further one twice as long.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A task that lived for so long did not end because of how it was started.
const LONG: Duration = Duration::from_mins(1);

/// How often a task is asked that is not well, and one that is.
const UNWELL: Duration = Duration::from_millis(250);
const WELL: Duration = Duration::from_secs(3);

/// How often it is looked whether a task has ended that is no child of this agent's.
const LOOK: Duration = Duration::from_millis(500);

/// How often it is looked whether a start came through, and how long it may take from its lock to its program.
const STARTING: Duration = Duration::from_millis(20);
const STARTED: Duration = Duration::from_secs(5);

/// How long it takes until what cannot be done is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// One of the tasks.
struct Task {
    host: Arc<Host>,
    set: Arc<Set>,
    order: Arc<TaskSetOrder>,
    number: u32,
    folder: TaskFolder,
}

/// Supervises the tasks of a set until it was ended and they are gone, or the agent ends.
pub async fn supervise(host: Arc<Host>, set: Arc<Set>, order: Arc<TaskSetOrder>) {
    let task = |number| Task {
        host: Arc::clone(&host),
        set: Arc::clone(&set),
        order: Arc::clone(&order),
        number,
        folder: set.folder.task(number),
    };
    let tasks: Vec<_> = (1..=order.count).map(task).collect();
    let mut lives: FuturesUnordered<_> = tasks.iter().map(Task::live).collect();
    while lives.next().await.is_some() {}
}

impl Task {
    async fn live(&self) {
        tokio::select! {
            biased;
            () = self.set.ended.cancelled() => {}
            never = self.keep() => match never {},
        }
        self.end().await;
    }

    /// Keeps the task there. Can be given up at any moment, as an agent can be killed at any.
    async fn keep(&self) -> Infallible {
        let mut pause = SHORTEST;
        let mut before = None;
        // Nobody else starts anything once this has.
        let mut patience = STARTED;
        loop {
            let (run, child) = match self.find(patience).await {
                Some(run) => (run, None),
                None => match self.start().await {
                    Ok(Some((run, child))) => (run, Some(child)),
                    Ok(None) => {
                        sleep(UNWELL).await;
                        continue;
                    }
                    Err(trouble) => {
                        self.is_pending(trouble);
                        sleep(pause).await;
                        pause = (pause * 2).min(LONGEST);
                        continue;
                    }
                },
            };
            patience = Duration::ZERO;
            let since = Instant::now();
            let how = tokio::select! {
                biased;
                how = self.over(&run, child) => how,
                never = self.ask(&run, before.as_deref()) => match never {},
            };
            if since.elapsed() > LONG {
                pause = SHORTEST;
            }
            let how = self.with_words(how);
            tracing::warn!(task_set = %self.set.id, task = self.number, how, "a task has ended by itself");
            self.is_pending(how.clone());
            before = Some(how);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// The task, if it is there. If not, nothing of it is there when this returns. What has its lock may be about to become it,
    /// for so long.
    async fn find(&self, patience: Duration) -> Option<Run> {
        let patience = Instant::now() + patience;
        loop {
            match self.look().await {
                Ok(Found::Lives(run)) => {
                    self.host.ports.keep(self.folder.path(), run.port);
                    return Some(run);
                }
                // What a task leaves may have lost the lock.
                Ok(Found::Nothing) => {
                    stop::stop(&self.folder, &self.host.boot, self.grace()).await;
                    return None;
                }
                Ok(Found::Held) if Instant::now() < patience => sleep(STARTING).await,
                Ok(Found::Held) => {
                    stop::stop(&self.folder, &self.host.boot, self.grace()).await;
                    if matches!(self.look().await, Ok(Found::Held)) {
                        self.is_pending(self.held());
                        sleep(AGAIN).await;
                    }
                }
                Err(error) => {
                    self.is_pending(format!("its folder cannot be read: {error}"));
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn look(&self) -> io::Result<Found> {
        let (folder, host) = (self.folder.clone(), Arc::clone(&self.host));
        beside(move || folder.look(&host.boot)).await
    }

    fn held(&self) -> String {
        format!(
            "a program that it left behind keeps its lock: `fuser {}/lock` says which; end it",
            self.folder.path().display()
        )
    }

    /// Starts the task. Answers nothing if it was one too many or its port was gone: what is there has to be looked at again.
    async fn start(&self) -> Result<Option<(Run, Child)>, String> {
        // It may have ended after it was found, before anybody watched it.
        let now = crate::clock::now();
        self.set.update(self.number, |state| {
            state.is_now(TaskStatus::Pending, now);
            state.healthy = false;
        });
        let (folder, host) = (self.folder.clone(), Arc::clone(&self.host));
        let order = Arc::clone(&self.order);
        let prepared = beside(move || {
            let prepared = prepare(&folder, &host, &order);
            Ok(prepared)
        });
        let memory = prepared.await.map_err(|error| error.to_string())??;
        self.set.update(self.number, |state| {
            (state.port, state.restarts) = (memory.port, memory.restarts);
        });
        crate::crash_point::here!("task.before-start");
        let mut child = start::spawn(
            &self.host,
            (&self.set.id, &self.order),
            &self.folder,
            &memory,
        )?;
        crate::crash_point::here!("task.after-start");
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let comes_through = || self.folder.run().filter(|run| Some(run.process.pid) == pid);
        loop {
            if let Some(run) = comes_through().filter(|run| run.process.boot == self.host.boot) {
                return Ok(Some((run, child)));
            }
            tokio::select! {
                ended = child.wait() => {
                    let Some(run) = comes_through() else {
                        return ended.map_or_else(
                            |error| Err(error.to_string()),
                            |status| gave_up(status, &self.folder, &memory),
                        );
                    };
                    return Ok(Some((run, child)));
                }
                () = sleep(STARTING) => {}
            }
        }
    }

    /// Waits until the task has ended by itself, and answers how.
    async fn over(&self, run: &Run, child: Option<Child>) -> String {
        crate::crash_point::here!("task.running");
        if let Some(mut child) = child {
            return match child.wait().await {
                Ok(status) => format!("it ended by itself: {}", describe(status)),
                Err(error) => format!("it ended by itself: {error}"),
            };
        }
        while run.process.lives(&self.host.boot) {
            sleep(LOOK).await;
        }
        "it ended by itself; how is not known, as it was started by an earlier run of the agent"
            .to_owned()
    }

    /// Asks the task whether it is well, for ever.
    async fn ask(&self, run: &Run, before: Option<&str>) -> Infallible {
        let remembered = self.remembered().await;
        let mut settled = remembered.settled;
        self.set.update(self.number, |state| {
            state.is_now(TaskStatus::Running, run.since);
            (state.port, state.restarts) = (run.port, run.restarts);
            // Until it is asked anew, what it answered an earlier run of the agent holds.
            state.healthy = settled && run.restarts == remembered.restarts && state.healthy;
            if let Some(before) = before {
                state.trouble = Some(format!("before it was started again: {before}"));
            }
        });
        loop {
            let answer = health::ask(run.port, self.order.definition.health.as_deref()).await;
            // Somebody else may have answered for one that has ended.
            let answer = answer.and_then(|()| {
                let lives = run.process.lives(&self.host.boot);
                lives.then_some(()).ok_or_else(|| "it ended".to_owned())
            });
            let well = answer.is_ok();
            if well && !settled {
                settled = self.settle(run.port).await;
            }
            let trouble = answer.err().map(|why| match before {
                Some(before) => format!(
                    "{}\nbefore it was started again: {before}",
                    self.with_words(why)
                ),
                None => self.with_words(why),
            });
            self.set.update(self.number, |state| {
                state.healthy = well;
                state.trouble = trouble.map(cut);
            });
            self.cut_back().await;
            sleep(if well { WELL } else { UNWELL }).await;
        }
    }

    async fn remembered(&self) -> Memory {
        let folder = self.folder.clone();
        beside(move || folder.memory()).await.unwrap_or_default()
    }

    /// From now on others know the task by its port.
    async fn settle(&self, port: u16) -> bool {
        let folder = self.folder.clone();
        let settled = beside(move || {
            let memory = folder.memory()?;
            folder.remember(&Memory {
                port,
                settled: true,
                ..memory
            })
        });
        match settled.await {
            Ok(()) => {
                crate::crash_point::here!("task.settled");
                true
            }
            Err(error) => {
                tracing::error!(%error, "what is known of a task cannot be written");
                false
            }
        }
    }

    async fn cut_back(&self) {
        let (folder, host) = (self.folder.clone(), Arc::clone(&self.host));
        if let Err(error) = beside(move || said::cut_back(&folder, host.log_bytes)).await {
            tracing::error!(%error, "the log of a task cannot be cut back");
        }
    }

    /// Ends the task, and returns when nothing of it is left.
    async fn end(&self) {
        let now = crate::clock::now();
        self.set
            .update(self.number, |state| state.is_now(TaskStatus::Stopping, now));
        loop {
            stop::stop(&self.folder, &self.host.boot, self.grace()).await;
            let trouble = match self.look().await {
                Ok(Found::Nothing) => break,
                Ok(Found::Lives(_)) => "it was killed, and has not ended yet".to_owned(),
                Ok(Found::Held) => self.held(),
                Err(error) => format!("its folder cannot be read: {error}"),
            };
            self.set.update(self.number, |state| {
                (state.healthy, state.trouble) = (false, Some(trouble));
            });
            sleep(UNWELL).await;
        }
        crate::crash_point::here!("task.gone");
        self.host.ports.release(self.folder.path());
        self.set.is_gone(self.number);
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.order.definition.stop_seconds.into())
    }

    fn is_pending(&self, trouble: String) {
        let now = crate::clock::now();
        self.set.update(self.number, |state| {
            state.is_now(TaskStatus::Pending, now);
            (state.healthy, state.trouble) = (false, Some(cut(trouble)));
        });
    }

    /// A reason, with the last words of the task.
    fn with_words(&self, why: String) -> String {
        let from = self.folder.memory().map_or(0, |memory| memory.said_from);
        match said::tail(&self.folder, from) {
            Some(words) => format!("{why}; it said last:\n{words}"),
            None => why,
        }
    }
}

/// Makes the folder, finds a port and writes both down, so that a start may follow.
fn prepare(folder: &TaskFolder, host: &Host, order: &TaskSetOrder) -> Result<Memory, String> {
    let kept = |error: io::Error| {
        format!(
            "{} cannot be written: {error}; make room on its disk",
            folder.path().display()
        )
    };
    folder.make().map_err(kept)?;
    let mut memory = folder.memory().map_err(kept)?;
    let ended = folder.run().filter(|run| run.process.boot == host.boot);
    // It is counted once, also if the agent is killed between here and the start.
    if ended.is_some_and(|run| run.restarts == memory.restarts) {
        memory.restarts += 1;
    }
    memory.port = host.ports.choose(
        folder.path(),
        &memory,
        (order.definition.port, &order.avoid),
    )?;
    memory.said_from = said::end(folder);
    folder.remember(&memory).map_err(kept)?;
    Ok(memory)
}

/// A start that wrote nothing down.
fn gave_up(
    status: ExitStatus,
    folder: &TaskFolder,
    memory: &Memory,
) -> Result<Option<(Run, Child)>, String> {
    if status.success() {
        return Ok(None);
    }
    let said = said::tail(folder, memory.said_from).unwrap_or_default();
    Err(format!(
        "it cannot be started: {}; {said}",
        describe(status)
    ))
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}

/// So much is told of what is wrong.
const TROUBLE: usize = 1200;

fn cut(trouble: String) -> String {
    match trouble.char_indices().nth(TROUBLE) {
        Some((end, _)) => format!("{}…", trouble.get(..end).unwrap_or_default()),
        None => trouble,
    }
}

/// What waits for a disk runs beside the agent's one thread.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
