//! The project's documents, read again when they change; the last good version is kept when they have errors. Hosts that
//! fleets provisioned, and instances that were found at AWS, are in no document, and in every project that anybody sees.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::feed::FeedItem;
use super::{Handle, Orchestrator, Request, lock};
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::store::documents;

/// How often the documents are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// What was found at AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The instances.
    pub hosts: Vec<Host>,
    /// What could not be asked, or is not there: one line each.
    pub trouble: Vec<String>,
}

/// The documents as last read.
#[derive(Debug)]
pub struct Documents {
    folder: PathBuf,
    /// Where the last version without an error is kept.
    last_good: PathBuf,
    current: Mutex<Current>,
    /// What was looked at last, whether it could be read or not.
    seen: Mutex<documents::Fingerprint>,
}

#[derive(Clone, Debug)]
struct Current {
    /// As the documents have it.
    written: Project,
    /// What fleets provisioned.
    provisioned: Vec<Host>,
    /// What was found at AWS.
    found: Found,
    /// All together.
    project: Arc<Project>,
    /// What keeps some of the hosts out that are in no document, one line each.
    clashes: Vec<String>,
    /// What is wrong with the documents now, one line each.
    problems: Vec<String>,
}

impl Current {
    fn new(written: Project, provisioned: Vec<Host>, found: Found, problems: Vec<String>) -> Self {
        let (mut project, mut clashes) = together(&written, &provisioned);
        clashes.extend(join(&mut project, &found.hosts));
        clashes.extend(found.trouble.clone());
        Self {
            written,
            provisioned,
            found,
            project: Arc::new(project),
            clashes,
            problems,
        }
    }

    /// Everything that is wrong.
    fn wrong(&self) -> Vec<String> {
        self.problems.iter().chain(&self.clashes).cloned().collect()
    }

    fn item(&self) -> FeedItem {
        FeedItem::Project {
            project: Box::new((*self.project).clone()),
            problems: self.wrong(),
        }
    }
}

impl Documents {
    /// Reads the documents for the first time. With errors, what an earlier orchestrator read last is used instead: a typo
    /// must not keep a rollout from being taken up, or stopped. `provisioned` are the hosts that fleets provisioned, `found` the instances
    /// of AWS as they were found last.
    ///
    /// # Errors
    /// What is wrong with them, one line each, if there is no earlier version.
    pub fn load(
        folder: &Path,
        last_good: PathBuf,
        provisioned: Vec<Host>,
        found: Vec<Host>,
    ) -> Result<Self, Vec<String>> {
        // Before they are read: what changes meanwhile is read again.
        let seen = documents::fingerprint(folder);
        let (written, problems) = match documents::load(folder) {
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
            current: Mutex::new(Current::new(
                written,
                provisioned,
                Found {
                    hosts: found,
                    trouble: Vec::new(),
                },
                problems,
            )),
            seen: Mutex::new(seen),
        })
    }

    /// The documents as last read without an error, and what is wrong with them now.
    pub fn current(&self) -> (Arc<Project>, Vec<String>) {
        let current = lock(&self.current);
        (Arc::clone(&current.project), current.wrong())
    }
}

/// A project with the hosts that fleets provisioned, behind its own, and what keeps others out.
fn together(written: &Project, provisioned: &[Host]) -> (Project, Vec<String>) {
    let mut project = written.clone();
    let mut clashes = Vec::new();
    for host in provisioned {
        match clash(&project, host) {
            Some(clash) => clashes.push(clash),
            None => project.hosts.push(host.clone()),
        }
    }
    (project, clashes)
}

/// Takes instances in that were found at AWS. One that is in the documents keeps the address that it has there. Answers what
/// keeps others out.
fn join(project: &mut Project, found: &[Host]) -> Vec<String> {
    let mut clashes = Vec::new();
    for host in found {
        let mut named = project.hosts.iter_mut();
        if let Some(known) = named.find(|known| known.name == host.name) {
            known.instance.clone_from(&host.instance);
            continue;
        }
        if host.address.is_empty() {
            let message = format!(
                "{} has no private address at AWS: add it as a host of its own, with an address",
                host.name
            );
            clashes.push(message);
            continue;
        }
        match clash(project, host) {
            Some(clash) => clashes.push(clash),
            None => project.hosts.push(host.clone()),
        }
    }
    clashes
}

