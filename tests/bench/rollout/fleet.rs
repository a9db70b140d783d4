//! A fleet of real agents with one group of all hosts, and an orchestrator that is driven as a client would.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use cutover::api::client::{Client, Lines};
use cutover::api::command::{Answer, Command, Deploy};
use cutover::api::feed::FeedItem;
use cutover::api::gate::{Circumstances, send};
use cutover::engine::event::{Event, Record};
use cutover::engine::spec::Options;
use cutover::identity::command::CommandKey;
use cutover::model::deployment::Creator;
use cutover::model::deployment::{DeploymentId, DeploymentStatus};
use cutover::model::group::GroupKey;
use cutover::providers::hosts::{AgentClient, Signer, Way};
use futures_util::StreamExt as _;

use crate::lab::Lab;

/// How long anything may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Fleet {
    pub lab: Lab,
    pub client: Client,
    pub serve: Child,
    state: Option<tempfile::TempDir>,
}

impl Fleet {
    /// So many agents, and an orchestrator that knows these revisions: a label and the script of every hook.
    pub async fn up(hosts: usize, revisions: &[(&str, &str)]) -> Self {
        Self::prepare(Lab::up(hosts), revisions).await
    }

    /// The same, but each host's files are in memory: what a host syncs costs the others nothing, as if each had a disk of
    /// its own. The orchestrator's files stay on the disk.
    pub async fn up_in_memory(hosts: usize, revisions: &[(&str, &str)]) -> Self {
        let lab = Lab::up_in(Path::new("/dev/shm"), hosts);
        let state = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(state.path(), lab.folder().join(".state")).unwrap();
        let mut fleet = Self::prepare(lab, revisions).await;
        fleet.state = Some(state);
        fleet
    }

    async fn prepare(lab: Lab, revisions: &[(&str, &str)]) -> Self {
        let application = lab.folder().join("applications/bench");
        std::fs::create_dir(&application).unwrap();
        let file = |name: &str, text: &str| std::fs::write(application.join(name), text).unwrap();
        file(
            "application.yaml",
            "applicationName: bench\ncomputePlatform: Server\n",
        );
        file("all.yaml", GROUP);
        let serve = serve(&lab);
        let client = client(&lab).await;
        for (label, script) in revisions {
            let folder = revision(&lab, label, script);
            lab.ok(&["push", "bench", folder.to_str().unwrap(), "--label", label]);
        }
        Self {
            lab,
            client,
            serve,
            state: None,
        }
    }

    /// Lays out a revision, as in [`Fleet::up`].
    pub fn revision(&self, label: &str, script: &str) -> PathBuf {
        revision(&self.lab, label, script)
    }

    /// Clients of the agents, in no order.
    pub fn agents(&self) -> Vec<AgentClient> {
        let way = Way::plain().unwrap();
        let hosts = std::fs::read_dir(self.lab.folder().join("hosts")).unwrap();
        let signer = Signer::new(CommandKey::new().unwrap(), "bench".parse().unwrap(), 1);
        let client = |host: PathBuf| {
            let address = std::fs::read_to_string(host.join("ready")).unwrap();
            let name = host.file_name().unwrap().to_str().unwrap().parse().unwrap();
            AgentClient::new(way.clone(), signer.clone(), &name, address.trim())
        };
        hosts.map(|host| client(host.unwrap().path())).collect()
    }

    /// `kill -9` for the orchestrator.
    pub fn kill(&mut self) {
        self.serve.kill().unwrap();
        self.serve.wait().unwrap();
    }

    pub async fn send(&self, command: Command) -> Answer {
        send(&self.client, command, CONFIRMED).await.unwrap()
    }

    /// Begins a rollout to all hosts at once.
    pub async fn deploy(&self, revision: &str) -> DeploymentId {
        let deploy = Deploy {
            target_instances: None,
            group: GroupKey {
                application: "bench".parse().unwrap(),
                group: "all".parse().unwrap(),
            },
            revision: revision.to_owned(),
            configuration: None,
            description: String::new(),
            options: Options::default(),
            token: None,
            verify_artifact: false,
            creator: Creator::User,
            by: "bench".to_owned(),
            uid: None,
        };
        match self.send(Command::Deploy(deploy)).await {
            Answer::Created { deployment } => deployment,
            other => panic!("{other:?}"),
        }
    }

    pub async fn feed(&self) -> Feed {
        let mut feed = Feed(self.client.feed().await.unwrap());
        assert!(matches!(feed.next().await, FeedItem::Snapshot(_)));
        feed
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the orchestrator tells.
pub struct Feed(Lines<FeedItem>);

impl Feed {
    async fn next(&mut self) -> FeedItem {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        next.unwrap().unwrap().unwrap()
    }

    /// The next entry of a deployment.
    pub async fn record(&mut self, id: &DeploymentId) -> Record {
        loop {
            match self.next().await {
                FeedItem::Record { deployment, record } if deployment == *id => return record,
                _ => {}
            }
        }
    }

    /// Waits for a deployment's end.
    pub async fn end(&mut self, id: &DeploymentId) -> DeploymentStatus {
        loop {
            if let Event::Ended { status, .. } = self.record(id).await.event {
                return status;
            }
        }
    }
}

const CONFIRMED: Circumstances = Circumstances {
    read_only: false,
    data_age: None,
    confirmed: true,
    locked: None,
};

const GROUP: &str = "applicationName: bench
deploymentGroupName: all
deploymentConfigName: CodeDeployDefault.AllAtOnce
ec2TagFilters:
  - { Key: role, Value: web, Type: KEY_AND_VALUE }
";

/// The events of a rollout that run a script, in the order of the `AppSpec`.
pub const HOOKS: [&str; 5] = [
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];

/// Starts an orchestrator in the foreground.
pub fn serve(lab: &Lab) -> Child {
    lab.command(&["serve"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A client of the lab's orchestrator, as soon as it answers.
pub async fn client(lab: &Lab) -> Client {
    let folder = lab.folder().parent().unwrap().join("run/cutover");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            let client = Client::new(&entry.path()).unwrap();
            if client.ping().await.is_ok() {
                return client;
            }
        }
        assert!(tokio::time::Instant::now() < deadline, "nobody answers");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The folder of a revision that installs one file, and whose every hook is this script.
fn revision(lab: &Lab, label: &str, script: &str) -> PathBuf {
    let folder = lab.folder().join("revisions").join(label);
    std::fs::create_dir_all(folder.join("app")).unwrap();
    std::fs::write(folder.join("app/version"), label).unwrap();
    let hooks = HOOKS.map(|event| format!("  {event}: [{{location: hook.sh, timeout: 30}}]\n"));
    let appspec = format!(
        "version: 0.0\nos: linux\nfiles: [{{source: app, destination: /srv/app}}]\nhooks:\n{}",
        hooks.concat()
    );
    std::fs::write(folder.join("appspec.yml"), appspec).unwrap();
    let path = folder.join("hook.sh");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}
