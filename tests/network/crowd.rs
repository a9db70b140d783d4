//! Two hundred agents on one machine, each two processes with a key of its own.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use cutover::api::client::Client;
use cutover::api::command::{Answer, Command as Order, Pass};
use cutover::api::gate::{Circumstances, send};
use serde_json::Value;

use crate::namespaces::Machine;
use crate::world::{PORT, World, cutover, until};

const AGENTS: u32 = 200;

/// At a time, while they join: the machine has few cores.
const TOGETHER: usize = 4;

/// What both processes of an agent may take, in KiB, where what they share with the others counts by its share.
const EACH: u64 = 16 * 1024;

/// One of many hosts on a machine.
struct Member<'a> {
    machine: &'a Machine,
    folder: PathBuf,
    number: u32,
    agent: Option<Child>,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }
}

impl Member<'_> {
    fn name(&self) -> String {
        format!("web-{}", self.number)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = cutover(self.machine, &self.folder, None);
        let config = self.folder.join("agent.yml");
        command.arg("agent").args(words).arg("--config").arg(config);
        command
    }

    fn join_and_start(&mut self, token: &str) {
        let listen = format!("10.78.0.{}:{PORT}", self.number);
        let mut join = self.command(&["join", "--name", &self.name()]);
        join.args(["--listen", &listen, "--token", token]);
        join.arg("--root").arg(self.folder.join("agent"));
        let joined = join.output().unwrap();
        assert!(joined.status.success(), "{joined:?}");
        let mut start = self.command(&[]);
        start.arg("--install-root").arg(self.folder.join("root"));
        self.agent = Some(start.stderr(Stdio::null()).spawn().unwrap());
    }

    fn trace(&self) -> usize {
        let trace = std::fs::read_to_string(self.folder.join("root/trace"));
        trace.unwrap_or_default().lines().count()
    }

    /// What its processes take.
    fn memory(&self) -> u64 {
        let executor = self.agent.as_ref().unwrap().id();
        let children = format!("/proc/{executor}/task/{executor}/children");
        let children = std::fs::read_to_string(children).unwrap();
        let front = children.split_whitespace().map(|pid| pid.parse().unwrap());
        front.chain([executor]).map(share).sum()
    }
}

/// The memory that a process takes, in KiB.
fn share(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Tokens for all of them, as `cutover hosts invite` gives them.
fn invite(world: &World, members: &[Member<'_>]) -> Vec<String> {
    let folder = std::fs::read_dir(world.home().join("run/cutover")).unwrap();
    let door = folder.flatten().next().unwrap().path();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let client = Client::new(&door).unwrap();
    let circumstances = Circumstances {
        read_only: false,
        data_age: None,
        confirmed: true,
        locked: None,
    };
    let mut tokens = Vec::new();
    for member in members {
        let invite = Order::InviteHost {
            host: member.name().parse().unwrap(),
            replace_key: false,
            authority: None,
            by: "crowd".to_owned(),
        };
        let answer = runtime.block_on(send(&client, invite, circumstances.clone()));
        match answer.unwrap() {
            Answer::Invited {
                pass: Pass::Token(token),
                ..
            } => tokens.push(token),
            other => panic!("{other:?}"),
        }
    }
    tokens
}

fn reachable(world: &World) -> usize {
    let hosts: Value = serde_json::from_str(&world.ok(&["hosts", "--output", "json"])).unwrap();
    let hosts = hosts["hosts"].as_array().unwrap();
    hosts
        .iter()
        .filter(|host| host["status"]["reachable"] == true)
        .count()
}

#[test]
fn a_rollout_to_two_hundred_hosts() {
    let mut world = World::new();
    let machine = world.network.machine();
    // All these addresses are this machine's.
    machine.ip("route add local 10.78.0.0/24 dev lo");
    let way = format!("route add 10.78.0.0/24 via {}", machine.address);
    world.operator.ip(&way);
    let mut project = "name: shop\nsettings:\n  stateDirectory: .state\nhosts:\n".to_owned();
    let mut members = Vec::new();
    for number in 1..=AGENTS {
        let folder = world.home().join(format!("web-{number}"));
        std::fs::create_dir(&folder).unwrap();
        writeln!(
            project,
            "  - {{ name: web-{number}, address: \"https://10.78.0.{number}:{PORT}\", tags: {{ role: web }} }}"
        )
        .unwrap();
        members.push(Member {
            machine: &machine,
            folder,
            number,
            agent: None,
        });
    }
    std::fs::write(world.project().join("cutover.yaml"), project).unwrap();
    world.serve();
    let tokens = invite(&world, &members);
    let began = Instant::now();
    let waiting = Mutex::new(members.iter_mut().zip(&tokens));
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some((member, token)) = next else { return };
                    member.join_and_start(token);
                }
            });
        }
    });
    let all = usize::try_from(AGENTS).unwrap();
    until("all of them have joined", || reachable(&world) == all);
    eprintln!("{AGENTS} hosts have joined after {:?}", began.elapsed());
    world.push("1.0", "0");
    let began = Instant::now();
    let deployment = world.deploy("1.0");
    world.until_succeeded(&deployment);
    eprintln!("a rollout to all of them took {:?}", began.elapsed());
    for member in &members {
        assert_eq!(member.trace(), 2, "{}", member.name());
    }
    let memory: u64 = members.iter().map(Member::memory).sum();
    let operator = u32::try_from(world.orchestrator().unwrap().as_raw()).unwrap();
    eprintln!(
        "{} MiB for all of them, {} MiB for the orchestrator",
        memory / 1024,
        share(operator) / 1024
    );
    assert!(memory <= u64::from(AGENTS) * EACH, "{memory} KiB");
}
