//! How late the steps of traffic shifts are: when a share was due, against when a client was told that it is written.
//!
//! Functions behind `cutover router` shift by one percent a second, several at once, and beside them a bare timer is set again and
//! again to a second from then.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cutover::api::client::Client;
use cutover::api::feed::FeedItem;
use cutover::clock;
use cutover::engine::event::Event;
use cutover::model::timestamp::Timestamp;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::backend::Backend;
use crate::figures::{Aim, Figure, Samples};
use crate::lab::Lab;
use crate::program::{Program, free_port};

/// So many functions, each of which shifts in a hundred steps.
const FUNCTIONS: usize = 3;

/// From one step to the next.
const STEP: Duration = Duration::from_secs(1);

/// Far longer than all of the steps take.
const PATIENCE: Duration = Duration::from_mins(5);

pub async fn measure() -> Vec<Figure> {
    let folder = tempfile::tempdir().unwrap();
    let versions = [Backend::start("one").await, Backend::start("two").await];
    let addresses = [versions[0].address, versions[1].address];
    let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (mut router, fronts) = router(folder.path(), admin, addresses[0]);
    let answers = async || reqwest::get(format!("http://{}/", fronts[0])).await.is_ok();
    router.until("the router answers", answers).await;
    let lab = tokio::task::spawn_blocking(move || site(admin, addresses));
    let lab = lab.await.unwrap();
    let client = Client::new(&lab.socket()).unwrap();
    let mut feed = client.feed().await.unwrap();
    let floor = Arc::new(Mutex::new(Samples::default()));
    let bare = tokio::spawn(bare(Arc::clone(&floor)));
    let (lab, ids) = tokio::task::spawn_blocking(|| {
        let ids: Vec<String> = names()
            .map(|name| lab.ok(&["deploy", &name, "live", "two"]))
            .collect();
        (lab, ids)
    })
    .await
    .unwrap();
    let mut due: BTreeMap<String, Timestamp> = BTreeMap::new();
    let (mut told, mut decided) = (Samples::default(), Samples::default());
    let mut open = ids.len();
    let deadline = Instant::now() + PATIENCE;
    while open > 0 {
        assert!(Instant::now() < deadline, "the shifts do not end");
        let item = feed.next().await.unwrap().unwrap();
        let FeedItem::Record { deployment, record } = item else {
            continue;
        };
        let now = clock::steady();
        match record.event {
            Event::InEffect { .. } => {
                due.insert(deployment.to_string(), record.at + STEP);
            }
            Event::Shifted { .. } => {
                // Nobody had said when the first is due.
                if let Some(due) = due.remove(deployment.as_str()) {
                    told.add(now.since(due));
                    decided.add(record.at.since(due));
                }
            }
            Event::Ended { status, .. } => {
                assert!(status.to_string() == "Succeeded", "{deployment}: {status}");
                open -= 1;
            }
            _ => {}
        }
    }
    bare.abort();
    let floor = floor.lock().unwrap().clone();
    drop((lab, router));
    let late = |quantile: usize, what: &str| {
        let name = format!("{what}, {quantile}th percentile");
        Figure::time(name, told.quantile(quantile)).over(floor.quantile(quantile))
    };
    let steps = told.len();
    vec![
        Figure {
            range: Some(told.range()),
            ..late(99, &format!("{steps} steps of shifts: lateness until told"))
        }
        .aim(Aim::Seconds(0.1)),
        late(50, "  of it"),
        late(100, "  of it"),
        Figure::median("  until it is decided, before it is on the disk", &decided),
    ]
}

/// The reference: a timer alone, in the same run.
async fn bare(lateness: Arc<Mutex<Samples>>) {
    loop {
        let due = Instant::now() + STEP;
        tokio::time::sleep_until(due.into()).await;
        lateness.lock().unwrap().add(due.elapsed());
    }
}

fn names() -> impl Iterator<Item = String> {
    (1..=FUNCTIONS).map(|number| format!("f{number}"))
}

/// One route a function, each with its first version in service.
fn router(
    folder: &std::path::Path,
    admin: SocketAddr,
    first: SocketAddr,
) -> (Program, Vec<SocketAddr>) {
    let fronts: Vec<SocketAddr> = names()
        .map(|_| SocketAddr::from(([127, 0, 0, 1], free_port())))
        .collect();
    let routes = names().zip(&fronts).map(|(name, front)| {
        json!({ "name": name, "listen": front, "servers": [
            { "name": format!("{name}-1"), "endpoint": first.to_string() },
        ] })
    });
    let document = json!({ "admin": admin, "routes": routes.collect::<Vec<_>>() });
    std::fs::write(folder.join("router.yaml"), document.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["router", "--config", "router.yaml"]);
    (Program::start(command, folder), fronts)
}

/// A project with the functions, and their second version as a revision.
fn site(admin: SocketAddr, versions: [SocketAddr; 2]) -> Lab {
    let lab = Lab::up(1);
    let folder = lab.folder();
    let balancers = names().map(|name| {
        json!({ "name": name, "provider": { "router": { "admin": format!("http://{admin}"), "route": name } } })
    });
    let functions = names().map(|name| {
        json!({ "name": name, "alias": "live", "via": { "endpoints": {
            "loadBalancer": name,
            "versions": { "1": versions[0].to_string(), "2": versions[1].to_string() },
        } } })
    });
    let document = json!({
        "name": "lab",
        "settings": { "stateDirectory": ".state", "limits": { "shiftMinuteSeconds": STEP.as_secs() } },
        "connections": {
            "loadBalancers": balancers.collect::<Vec<_>>(),
            "functions": functions.collect::<Vec<_>>(),
        },
        "hosts": [],
    });
    let write = |path: &str, text: String| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    // What comes with the lab is not wanted.
    std::fs::remove_dir_all(folder.join("applications")).unwrap();
    write("cutover.yaml", document.to_string());
    write(
        "configurations/OnePercent.yaml",
        "deploymentConfigName: OnePercent\ncomputePlatform: Lambda\ntrafficRoutingConfig: \
         { type: TimeBasedLinear, timeBasedLinear: { linearPercentage: 1, linearInterval: 1 } }\n"
            .to_owned(),
    );
    for name in names() {
        let about = format!("applicationName: {name}\ncomputePlatform: Lambda\n");
        write(&format!("applications/{name}/application.yaml"), about);
        let group = format!(
            "applicationName: {name}\ndeploymentGroupName: live\ndeploymentConfigName: OnePercent\n"
        );
        write(&format!("applications/{name}/live.yaml"), group);
        let appspec = format!(
            "version: 0.0\nResources:\n  - {name}:\n      Type: AWS::Lambda::Function\n      Properties:\n        \
             Name: {name}\n        Alias: live\n        CurrentVersion: 1\n        TargetVersion: 2\n"
        );
        write(&format!("{name}-two.yaml"), appspec);
        let path = folder.join(format!("{name}-two.yaml"));
        lab.ok(&["push", &name, path.to_str().unwrap(), "--label", "two"]);
    }
    lab
}
