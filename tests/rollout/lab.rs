//! A lab of the test's own, in a folder of its own, that ends with it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use cutover::api::client::{Client, ClientError};
use cutover::api::command::{Answer, ApiError, Command as ApiCommand};
use cutover::api::gate::{self, Circumstances, Refused};
use serde_json::Value;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Lab {
    folder: tempfile::TempDir,
    up: Child,
}

impl Lab {
    /// Starts this many agents and waits until they serve.
    pub fn up(hosts: usize) -> Self {
        Self::up_in(&std::env::temp_dir(), hosts)
    }

    /// The same, with everything below this folder.
    pub fn up_in(parent: &Path, hosts: usize) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let mut command = cutover(folder.path());
        command
            .args(["lab", "--hosts", &hosts.to_string(), "--up"])
            .arg(folder.path().join("lab"))
            .stdout(Stdio::piped());
        let mut up = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(up.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("agents run"), "{line}");
        Self { folder, up }
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("lab")
    }

    /// A command on the lab's project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cutover(self.folder.path());
        command.arg("--project").arg(self.folder()).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and answers what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn show(&self, deployment: &str) -> Value {
        serde_json::from_str(&self.ok(&["show", deployment, "--output", "json"])).unwrap()
    }

    pub fn status(&self, deployment: &str) -> String {
        self.show(deployment)["deploymentInfo"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Waits until a deployment is as wanted.
    pub fn wait_for(&self, deployment: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.show(deployment);
            if wanted(&now) {
                return now;
            }
            assert!(Instant::now() < deadline, "waited too long: {now:#}");
        }
    }

    pub fn wait_for_end(&self, deployment: &str) -> String {
        let ended = self.wait_for(deployment, |now| {
            let status = now["deploymentInfo"]["status"].as_str().unwrap();
            ["Succeeded", "Failed", "Stopped"].contains(&status)
        });
        ended["deploymentInfo"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// A revision whose every hook notes that it ran, takes `pause` seconds, and fails where told.
    pub fn revision(&self, label: &str, pause: &str, failing: Option<&str>) -> PathBuf {
        let folder = self.folder.path().join(label);
        std::fs::create_dir_all(folder.join("app")).unwrap();
        std::fs::write(folder.join("app/version"), label).unwrap();
        let mut hooks = String::new();
        for event in [
            "ApplicationStop",
            "BeforeInstall",
            "AfterInstall",
            "ApplicationStart",
            "ValidateService",
        ] {
            hooks.push_str("  ");
            hooks.push_str(event);
            hooks.push_str(":\n    - location: hook.sh\n      timeout: 30\n");
        }
        let appspec = format!(
            "version: 0.0\nos: linux\nfiles:\n  - source: app\n    destination: /srv/app\nhooks:\n{hooks}"
        );
        std::fs::write(folder.join("appspec.yml"), appspec).unwrap();
        let fail = failing.map_or_else(String::new, |host| {
            format!(
                "case \"$INSTALL_ROOT\" in */{host}/*) [ $LIFECYCLE_EVENT = ValidateService ] && echo 'no cache' >&2 && exit 7 ;; esac\n"
            )
        });
        let hook = format!(
            "#!/bin/sh\necho \"$DEPLOYMENT_ID $LIFECYCLE_EVENT\" >> \"$INSTALL_ROOT/trace\"\necho \"{label} runs $LIFECYCLE_EVENT\"\nsleep {pause}\n{fail}exit 0\n"
        );
        let path = folder.join("hook.sh");
        std::fs::write(&path, hook).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    /// What scripts noted on a host, in order.
    pub fn trace(&self, host: &str) -> Vec<String> {
        let path = self.root(host).join("trace");
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Where a host's files are installed.
    pub fn root(&self, host: &str) -> PathBuf {
        self.folder().join("hosts").join(host).join("root")
    }

    /// Writes the project's root document anew: these hosts, each with the tags `role: web` and its own name, and these
    /// limits (a YAML mapping).
    pub fn project(&self, hosts: &[&str], limits: &str) {
        let mut text = format!(
            "name: lab\nsettings:\n  stateDirectory: .state\n  limits: {limits}\nhosts:{}\n",
            if hosts.is_empty() { " []" } else { "" }
        );
        for host in hosts {
            let ready = self.folder().join("hosts").join(host).join("ready");
            let address = std::fs::read_to_string(ready).unwrap();
            let entry = format!(
                "  - {{ name: {host}, address: \"{}\", zone: a, tags: {{ role: web, name: {host} }} }}\n",
                address.trim()
            );
            text.push_str(&entry);
        }
        std::fs::write(self.folder().join("cutover.yaml"), text).unwrap();
    }

    /// Writes a group of `shop` that selects the hosts with this tag, with more lines of its document.
    pub fn group(&self, name: &str, key: &str, value: &str, more: &str) {
        let text = format!(
            "applicationName: shop\ndeploymentGroupName: {name}\nec2TagFilters:\n  - {{ Key: {key}, Value: {value}, Type: KEY_AND_VALUE }}\n{more}"
        );
        let path = self.folder().join(format!("applications/shop/{name}.yaml"));
        std::fs::write(path, text).unwrap();
    }

    /// Registers a revision as [`revision`](Self::revision) makes it.
    pub fn push(&self, label: &str, pause: &str, failing: Option<&str>) {
        let path = self.revision(label, pause, failing);
        self.ok(&["push", "shop", path.to_str().unwrap(), "--label", label]);
    }

    /// Deploys to the end, and answers the id and the exit code.
    pub fn deploy(&self, arguments: &[&str]) -> (String, i32) {
        let all = [&["deploy", "shop"], arguments, &["--wait"]].concat();
        let output = self.run(&all);
        let id = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(id.starts_with("d-"), "{all:?}: {output:?}");
        (id.trim().to_owned(), output.status.code().unwrap())
    }

    /// The deployments in the list, newest first.
    pub fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let all = [&["list", "--output", "json"], arguments].concat();
        let listed: Value = serde_json::from_str(&self.ok(&all)).unwrap();
        listed["deployments"].as_array().unwrap().clone()
    }

    /// The ids of the deployments that a creator made, newest first.
    pub fn created_by(&self, creator: &str) -> Vec<String> {
        let all = self.list(&[]);
        let made = all.iter().filter(|one| one["creator"] == creator);
        made.map(|one| one["deploymentId"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The orchestrator's door. Somebody orchestrates already.
    pub fn socket(&self) -> PathBuf {
        let sockets = std::fs::read_dir(self.folder.path().join("run/cutover")).unwrap();
        sockets.flatten().next().unwrap().path()
    }

    /// Sends a command through the orchestrator's door. Somebody orchestrates already.
    pub fn send(&self, command: &ApiCommand) -> Result<Answer, ApiError> {
        let socket = self.socket();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = Client::new(&socket).unwrap();
        let circumstances = Circumstances {
            read_only: false,
            data_age: None,
            confirmed: true,
            locked: None,
        };
        match runtime.block_on(gate::send(&client, command.clone(), circumstances)) {
            Ok(answer) => Ok(answer),
            Err(Refused::Client(ClientError::Api(error))) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    /// Ends the orchestrator as `kill -9` does. The next command starts another.
    pub fn kill_orchestrator(&self) {
        let orchestrator = nix::unistd::Pid::from_raw(self.orchestrator());
        nix::sys::signal::kill(orchestrator, nix::sys::signal::Signal::SIGKILL).unwrap();
        self.wait_until_nobody_orchestrates();
    }

    /// Waits until the orchestrator has ended, by whatever.
    pub fn wait_until_nobody_orchestrates(&self) {
        let path = self.folder().join(".state/lock");
        let file = std::fs::File::open(path).unwrap();
        until("the orchestrator has let go of its lock", || {
            file.try_lock().is_ok_and(|()| file.unlock().is_ok())
        });
    }

    /// Sends a host's agent a signal.
    pub fn signal_agent(&self, host: &str, signal: nix::sys::signal::Signal) {
        let record = std::fs::read(self.folder().join("lab.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let agents = record["agents"].as_array().unwrap();
        let agent = agents.iter().find(|agent| agent["name"] == host).unwrap();
        let pid = i32::try_from(agent["process"]["pid"].as_i64().unwrap()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    }

    /// The orchestrating process.
    pub fn orchestrator(&self) -> i32 {
        let text = std::fs::read_to_string(self.folder().join(".state/lock")).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Lab {
    /// What the processes wrote, for whoever looks into a failure.
    fn print_logs(&self) {
        let hosts = std::fs::read_dir(self.folder().join("hosts"))
            .into_iter()
            .flatten();
        let agents = hosts.flatten().map(|host| host.path().join("agent.log"));
        let serve = self.folder().join(".state/serve.log");
        for log in std::iter::once(serve).chain(agents) {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            eprintln!("== {}\n{text}", log.display());
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.up.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.up.wait().unwrap();
    }
}

/// Waits for a condition.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
    }
}

/// The binary, kept away from the state of the person who runs the tests.
pub fn cutover(home: &Path) -> Command {
    let run = home.join("run");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .env("XDG_RUNTIME_DIR", run)
        .env("XDG_STATE_HOME", home.join("state"))
        .env_remove("CUTOVER_READ_ONLY")
        // Whoever runs the tests may want the linear mode.
        .env_remove("CUTOVER_A11Y")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    command
}
