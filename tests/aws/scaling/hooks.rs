//! Instances that wait for a lifecycle hook. No emulator has any that wait: moto has the groups and the instances, and what stands
//! before it says who waits, and takes down who is told what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_autoscaling::Client;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use super::forward;
use super::places::ANSWERING;
use crate::instances::{Site, scaling};
use crate::server::until;

/// Who waits, and who was told what.
#[derive(Clone)]
struct Gate {
    behind: String,
    url: String,
    waits: Arc<Mutex<BTreeMap<String, &'static str>>>,
    told: Arc<Mutex<Vec<[String; 3]>>>,
}

impl Gate {
    async fn before(behind: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self {
            behind,
            url: format!("http://{}", listener.local_addr().unwrap()),
            waits: Arc::default(),
            told: Arc::default(),
        };
        let routes = Router::new().fallback(pass).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        gate
    }

    fn has_waiting(&self, instance: &str, state: &'static str) {
        self.waits
            .lock()
            .unwrap()
            .insert(instance.to_owned(), state);
    }

    /// What an instance was told in the end: the hook, and the result.
    fn results(&self, instance: &str) -> Vec<[String; 2]> {
        let told = self.told.lock().unwrap();
        let theirs = told.iter().filter(|one| one[0] == instance);
        let ends = theirs.filter(|one| !one[2].is_empty());
        ends.map(|one| [one[1].clone(), one[2].clone()]).collect()
    }

    /// Whether somebody said that it is still worked on.
    fn was_kept(&self, instance: &str) -> bool {
        let told = self.told.lock().unwrap();
        told.iter()
            .any(|one| one[0] == instance && one[2].is_empty())
    }

    async fn until_told(&self, instance: &str, hook: &str, result: &str) {
        let wanted = [[hook.to_owned(), result.to_owned()]];
        let what = format!("{instance} is told {result}");
        until(&what, async || self.results(instance) == wanted).await;
    }
}

async fn pass(State(gate): State<Gate>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let url = format!("http://h/?{body}");
    let asked = reqwest::Url::parse(&url).unwrap();
    let asked: BTreeMap<String, String> = asked.query_pairs().into_owned().collect();
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let action = field("Action");
    if action == "CompleteLifecycleAction" || action == "RecordLifecycleActionHeartbeat" {
        let instance = field("InstanceId");
        let result = field("LifecycleActionResult");
        assert_eq!(field("AutoScalingGroupName"), "pool");
        let mut waits = gate.waits.lock().unwrap();
        let before = waits.get(&instance).copied().unwrap_or_default();
        if !before.ends_with(":Wait") {
            let text = format!(
                "<ErrorResponse><Error><Code>ValidationError</Code><Message>No active Lifecycle Action found with instance ID {instance}</Message></Error></ErrorResponse>"
            );
            return (StatusCode::BAD_REQUEST, text);
        }
        if result == "CONTINUE" && before == "Pending:Wait" {
            waits.remove(&instance);
        } else if !result.is_empty() {
            waits.insert(instance.clone(), "Terminating:Proceed");
        }
        let mut told = gate.told.lock().unwrap();
        told.push([instance, field("LifecycleHookName"), result]);
        let text = format!("<{action}Response><{action}Result/></{action}Response>");
        return (StatusCode::OK, text);
    }
    let (status, text) = forward(&gate.behind, &headers, body).await;
    if action != "DescribeAutoScalingGroups" {
        return (status, text);
    }
    let waits = gate.waits.lock().unwrap();
    let state = |part: &str| {
        let mut all = waits.iter();
        let found = all.find(|(id, _)| part.contains(&format!("<InstanceId>{id}</InstanceId>")));
        let state = found.map_or("InService", |(_, state)| *state);
        let wanted = format!("<LifecycleState>{state}</LifecycleState>");
        part.replace("<LifecycleState>InService</LifecycleState>", &wanted)
    };
    let parts: Vec<String> = text.split("<member>").map(state).collect();
    (status, parts.join("<member>"))
}

const HOOKED: &str = "account: prod
autoScalingGroups: [{ name: pool, hook: come, terminationHook: go }]
terminationHookEnabled: true
";

/// Two instances with the revision 1.0, of a group whose hooks are answered.
async fn site() -> (Site, Gate, Client, Vec<(String, String)>) {
    let mut site = Site::up().await;
    let gate = Gate::before(site.server.url()).await;
    site.documents_at("", &gate.url);
    let client = scaling(&site, "pool", 2).await;
    let both = site.instances().await;
    for instance in &both {
        site.agent_on(instance).await;
    }
    site.group("scaled", HOOKED);
    (site, gate, client, both)
}

