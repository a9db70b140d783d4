//! A service of AWS ECS as an emulator has it. It starts no tasks, and lets none in and out of target groups: what does that here
//! stands in for AWS. Every request passes somebody who can refuse it, and who can say that nothing is steady yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    ContainerDefinition, DeploymentController, DeploymentControllerType, LaunchType, LoadBalancer,
    Scale, ScaleUnit, TaskSet,
};
use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetDescription, TargetTypeEnum};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::backend::Backend;
use crate::cloud::{Bridge, Cloud, shares, to};

/// How many task definitions there are.
const DEFINITIONS: usize = 3;

/// The cluster, and its service.
pub const CLUSTER: &str = "lab";
pub const SERVICE: &str = "checkout";

/// A cluster with a service behind a load balancer, and whoever runs its tasks.
pub struct Ecs {
    pub cloud: Cloud,
    pub client: Client,
    /// The listener of test traffic.
    pub test: String,
    pub between: Between,
    _crew: Crew,
}

impl Ecs {
    /// A service of which nothing runs.
    pub async fn start() -> Self {
        let cloud = Cloud::start(TargetTypeEnum::Ip).await;
        let client = Client::new(&cloud.server.config().await);
        let test = listener(&cloud, &cloud.groups[1]).await;
        let made = client.create_cluster().cluster_name(CLUSTER);
        made.send().await.unwrap();
        for number in 1..=DEFINITIONS {
            let container = ContainerDefinition::builder()
                .name("web")
                .image(format!("checkout:{number}"))
                .memory(128);
            let register = client.register_task_definition().family("checkout");
            let register = register.container_definitions(container.build());
            register.send().await.unwrap();
        }
        let ecs = Self {
            _crew: Crew::of(client.clone(), cloud.client.clone()),
            between: Between::start(cloud.server.url()).await,
            cloud,
            client,
            test,
        };
        ecs.service(SERVICE, DeploymentControllerType::External)
            .await;
        ecs
    }

    /// Another service of the cluster.
    pub async fn service(&self, name: &str, controller: DeploymentControllerType) {
        let controller = DeploymentController::builder().r#type(controller);
        let made = self.client.create_service().cluster(CLUSTER);
        made.service_name(name)
            .desired_count(2)
            .task_definition("checkout:1")
            .deployment_controller(controller.build().unwrap())
            .send()
            .await
            .unwrap();
    }

    /// The first task set, which has the traffic, and which somebody else made: its ARN.
    pub async fn primary(&self) -> String {
        let balancer = LoadBalancer::builder()
            .target_group_arn(&self.cloud.groups[0])
            .container_name("web")
            .container_port(80);
        let all = Scale::builder().value(100.0).unit(ScaleUnit::Percent);
        let made = self
            .client
            .create_task_set()
            .cluster(CLUSTER)
            .service(SERVICE);
        let made = made
            .task_definition("checkout:1")
            .launch_type(LaunchType::Fargate)
            .load_balancers(balancer.build())
            .scale(all.build())
            .send()
            .await
            .unwrap();
        let arn = made.task_set().unwrap().task_set_arn().unwrap().to_owned();
        let leads = self.client.update_service_primary_task_set();
        let leads = leads.cluster(CLUSTER).service(SERVICE);
        leads.primary_task_set(&arn).send().await.unwrap();
        arn
    }

    /// Has ECS take no task set for the primary one: asked for one by its short id, the emulator takes none.
    pub async fn nobody_leads(&self) {
        let sets = self.sets().await;
        let leads = self.client.update_service_primary_task_set();
        let leads = leads.cluster(CLUSTER).service(SERVICE);
        let led = leads.primary_task_set(sets[0].id().unwrap()).send().await;
        led.unwrap();
        let sets = self.sets().await;
        assert!(sets.iter().all(|set| set.status() != Some("PRIMARY")));
    }

    /// The task sets.
    pub async fn sets(&self) -> Vec<TaskSet> {
        sets(&self.client).await
    }

    /// The revision of each task set, and whether it is the primary one.
    pub async fn stands(&self) -> Vec<(String, String)> {
        let sets = self.sets().await.into_iter();
        let stands = sets.map(|set| {
            let text = |text: Option<&str>| text.unwrap().to_owned();
            let definition = text(set.task_definition());
            let revision = definition.rsplit(':').next().unwrap().to_owned();
            (revision, text(set.status()))
        });
        stands.collect()
    }

