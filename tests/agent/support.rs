//! An agent in a scratch folder, and what it takes to talk to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use cutover::agent::protocol::{
    AgentInfo, ExecutionEnd, ExecutionState, Leases, Message, Order, OutputSource, What,
};
use cutover::agent::{AgentError, Config, serve};
use cutover::clock;
use cutover::identity::command::{CommandKey, Verb};
use cutover::model::deployment::{Creator, ExecutionId, FileExistsBehavior};
use cutover::model::diagnostics::Diagnostics;
use cutover::model::group::DeploymentType;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::revision::Revision;
use cutover::providers::hosts::{Signer, Wanted};
use cutover::store::bundles::Bundles;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Nothing in these tests takes this long unless it is broken.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What a bundle holds: a path, its text and its mode.
pub type Member<'a> = (&'a str, &'a str, u32);

/// A host with an agent, or one whose agent is not running.
pub struct Host {
    pub scratch: TempDir,
    pub client: Client,
    pub address: String,
    pub config: Config,
    signer: Signer,
    bundles: Bundles,
    running: Running,
}

enum Running {
    Nothing,
    InProcess(oneshot::Sender<()>, JoinHandle<Result<(), AgentError>>),
    Binary(Child),
}

impl Host {
    /// A host whose agent does not run yet.
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut config = Config::new("web-1".parse().unwrap(), scratch.path().join("agent"));
        config.install_root = Some(scratch.path().join("root"));
        // Shorter than usual, so that tests are.
        config.scripts.grace = Duration::from_millis(500);
        config.scripts.hint = Duration::from_millis(200);
        Self {
            // One that is kept may be of a front that was killed meanwhile, and nobody has noticed yet.
            client: Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            address: String::new(),
            signer: Signer::new(CommandKey::new().unwrap(), "shop".parse().unwrap(), 1),
            bundles: Bundles::open(scratch.path().join("bundles")).unwrap(),
            running: Running::Nothing,
            scratch,
            config,
        }
    }

    /// A host whose agent runs in this process.
    pub async fn started() -> Self {
        let mut host = Self::new();
        host.start().await;
        host
    }

    pub async fn start(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            // Dropping the sender ends the agent, too.
            let _ = stopped.await;
        };
        let agent = tokio::spawn(serve(self.config.clone(), listener, shutdown));
        self.running = Running::InProcess(stop, agent);
    }

    /// Ends the agent as a signal would.
    pub async fn shut_down(&mut self) {
        if let Running::InProcess(stop, agent) =
            std::mem::replace(&mut self.running, Running::Nothing)
        {
            drop(stop);
            timeout(DEADLINE, agent).await.unwrap().unwrap().unwrap();
        }
    }

    /// Starts the real program.
    pub async fn start_binary(&mut self) {
        self.start_binary_by(Command::new(env!("CARGO_BIN_EXE_cutover")))
            .await;
    }

    /// Starts the real program by a command that it ends: more options may follow in its configuration, `agent.yml`.
    pub async fn start_binary_by(&mut self, mut command: Command) {
        let ready = self.path("ready");
        let _ = fs::remove_file(&ready);
        let options = self.path("agent.yml");
        let options = if options.exists() {
            options
        } else {
            PathBuf::from("/dev/null")
        };
        let child = command
            .args([
                "agent",
                "--name",
                "web-1",
                "--listen",
                "127.0.0.1:0",
                "--root",
            ])
            .arg(&self.config.root)
            .arg("--install-root")
            .arg(self.config.install_root.as_ref().unwrap())
            .arg("--ready-file")
            .arg(&ready)
            .arg("--config")
            .arg(options)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.running = Running::Binary(child);
        until("the agent is ready", || ready.exists()).await;
        self.address = fs::read_to_string(&ready).unwrap();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let Running::Binary(mut child) = std::mem::replace(&mut self.running, Running::Nothing)
        else {
            panic!("the agent runs in this process");
        };
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the real program to end, and answers how it did.
    pub async fn end(&mut self) -> ExitStatus {
        let Running::Binary(mut child) = std::mem::replace(&mut self.running, Running::Nothing)
        else {
            panic!("the agent runs in this process");
        };
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let mut status = None;
        until("the agent has ended", || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// The process of the real program.
    pub fn pid(&self) -> u32 {
        match &self.running {
            Running::Binary(child) => child.id(),
            _ => panic!("the agent runs in this process"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Where a path of the host really is.
    pub fn installed(&self, path: &str) -> PathBuf {
        self.path("root").join(path.trim_start_matches('/'))
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.installed(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let at = self.installed(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    /// Packs a revision and sends it to the agent.
    pub async fn push(&self, label: &str, members: &[Member<'_>]) -> Revision {
        let folder = tempfile::tempdir_in(self.scratch.path()).unwrap();
        lay_out(folder.path(), members);
        self.push_folder(label, folder.path()).await
    }

    pub async fn push_folder(&self, label: &str, folder: &Path) -> Revision {
        let packed = self.bundles.pack(folder).unwrap();
        let url = format!("{}/v1/bundles/{}", self.address, packed.digest);
        let bytes = fs::read(self.bundles.path(&packed.digest)).unwrap();
        let answer = self.client.put(url).body(bytes).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
        Revision {
            digest: packed.digest,
            label: label.to_owned(),
            size: packed.size,
        }
    }

    pub async fn info(&self) -> AgentInfo {
        let url = format!("{}/v1/agent", self.address);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// A command as an orchestrator sends it.
    pub fn signed(&self, kind: Verb, name: &str, command: &impl Serialize) -> Vec<u8> {
        let wanted = Wanted {
            kind,
            name,
            by: "ana",
            command,
        };
        let host = (&self.config.name, None);
        self.signer.sign(host, &wanted, clock::now()).unwrap()
    }

    /// Signs commands that say nothing more, also where the host is not at hand.
    pub fn signs(&self) -> impl Fn(Verb, &str) -> Vec<u8> + Send + use<> {
        let (signer, host) = (self.signer.clone(), self.config.name.clone());
        move |kind, name| {
            let wanted = Wanted {
                kind,
                name,
                by: "ana",
                command: &(),
            };
            signer.sign((&host, None), &wanted, clock::now()).unwrap()
        }
    }

    /// Sends a command.
    pub async fn command(&self, request: RequestBuilder, body: Vec<u8>) -> Response {
        let request = request.header("content-type", "application/json");
        request.body(body).send().await.unwrap()
    }

    pub async fn put(&self, id: &ExecutionId, order: &impl Serialize) -> Response {
        let url = format!("{}/v1/executions/{id}", self.address);
        let body = self.signed(Verb::Order, &id.0, order);
        self.command(self.client.put(url), body).await
    }

    /// Asks for a stop, which may be refused.
    pub async fn ask_to_stop(&self, id: &ExecutionId) -> Response {
        let url = format!("{}/v1/executions/{id}/stop", self.address);
        let body = self.signed(Verb::Stop, &id.0, &());
        self.command(self.client.post(url), body).await
    }

    /// Gives an order that must be taken, and lets it begin.
    pub async fn order(&self, id: &ExecutionId, order: &Order) -> ExecutionState {
        let state = self.place(id, order).await;
        self.renew(id).await;
        state
    }

    /// Gives an order that must be taken. Nothing of it begins before its lease is renewed.
    pub async fn place(&self, id: &ExecutionId, order: &Order) -> ExecutionState {
        let answer = self.put(id, order).await;
        assert_eq!(
            answer.status(),
            StatusCode::OK,
            "{}",
            answer.text().await.unwrap()
        );
        answer.json().await.unwrap()
    }

    pub async fn stop(&self, id: &ExecutionId) -> ExecutionState {
        self.ask_to_stop(id).await.json().await.unwrap()
    }

    pub async fn renew(&self, id: &ExecutionId) {
        let url = format!("{}/v1/leases", self.address);
        let leases = Leases {
            executions: vec![id.clone()],
        };
        let body = self.signed(Verb::Renew, "", &leases);
        let answer = self.command(self.client.post(url), body).await;
        assert!(answer.status().is_success());
    }

    /// Opens the stream of messages.
    pub async fn stream(&self, after: u64) -> Stream {
        let url = format!("{}/v1/stream?after={after}", self.address);
        let response = self.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Stream {
            response,
            buffer: Vec::new(),
        }
    }

    /// Gives an order and waits until it has ended.
    pub async fn run(&self, order: &Order) -> Run {
        let id = execution(order);
        let accepted = self.order(&id, order).await;
        self.finish(&id, order, accepted.accepted_seq - 1).await
    }

    /// Waits until an execution has ended, and keeps its lease alive as long.
    pub async fn finish(&self, id: &ExecutionId, order: &Order, after: u64) -> Run {
        let mut stream = self.stream(after).await;
        let mut messages = Vec::new();
        let reading = async {
            loop {
                let message = stream.next().await;
                let ended = matches!(message.what, What::Ended { .. });
                let ours = message.execution == *id;
                messages.extend(ours.then_some(message));
                if ours && ended {
                    return;
                }
            }
        };
        let renewing = async {
            loop {
                self.renew(id).await;
                sleep(self.config.lease / 3).await;
            }
        };
        tokio::select! {
            () = reading => {}
            () = renewing => {}
        }
        let state = self.order(id, order).await;
        Run { state, messages }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Running::Binary(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A finished execution.
#[derive(Debug)]
pub struct Run {
    pub state: ExecutionState,
    pub messages: Vec<Message>,
}

impl Run {
    pub fn end(&self) -> ExecutionEnd {
        self.state.ended.unwrap()
    }

    pub fn status(&self, event: LifecycleEvent) -> EventStatus {
        self.state
            .events
            .iter()
            .find(|state| state.event == event)
            .unwrap()
            .status
    }

    pub fn diagnostics(&self, event: LifecycleEvent) -> Diagnostics {
        let state = self
            .state
            .events
            .iter()
            .find(|state| state.event == event)
            .unwrap();
        state.diagnostics.clone().unwrap()
    }

    /// Lines of output from one source.
    pub fn lines(&self, wanted: OutputSource) -> Vec<&str> {
        self.messages
            .iter()
            .filter_map(|message| match &message.what {
                What::Output { source, text, .. } if *source == wanted => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Everything that one source said, as one text.
    pub fn text(&self, wanted: OutputSource) -> String {
        self.lines(wanted).join("\n")
    }

    #[track_caller]
    pub fn succeeded(&self) {
        assert_eq!(self.end(), ExecutionEnd::Finished, "{:#?}", self.state);
    }
}

/// An open stream of messages.
pub struct Stream {
    response: Response,
    buffer: Vec<u8>,
}

impl Stream {
    /// The next message.
    pub async fn next(&mut self) -> Message {
        loop {
            let line = self.line().await;
            if !line.is_empty() {
                return serde_json::from_slice(&line).unwrap();
            }
        }
    }

    /// The next line, which may be blank.
    pub async fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return line;
            }
            let chunk = timeout(DEADLINE, self.response.chunk())
                .await
                .expect("the stream is alive");
            self.buffer
                .extend(chunk.unwrap().expect("the stream goes on"));
        }
    }

    /// Reads up to the first message that is wanted.
    pub async fn wait_for(&mut self, wanted: impl Fn(&What) -> bool) -> Message {
        loop {
            let message = self.next().await;
            if wanted(&message.what) {
                return message;
            }
        }
    }
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

pub fn lay_out(folder: &Path, members: &[Member<'_>]) {
    for (name, text, mode) in members {
        let at = folder.join(name);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, text).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(*mode)).unwrap();
    }
}

/// The seven events of an in-place deployment, in a group of its own.
pub fn order(deployment: u32, revision: &Revision) -> Order {
    Order {
        deployment_id: format!("d-{deployment:09}").parse().unwrap(),
        application_name: "shop".to_owned(),
        deployment_group_name: "production".to_owned(),
        deployment_group_id: "0d1f3c1e-6a5e-4a0e-9a37-2f6d7b1c9e11".to_owned(),
        creator: Creator::User,
        deployment_type: DeploymentType::InPlace,
        revision: revision.clone(),
        events: LifecycleEvent::IN_PLACE.to_vec(),
        file_exists_behavior: FileExistsBehavior::Disallow,
        ignore_application_stop_failures: false,
        appspec_filename: None,
        possible_events: None,
    }
}

pub fn execution(order: &Order) -> ExecutionId {
    ExecutionId::new(&order.deployment_id, &"web-1".parse().unwrap(), 0, 1)
}

/// An `AppSpec` that installs `files` to `/srv/app`, with more lines.
pub fn appspec(more: &str) -> String {
    format!(
        "version: 0.0\nos: linux\nfiles:\n  - source: files\n    destination: /srv/app\n{more}\n"
    )
}

/// A revision with one script for one event, which has these further lines.
pub fn hook(event: LifecycleEvent, more: &str) -> String {
    format!("version: 0.0\nos: linux\nhooks:\n  {event}:\n    - location: run.sh\n{more}")
}

impl Host {
    /// Runs one deployment with one script.
    pub async fn script(
        &self,
        number: u32,
        event: LifecycleEvent,
        more: &str,
        script: impl AsRef<[u8]>,
    ) -> Run {
        let folder = tempfile::tempdir_in(self.scratch.path()).unwrap();
        lay_out(
            folder.path(),
            &[
                ("appspec.yml", &hook(event, more), 0o644),
                ("run.sh", "", 0o755),
            ],
        );
        fs::write(folder.path().join("run.sh"), script).unwrap();
        let revision = self.push_folder("1", folder.path()).await;
        self.run(&order(number, &revision)).await
    }

    /// A deployment's folder on the host.
    pub fn deployment(&self, order: &Order) -> PathBuf {
        let group = self.config.root.join(&order.deployment_group_id);
        group.join(order.deployment_id.as_str())
    }
}

/// Some tests need rights that only root has, on a machine that is the test's to use.
pub fn needs_root() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "this test needs root: run it as root, in a container if need be"
    );
}

/// Lets others into the host's folder, or keeps them out.
pub fn set_mode(host: &Host, mode: u32) {
    fs::set_permissions(host.scratch.path(), fs::Permissions::from_mode(mode)).unwrap();
}

/// A small disk of its own.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    pub fn mount(path: &Path, options: &str) -> Self {
        needs_root();
        fs::create_dir_all(path).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(path)
            .status();
        let mount = mount.expect("the program mount is missing: apt-get install mount");
        assert!(
            mount.success(),
            "this test mounts a tmpfs, which needs CAP_SYS_ADMIN"
        );
        Self {
            path: path.to_owned(),
        }
    }

    pub fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.path)
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .args(["--lazy"])
            .arg(&self.path)
            .status();
    }
}
