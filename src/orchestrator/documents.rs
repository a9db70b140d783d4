//! The project's documents, read again when they change; the last good version is kept when they have errors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::feed::FeedItem;
use super::{Handle, Orchestrator, Request, lock};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::store::documents;

/// How often the documents are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// The documents as last read.
#[derive(Debug)]
pub struct Documents {
    folder: PathBuf,
    /// Where the last version without an error is kept.
    last_good: PathBuf,
    current: Mutex<(Arc<Project>, Vec<String>)>,
}

impl Documents {
    /// Reads the documents for the first time. With errors, what an earlier orchestrator read last is used instead: a typo
    /// must not keep a rollout from being taken up, or stopped.
    ///
    /// # Errors
    /// What is wrong with them, one line each, if there is no earlier version.
    pub fn load(folder: &Path, last_good: PathBuf) -> Result<Self, Vec<String>> {
        let (project, problems) = match documents::load(folder) {
            Ok(loaded) => {
                keep(&last_good, &loaded.project);
                (loaded.project, Vec::new())
            }
            Err(problems) => {
                let kept = std::fs::read(&last_good).ok();
                let kept = kept.and_then(|text| serde_json::from_slice(&text).ok());
                (kept.ok_or_else(|| lines(&problems))?, lines(&problems))
            }
        };
        Ok(Self {
            folder: folder.to_owned(),
            last_good,
            current: Mutex::new((Arc::new(project), problems)),
        })
    }

    /// The documents as last read without an error, and what is wrong with them now.
    pub fn current(&self) -> (Arc<Project>, Vec<String>) {
        lock(&self.current).clone()
    }
}

/// Keeps a version without errors. Failing to is no reason to stop: it is needed only after two other mishaps.
fn keep(file: &Path, project: &Project) {
    let new = file.with_extension("new");
    let written = serde_json::to_vec(project)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(&new, text))
        .and_then(|()| std::fs::rename(&new, file));
    if let Err(error) = written {
        tracing::warn!(%error, "the last good documents can't be kept");
    }
}

fn lines(problems: &[documents::Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

impl Orchestrator {
    /// Reads the documents again whenever they have changed, and tells everybody.
    pub(super) fn follow_documents(self) {
        tokio::spawn(async move {
            let mut seen = documents::fingerprint(&self.0.documents.folder);
            loop {
                tokio::time::sleep(INTERVAL).await;
                let now = documents::fingerprint(&self.0.documents.folder);
                if now != seen {
                    seen = now;
                    self.reload();
                }
            }
        });
    }

    fn reload(&self) {
        let folder = &self.0.documents.folder;
        let mut moved = BTreeSet::new();
        let item = {
            let mut current = lock(&self.0.documents.current);
            match documents::load(folder) {
                Ok(loaded) => {
                    keep(&self.0.documents.last_good, &loaded.project);
                    moved = moved_hosts(&current.0, &loaded.project);
                    *current = (Arc::new(loaded.project), Vec::new());
                }
                Err(problems) => {
                    current.1 = lines(&problems);
                    tracing::warn!(problems = ?current.1, "the documents have errors; the last good ones stay in force");
                }
            }
            FeedItem::Project {
                project: Box::new((*current.0).clone()),
                problems: current.1.clone(),
            }
        };
        self.publish(item);
        // The limit of what runs at a time may be another one.
        self.admit();
        if !moved.is_empty() {
            self.0.hosts.retire(&moved);
            self.tell_moved(moved);
        }
    }

    /// Has every running deployment drive its hosts anew that have left, come, or moved.
    fn tell_moved(&self, hosts: BTreeSet<Name>) {
        let handles: Vec<Handle> = lock(&self.0.active).values().cloned().collect();
        let hosts = Arc::new(hosts);
        tokio::spawn(async move {
            for handle in handles {
                // One that has ended needs no host.
                let _ended = handle
                    .requests
                    .send(Request::Moved(Arc::clone(&hosts)))
                    .await;
            }
        });
    }
}

/// The hosts that are in one of two versions only, or at different addresses.
fn moved_hosts(former: &Project, now: &Project) -> BTreeSet<Name> {
    let places = |project: &Project| -> BTreeSet<(Name, String)> {
        let hosts = project.hosts.iter();
        hosts
            .map(|host| (host.name.clone(), host.address.clone()))
            .collect()
    };
    let (former, now) = (places(former), places(now));
    let changed = former.symmetric_difference(&now);
    changed.map(|(name, _)| name.clone()).collect()
}