/// Why a host that a fleet provisioned can't be one of a project's.
pub(super) fn clash(project: &Project, host: &Host) -> Option<String> {
    let from = host.provisioned.as_ref();
    let whose = from.map_or_else(String::new, |from| {
        format!(
            ", and the fleet {} provisioned it for {}",
            from.fleet, from.deployment
        )
    });
    let named = project.hosts.iter().find(|other| other.name == host.name);
    let there = project
        .hosts
        .iter()
        .find(|other| other.address == host.address);
    match (named, there) {
        (Some(_), _) => Some(format!(
            "there is a host {} already{whose}: two hosts can't have one name",
            host.name
        )),
        (None, Some(other)) => Some(format!(
            "{} is at {} already, which is the address of {}{whose}",
            other.name, host.address, host.name
        )),
        (None, None) => None,
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
            loop {
                tokio::time::sleep(INTERVAL).await;
                self.catch_up();
            }
        });
    }

    /// Reads the documents again if they have changed: whoever has just edited them means what is there now.
    pub(crate) fn catch_up(&self) {
        // Held while they are read, so that nobody goes on with what was there before.
        let mut seen = lock(&self.0.documents.seen);
        let now = documents::fingerprint(&self.0.documents.folder);
        if now != *seen {
            *seen = now;
            self.reload();
        }
    }

    fn reload(&self) {
        let folder = &self.0.documents.folder;
        let mut moved = BTreeSet::new();
        let item = {
            let mut current = lock(&self.0.documents.current);
            let read = documents::load(folder).map_err(|problems| lines(&problems));
            let fits = read.and_then(|loaded| {
                let (_, clashes) = together(&loaded.project, &current.provisioned);
                if clashes.is_empty() {
                    Ok(loaded.project)
                } else {
                    Err(clashes)
                }
            });
            match fits {
                Ok(project) => {
                    keep(&self.0.documents.last_good, &project);
                    let provisioned = std::mem::take(&mut current.provisioned);
                    let found = std::mem::take(&mut current.found);
                    let now = Current::new(project, provisioned, found, Vec::new());
                    moved = moved_hosts(&current.project, &now.project);
                    *current = now;
                }
                Err(problems) => {
                    current.problems = problems;
                    tracing::warn!(problems = ?current.problems, "the documents have errors; the last good ones stay in force");
                }
            }
            current.item()
        };
        self.publish(item);
        // The limit of what runs at a time may be another one,
        self.admit();
        // and an account of AWS may have gone, or be back, where something is suspended.
        self.resume_processes();
        self.follow_moves(moved);
    }

    /// Takes in what fleets have provisioned by now, and tells everybody.
    pub(super) fn provisioned(&self, provisioned: Vec<Host>) {
        self.take_in(|current| {
            let known = std::mem::replace(&mut current.provisioned, provisioned);
            known != current.provisioned
        });
    }

    /// Takes in what was found at AWS, and tells everybody. Whether anything is different.
    pub(super) fn found(&self, found: Found) -> bool {
        self.take_in(|current| {
            let known = std::mem::replace(&mut current.found, found);
            known != current.found
        })
    }

    /// Changes what is in no document; `change` says whether there is any change.
    fn take_in(&self, change: impl FnOnce(&mut Current) -> bool) -> bool {
        let (moved, item) = {
            let mut current = lock(&self.0.documents.current);
            if !change(&mut current) {
                return false;
            }
            let Current {
                written,
                provisioned,
                found,
                problems,
                ..
            } = current.clone();
            let now = Current::new(written, provisioned, found, problems);
            let moved = moved_hosts(&current.project, &now.project);
            *current = now;
            (moved, current.item())
        };
        self.publish(item);
        self.follow_moves(moved);
        true
    }

    /// Drives these hosts anew: whatever is under way with them ends.
    pub(super) fn follow_moves(&self, moved: BTreeSet<Name>) {
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
