//! An orchestrator and its agents, each behind a relay, in a folder of the test's own.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use cutover::api::client::{Client, ClientError};
use cutover::api::command::{Answer, Command as Ask, Deploy};
use cutover::api::feed::FeedItem;
use cutover::api::gate::{self, Circumstances, Refused};
use cutover::api::snapshot::Snapshot;
use cutover::engine::Deployment;
use cutover::engine::spec::Options;
use cutover::lab::process::Process as Found;
use cutover::model::deployment::Creator;
use cutover::model::deployment::DeploymentId;
use cutover::model::group::GroupKey;
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::project::{self, Revision};
use crate::relay::Relay;
use crate::supervise::{PATIENCE, Place, Process};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub struct Host {
    pub name: String,
    pub address: SocketAddr,
    pub relay: Relay,
    /// What the agent's program is started by, if not directly.
    pub starter: Vec<String>,
}

pub struct Cluster {
    folder: tempfile::TempDir,
    pub hosts: Vec<Host>,
    pub agents: Vec<Process>,
    orchestrator: Option<Process>,
    client: Option<Client>,
    /// What clients were told for sure.
    pub told: Mutex<Told>,
}

/// Acknowledged facts.
#[derive(Default)]
pub struct Told {
    pub deployments: Vec<DeploymentId>,
    pub stops: Vec<DeploymentId>,
    pub revisions: Vec<String>,
}

impl Cluster {
    /// Everything but the processes. Every cluster has loopback addresses of its own, so that an agent keeps its address
    /// over restarts and shares it with nobody.
    pub async fn prepare(hosts: u8) -> Self {
        Self::prepare_with(hosts, &[], None).await
    }

    /// The first host's agent is started by another program, and reached there.
    pub async fn prepare_with(hosts: u8, starter: &[&str], there: Option<SocketAddr>) -> Self {
        static CLUSTERS: AtomicU8 = AtomicU8::new(0);
        let cluster = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        assert!(
            hosts <= 8 && cluster < 30,
            "there are not so many addresses"
        );
        let address = |number: u8, port| {
            let last = 8 * cluster + number;
            SocketAddr::from((
                Ipv4Addr::new(127, middle, low, last),
                port + u16::from(high),
            ))
        };
        let folder = tempfile::tempdir().unwrap();
        for private in ["run", "xdg"] {
            let path = folder.path().join(private);
            DirBuilder::new().mode(0o700).create(path).unwrap();
        }
        let mut all = Vec::new();
        for number in 1..=hosts {
            let agent = address(number, 7420);
            all.push(Host {
                name: format!("web-{number}"),
                address: agent,
                relay: Relay::start(
                    address(number, 17420),
                    watch::channel(there.filter(|_| number == 1).unwrap_or(agent)).1,
                )
                .await,
                starter: starter
                    .iter()
                    .filter(|_| number == 1)
                    .map(|word| (*word).to_owned())
                    .collect(),
            });
        }
        let cluster = Self {
            folder,
            hosts: all,
            agents: Vec::new(),
            orchestrator: None,
            client: None,
            told: Mutex::default(),
        };
        let addresses: Vec<_> = cluster
            .hosts
            .iter()
            .map(|host| (host.name.clone(), host.relay.address))
            .collect();
        project::write(&cluster.path("project"), &addresses, "../state");
        cluster
    }

    /// With all its processes.
    pub async fn up(hosts: u8) -> Self {
        let mut cluster = Self::prepare(hosts).await;
        cluster.start_agents(&vec![None; usize::from(hosts)]);
        cluster.start_orchestrator(None).await;
        cluster
    }

    /// Starts the agents; each may kill itself somewhere.
    pub fn start_agents(&mut self, first: &[Option<Place>]) {
        for (number, place) in first.iter().enumerate() {
            let (name, address) = (self.hosts[number].name.clone(), self.hosts[number].address);
            let (home, host) = (self.path(""), self.host_folder(&name));
            std::fs::create_dir_all(host.join("root")).unwrap();
            let (agent_name, starter) = (name.clone(), self.hosts[number].starter.clone());
            let command = move || {
                let mut command = binary(&starter, &home, &host.join("agent.log"));
                command
                    .args(["agent", "--name", &agent_name, "--config", "/dev/null"])
                    .args(["--listen", &address.to_string(), "--root"])
                    .arg(host.join("agent"))
                    .arg("--install-root")
                    .arg(host.join("root"));
                command
            };
            self.agents.push(Process::start(&name, *place, command));
        }
    }

