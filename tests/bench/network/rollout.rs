//! A hundred hosts go through their seven events at once, five of which run a script that does nothing: encrypted, against plainly
//! on the loopback, in turn. Each agent is a process (two, as root).

use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::time::Instant;

use cutover::api::client::Client;
use cutover::api::command::{Answer, Command, Deploy};
use cutover::api::feed::FeedItem;
use cutover::api::gate::{Circumstances, send};
use cutover::engine::event::Event;
use cutover::engine::spec::Options;
use cutover::model::deployment::Creator;
use cutover::model::deployment::DeploymentStatus;
use cutover::model::group::GroupKey;
use futures_util::StreamExt as _;

use crate::figures::{Aim, Figure, Samples};
use crate::fleet::{Fleet, PATIENCE, Speech, all_answer};

const HOSTS: usize = 100;
const ROUNDS: usize = 9;

const HOOKS: [&str; 5] = [
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];

struct Running {
    client: Client,
    agents: Vec<Child>,
    _fleet: Fleet,
}

impl Drop for Running {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }
}

pub async fn measure() -> Vec<Figure> {
    let plain = up(Speech::Plain).await;
    let tls = up(Speech::Encrypted).await;
    let (mut floor, mut samples) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS {
        let took = [deploy(&plain.client).await, deploy(&tls.client).await];
        // The first one sends the bundle.
        if round > 0 {
            floor.push(took[0]);
            samples.push(took[1]);
        }
    }
    vec![
        Figure::median(format!("{HOSTS} x host, plain: 7 events of `true`"), &floor),
        Figure::median(format!("{HOSTS} x host, TLS: 7 events of `true`"), &samples)
            .over(floor.median())
            .aim(Aim::Ratio(1.25)),
    ]
}

async fn up(speech: Speech) -> Running {
    let mut fleet = Fleet::new(speech);
    let mut agents = Vec::new();
    let mut keys = Vec::new();
    for number in 0..HOSTS {
        keys.push(fleet.join(number));
        let folder = fleet.folder.path().join(format!("hosts/web-{number}"));
        let mut command = fleet.command();
        command.args(["agent", "--config", "/dev/null", "--listen", "127.0.0.1:0"]);
        command.arg("--name").arg(format!("web-{number}"));
        command.arg("--root").arg(fleet.root(number));
        command.arg("--install-root").arg(folder.join("root"));
        command.arg("--ready-file").arg(folder.join("ready"));
        agents.push(command.spawn().unwrap());
    }
    let mut hosts = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    for (number, key) in keys.into_iter().enumerate() {
        let ready = fleet
            .folder
            .path()
            .join(format!("hosts/web-{number}/ready"));
        while !ready.exists() {
            assert!(Instant::now() < deadline, "web-{number} does not start");
            tokio::task::yield_now().await;
        }
        let url = std::fs::read_to_string(ready).unwrap();
        let (_, address) = url.trim().split_once("://").unwrap();
        hosts.push((address.to_owned(), key));
    }
    fleet.write(&hosts);
    let client = fleet.serve().await;
    all_answer(&client, HOSTS).await;
    let push = Command::Push {
        application: "shop".parse().unwrap(),
        path: revision(&fleet),
        label: Some("true".to_owned()),
        to: None,
    };
    send(&client, push, CONFIRMED).await.unwrap();
    Running {
        client,
        agents,
        _fleet: fleet,
    }
}

fn revision(fleet: &Fleet) -> std::path::PathBuf {
    let folder = fleet.folder.path().join("revision");
    std::fs::create_dir(&folder).unwrap();
    let hooks = HOOKS.map(|event| format!("  {event}: [{{location: hook.sh}}]\n"));
    let appspec = format!("version: 0.0\nos: linux\nhooks:\n{}", hooks.concat());
    std::fs::write(folder.join("appspec.yml"), appspec).unwrap();
    let hook = folder.join("hook.sh");
    std::fs::write(&hook, "#!/bin/true\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// From the request to the deployment's end, in seconds.
async fn deploy(client: &Client) -> f64 {
    let mut feed = client.feed().await.unwrap();
    let deploy = Deploy {
        target_instances: None,
        group: GroupKey {
            application: "shop".parse().unwrap(),
            group: "all".parse().unwrap(),
        },
        revision: "true".to_owned(),
        configuration: None,
        description: String::new(),
        options: Options::default(),
        token: None,
        verify_artifact: false,
        creator: Creator::User,
        by: "bench".to_owned(),
        uid: None,
    };
    let began = Instant::now();
    let answer = send(client, Command::Deploy(deploy), CONFIRMED).await;
    let Answer::Created { deployment: id } = answer.unwrap() else {
        panic!("no deployment was made");
    };
    let ending = async {
        loop {
            if let FeedItem::Record { deployment, record } = feed.next().await.unwrap().unwrap()
                && deployment == id
                && let Event::Ended { status, .. } = record.event
            {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, ending).await.unwrap();
    assert_eq!(status, DeploymentStatus::Succeeded);
    began.elapsed().as_secs_f64()
}

const CONFIRMED: Circumstances = Circumstances {
    read_only: false,
    data_age: None,
    confirmed: true,
    locked: None,
};
