//! Load balancers of AWS as an emulator has them, and a real `HAProxy` that gets every weight from there: so that requests can
//! be counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ProtocolEnum, RuleCondition, TargetGroupTuple, TargetTypeEnum,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::backend::Backend;
use crate::program::{Program, addresses, find};
use crate::server::{REGION, Server, until};

/// A load balancer with a listener.
pub struct Cloud {
    pub server: Server,
    pub client: Client,
    vpc: String,
    pub listener: String,
    /// The target groups of both sides.
    pub groups: [String; 2],
}

impl Cloud {
    /// One whose listener forwards to the first of two target groups.
    pub async fn start(kind: TargetTypeEnum) -> Self {
        let server = Server::moto().await;
        let client = Client::new(&server.config().await);
        let subnets = ec2(&server, "Action=DescribeSubnets").await;
        let vpc = all(&subnets, "vpcId").remove(0);
        let made = client
            .create_load_balancer()
            .name("shop")
            .set_subnets(Some(all(&subnets, "subnetId")))
            .send()
            .await
            .unwrap();
        let balancer = made.load_balancers()[0].load_balancer_arn().unwrap();
        let [blue, green] = ["blue", "green"];
        let groups = [
            group(&client, &vpc, blue, &kind).await,
            group(&client, &vpc, green, &kind).await,
        ];
        let made = client
            .create_listener()
            .load_balancer_arn(balancer)
            .protocol(ProtocolEnum::Http)
            .port(80)
            .default_actions(to(&groups[0]))
            .send()
            .await
            .unwrap();
        let listener = made.listeners()[0].listener_arn().unwrap().to_owned();
        Self {
            server,
            client,
            vpc,
            listener,
            groups,
        }
    }

    /// Another target group of the same kind.
    pub async fn another(&self, name: &str) -> String {
        group(&self.client, &self.vpc, name, &TargetTypeEnum::Ip).await
    }

    /// A rule of the listener that forwards to the first group.
    pub async fn rule(&self) -> String {
        let paths = RuleCondition::builder()
            .field("path-pattern")
            .values("/shop*");
        let made = self
            .client
            .create_rule()
            .listener_arn(&self.listener)
            .priority(1)
            .conditions(paths.build())
            .actions(to(&self.groups[0]))
            .send()
            .await
            .unwrap();
        made.rules()[0].rule_arn().unwrap().to_owned()
    }

    /// The targets of a group.
    pub async fn targets(&self, group: &str) -> Vec<String> {
        targets(&self.client, group).await
    }
}

/// Everything to this group.
pub fn to(group: &str) -> Action {
    Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(group)
        .build()
}

pub async fn group(client: &Client, vpc: &str, name: &str, kind: &TargetTypeEnum) -> String {
    let made = client
        .create_target_group()
        .name(name)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id(vpc)
        .target_type(kind.clone())
        .send()
        .await
        .unwrap();
    made.target_groups()[0]
        .target_group_arn()
        .unwrap()
        .to_owned()
}

pub async fn targets(client: &Client, group: &str) -> Vec<String> {
    let request = client.describe_target_health().target_group_arn(group);
    let answer = request.send().await.unwrap();
    let all = answer.target_health_descriptions().iter();
    let ids = all.filter_map(|one| one.target()?.id().map(str::to_owned));
    ids.collect()
}

/// The weights of these groups in the action of a listener.
pub async fn weights(client: &Client, listener: &str, groups: &[String]) -> Vec<i32> {
    let request = client.describe_listeners().listener_arns(listener);
    let answer = request.send().await.unwrap();
    weights_of(&answer.listeners()[0].default_actions()[0], groups)
}

/// The weights of these groups in an action.
pub fn weights_of(action: &Action, groups: &[String]) -> Vec<i32> {
    let Some(config) = action.forward_config() else {
        let is_it = |group: &String| action.target_group_arn() == Some(group);
        return groups.iter().map(|group| i32::from(is_it(group))).collect();
    };
    let weight = |group: &String| {
        let mut tuples = config.target_groups().iter();
        let tuple = tuples.find(|tuple| tuple.target_group_arn() == Some(group));
        tuple.and_then(TargetGroupTuple::weight).unwrap_or(0)
    };
    groups.iter().map(weight).collect()
}

/// Asks for what has no client here: networks and instances.
pub async fn ec2(server: &Server, query: &str) -> String {
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0"
    );
    let asked = reqwest::Client::new()
        .post(server.url())
        .header("authorization", signed)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("{query}&Version=2016-11-15"));
    let answer = asked.send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    answer.text().await.unwrap()
}