    /// Starts the orchestrator and waits until it listens.
    pub async fn start_orchestrator(&mut self, first: Option<Place>) {
        let (home, project) = (self.path(""), self.path("project"));
        let log = self.path("serve.log");
        let command = move || {
            let mut command = binary(&[], &home, &log);
            command.arg("--project").arg(&project).arg("serve");
            command
        };
        self.orchestrator = Some(Process::start("orchestrator", first, command));
        let sockets = self.path("run/cutover");
        let mut socket = None;
        until("the orchestrator listens", || {
            let mut entries = std::fs::read_dir(&sockets).into_iter().flatten().flatten();
            socket = entries
                .find(|entry| entry.file_name().to_string_lossy().ends_with(".sock"))
                .map(|entry| entry.path());
            socket.is_some()
        })
        .await;
        self.client = Some(Client::new(&socket.unwrap()).unwrap());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub fn trace(&self) -> PathBuf {
        self.path("trace")
    }

    pub fn host_folder(&self, host: &str) -> PathBuf {
        self.path("hosts").join(host)
    }

    pub fn orchestrator(&self) -> &Process {
        self.orchestrator.as_ref().unwrap()
    }

    /// How many times a process was killed.
    pub fn kills(&self) -> u32 {
        let agents = self.agents.iter().map(Process::kills);
        agents.sum::<u32>() + self.orchestrator().kills()
    }

    /// Registers a revision.
    pub async fn push(&self, revision: Revision<'_>) {
        let path = revision.write(&self.path(""), &self.trace());
        let push = Ask::Push {
            application: "shop".parse().unwrap(),
            path,
            label: Some(revision.label.to_owned()),
            to: None,
        };
        // The same again changes nothing.
        while self.ask(push.clone()).await.is_none() {}
        let told = &mut self.told.lock().unwrap();
        told.revisions.push(revision.label.to_owned());
    }

    /// Creates a deployment. The orchestrator may die before it answers; what it had written then counts.
    pub async fn deploy(&self, label: &str, configuration: &str) -> DeploymentId {
        let before = self.deployments().await;
        loop {
            let deploy = Deploy {
                target_instances: None,
                group: GroupKey {
                    application: "shop".parse().unwrap(),
                    group: "production".parse().unwrap(),
                },
                revision: label.to_owned(),
                configuration: Some(configuration.parse().unwrap()),
                description: String::new(),
                options: Options::default(),
                token: None,
                verify_artifact: false,
                creator: Creator::User,
                by: "torture".to_owned(),
                uid: None,
            };
            if let Some(Answer::Created { deployment }) = self.ask(Ask::Deploy(deploy)).await {
                let told = &mut self.told.lock().unwrap();
                told.deployments.push(deployment.clone());
                return deployment;
            }
            let after = self.deployments().await;
            if let Some(new) = after.difference(&before).next() {
                return new.clone();
            }
        }
    }

    /// Stops a deployment; whoever is not answered asks again.
    pub async fn stop(&self, id: &DeploymentId) {
        let stop = Ask::stop(id.clone(), Some(false), "torture");
        loop {
            match self.send(stop.clone()).await {
                Ok(_) => break self.told.lock().unwrap().stops.push(id.clone()),
                Err(Refused::Client(ClientError::Connection { .. })) => sleep(LOOK).await,
                // It was taken before, and whoever was to be told is gone.
                Err(Refused::Client(ClientError::Api(error)))
                    if error.code == "DeploymentAlreadyCompletedException" =>
                {
                    break;
                }
                Err(refused) => panic!("refused: {refused}"),
            }
        }
    }

    /// Asks; `None` if the connection broke before the answer came.
    async fn ask(&self, command: Ask) -> Option<Answer> {
        match self.send(command).await {
            Ok(answer) => Some(answer),
            Err(Refused::Client(ClientError::Connection { .. })) => {
                sleep(LOOK).await;
                None
            }
            Err(refused) => panic!("refused: {refused}"),
        }
    }

    async fn send(&self, command: Ask) -> Result<Answer, Refused> {
        let circumstances = Circumstances {
            read_only: false,
            data_age: None,
            confirmed: true,
            locked: None,
        };
        gate::send(self.client(), command, circumstances).await
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    /// What the orchestrator shows to somebody new.
    pub async fn look(&self) -> Snapshot {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(mut feed) = self.client().feed().await
                && let Some(Ok(FeedItem::Snapshot(snapshot))) = feed.next().await
            {
                return *snapshot;
            }
            assert!(
                Instant::now() < deadline,
                "the orchestrator does not answer"
            );
            sleep(LOOK).await;
        }
    }

    async fn deployments(&self) -> BTreeSet<DeploymentId> {
        let snapshot = self.look().await;
        let ids = snapshot
            .deployments
            .into_iter()
            .map(|one| one.deployment_id);
        ids.collect()
    }

    /// A deployment as the orchestrator tells it, whichever runs now.
    pub async fn deployment(&self, id: &DeploymentId) -> Deployment {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.client().deployment(id).await {
                Ok(deployment) => return deployment,
                Err(ClientError::Connection { .. }) => {
                    assert!(
                        Instant::now() < deadline,
                        "the orchestrator does not answer"
                    );
                    sleep(LOOK).await;
                }
                Err(error) => panic!("{id}: {error}"),
            }
        }
    }

