//! Task sets: processes that outlive the agent, and of which there are never two.

#[path = "task_sets/places.rs"]
mod places;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use cutover::agent::protocol::{TaskSetOrder, TaskSetState, TaskState, TaskStatus};
use cutover::clock;
use cutover::identity::command::Verb;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{DEADLINE, Host, needs_root, set_mode, until};

/// Serves the folder that it is started in.
const SERVE: &str = "exec python3 -m http.server $PORT --bind 127.0.0.1";

/// A host with an agent, whose tasks end with the test.
struct Fleet {
    host: Host,
    left: Leftovers,
}

/// What is still there when the agent is not.
struct Leftovers(PathBuf);

impl Drop for Leftovers {
    fn drop(&mut self) {
        for pid in marked(&self.0) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// The living processes of the tasks below this folder.
fn marked(folder: &Path) -> Vec<i32> {
    let mark = format!("CUTOVER_SCRIPT={}/", folder.display());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ
            .split(|byte| *byte == 0)
            .any(|entry| entry.starts_with(mark.as_bytes()))
    })
    .collect()
}

impl Fleet {
    fn new() -> Self {
        let host = Host::new();
        let scratch = host.scratch.path().canonicalize().unwrap();
        Self {
            host,
            left: Leftovers(scratch.join("agent/task-sets")),
        }
    }

    async fn started() -> Self {
        let mut fleet = Self::new();
        fleet.host.start_binary().await;
        fleet
    }

    /// Starts an agent that kills itself at this place.
    async fn start_to_die_at(&mut self, place: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.env("CUTOVER_CRASH_AT", place);
        self.host.start_binary_by(command).await;
    }

    async fn send(&self, verb: Verb, id: &str, order: &Value) -> reqwest::Result<Response> {
        let url = format!("{}/v1/task-sets/{id}", self.host.address);
        let request = match verb {
            Verb::OrderTaskSet => self.host.client.put(url),
            _ => self.host.client.delete(url),
        };
        let request = request.header("content-type", "application/json");
        request.body(self.host.signed(verb, id, order)).send().await
    }

    async fn put(&self, id: &str, order: &Value) -> Response {
        self.send(Verb::OrderTaskSet, id, order).await.unwrap()
    }