    /// What of each group the listener of production traffic weighs.
    pub async fn weights(&self) -> Vec<i32> {
        let Cloud {
            client,
            listener,
            groups,
            ..
        } = &self.cloud;
        crate::cloud::weights(client, listener, groups).await
    }

    /// A real load balancer for each listener, production first, before tasks that answer with their revision.
    pub async fn bridges(&self) -> ([Bridge; 2], Vec<Backend>) {
        let mut apps = Vec::new();
        for number in 1..=DEFINITIONS {
            apps.push(Backend::start(&format!("v{number}")).await);
        }
        let ids: Vec<String> = (1..=DEFINITIONS)
            .map(|number| id(&number.to_string()))
            .collect();
        let known: Vec<(&str, &Backend)> = ids.iter().map(String::as_str).zip(&apps).collect();
        let of = |listener: &str| {
            let (client, groups) = (self.cloud.client.clone(), self.cloud.groups.clone());
            let listener = listener.to_owned();
            move || shares(client.clone(), listener.clone(), groups.clone()).boxed()
        };
        let production = Bridge::of(&known, of(&self.cloud.listener)).await;
        let test = Bridge::of(&known, of(&self.test)).await;
        ([production, test], apps)
    }
}

/// Another listener of the same load balancer.
async fn listener(cloud: &Cloud, group: &str) -> String {
    let asked = cloud.client.describe_listeners();
    let first = asked.listener_arns(&cloud.listener).send().await.unwrap();
    let balancer = first.listeners()[0].load_balancer_arn().unwrap();
    let made = cloud.client.create_listener().load_balancer_arn(balancer);
    let made = made
        .protocol(ProtocolEnum::Http)
        .port(8080)
        .default_actions(to(group))
        .send()
        .await
        .unwrap();
    made.listeners()[0].listener_arn().unwrap().to_owned()
}

async fn sets(client: &Client) -> Vec<TaskSet> {
    let asked = client.describe_task_sets().cluster(CLUSTER);
    let answer = asked.service(SERVICE).send().await;
    answer
        .map(|answer| answer.task_sets.unwrap_or_default())
        .unwrap_or_default()
}

/// The target that a task of a revision is.
fn id(revision: &str) -> String {
    format!("127.0.0.{}", revision.parse::<u8>().unwrap() + 1)
}

/// Lets the tasks of task sets into their target groups, and out of them, as ECS does.
struct Crew(JoinHandle<()>);