/// Has one more instance, which waits.
async fn another(site: &Site, gate: &Gate, client: &Client) -> (String, String) {
    let before = site.instances().await;
    let more = client
        .set_desired_capacity()
        .auto_scaling_group_name("pool");
    let count = i32::try_from(before.len() + 1).unwrap();
    more.desired_capacity(count).send().await.unwrap();
    let now = site.instances().await;
    let new = now.into_iter().find(|one| !before.contains(one)).unwrap();
    gate.has_waiting(&new.0, "Pending:Wait");
    new
}

pub async fn coming() {
    let (mut site, gate, client, both) = site().await;
    // There is nothing to give to anybody yet.
    gate.has_waiting(&both[1].0, "Pending:Wait");
    site.lab.ok(&["plan", "shop", "scaled", "1.0"]);
    gate.until_told(&both[1].0, "come", "CONTINUE").await;
    assert_eq!(site.lab.deploy(&["scaled", "1.0"]).1, 0);

    let good = another(&site, &gate, &client).await;
    site.agent_on(&good).await;
    site.lab.ok(&["plan", "shop", "scaled", "1.0"]);
    gate.until_told(&good.0, "come", "CONTINUE").await;
    let made = site.lab.created_by("autoscaling");
    assert_eq!(
        site.lab.show(&made[0])["targets"][0]["name"],
        good.0.as_str()
    );
    assert_eq!(site.lab.wait_for_end(&made[0]), "Succeeded");

    // One on which the revision fails is given up.
    let bad = another(&site, &gate, &client).await;
    site.agent_on(&bad).await;
    std::fs::create_dir_all(site.root_of(&bad.0).join("srv/app")).unwrap();
    std::fs::write(site.root_of(&bad.0).join("srv/app/version"), "mine").unwrap();
    site.lab.ok(&["plan", "shop", "scaled", "1.0"]);
    gate.until_told(&bad.0, "come", "ABANDON").await;
    assert_eq!(
        site.lab
            .wait_for_end(&site.lab.created_by("autoscaling")[0]),
        "Failed"
    );
}

pub async fn leaving() {
    let (site, gate, _client, both) = site().await;
    assert_eq!(site.lab.deploy(&["scaled", "1.0"]).1, 0);
    let [stays, leaves] = [&both[0].0, &both[1].0];
    site.lab.push("slow", "0.5", None);
    assert_eq!(site.lab.deploy(&["scaled", "slow"]).1, 0);
    gate.has_waiting(leaves, "Terminating:Wait");
    site.lab.ok(&["plan", "shop", "scaled", "slow"]);
    gate.until_told(leaves, "go", "CONTINUE").await;
    assert!(gate.was_kept(leaves), "{:?}", gate.told);
    let made = site.lab.created_by("autoscalingTermination");
    let [made] = &made[..] else {
        panic!("one and no more: {made:?}");
    };
    let shown = site.lab.show(made);
    assert_eq!(shown["deploymentInfo"]["status"], "Succeeded", "{shown:#}");
    assert_eq!(shown["targets"].as_array().unwrap().len(), 1);
    let trace = std::fs::read_to_string(site.root_of(leaves).join("trace")).unwrap();
    assert_eq!(
        trace.lines().last(),
        Some(format!("{made} ApplicationStop").as_str())
    );
    let trace = std::fs::read_to_string(site.root_of(stays).join("trace")).unwrap();
    assert!(!trace.contains(made.as_str()), "{trace}");

    // One that has nothing of the group's goes at once.
    gate.has_waiting(leaves, "Terminating:Wait");
    site.lab.ok(&["plan", "shop", "scaled", "slow"]);
    until("it goes", async || gate.results(leaves).len() == 2).await;
    assert_eq!(site.lab.created_by("autoscalingTermination").len(), 1);
}

pub async fn crashed() {
    let (site, gate, _client, both) = site().await;
    assert_eq!(site.lab.deploy(&["scaled", "1.0"]).1, 0);
    let leaves = &both[1].0;
    for (count, place) in ANSWERING.into_iter().enumerate() {
        site.lab.kill_orchestrator();
        gate.has_waiting(leaves, "Terminating:Wait");
        let mut look = site.lab.command(&["plan", "shop", "scaled", "1.0"]);
        let _crashes = look.env("CUTOVER_CRASH_AT", place).output().unwrap();
        site.lab.wait_until_nobody_orchestrates();
        // Somebody takes over.
        site.lab.ok(&["list"]);
        let wanted = count + 1;
        until("it is told", async || gate.results(leaves).len() == wanted).await;
        assert_eq!(
            site.lab.created_by("autoscalingTermination").len(),
            1,
            "{place}"
        );
    }
}