    /// Waits until a deployment is as wanted.
    pub async fn wait_for(
        &self,
        id: &DeploymentId,
        wanted: impl Fn(&Deployment) -> bool,
    ) -> Deployment {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.deployment(id).await;
            if wanted(&now) {
                return now;
            }
            let about = now
                .targets
                .iter()
                .map(|t| (&t.name, t.status, t.running().map(|e| e.event)));
            assert!(
                Instant::now() < deadline,
                "waited in vain for {id}, which is {}: {:?}",
                now.status,
                about.collect::<Vec<_>>()
            );
            sleep(LOOK).await;
        }
    }

    /// Waits until a deployment and all that follow from it are over.
    pub async fn wait_for_end(&self, id: &DeploymentId) -> Deployment {
        let ended = self.wait_for(id, |now| now.status.is_terminal()).await;
        if let Some(next) = ended.rollback.as_ref().and_then(|r| r.deployment.clone()) {
            self.wait_for(&next, |now| now.status.is_terminal()).await;
        }
        ended
    }

    /// The scripts of these hosts that run, with everything that they started.
    pub fn scripts(&self) -> Vec<Found> {
        let roots = self
            .hosts
            .iter()
            .map(|host| self.host_folder(&host.name).join("root"));
        roots
            .flat_map(|root| Found::with_variable(&format!("INSTALL_ROOT={}", root.display())))
            .collect()
    }

    /// Kills every process for good.
    pub fn end(&mut self) {
        if let Some(orchestrator) = &mut self.orchestrator {
            orchestrator.end();
        }
        for agent in &mut self.agents {
            agent.end();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
        for script in self.scripts() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(script.pid).unwrap());
            // It may end by itself between the look and the signal.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        if std::thread::panicking() {
            let hosts = self
                .hosts
                .iter()
                .map(|host| self.host_folder(&host.name).join("agent.log"));
            for log in std::iter::once(self.path("serve.log")).chain(hosts) {
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let lines: Vec<_> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(40)..].join("\n");
                eprintln!("== {}\n{last}", log.display());
            }
        }
    }
}

/// The binary, kept away from the state of the person who runs the tests.
fn binary(starter: &[String], home: &Path, log: &Path) -> Command {
    let log = File::options().create(true).append(true).open(log).unwrap();
    let program = env!("CARGO_BIN_EXE_cutover").to_owned();
    let mut words = starter.iter().cloned().chain([program]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_STATE_HOME", home.join("xdg"))
        .env_remove("CUTOVER_READ_ONLY")
        .env_remove("CUTOVER_CRASH_AT")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(LOOK).await;
    }
}
