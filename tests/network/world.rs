//! An operator's machine with a project, and hosts that may join it.

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::namespaces::{Machine, Network};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where every agent listens.
pub const PORT: u16 = 7420;

pub struct World {
    pub network: Network,
    pub operator: Machine,
    folder: tempfile::TempDir,
    /// The project that commands are about.
    project: &'static str,
    /// Ends when the world does.
    serving: Option<Child>,
    /// How far the operator's clock is off, such as `+5h`.
    pub clock: Option<&'static str>,
}

/// A machine that may be a host.
pub struct Host {
    pub name: String,
    pub machine: Machine,
    folder: PathBuf,
    agent: Option<Child>,
    /// What its agent has logged.
    log: Arc<Mutex<String>>,
    /// How far the host's clock is off, such as `+5h`.
    pub clock: Option<&'static str>,
}

/// What lets a host join, as the operator reads it.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The arguments behind `cutover`.
    pub arguments: Vec<String>,
    /// The orchestrator's fingerprint.
    pub orchestrator: String,
}

/// The program, with nothing of the one who runs the tests.
pub fn cutover(machine: &Machine, home: &Path, clock: Option<&str>) -> Command {
    let mut command = machine.command(env!("CARGO_BIN_EXE_cutover"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .stdin(Stdio::null());
    if let Some(off) = clock {
        command
            .env("LD_PRELOAD", libfaketime())
            .env("FAKETIME", off)
            // What time has passed is what it is: nobody can set that.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
    command
}

/// What has a program see another time.
fn libfaketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    found
        .find(|library| library.exists())
        .expect("libfaketime is missing: apt-get install libfaketime")
}

impl World {
    pub fn new() -> Self {
        let mut network = Network::new();
        let operator = network.machine();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        let mut world = Self {
            network,
            operator,
            folder,
            project: "shop",
            serving: None,
            clock: None,
        };
        world.turn_to("shop");
        world
    }

    /// From now on commands are about this project of the same operator's.
    pub fn turn_to(&mut self, project: &'static str) {
        self.project = project;
        let folder = self.project();
        let application = folder.join("applications/shop");
        if application.exists() {
            return;
        }
        std::fs::create_dir_all(&application).unwrap();
        let document = format!("name: {project}\nsettings:\n  stateDirectory: .state\nhosts: []\n");
        std::fs::write(folder.join("cutover.yaml"), document).unwrap();
        std::fs::write(
            application.join("application.yaml"),
            "applicationName: shop\ncomputePlatform: Server\n",
        )
        .unwrap();
        std::fs::write(
            application.join("production.yaml"),
            "applicationName: shop\ndeploymentGroupName: production\ndeploymentConfigName: CodeDeployDefault.AllAtOnce\n\
             ec2TagFilters:\n  - { Key: role, Value: web, Type: KEY_AND_VALUE }\n",
        )
        .unwrap();
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join(self.project)
    }

    /// Where the orchestrator keeps what it knows.
    pub fn state(&self) -> PathBuf {
        self.project().join(".state")
    }

    /// Another machine that may be a host.
    pub fn host(&mut self, name: &str) -> Host {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let machine = self.network.machine();
        Host {
            name: name.to_owned(),
            machine,
            folder,
            agent: None,
            log: Arc::default(),
            clock: None,
        }
    }

    /// A command on the project, on the operator's machine.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_on(&self.project(), arguments)
    }

    /// A command on another project, on the operator's machine.
    pub fn command_on(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = cutover(&self.operator, self.folder.path(), self.clock);
        command.arg("--project").arg(project).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and answers what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail, and answers what it complained of.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Orchestrates in the foreground, with its log where the test's is.
    pub fn serve(&mut self) {
        let mut serving = self.command(&["serve"]).spawn().unwrap();
        let pid = Pid::from_raw(serving.id().try_into().unwrap());
        until("it orchestrates", || {
            assert!(serving.try_wait().unwrap().is_none(), "it has ended");
            // A command would start another one, as long as nobody does.
            self.orchestrator() == Some(pid) && self.run(&["hosts"]).status.success()
        });
        self.serving = Some(serving);
    }

    /// Ends the orchestrator as `kill -9` does.
    pub fn kill_orchestrator(&mut self) {
        let mut serving = self.serving.take().unwrap();
        serving.kill().unwrap();
        serving.wait().unwrap();
    }

    /// Adds a host to the project.
    pub fn add(&self, host: &Host) -> Invitation {
        self.add_at(host, &host.address(), &format!("{}:{PORT}", host.ip()))
    }

    /// Invites a host that is in the project.
    pub fn invite(&self, host: &str, more: &[&str]) -> Invitation {
        invitation(&self.ok(&[&["hosts", "invite", host], more].concat()))
    }

    /// Adds a host, has it join, and waits until it has.
    pub fn joined(&mut self, name: &str) -> Host {
        let mut host = self.host(name);
        let invitation = self.add(&host);
        self.welcome(&mut host, &invitation);
        host
    }

    /// Has a host join, and waits until it has.
    pub fn welcome(&self, host: &mut Host, invitation: &Invitation) {
        host.join(invitation);
        host.start();
        self.until_ok(&host.name);
    }

    /// Adds a host that is reached by way of somebody else, or listens on all its addresses.
    pub fn add_at(&self, host: &Host, address: &str, listen: &str) -> Invitation {
        let add = ["hosts", "add", &host.name, "--address", address];
        let mut invitation = invitation(&self.ok(&[&add[..], &["--tag", "role=web"]].concat()));
        let arguments = &mut invitation.arguments;
        let at = arguments.iter().position(|one| one == "--listen").unwrap();
        listen.clone_into(&mut arguments[at + 1]);
        invitation
    }

    /// What is known of a host.
    pub fn status(&self, host: &str) -> Value {
        let hosts: Value =
            serde_json::from_str(&self.ok(&["hosts", host, "--output", "json"])).unwrap();
        hosts["hosts"][0].clone()
    }

    /// Everything that is shown of a deployment.
    pub fn shown(&self, id: &str) -> Value {
        serde_json::from_str(&self.ok(&["show", id, "--output", "json"])).unwrap()
    }

    /// Begins a rollout to the hosts, and answers its id.
    pub fn deploy(&self, label: &str) -> String {
        self.ok(&["deploy", "shop", "production", label])
            .trim()
            .to_owned()
    }

    pub fn until_succeeded(&self, id: &str) {
        until("it has succeeded", || {
            let status = self.deployment(id)["status"].clone();
            assert!(status != "Failed" && status != "Stopped", "{status}");
            status == "Succeeded"
        });
    }

    /// The process that orchestrates, wherever it was started.
    pub fn orchestrator(&self) -> Option<Pid> {
        // It writes its number there.
        let lock = self.project().join(".state/lock");
        let pid = std::fs::read_to_string(lock).ok()?;
        pid.trim().parse().ok().map(Pid::from_raw)
    }

    /// What is known of a deployment.
    pub fn deployment(&self, id: &str) -> Value {
        self.shown(id)["deploymentInfo"].clone()
    }

    /// What is wrong with a host, in words.
    pub fn problem(&self, host: &str) -> String {
        self.status(host)["status"]["problem"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn until_ok(&self, host: &str) {
        until("the host answers", || {
            self.status(host)["status"]["reachable"] == true
        });
    }

    /// Waits until something is wrong with a host that is told in these words.
    pub fn until_problem(&self, host: &str, words: &str) {
        let mut last = String::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            last = self.problem(host);
            if last.contains(words) {
                return;
            }
        }
        panic!("{words:?} was not said of {host}, but {last:?}");
    }

    /// Registers a revision whose hooks note that they ran, take so many seconds, and fail where there is a file `fail`.
    pub fn push(&self, label: &str, pause: &str) {
        let folder = self.folder.path().join(format!("revision-{label}"));
        std::fs::create_dir_all(folder.join("app")).unwrap();
        std::fs::write(folder.join("app/version"), label).unwrap();
        let appspec = "version: 0.0\nos: linux\nfiles:\n  - { source: app, destination: /srv/app }\nhooks:\n  \
             BeforeInstall: [ { location: hook.sh } ]\n  ApplicationStart: [ { location: hook.sh } ]\n";
        std::fs::write(folder.join("appspec.yml"), appspec).unwrap();
        let hook = folder.join("hook.sh");
        let text = format!(
            "#!/bin/sh\necho \"$DEPLOYMENT_ID $LIFECYCLE_EVENT\" >> \"$INSTALL_ROOT/trace\"\nsleep {pause}\n[ ! -e \"$INSTALL_ROOT/fail\" ]\n"
        );
        std::fs::write(&hook, text).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        self.ok(&["push", "shop", folder.to_str().unwrap(), "--label", label]);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(serving) = &mut self.serving {
            serving.kill().unwrap();
            serving.wait().unwrap();
        }
        for project in std::fs::read_dir(self.folder.path()).unwrap() {
            // Whoever was started in the background wrote its number there.
            let lock = project.unwrap().path().join(".state/lock");
            let pid = std::fs::read_to_string(lock).unwrap_or_default();
            if let Ok(pid) = pid.trim().parse() {
                let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

impl Host {
    pub fn address(&self) -> String {
        format!("https://{}:{PORT}", self.machine.address)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("agent.yml")
    }

    fn root(&self) -> PathBuf {
        self.folder.join("agent")
    }

    /// Where files are installed.
    pub fn installed(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// What scripts noted, in order.
    pub fn trace(&self) -> Vec<String> {
        let trace = std::fs::read_to_string(self.installed().join("trace")).unwrap_or_default();
        trace.lines().map(str::to_owned).collect()
    }

    /// A command of the agent's on this host.
    pub fn agent(&self, arguments: &[&str]) -> Output {
        let mut command = cutover(&self.machine, &self.folder, self.clock);
        command.arg("agent").args(arguments);
        command
            .arg("--config")
            .arg(self.config())
            .arg("--root")
            .arg(self.root());
        command.output().unwrap()
    }

    /// Does on the host what the operator was told.
    pub fn join(&self, invitation: &Invitation) -> String {
        self.join_with(&invitation.arguments)
    }

    /// The same with other arguments.
    pub fn join_with(&self, arguments: &[String]) -> String {
        let mut command = cutover(&self.machine, &self.folder, self.clock);
        command.args(arguments);
        command
            .arg("--config")
            .arg(self.config())
            .arg("--root")
            .arg(self.root());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the agent and waits until it serves.
    pub fn start(&mut self) {
        let mut command = cutover(&self.machine, &self.folder, self.clock);
        let mut agent = command
            .args(["agent", "--config"])
            .arg(self.config())
            .arg("--install-root")
            .arg(self.installed())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(agent.stderr.take().unwrap()).lines();
        let serves = log.find_map(|line| {
            let line = line.unwrap();
            eprintln!("{}: {line}", self.name);
            line.contains("serving on").then_some(())
        });
        assert!(serves.is_some(), "the agent of {} ended", self.name);
        let (name, kept) = (self.name.clone(), Arc::clone(&self.log));
        // Read on, so that the agent is never held up.
        std::thread::spawn(move || {
            for line in log.map_while(Result::ok) {
                eprintln!("{name}: {line}");
                *kept.lock().unwrap() += &line;
            }
        });
        self.agent = Some(agent);
    }

    /// Ends the agent as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }

    /// Waits until its agent has logged this.
    pub fn until_logged(&self, words: &str) {
        until(words, || self.log.lock().unwrap().contains(words));
    }

    /// Its key's fingerprint.
    pub fn fingerprint(&self) -> String {
        let output = self.agent(&["keys"]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .next()
            .unwrap()
            .split_whitespace()
            .last()
            .unwrap()
            .to_owned()
    }

    /// The host as it is after it was installed anew: it knows nothing.
    pub fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.root()).unwrap();
        std::fs::remove_file(self.config()).unwrap();
    }

    pub fn ip(&self) -> Ipv4Addr {
        self.machine.address
    }

    pub fn files(&self) -> PathBuf {
        self.root()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

fn invitation(told: &str) -> Invitation {
    let line = told
        .lines()
        .find(|line| line.trim_start().starts_with("cutover agent join"));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    let arguments = line.split_whitespace().skip(1).map(str::to_owned).collect();
    let last = told.trim_end().rsplit(' ').next().unwrap();
    Invitation {
        arguments,
        orchestrator: last.to_owned(),
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::yield_now();
    }
}
