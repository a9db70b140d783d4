//! What a lab remembers of itself, in `lab.json`: what runs for it, and where.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::process::Process;

/// Marks a folder as a lab's, and tells what runs for it.
const FILE: &str = "lab.json";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    pub agents: Vec<Agent>,
    /// What belongs to `checkout`; a lab that is only a fleet has none of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<Checkout>,
    /// What belongs to `thumbs`, which is there where `checkout` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbs: Option<Thumbs>,
    /// What belongs to `gallery`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery: Option<Gallery>,
    /// How many times as fast as usual its schedules run.
    #[serde(default = "usual")]
    pub speed: u32,
}

fn usual() -> u32 {
    1
}

/// The function, and who calls it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Thumbs {
    /// Where the router takes its requests.
    pub front: SocketAddr,
    /// Where each version serves, the first one first.
    pub versions: Vec<SocketAddr>,
    /// Serves and calls it.
    pub process: Option<Process>,
}

/// The container service, and who asks it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Gallery {
    /// Where the router takes its requests.
    pub front: SocketAddr,
    /// Where it takes those of who looks at a replacement.
    pub test: SocketAddr,
    /// Sends the requests.
    pub requests: Option<Process>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Agent {
    pub name: String,
    pub address: String,
    pub process: Process,
}

/// The hosts of `checkout`, and what stands before them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Checkout {
    pub agents: Vec<Agent>,
    pub places: Places,
    pub router: Option<Process>,
    /// Sends the requests.
    pub requests: Option<Process>,
    /// What its fleet has provisioned, and not terminated yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioned: Vec<Provisioned>,
    /// How many that ever were.
    #[serde(default)]
    pub made: usize,
}

/// A host of `checkout` that the lab's fleet provisioned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Provisioned {
    pub name: String,
    /// Which question it answers.
    pub token: String,
    /// Where it serves.
    pub serves: SocketAddr,
    /// Its agent, once it was started.
    pub agent: Option<Agent>,
}

/// Where things listen, for as long as the lab is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Places {
    /// Where the router takes requests.
    pub front: SocketAddr,
    /// Where the router is told what to do.
    pub admin: SocketAddr,
    /// Where each host serves, in the order of the hosts.
    pub instances: Vec<SocketAddr>,
}

impl Places {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = SocketAddr> {
        let instances = self.instances.iter().copied();
        [self.front, self.admin].into_iter().chain(instances)
    }
}

impl Record {
    /// The record in a folder, if it is a lab's.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Written to a second file first, so that a crash leaves the old one or the new one.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        let new = folder.join("lab.json.new");
        std::fs::write(&new, text)?;
        std::fs::rename(new, folder.join(FILE))
    }

    /// The agents of all hosts.
    pub fn all_agents(&self) -> impl Iterator<Item = &Agent> {
        let others = self.checkout.iter().flat_map(|checkout| &checkout.agents);
        let provisioned = self.provisioned().filter_map(|host| host.agent.as_ref());
        self.agents.iter().chain(others).chain(provisioned)
    }

    /// The hosts that the lab's fleet provisioned.
    pub fn provisioned(&self) -> impl Iterator<Item = &Provisioned> {
        let checkout = self.checkout.iter();
        checkout.flat_map(|checkout| &checkout.provisioned)
    }
}

impl Checkout {
    /// Nothing runs there yet.
    pub fn at(places: Places) -> Self {
        Self {
            agents: Vec::new(),
            places,
            router: None,
            requests: None,
            provisioned: Vec::new(),
            made: 0,
        }
    }
}
