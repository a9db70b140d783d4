//! A project with hosts on the loopback that know each other's keys, or need none.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cutover::api::client::{Client, Lines};
use cutover::api::feed::FeedItem;
use cutover::clock;
use cutover::identity::command::{CommandKey, Commander};
use cutover::identity::orchestrators::KnownOrchestrators;
use cutover::identity::{Identity, Pin};
use futures_util::StreamExt as _;
use serde_json::json;

/// How long anything may take before the benchmark gives up.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// How hosts are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    Plain,
    Encrypted,
}

impl Speech {
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Encrypted => "TLS",
        }
    }
}

/// A project, its orchestrator once it runs, and its hosts. All its files are in memory: disks are another matter.
pub struct Fleet {
    pub folder: tempfile::TempDir,
    speech: Speech,
    orchestrator: Pin,
    commander: Commander,
    serve: Option<Child>,
}

impl Fleet {
    pub fn new(speech: Speech) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        for sub in ["run", "shop/.state", "shop/applications/shop"] {
            std::fs::create_dir_all(folder.path().join(sub)).unwrap();
        }
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path().join("shop/.state"), private).unwrap();
        let key = folder.path().join("shop/.state/key.pem");
        let commands = folder.path().join("shop/.state/commands.pem");
        Self {
            orchestrator: Identity::open(&key).unwrap().pin(),
            commander: CommandKey::open(&commands).unwrap().commander(),
            folder,
            speech,
            serve: None,
        }
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// Where a host's agent has its files.
    pub fn root(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("hosts/web-{number}/agent"))
    }

    /// Has a host be as one that has joined, if it has to; answers its key.
    pub fn join(&self, number: usize) -> Option<Pin> {
        let identity = self.root(number).join("identity");
        std::fs::create_dir_all(&identity).unwrap();
        if self.speech == Speech::Plain {
            return None;
        }
        let known = KnownOrchestrators::open(identity.join("orchestrators.json")).unwrap();
        let project = "shop".parse().unwrap();
        known
            .admit(self.orchestrator, &project, self.commander)
            .unwrap();
        Some(Identity::open(&identity.join("key.pem")).unwrap().pin())
    }

    /// Writes the project with these hosts: where each listens, and its key.
    pub fn write(&self, hosts: &[(String, Option<Pin>)]) {
        let mut project = "name: shop\nsettings:\n  stateDirectory: .state\nhosts:\n".to_owned();
        let mut known = serde_json::Map::new();
        let scheme = match self.speech {
            Speech::Plain => "http",
            Speech::Encrypted => "https",
        };
        for (number, (address, key)) in hosts.iter().enumerate() {
            writeln!(
                project,
                "  - {{ name: web-{number}, address: \"{scheme}://{address}\", tags: {{ role: web }} }}"
            )
            .unwrap();
            if let Some(pin) = key {
                let key = json!({ "pin": pin, "since": clock::now() });
                known.insert(format!("web-{number}"), key);
            }
        }
        let file =
            |path: &str, text: &str| std::fs::write(self.project().join(path), text).unwrap();
        file("cutover.yaml", &project);
        file(".state/hosts.json", &json!({ "hosts": known }).to_string());
        file(
            "applications/shop/application.yaml",
            "applicationName: shop\ncomputePlatform: Server\n",
        );
        file(
            "applications/shop/all.yaml",
            "applicationName: shop\ndeploymentGroupName: all\ndeploymentConfigName: CodeDeployDefault.AllAtOnce\n\
             ec2TagFilters:\n  - { Key: role, Value: web, Type: KEY_AND_VALUE }\n",
        );
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts the orchestrator, and answers a client of it.
    pub async fn serve(&mut self) -> Client {
        let mut command = self.command();
        command.arg("--project").arg(self.project()).arg("serve");
        self.serve = Some(command.spawn().unwrap());
        let folder = self.folder.path().join("run/cutover");
        let deadline = Instant::now() + PATIENCE;
        loop {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let client = Client::new(&entry.path()).unwrap();
                if client.ping().await.is_ok() {
                    return client;
                }
            }
            assert!(Instant::now() < deadline, "nobody answers");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The orchestrator's process.
    pub fn pid(&self) -> u32 {
        self.serve.as_ref().unwrap().id()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(mut serve) = self.serve.take() {
            serve.kill().unwrap();
            serve.wait().unwrap();
        }
    }
}

/// Waits until every host has answered.
pub async fn all_answer(client: &Client, hosts: usize) {
    let mut feed: Lines<FeedItem> = client.feed().await.unwrap();
    let mut reached = std::collections::BTreeSet::new();
    let waiting = async {
        while reached.len() < hosts {
            match feed.next().await.unwrap().unwrap() {
                FeedItem::Snapshot(snapshot) => reached.extend(
                    snapshot
                        .hosts
                        .iter()
                        .filter(|host| host.reachable)
                        .map(|host| host.name.clone()),
                ),
                FeedItem::Host(host) if host.reachable => {
                    reached.insert(host.name);
                }
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

/// The processor time that a process has used, in seconds.
pub fn processor_time(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// The memory of a process of this kind, in bytes.
pub fn memory(pid: u32, kind: &str) -> f64 {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(Path::new(&path)).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(kind));
    let kib: f64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1024.0
}
