//! A small door for load balancers on this host: it changes the upstream files of nginx that the agent's own configuration
//! names, and nothing else.
//!
//! A change is written, tested, kept or taken back, and brought into force by a reload; it is answered when the workers of
//! the new configuration serve. Whatever crashes in between, the next change puts it right: one that was not tested is taken
//! back, and one that nginx was not told is told again.

mod door;
mod file;
mod nginx;
mod run;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::door::Door;
use self::file::effect;
use self::nginx::Master;
use super::config::Config;
use super::layout::Layout;
use super::protocol::{UpstreamOrder, UpstreamServer, UpstreamState};
use crate::model::name::Name;

/// How long the workers of a new configuration may take to appear.
const TAKING: Duration = Duration::from_secs(10);

/// How often they are looked for.
const LOOK: Duration = Duration::from_millis(10);

/// Why an upstream is not told or changed.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The configuration does not have it.
    #[error(
        "there is no upstream {0} here: name it under `upstreams` in the agent's configuration"
    )]
    Unknown(String),
    /// The order makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The file has something that the agent did not write.
    #[error("{}:{line}: {reason}", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Where in it.
        line: usize,
        /// What, and what to do.
        reason: String,
    },
    /// nginx would not take it; the file is as it was.
    #[error("nginx refuses it, and the file is as it was: {0}")]
    Refused(String),
    /// It is in the file, but nginx does not work by it.
    #[error("the file is written, but nginx does not work by it: {0}")]
    NotTaken(String),
    /// A file cannot be read or written.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// The upstreams of this host that may be changed.
#[derive(Debug)]
pub struct Upstreams {
    host: Name,
    boot: String,
    doors: Vec<Arc<Door>>,
    /// Held during a change: a test reads all files of nginx, those of the other upstreams too.
    changing: tokio::sync::Mutex<()>,
}

impl Upstreams {
    /// Takes back what an earlier run of the agent left untested.
    pub fn open(config: &Config, layout: &Layout, boot: &str) -> Self {
        let doors = config.upstreams.all().iter();
        let doors: Vec<_> = doors.map(|one| Arc::new(Door::new(one, layout))).collect();
        for door in &doors {
            let file = door.upstream.file.display();
            match door.take_back() {
                Ok(false) => {}
                Ok(true) => {
                    tracing::warn!(%file, "a change was cut off before its test: taken back");
                }
                Err(error) => tracing::error!(%error, %file, "a change that was cut off remains"),
            }
        }
        Self {
            host: config.name.clone(),
            boot: boot.to_owned(),
            doors,
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// How an upstream is now. Reads files.
    pub fn state(&self, name: &str) -> Result<UpstreamState, UpstreamError> {
        let door = self.door(name)?;
        let servers = door.servers(door.read()?.as_deref())?;
        let master = self.master(&door);
        let in_force = master.as_ref().and_then(|m| door.in_force(m, &servers));
        let workers = master.as_ref().map(Master::workers).unwrap_or_default();
        Ok(UpstreamState {
            host: self.host.clone(),
            servers,
            in_force,
            epoch: master.as_ref().map(Master::epoch),
            shutting_down: workers.shutting_down.len(),
        })
    }

    /// Changes an upstream. Answers when nginx works by it.
    pub async fn change(
        self: Arc<Self>,
        name: &str,
        order: &UpstreamOrder,
    ) -> Result<UpstreamState, UpstreamError> {
        file::check(order).map_err(UpstreamError::Invalid)?;
        let door = self.door(name)?;
        let _changing = self.changing.lock().await;
        let (changed, servers) = beside({
            let (door, order) = (Arc::clone(&door), order.clone());
            move || write(&door, &order)
        })
        .await?;
        let master = self.master(&door);
        let told = master.as_ref().and_then(|m| door.in_force(m, &servers));
        let is_told = told.is_some_and(|told| effect(&told) == effect(&servers));
        if changed || !is_told {
            let tested = run::run(&door.upstream.test).await;
            if changed {
                let (door, passed) = (Arc::clone(&door), tested.is_ok());
                beside(move || {
                    if passed {
                        door.keep()
                    } else {
                        door.take_back().map(|_| ())
                    }
                })
                .await?;
            }
            tested.map_err(UpstreamError::Refused)?;
        }
        if !is_told {
            self.reload(&door, &servers).await?;
        }
        let (upstreams, name) = (Arc::clone(&self), name.to_owned());
        beside(move || upstreams.state(&name)).await
    }

    /// Makes nginx read its files again, and waits until it works by them.
    async fn reload(&self, door: &Door, servers: &[UpstreamServer]) -> Result<(), UpstreamError> {
        let master = self.master(door).ok_or_else(|| {
            let pid_file = door.upstream.pid_file.display();
            UpstreamError::NotTaken(format!("it does not run, by {pid_file}: start it"))
        })?;
        let before = master.workers().serving;
        let reloaded = run::run(&door.upstream.reload).await;
        reloaded.map_err(UpstreamError::NotTaken)?;
        let deadline = Instant::now() + TAKING;
        loop {
            let serving = master.workers().serving;
            // New workers come first; then the old ones are told to finish.
            if !serving.is_empty() && !serving.iter().any(|pid| before.contains(pid)) {
                return door.remember(&master, servers);
            }
            if Instant::now() > deadline {
                let seconds = TAKING.as_secs();
                return Err(UpstreamError::NotTaken(format!(
                    "no new worker process within {seconds} s of the reload: its error log says why"
                )));
            }
            sleep(LOOK).await;
        }
    }

    fn door(&self, name: &str) -> Result<Arc<Door>, UpstreamError> {
        let mut doors = self.doors.iter();
        doors
            .find(|door| door.upstream.name.as_str() == name)
            .cloned()
            .ok_or_else(|| UpstreamError::Unknown(name.to_owned()))
    }

    fn master(&self, door: &Door) -> Option<Master> {
        Master::find(&door.upstream.pid_file, &self.boot)
    }
}

/// Writes what an order says. Answers whether that changed the file, and which servers there are now.
fn write(door: &Door, order: &UpstreamOrder) -> Result<(bool, Vec<UpstreamServer>), UpstreamError> {
    door.take_back()?;
    let old = door.read()?;
    let servers = file::merge(door.servers(old.as_deref())?, order);
    let new = file::render(&servers);
    let changes = old.as_deref() != Some(&new);
    if changes {
        door.replace(old.as_deref(), &new)?;
    }
    Ok((changes, servers))
}

/// What waits for a disk runs beside the agent's one thread.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpstreamError> + Send + 'static,
) -> Result<T, UpstreamError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(UpstreamError::Io {
            context: "changing an upstream".to_owned(),
            source: io::Error::other(error),
        })
    })
}
