//! What Auto Scaling must not do while a deployment runs.

mod copies;
mod hooks;
mod left;
mod places;

use std::collections::BTreeSet;

use aws_sdk_autoscaling::Client;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use libtest_mimic::Trial;
use tokio::net::TcpListener;

use crate::instances::{SCALED, Site, scaling};
use crate::server::until;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("processes_are_suspended_while_a_deployment_runs", pause),
        trial("processes_that_can_t_be_suspended_fail_it_at_once", denied),
        trial(
            "nobody_goes_before_what_is_suspended_is_resumed",
            left::lost,
        ),
        trial("processes_are_resumed_after_a_crash_at_any_place", crashes),
        trial("a_group_is_copied_and_the_original_ends", copies::whole),
        trial("a_copy_is_made_once_whatever_crashes", copies::crashed),
        trial("what_can_not_be_copied_is_said", copies::refused),
        trial("a_copy_that_was_left_is_terminated_by_hand", copies::left),
        trial(
            "instances_that_come_wait_for_their_deployment",
            hooks::coming,
        ),
        trial(
            "instances_that_leave_wait_for_their_deployment",
            hooks::leaving,
        ),
        trial("who_waits_is_told_after_a_crash", hooks::crashed),
    ]
}

const OPTIONS: &str =
    "ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: [Terminate, AZRebalance] }\n";

/// An Auto Scaling group with two instances, and a deployment group of them.
async fn site() -> (Site, Client) {
    let mut site = Site::up().await;
    let client = scaling(&site, "pool", 2).await;
    for instance in site.instances().await {
        site.agent_on(&instance).await;
    }
    site.group("scaled", &format!("{SCALED}{OPTIONS}"));
    site.lab.push("slow", "0.4", None);
    (site, client)
}

/// The processes that are suspended.
async fn suspended(client: &Client) -> BTreeSet<String> {
    let asked = client.describe_auto_scaling_groups();
    let told = asked.auto_scaling_group_names("pool").send().await.unwrap();
    let all = told.auto_scaling_groups()[0].suspended_processes().iter();
    all.map(|one| one.process_name().unwrap().to_owned())
        .collect()
}

async fn suspended_is(client: &Client, what: &str, wanted: &[&str]) {
    let wanted: BTreeSet<String> = wanted.iter().map(|&one| one.to_owned()).collect();
    until(what, async || suspended(client).await == wanted).await;
}

/// Suspends a process as somebody else does.
async fn suspend(client: &Client, process: &str) {
    let asked = client.suspend_processes().auto_scaling_group_name("pool");
    asked.scaling_processes(process).send().await.unwrap();
}

async fn pause() {
    let (site, client) = site().await;
    suspend(&client, "AZRebalance").await;
    let id = site.lab.ok(&["deploy", "shop", "scaled", "slow"]);
    site.lab.wait_for(&id, |now| {
        let targets = now["targets"].as_array().unwrap().iter();
        targets
            .clone()
            .any(|target| target["status"] == "InProgress")
    });
    // Before the first instance is touched.
    let both = ["AZRebalance", "Terminate"].map(str::to_owned);
    assert_eq!(suspended(&client).await, both.into());
    site.lab.kill_orchestrator();
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    suspended_is(&client, "what it suspended goes on", &["AZRebalance"]).await;

    // And after a stop.
    let id = site.lab.ok(&["deploy", "shop", "scaled", "slow"]);
    suspended_is(&client, "it begins", &["AZRebalance", "Terminate"]).await;
    site.lab.ok(&["stop", &id]);
    assert_eq!(site.lab.wait_for_end(&id), "Stopped");
    suspended_is(&client, "what it suspended goes on", &["AZRebalance"]).await;
}

async fn crashes() {
    let (site, client) = site().await;
    for place in places::PLACES {
        let mut deploy = site.lab.command(&["deploy", "shop", "scaled", "1.0"]);
        let deploy = deploy.env("CUTOVER_CRASH_AT", place).output().unwrap();
        let id = String::from_utf8(deploy.stdout).unwrap();
        let id = id.trim();
        assert!(id.starts_with("d-"), "{place}: {id}");
        site.lab.wait_until_nobody_orchestrates();
        let now = suspended(&client).await;
        let holds = place == "scaling.suspended";
        assert_eq!(now.contains("Terminate"), holds, "{place}");
        assert_eq!(site.lab.wait_for_end(id), "Succeeded", "{place}");
        suspended_is(&client, "everything goes on", &[]).await;
        site.lab.kill_orchestrator();
    }
}

/// Actions that are not done, with what is answered.
type Denied = Vec<(&'static str, u16, &'static str)>;

/// What stands before an emulator and answers these requests itself, with a status and a code.
async fn denying(behind: String, denied: Denied) -> String {
    let routes = Router::new().fallback(pass).with_state((behind, denied));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

async fn pass(
    State((behind, denied)): State<(String, Denied)>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let asked = |action: &str| body.contains(&format!("Action={action}&"));
    if let Some((_, status, code)) = denied.iter().find(|(action, ..)| asked(action)) {
        let text = format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>not you</Message></Error></ErrorResponse>"
        );
        return (StatusCode::from_u16(*status).unwrap(), text);
    }
    forward(&behind, &headers, body).await
}

/// What the emulator answers.
async fn forward(behind: &str, headers: &HeaderMap, body: String) -> (StatusCode, String) {
    let mut asked = reqwest::Client::new().post(behind).body(body);
    for name in ["authorization", "content-type", "x-amz-date"] {
        asked = asked.header(name, &headers[name]);
    }
    // The emulator may have ended before whoever asks.
    let Ok(answer) = asked.send().await else {
        return (StatusCode::BAD_GATEWAY, String::new());
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (status, answer.text().await.unwrap())
}

async fn denied() {
    let (site, client) = site().await;
    let denied = ["SuspendProcesses", "ResumeProcesses"].map(|it| (it, 403, "AccessDenied"));
    let url = denying(site.server.url(), denied.into()).await;
    site.documents_at("", &url);
    let (id, _) = site.lab.deploy(&["scaled", "1.0"]);
    let shown = site.lab.show(&id);
    let error = &shown["deploymentInfo"]["errorInformation"];
    assert_eq!(
        error["code"], "AUTO_SCALING_IAM_ROLE_PERMISSIONS",
        "{shown:#}"
    );
    let message = error["message"].as_str().unwrap();
    let remedy = "access is denied: let its user or role have autoscaling:SuspendProcesses";
    assert!(message.contains(remedy), "{message}");
    let targets = shown["targets"].as_array().unwrap().iter();
    for target in targets {
        assert_eq!(target["status"], "Skipped", "{target}");
    }
    suspended_is(&client, "nothing is left", &[]).await;
    // It was written down before it was denied, and is not resumed for ever: that is denied, too.
    let nothing_held = async || {
        let now = site.snapshot().await;
        let mut ledgers = now.ledgers.iter();
        ledgers.all(|(_, ledger)| ledger.suspended.is_empty())
    };
    until("nothing is left to resume", nothing_held).await;
    assert_eq!(site.snapshot().await.problems, [""; 0]);
}