impl Crew {
    fn of(ecs: Client, elb: aws_sdk_elasticloadbalancingv2::Client) -> Self {
        Self(tokio::spawn(async move {
            let mut before: BTreeMap<String, (String, String)> = BTreeMap::new();
            loop {
                let now: BTreeMap<String, (String, String)> =
                    sets(&ecs).await.iter().map(target).collect();
                for (group, id) in now.values().filter(|it| !before.values().any(|b| b == *it)) {
                    let target = TargetDescription::builder().id(id).port(8080).build();
                    let enters = elb.register_targets().target_group_arn(group);
                    enters.targets(target).send().await.unwrap();
                }
                for (group, id) in before.values().filter(|it| !now.values().any(|n| n == *it)) {
                    let target = TargetDescription::builder().id(id).port(8080).build();
                    let leaves = elb.deregister_targets().target_group_arn(group);
                    leaves.targets(target).send().await.unwrap();
                }
                before = now;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A task set with its group, and the target that its tasks are.
fn target(set: &TaskSet) -> (String, (String, String)) {
    let definition = set.task_definition().unwrap();
    let revision = definition.rsplit(':').next().unwrap();
    let group = set.load_balancers()[0].target_group_arn().unwrap();
    let arn = set.task_set_arn().unwrap();
    (arn.to_owned(), (group.to_owned(), id(revision)))
}

/// Whoever every request of the program passes.
#[derive(Clone)]
pub struct Between(Arc<Inner>);

struct Inner {
    to: String,
    url: String,
    http: reqwest::Client,
    rules: Mutex<Rules>,
}

#[derive(Default)]
struct Rules {
    /// Which requests are refused, with which code, and how often.
    refused: BTreeMap<String, (String, usize)>,
    /// Whether nothing is steady.
    unsteady: bool,
    /// How many more looks do not name task sets that the program has made.
    blind: usize,
    /// How often each request came.
    came: BTreeMap<String, usize>,
}

impl Between {
    async fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let between = Self(Arc::new(Inner {
            to,
            url,
            http: reqwest::Client::new(),
            rules: Mutex::default(),
        }));
        let routes = Router::new().fallback(pass).with_state(between.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        between
    }

    pub fn url(&self) -> String {
        self.0.url.clone()
    }

    /// Refuses a kind of request so often, with this code.
    pub fn refuses(&self, action: &str, code: &str, times: usize) {
        let mut rules = self.0.rules.lock().unwrap();
        rules
            .refused
            .insert(action.to_owned(), (code.to_owned(), times));
    }

    /// Whether task sets are steady from now on.
    pub fn is_steady(&self, steady: bool) {
        self.0.rules.lock().unwrap().unsteady = !steady;
    }

    /// Does not name what the program has made, for so many looks.
    pub fn is_blind_for(&self, looks: usize) {
        self.0.rules.lock().unwrap().blind = looks;
    }

    /// Whether some of those looks are still to come.
    pub fn is_blind(&self) -> bool {
        self.0.rules.lock().unwrap().blind > 0
    }

    /// What is answered to a look, without what the program has made.
    fn hides(&self, text: String) -> String {
        let mut rules = self.0.rules.lock().unwrap();
        if rules.blind == 0 {
            return text;
        }
        let mut answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut hidden = false;
        for service in answer["services"].as_array_mut().unwrap() {
            let sets = service["taskSets"].as_array_mut().unwrap();
            let before = sets.len();
            sets.retain(|set| {
                !set["externalId"]
                    .as_str()
                    .is_some_and(|it| it.starts_with("d-"))
            });
            hidden |= sets.len() < before;
        }
        rules.blind -= usize::from(hidden);
        answer.to_string()
    }

    /// How often a kind of request came.
    pub fn came(&self, action: &str) -> usize {
        let rules = self.0.rules.lock().unwrap();
        rules.came.get(action).copied().unwrap_or(0)
    }

    /// The code that a request is refused with, if it is.
    fn judges(&self, action: &str) -> Option<String> {
        let mut rules = self.0.rules.lock().unwrap();
        *rules.came.entry(action.to_owned()).or_default() += 1;
        let (code, left) = rules.refused.get_mut(action)?;
        *left = left.checked_sub(1)?;
        Some(code.clone())
    }
}

async fn pass(State(between): State<Between>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let target = head.headers.get("x-amz-target");
    let target = target.map(|it| it.to_str().unwrap().to_owned());
    let is_json = target.is_some();
    let action = action(target, &body);
    if let Some(code) = between.judges(&action) {
        return no(&code, is_json);
    }
    let url = format!("{}{}", between.0.to, head.uri);
    let mut asked = between.0.http.request(head.method, url).body(body);
    for (name, value) in &head.headers {
        if !["host", "content-length"].contains(&name.as_str()) {
            asked = asked.header(name, value);
        }
    }
    let answer = asked.send().await.unwrap();
    let status = answer.status();
    let mut headers = HeaderMap::new();
    if let Some(kind) = answer.headers().get("content-type") {
        headers.insert("content-type", kind.clone());
    }
    let mut text = answer.text().await.unwrap();
    if action == "DescribeServices" {
        text = between.hides(text);
    }
    if between.0.rules.lock().unwrap().unsteady {
        text = text.replace("STEADY_STATE", "STABILIZING");
    }
    (status, headers, text).into_response()
}

/// What a request asks for, as AWS calls it.
fn action(target: Option<String>, body: &Bytes) -> String {
    if let Some(target) = target {
        return target.rsplit('.').next().unwrap().to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let mut fields = text.split('&');
    let action = fields.find_map(|field| field.strip_prefix("Action="));
    action.unwrap_or_default().to_owned()
}

/// A refusal, in the words of either protocol.
fn no(code: &str, is_json: bool) -> Response {
    let text = if is_json {
        format!(r#"{{"__type":"{code}","message":"a test says so"}}"#)
    } else {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>a test says so</Message></Error></ErrorResponse>"
        )
    };
    (StatusCode::BAD_REQUEST, Body::from(text)).into_response()
}