/// What stands between each pair of these tags.
pub fn all(text: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let parts = text.split(&open).skip(1);
    let texts = parts.map(|part| part.split(&close).next().unwrap().to_owned());
    texts.collect()
}

/// What each target weighs now, from 0 to 256.
pub type Weights = BoxFuture<'static, BTreeMap<String, i32>>;

/// A real load balancer with the weights of an emulated one.
pub struct Bridge {
    pub front: SocketAddr,
    api: SocketAddr,
    _folder: TempDir,
    _program: Program,
    copying: JoinHandle<()>,
}

impl Bridge {
    /// Starts one before these backends, each of which is the target of this id.
    pub async fn start(cloud: &Cloud, backends: &[(&str, &Backend)]) -> Self {
        let (client, listener) = (cloud.client.clone(), cloud.listener.clone());
        let groups = cloud.groups.clone();
        let weights = move || shares(client.clone(), listener.clone(), groups.clone()).boxed();
        Self::of(backends, weights).await
    }

    /// Starts one before these backends, whose weights are asked for over and over.
    pub async fn of(
        backends: &[(&str, &Backend)],
        weights: impl Fn() -> Weights + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [front, api] = addresses();
        let mut text = format!(
            "global
  stats socket ipv4@{api} level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch
frontend web
  bind {front}
  default_backend app
backend app
  balance roundrobin
"
        );
        for (id, backend) in backends {
            writeln!(text, "  server {id} {} weight 0", backend.address).unwrap();
        }
        std::fs::write(folder.path().join("haproxy.cfg"), text).unwrap();
        let mut command = Command::new(find("haproxy", "apt-get install haproxy"));
        command.args(["-f", "haproxy.cfg", "-db"]);
        let mut program = Program::start(command, folder.path());
        let is_up = async || TcpStream::connect(api).await.is_ok();
        program.until("HAProxy answers", is_up).await;
        let ids = backends.iter().map(|(id, _)| (*id).to_owned()).collect();
        let copying = tokio::spawn(copy(weights, ids, api));
        Self {
            front,
            api,
            _folder: folder,
            _program: program,
            copying,
        }
    }

    /// Waits until these targets get requests, and no others.
    pub async fn serve(&self, wanted: &[&str]) {
        until("the weights are copied", async || {
            let servers = ask(self.api, "show stat app 4 -1").await;
            let serving = servers.lines().skip(1).filter_map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                // The name, and the weight.
                (fields.get(18) != Some(&"0")).then(|| fields.get(1).copied().unwrap_or(""))
            });
            let serving: Vec<&str> = serving.filter(|name| !name.is_empty()).collect();
            serving == wanted
        })
        .await;
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.copying.abort();
    }
}

/// What targets weigh by the listener, and by how many share a group.
pub async fn shares(
    client: Client,
    listener: String,
    groups: [String; 2],
) -> BTreeMap<String, i32> {
    let weights = weights(&client, &listener, &groups).await;
    let mut now = BTreeMap::new();
    let sum = weights.iter().sum::<i32>().max(1);
    for (group, weight) in groups.iter().zip(weights) {
        let targets = targets(&client, group).await;
        let count = i32::try_from(targets.len().max(1)).unwrap();
        for id in targets {
            now.insert(id, weight * 200 / sum / count);
        }
    }
    now
}

/// Copies weights over and over: those that grow first, so that somebody serves at any moment.
async fn copy(weights: impl Fn() -> Weights, ids: Vec<String>, api: SocketAddr) {
    let mut before: BTreeMap<String, i32> = BTreeMap::new();
    loop {
        let mut now: BTreeMap<String, i32> = ids.iter().map(|id| (id.clone(), 0)).collect();
        now.extend(weights().await);
        let grows = |id: &String, weight: i32| weight > before.get(id).copied().unwrap_or(0);
        let (first, then): (Vec<_>, Vec<_>) = now.iter().partition(|(id, w)| grows(id, **w));
        for (id, weight) in first.into_iter().chain(then) {
            if before.get(id) != Some(weight) {
                let answer = ask(api, &format!("set server app/{id} weight {weight}")).await;
                assert_eq!(answer, "", "{id} {weight}");
            }
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ask(api: SocketAddr, command: &str) -> String {
    let mut stream = TcpStream::connect(api).await.unwrap();
    let line = format!("{command}\n");
    stream.write_all(line.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.trim().to_owned()
}