    async fn order(&self, id: &str, order: &Value) -> TaskSetState {
        let answer = self.put(id, order).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    async fn end(&self, id: &str) -> TaskSetState {
        let answer = self.send(Verb::EndTaskSet, id, &Value::Null).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    async fn get(&self, id: &str) -> Option<TaskSetState> {
        let url = format!("{}/v1/task-sets/{id}", self.host.address);
        let answer = self.host.client.get(url).send().await.unwrap();
        match answer.status() {
            StatusCode::NOT_FOUND => None,
            _ => Some(answer.json().await.unwrap()),
        }
    }

    /// Waits until a task set is like this.
    async fn becomes(
        &self,
        id: &str,
        what: &str,
        is_so: impl Fn(&[TaskState]) -> bool,
    ) -> TaskSetState {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let state = self.get(id).await.unwrap();
            if is_so(&state.tasks) {
                return state;
            }
            assert!(Instant::now() < deadline, "not {what}: {state:#?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn well(&self, id: &str) -> TaskSetState {
        let state = self
            .becomes(id, "well", |tasks| tasks.iter().all(|task| task.healthy))
            .await;
        for task in &state.tasks {
            assert_eq!((task.status, &task.trouble), (TaskStatus::Running, &None));
        }
        state
    }

    /// Ends a task set and waits until nothing of it is left.
    async fn gone(&self, id: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let state = self.end(id).await;
            if state.tasks.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "not gone: {state:#?}");
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.get(id).await, None);
        assert_eq!(marked(&self.left.0.join(id)), [0; 0]);
    }

    /// The process of a task, as its folder says.
    fn pid(&self, id: &str, number: u32) -> i32 {
        let run = self.folder(id, number).join("run.json");
        let run: Value = serde_json::from_slice(&fs::read(run).unwrap()).unwrap();
        i32::try_from(run["process"]["pid"].as_i64().unwrap()).unwrap()
    }

    fn folder(&self, id: &str, number: u32) -> PathBuf {
        self.left.0.join(format!("{id}/{number}"))
    }

    /// A shell's work as an order for one task, with its starts in a file.
    fn shell(&self, work: &str) -> Value {
        let work = format!("echo $$ >> {}\n{work}", self.starts().display());
        json!({
            "service": "checkout",
            "taskDefinition": "checkout:2",
            "definition": {"run": ["/bin/sh", "-c", work], "port": range(), "stopSeconds": 5},
            "count": 1,
        })
    }

    fn starts(&self) -> PathBuf {
        self.host.path("starts")
    }

    /// Those of all processes that were ever a task that still live.
    fn living(&self) -> Vec<i32> {
        let starts = fs::read_to_string(self.starts()).unwrap_or_default();
        let pids: BTreeSet<i32> = starts.lines().map(|line| line.parse().unwrap()).collect();
        let living = marked(&self.left.0);
        pids.into_iter()
            .filter(|pid| living.contains(pid))
            .collect()
    }
}

/// Some ports, of which the first is free. They are below those that connections and other tests get by themselves.
fn range() -> String {
    let (first, _) = free_port();
    format!("{first}-{}", first + 60)
}

/// A port, as long as what listens there is not dropped.
fn free_port() -> (u16, TcpListener) {
    loop {
        let port = 10_000 + u16::try_from(clock::random() % 20_000).unwrap();
        if let Ok(listener) = TcpListener::bind(("0.0.0.0", port)) {
            return (port, listener);
        }
    }
}

fn lives(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

const ID: &str = "d-7F3KQ21XB";

#[tokio::test]
async fn an_order_is_carried_out_once_and_an_end_is_final() {
    let fleet = Fleet::started().await;
    let mut order = fleet.shell(SERVE);
    order["count"] = json!(2);
    let state = fleet.order(ID, &order).await;
    assert_eq!(state.service, "checkout");
    assert_eq!(state.tasks.len(), 2);
    let well = fleet.well(ID).await;
    assert_eq!(fleet.order(ID, &order).await.tasks.len(), 2);
    let ports: BTreeSet<u16> = well.tasks.iter().map(|task| task.port).collect();
    assert_eq!(ports.len(), 2, "each has its own port");
    assert_eq!(fleet.living().len(), 2);
    let list = fleet
        .host
        .client
        .get(format!("{}/v1/task-sets", fleet.host.address));
    let list: Vec<TaskSetState> = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list.len(), 1);

    let mut other = order.clone();
    other["count"] = json!(1);
    assert_eq!(fleet.put(ID, &other).await.status(), StatusCode::CONFLICT);
    other["definition"]["health"] = json!("health");
    let wrong = fleet.put("d-AAAAAAAAA", &other).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(fleet.get("d-AAAAAAAAA").await, None);
    assert_eq!(
        fleet.put("..", &order).await.status(),
        StatusCode::NOT_FOUND
    );
    other = fleet.shell(SERVE);
    other["count"] = json!(255);
    other["definition"]["port"] = json!("1024-65535");
    let many = fleet.put("d-BBBBBBBBB", &other).await;
    assert_eq!(many.status(), StatusCode::UNPROCESSABLE_ENTITY);

    fleet.gone(ID).await;
    assert_eq!(fleet.put(ID, &order).await.status(), StatusCode::GONE);
    assert!(
        fleet.folder(ID, 1).join("task.log").exists(),
        "for those who look"
    );
    // An end that overtakes its order.
    assert_eq!(fleet.end("d-CCCCCCCCC").await.tasks, []);
    assert_eq!(
        fleet.put("d-CCCCCCCCC", &order).await.status(),
        StatusCode::GONE
    );
    assert_eq!(fleet.get("d-CCCCCCCCC").await, None);
}

#[tokio::test]
async fn ends_are_known_after_a_restart() {
    let mut fleet = Fleet::started().await;
    let order = fleet.shell(SERVE);
    fleet.order(ID, &order).await;
    fleet.gone(ID).await;
    fleet.end("d-CCCCCCCCC").await;
    fleet.host.kill();
    fleet.host.start_binary().await;
    for id in [ID, "d-CCCCCCCCC"] {
        assert_eq!(fleet.put(id, &order).await.status(), StatusCode::GONE);
        assert_eq!(fleet.end(id).await.tasks, []);
        assert_eq!(fleet.get(id).await, None);
    }
    assert_eq!(fleet.living(), [0; 0]);
}

#[tokio::test]
async fn tasks_outlive_the_agent() {
    let mut fleet = Fleet::started().await;
    fleet.order(ID, &fleet.shell(SERVE)).await;
    let before = fleet.well(ID).await;
    let pid = fleet.pid(ID, 1);
    for how in ["kill", "end"] {
        if how == "kill" {
            fleet.host.kill();
        } else {
            assert!(fleet.host.end().await.success());
        }
        assert!(lives(pid), "after {how}");
        fleet.host.start_binary().await;
        // From the first moment on, and nothing about it has changed.
        assert_eq!(fleet.get(ID).await.unwrap(), before);
        assert_eq!(fleet.pid(ID, 1), pid);
    }
    // One that ends while nobody is there is started again, at the same port.
    fleet.host.kill();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    until("it has ended", || !lives(pid)).await;
    fleet.host.start_binary().await;
    let after = fleet.well(ID).await;
    assert_eq!(after.tasks[0].port, before.tasks[0].port);
    assert_eq!(after.tasks[0].restarts, 1);
    // And one that ends while an agent is there that has not started it.
    fleet.host.kill();
    fleet.host.start_binary().await;
    let pid = fleet.pid(ID, 1);
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let again = |tasks: &[TaskState]| tasks[0].restarts == 2 && tasks[0].healthy;
    fleet.becomes(ID, "there again", again).await;
    assert_eq!(fleet.living().len(), 1);
    fleet.gone(ID).await;
}

#[tokio::test]
async fn an_agent_killed_at_any_place_starts_no_second_task() {
    for place in places::BEGINNING {
        let mut fleet = Fleet::new();
        fleet.start_to_die_at(place).await;
        let order = fleet.shell(SERVE);
        // Whether the answer comes depends on the place.
        let _ = fleet.send(Verb::OrderTaskSet, ID, &order).await;
        died(&mut fleet, place).await;
        fleet.host.start_binary().await;
        fleet.order(ID, &order).await;
        fleet.well(ID).await;
        assert_eq!(fleet.living(), [fleet.pid(ID, 1)], "{place}");
        fleet.gone(ID).await;
    }
}

#[tokio::test]
async fn an_agent_killed_at_any_place_of_an_end_ends_it_nevertheless() {
    for place in places::ENDING {
        let mut fleet = Fleet::new();
        fleet.start_to_die_at(place).await;
        let order = fleet.shell(SERVE);
        fleet.order(ID, &order).await;
        fleet.well(ID).await;
        let _ = fleet.send(Verb::EndTaskSet, ID, &Value::Null).await;
        died(&mut fleet, place).await;
        fleet.host.start_binary().await;
        fleet.gone(ID).await;
        assert_eq!(fleet.put(ID, &order).await.status(), StatusCode::GONE);
        assert_eq!(fleet.living(), [0; 0], "{place}");
    }
}

async fn died(fleet: &mut Fleet, place: &str) {
    let pid = i32::try_from(fleet.host.pid()).unwrap();
    until(&format!("it has died at {place}"), || !lives(pid)).await;
    fleet.host.kill();
}

/// What a dead agent was about to start comes after the end.
#[tokio::test]
async fn a_start_that_comes_late_starts_nothing() {
    let fleet = Fleet::started().await;
    let order = fleet.shell(SERVE);
    fleet.order(ID, &order).await;
    fleet.well(ID).await;
    let start = |after: &str| {
        let status = Command::new(env!("CARGO_BIN_EXE_cutover"))
            .args(["agent", "task"])
            .arg(fleet.folder(ID, 1))
            .args(["18999", "0", "--", "/bin/false"])
            .status();
        assert_eq!(status.unwrap().code(), Some(0), "it gives way {after}");
    };
    let pid = fleet.pid(ID, 1);
    start("while the task is there");
    assert_eq!(fleet.pid(ID, 1), pid);
    fleet.gone(ID).await;
    start("after the end");
    assert_eq!(fleet.living(), [0; 0]);
}

#[tokio::test]
async fn over_random_kills_there_is_never_a_second_one() {
    let mut fleet = Fleet::new();
    let order = fleet.shell(SERVE);
    for _ in 0..20 {
        fleet.host.start_binary().await;
        let _ = fleet.send(Verb::OrderTaskSet, ID, &order).await;
        let pause = Duration::from_millis(u64::from(clock::random() % 150));
        let until = Instant::now() + pause;
        while Instant::now() < until {
            let living = fleet.living();
            assert!(living.len() <= 1, "{living:?}");
            sleep(Duration::from_millis(5)).await;
        }
        fleet.host.kill();
    }
    fleet.host.start_binary().await;
    fleet.well(ID).await;
    assert_eq!(fleet.living(), [fleet.pid(ID, 1)]);
    fleet.gone(ID).await;
}

#[tokio::test]
async fn one_that_ends_is_started_again_and_says_why() {
    let fleet = Fleet::started().await;
    // What it leaves in its group goes before it is started again, and so does what has left the group.
    let work = "sleep 1000 & setsid sleep 1001 &\necho the ledger is locked >&2\nexit 3";
    fleet.order(ID, &fleet.shell(work)).await;
    let again = |tasks: &[TaskState]| tasks[0].restarts >= 2;
    let state = fleet.becomes(ID, "started again", again).await;
    let trouble = state.tasks[0].trouble.as_deref().unwrap();
    assert!(trouble.contains("exit code 3"), "{trouble}");
    assert!(trouble.contains("the ledger is locked"), "{trouble}");
    assert!(marked(&fleet.left.0).len() <= 4, "of one start at most");
    assert!(!state.tasks[0].healthy);
    fleet.gone(ID).await;
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_named() {
    let fleet = Fleet::started().await;
    let mut order = fleet.shell("");
    order["definition"]["run"] = json!(["/nowhere/checkout"]);
    fleet.order(ID, &order).await;
    let said = |words: &'static str| {
        move |tasks: &[TaskState]| {
            let trouble = tasks[0].trouble.as_deref();
            trouble.is_some_and(|trouble| trouble.contains(words))
        }
    };
    let cannot = said("/nowhere/checkout cannot be run: No such file");
    fleet.becomes(ID, "explained", cannot).await;
    order["definition"]["folder"] = json!("/nowhere");
    fleet.order("d-BBBBBBBBB", &order).await;
    let cannot = said("cannot be started in /nowhere");
    fleet.becomes("d-BBBBBBBBB", "explained", cannot).await;
    order["definition"]["user"] = json!("nobody-of-this-name");
    fleet.order("d-CCCCCCCCC", &order).await;
    let cannot = said("there is no user nobody-of-this-name");
    fleet.becomes("d-CCCCCCCCC", "explained", cannot).await;
    for id in [ID, "d-BBBBBBBBB", "d-CCCCCCCCC"] {
        fleet.gone(id).await;
    }
}

#[tokio::test]
async fn who_ignores_the_end_is_killed() {
    let fleet = Fleet::started().await;
    let deaf = "trap '' TERM\npython3 -m http.server $PORT --bind 127.0.0.1";
    let mut order = fleet.shell(deaf);
    order["definition"]["stopSeconds"] = json!(1);
    fleet.order(ID, &order).await;
    fleet.well(ID).await;
    let since = Instant::now();
    let ending = fleet.end(ID).await;
    assert_eq!(ending.tasks.len(), 1);
    fleet.gone(ID).await;
    assert!(
        since.elapsed() >= Duration::from_secs(1),
        "it had its second"
    );
    assert_eq!(fleet.living(), [0; 0]);
}

#[tokio::test]
async fn a_port_that_somebody_else_has_is_left_to_them() {
    let fleet = Fleet::started().await;
    let (first, other) = free_port();
    let mut order = fleet.shell(SERVE);
    order["definition"]["port"] = json!(first);
    fleet.order(ID, &order).await;
    let none = |tasks: &[TaskState]| tasks[0].trouble.is_some();
    let state = fleet.becomes(ID, "without a port", none).await;
    let trouble = state.tasks[0].trouble.as_deref().unwrap();
    let expected = format!("no port of {first} is free on this host");
    assert!(trouble.contains(&expected), "{trouble}");
    assert_eq!(state.tasks[0].status, TaskStatus::Pending);
    assert_eq!(fleet.living(), [0; 0], "nothing is started without a port");

    order["definition"]["port"] = json!(format!("{first}-{}", first + 40));
    fleet.order("d-BBBBBBBBB", &order).await;
    let state = fleet.well("d-BBBBBBBBB").await;
    assert!(state.tasks[0].port > first);
    drop(other);
    assert_eq!(fleet.well(ID).await.tasks[0].port, first, "once it is free");
    fleet.gone(ID).await;
    fleet.gone("d-BBBBBBBBB").await;
}

#[tokio::test]
async fn its_health_path_says_whether_it_is_well() {
    let fleet = Fleet::started().await;
    let folder = fleet.host.path("site");
    fs::create_dir(&folder).unwrap();
    let mut order = fleet.shell(SERVE);
    order["definition"]["health"] = json!("/ready");
    order["definition"]["folder"] = json!(folder);
    fleet.order(ID, &order).await;
    let away = |tasks: &[TaskState]| {
        let trouble = tasks[0].trouble.as_deref();
        trouble.is_some_and(|trouble| trouble.contains("/ready: status 404"))
    };
    let state = fleet.becomes(ID, "unwell", away).await;
    assert_eq!(state.tasks[0].status, TaskStatus::Running);
    assert!(!state.tasks[0].healthy);
    fs::write(folder.join("ready"), "").unwrap();
    fleet.well(ID).await;
    fs::remove_file(folder.join("ready")).unwrap();
    fleet.becomes(ID, "unwell again", away).await;
    fleet.gone(ID).await;
}

#[tokio::test]
async fn it_gets_its_user_and_its_variables_and_no_others() {
    needs_root();
    let mut fleet = Fleet::new();
    set_mode(&fleet.host, 0o755);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.env("TOKEN_OF_THE_AGENT", "secret");
    fleet.host.start_binary_by(command).await;
    let mut order = fleet.shell("");
    let work = format!("id -u; pwd; env | sort; ls /proc/self/fd | wc -l; echo ready\n{SERVE}");
    order["definition"]["run"] = json!(["/bin/sh", "-c", work]);
    order["definition"]["user"] = json!("daemon");
    order["definition"]["folder"] = json!("/tmp");
    order["definition"]["environment"] = json!({"REGION": "north"});
    fleet.order(ID, &order).await;
    let port = fleet.well(ID).await.tasks[0].port;
    let said = fs::read_to_string(fleet.folder(ID, 1).join("task.log")).unwrap();
    let daemon = User::from_name("daemon").unwrap().unwrap();
    assert!(
        said.starts_with(&format!("{}\n/tmp\n", daemon.uid)),
        "{said}"
    );
    for line in [
        format!("PORT={port}"),
        "CUTOVER_SERVICE=checkout".to_owned(),
        format!("CUTOVER_TASK_SET={ID}"),
        "CUTOVER_TASK_DEFINITION=checkout:2".to_owned(),
        "REGION=north".to_owned(),
        "USER=daemon".to_owned(),
    ] {
        assert!(said.lines().any(|said| said == line), "{line} in {said}");
    }
    assert!(
        !said.contains("secret") && !said.contains("CRASH"),
        "{said}"
    );
    // The three, the two by which it is known, and the one of `ls` itself.
    let open = said.lines().take_while(|line| *line != "ready").last();
    assert_eq!(open.unwrap().trim(), "6", "{said}");
    fleet.gone(ID).await;
}

/// The order that tests write by hand is the one that the protocol has.
#[test]
fn the_order_is_the_protocols() {
    let order = json!({
        "service": "checkout",
        "taskDefinition": "checkout:2",
        "definition": {"run": ["/bin/true"], "port": 8080, "stopSeconds": 5},
        "count": 1,
    });
    let order: TaskSetOrder = serde_json::from_value(order).unwrap();
    assert_eq!(order.definition.stop_seconds, 5);
}
