//! The lab's fleet: started, found again, ended.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;

use super::agents::{ANY_PORT, END, end_scripts, end_unknown, reached, spawn};
use super::launch::last_line;
use super::record::{Checkout, Record};
use super::{checkout, gallery, project, traffic};

/// A fleet of agents on loopback.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The lab's folder: project, state, hosts.
    pub folder: PathBuf,
    pub(super) record: Record,
}

/// Why a lab can't be started.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A file or process failed.
    #[error("{context}")]
    Io {
        /// What was being done.
        context: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The folder has something else in it.
    #[error("{path} is not empty and not a lab's folder: choose another", path = .0.display())]
    NotALab(PathBuf),
    /// A process did not start.
    #[error("{name} did not start: {said}; its log is {log}", log = .log.display())]
    NotStarted {
        /// Which.
        name: String,
        /// The last that it said.
        said: String,
        /// All that it said.
        log: PathBuf,
    },
    /// Nothing runs there.
    #[error("no lab with checkout runs in {path}", path = .0.display())]
    Ended(PathBuf),
    /// The lab runs already.
    #[error("a lab runs in {path} already: `cutover lab` opens it, `cutover lab --down` ends it", path = .0.display())]
    Runs(PathBuf),
}

pub(super) fn context(what: impl Into<String>) -> impl FnOnce(io::Error) -> LabError {
    let context = what.into();
    move |source| LabError::Io { context, source }
}

pub(super) fn not_started(name: &str, log: PathBuf) -> LabError {
    LabError::NotStarted {
        name: name.to_owned(),
        said: last_line(&log),
        log,
    }
}

impl Fleet {
    /// The lab in this folder, if it was one; its processes may have ended since.
    pub fn find(folder: &Path) -> Option<Self> {
        Some(Self {
            folder: folder.to_owned(),
            record: Record::read(folder)?,
        })
    }

    /// Whether any of its agents runs.
    pub fn runs(&self) -> bool {
        self.record.all_agents().any(|agent| agent.process.runs())
    }

    /// How many hosts `shop` and `search` have.
    pub fn hosts(&self) -> usize {
        self.record.agents.len()
    }

    /// How many times as fast as usual its schedules run.
    pub fn speed(&self) -> u32 {
        self.record.speed
    }

    /// Starts this many agents and writes the project, whose schedules run `speed` times as fast as usual; on request, with `checkout`, its hosts and the router before them. A
    /// lab that was in the folder before is replaced: end what is left of it first.
    ///
    /// # Errors
    /// If the folder holds something else, a lab runs in it, or a process does not start; then none is left running.
    pub async fn up(
        folder: &Path,
        hosts: usize,
        with_checkout: bool,
        speed: u32,
    ) -> Result<Self, LabError> {
        prepare(folder)?;
        let folder = folder
            .canonicalize()
            .map_err(context(folder.display().to_string()))?;
        let mut fleet = Self {
            folder,
            record: Record {
                speed,
                ..Record::default()
            },
        };
        fleet.save()?;
        match fleet.start(hosts, with_checkout).await {
            Ok(()) => Ok(fleet),
            Err(error) => {
                fleet.down().await;
                Err(error)
            }
        }
    }

    async fn start(&mut self, hosts: usize, with_checkout: bool) -> Result<(), LabError> {
        if with_checkout {
            let (places, thumbs, gallery) = traffic::free().map_err(context("no free ports"))?;
            self.record.checkout = Some(Checkout::at(places));
            self.record.thumbs = Some(thumbs);
            self.record.gallery = Some(gallery);
        }
        for number in 1..=hosts {
            let agent = spawn(&self.folder, &format!("web-{number}"), ANY_PORT)?;
            self.record.agents.push(agent);
            // Written after each: whoever ends this process now can still end what it started.
            self.save()?;
        }
        for name in checkout::HOSTS.iter().filter(|_| with_checkout) {
            let agent = spawn(&self.folder, name, ANY_PORT)?;
            if let Some(checkout) = &mut self.record.checkout {
                checkout.agents.push(agent);
            }
            self.save()?;
        }
        self.reach().await?;
        project::write(&self.folder, &self.record)
            .map_err(context("the lab's project can't be written"))?;
        self.save()?;
        self.route().await?;
        self.serve_function().await.map(|_| ())
    }

    /// Waits until every agent says where it listens.
    async fn reach(&mut self) -> Result<(), LabError> {
        let checkout = self.record.checkout.iter_mut();
        let others = checkout.flat_map(|checkout| &mut checkout.agents);
        for agent in self.record.agents.iter_mut().chain(others) {
            agent.address = reached(&self.folder, agent).await?;
        }
        Ok(())
    }

    /// Ends whatever runs for the lab: who sends requests first, and what scripts left running last.
    pub async fn down(&mut self) {
        // Whoever starts something just now is waited for. Without the lock, what is known is ended.
        let _alone = self.alone().await;
        if let Some(checkout) = &self.record.checkout {
            let thumbs = self.record.thumbs.iter();
            let thumbs = thumbs.filter_map(|thumbs| thumbs.process.as_ref());
            let gallery = self.record.gallery.iter();
            let gallery = gallery.filter_map(|gallery| gallery.requests.as_ref());
            let asking = thumbs.chain(gallery).chain(&checkout.requests);
            for process in asking.chain(&checkout.router) {
                process.end(END).await;
            }
        }
        let agents = self.record.all_agents();
        join_all(agents.map(|agent| agent.process.end(END))).await;
        let provisioned = self.record.provisioned();
        join_all(provisioned.map(|one| end_unknown(&self.folder, &one.name))).await;
        let scripts = self
            .record
            .all_agents()
            .map(|agent| end_scripts(&self.folder, &agent.name));
        join_all(scripts).await;
        let tasks = gallery::tasks(&self.folder);
        join_all(tasks.into_iter().map(|task| task.end(END))).await;
    }

    pub(super) fn save(&self) -> Result<(), LabError> {
        let written = self.record.save(&self.folder);
        written.map_err(context("the lab's record can't be written"))
    }
}

/// Makes the folder, or empties a former lab's.
fn prepare(folder: &Path) -> Result<(), LabError> {
    let failed = || context(folder.display().to_string());
    if let Some(former) = Fleet::find(folder) {
        if former.runs() {
            return Err(LabError::Runs(folder.to_owned()));
        }
        std::fs::remove_dir_all(folder).map_err(failed())?;
    }
    std::fs::create_dir_all(folder).map_err(failed())?;
    let mut entries = std::fs::read_dir(folder).map_err(failed())?;
    if entries.next().is_some() {
        return Err(LabError::NotALab(folder.to_owned()));
    }
    Ok(())
}
