//! Target groups, and the weights of two.

use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetTypeEnum};
use cutover::model::connections::{Elbv2, Elbv2Control, Elbv2Weights};
use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::{Side, Split};
use cutover::providers::traffic::elbv2::Elbv2Balancer;
use cutover::providers::traffic::{Balancer as _, Observed, Server, Service, TrafficError, Wanted};
use libtest_mimic::Trial;

use crate::backend::Backend;
use crate::cloud::{Bridge, Cloud, all, ec2, to, weights, weights_of};
use crate::load::{Connections, Load};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("targets_enter_and_leave_a_group", one_group),
        trial("requests_follow_the_weights_and_none_is_lost", shares),
        trial("a_rule_is_weighed_as_a_listener_is", rule),
        trial("without_a_split_every_server_has_the_same_share", whole),
        trial("nothing_is_shifted_to_who_is_not_healthy", unwell),
        trial("what_can_not_be_meant_is_refused_in_words", refused),
    ]
}

fn balancer(cloud: &Cloud, control: Elbv2Control) -> Elbv2Balancer {
    let connection = Elbv2 {
        account: None,
        control,
    };
    Elbv2Balancer::new("shop", &connection, &cloud.server.accounts())
}

fn weighed(cloud: &Cloud, listener: &str) -> Elbv2Balancer {
    let [original, replacement] = cloud.groups.clone();
    let weights = Elbv2Weights {
        original,
        replacement,
        listener: listener.to_owned(),
    };
    balancer(cloud, Elbv2Control::Weights(weights))
}

fn server(name: &str, endpoint: &str, service: Service) -> Server {
    let green = name.starts_with("green");
    Server {
        name: name.parse().unwrap(),
        endpoint: Endpoint::parse(endpoint).unwrap(),
        side: if green { Side::Green } else { Side::Blue },
        service,
    }
}

/// Servers as they are wanted, with this share for those called green.
fn wanted(servers: &[(&str, &str, Service)], replacement: Option<u8>) -> Wanted {
    let servers = servers.iter().map(|(n, e, s)| server(n, e, *s));
    Wanted {
        servers: servers.collect(),
        split: replacement.map(|share| Split::new(share).unwrap()),
    }
}

async fn apply(balancer: &Elbv2Balancer, wanted: &Wanted) -> Result<Observed, TrafficError> {
    let observed = balancer.observe(&wanted.servers).await?;
    balancer.apply(wanted, &observed).await?;
    balancer.observe(&wanted.servers).await
}

/// The servers that are there, and whether they get requests.
fn services(observed: &Observed) -> Vec<(&str, Service)> {
    let servers = observed.servers.iter();
    servers
        .map(|(n, seen)| (n.as_str(), seen.service))
        .collect()
}

use Service::{Draining, In, Out};

const A: (&str, &str) = ("blue-1", "127.0.0.2:8080");
const B: (&str, &str) = ("blue-2", "127.0.0.3:8080");
const C: (&str, &str) = ("green-1", "127.0.0.4:8080");

async fn one_group() {
    let cloud = Cloud::start(TargetTypeEnum::Ip).await;
    let group = &cloud.groups[0];
    let balancer = balancer(&cloud, Elbv2Control::TargetGroup(group.clone()));
    assert!(!balancer.abilities().split);
    let both = wanted(&[(A.0, A.1, In), (B.0, B.1, In)], None);
    let observed = apply(&balancer, &both).await.unwrap();
    assert_eq!(services(&observed), [("blue-1", In), ("blue-2", In)]);
    assert_eq!(
        observed.servers.values().next().unwrap().healthy,
        Some(true)
    );
    assert_eq!(cloud.targets(group).await.len(), 2);
    // One that nobody names is somebody else's.
    let observed = balancer.observe(&both.servers[..1]).await.unwrap();
    assert_eq!((observed.servers.len(), observed.others), (1, 1));

    let swapped = wanted(&[(A.0, A.1, Draining), (C.0, C.1, In)], None);
    let observed = apply(&balancer, &swapped).await.unwrap();
    assert_eq!(services(&observed), [("green-1", In)]);
    let mut left = cloud.targets(group).await;
    left.sort();
    assert_eq!(left, ["127.0.0.3", "127.0.0.4"]);
    // Again nothing changes, and the last that serve stay.
    apply(&balancer, &swapped).await.unwrap();
    let nobody = wanted(&[(B.0, B.1, Out), (C.0, C.1, Draining)], None);
    let error = apply(&balancer, &nobody).await.unwrap_err();
    assert!(!error.is_passing(), "{error}");
    assert!(
        error.to_string().contains("its clients would get 503"),
        "{error}"
    );
    assert_eq!(cloud.targets(group).await.len(), 2);
}

async fn shares() {
    let blue = [
        Backend::start("blue-1").await,
        Backend::start("blue-2").await,
    ];
    let green = Backend::start("green-1").await;
    let cloud = Cloud::start(TargetTypeEnum::Ip).await;
    let balancer = weighed(&cloud, &cloud.listener);
    let at = |replacement, blue_is, green_is| {
        let all = [(A, blue_is), (B, blue_is), (C, green_is)];
        wanted(&all.map(|((n, e), s)| (n, e, s)), Some(replacement))
    };
    apply(&balancer, &at(0, In, In)).await.unwrap();
    let ids = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
    let backends = [(ids[0], &blue[0]), (ids[1], &blue[1]), (ids[2], &green)];
    let bridge = Bridge::start(&cloud, &backends).await;
    bridge.serve(&ids[..2]).await;
    let load = Load::start(bridge.front, "/?ms=2", 400, Connections::Kept);
    for replacement in [10, 50, 100, 0, 30] {
        let observed = apply(&balancer, &at(replacement, In, In)).await.unwrap();
        assert_eq!(observed.split, Some(Split::new(replacement).unwrap()));
        let serving = match replacement {
            0 => &ids[..2],
            100 => &ids[2..],
            _ => &ids,
        };
        bridge.serve(serving).await;
        load.next(20).await;
        let share = load.next(400).await.share("green");
        let asked = f64::from(replacement) / 100.0;
        let chance = if replacement % 100 == 0 { 0.0 } else { 0.03 };
        assert!((share - asked).abs() <= chance, "{replacement} %: {share}");
    }
    // The originals leave once everything goes to the replacement.
    let observed = apply(&balancer, &at(100, Draining, In)).await.unwrap();
    assert_eq!(services(&observed), [("green-1", In)]);
    bridge.serve(&ids[2..]).await;
    load.next(100).await;
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
    assert_eq!(cloud.targets(&cloud.groups[0]).await, [""; 0]);
    assert_eq!(
        weights(&cloud.client, &cloud.listener, &cloud.groups).await,
        [0, 100]
    );

    // What was the replacement is the original next time, in the group that it has.
    let next = [("blue-9", C.1, In), ("green-9", A.1, In)];
    let observed = apply(&balancer, &wanted(&next, Some(20))).await.unwrap();
    assert_eq!(observed.split, Some(Split::new(20).unwrap()));
    assert_eq!(
        weights(&cloud.client, &cloud.listener, &cloud.groups).await,
        [20, 80]
    );
}

async fn rule() {
    let cloud = Cloud::start(TargetTypeEnum::Ip).await;
    let rule = cloud.rule().await;
    let balancer = weighed(&cloud, &rule);
    let both = [(A.0, A.1, In), (C.0, C.1, In)];
    let observed = apply(&balancer, &wanted(&both, Some(25))).await.unwrap();
    assert_eq!(observed.split, Some(Split::new(25).unwrap()));
    let answer = cloud.client.describe_rules().rule_arns(&rule).send().await;
    let action = answer.unwrap().rules()[0].actions()[0].clone();
    assert_eq!(weights_of(&action, &cloud.groups), [75, 25]);
    // The listener's own action is left alone.
    assert_eq!(
        weights(&cloud.client, &cloud.listener, &cloud.groups).await,
        [1, 0]
    );
}

async fn whole() {
    let cloud = Cloud::start(TargetTypeEnum::Ip).await;
    let balancer = weighed(&cloud, &cloud.listener);
    let now = async || weights(&cloud.client, &cloud.listener, &cloud.groups).await;
    let blue = [(A.0, A.1, In), (B.0, B.1, In)];
    apply(&balancer, &wanted(&blue, None)).await.unwrap();
    assert_eq!(now().await, [1, 0], "who has everything keeps it");
    let all = [blue[0], blue[1], (C.0, C.1, In)];
    apply(&balancer, &wanted(&all, Some(0))).await.unwrap();
    assert_eq!(now().await, [1, 0]);
    // Whoever takes over finds out who is not in service.
    let balancer = weighed(&cloud, &cloud.listener);
    let servers = wanted(&all, None).servers;
    let observed = balancer.observe(&servers).await.unwrap();
    let found = [(A.0, In), (B.0, In), (C.0, Out)];
    assert_eq!(services(&observed), found);
    let observed = apply(&balancer, &wanted(&all, None)).await.unwrap();
    assert_eq!(services(&observed).len(), 3);
    assert_eq!(now().await, [2, 1]);
    let green = [(A.0, A.1, Draining), (B.0, B.1, Draining), (C.0, C.1, In)];
    apply(&balancer, &wanted(&green, None)).await.unwrap();
    assert_eq!(now().await, [0, 1]);
    assert_eq!(cloud.targets(&cloud.groups[0]).await, [""; 0]);
}

async fn unwell() {
    let cloud = Cloud::start(TargetTypeEnum::Instance).await;
    let run = "Action=RunInstances&ImageId=ami-12c6146b&MinCount=2&MaxCount=2";
    let ids = all(&ec2(&cloud.server, run).await, "instanceId");
    let [one, other] = [0, 1].map(|at| format!("{}:8080", ids[at]));
    let change = async |action: &str, id: &str| {
        ec2(&cloud.server, &format!("Action={action}&InstanceId.1={id}")).await;
    };
    // AWS takes no target that does not run.
    let target = TargetDescription::builder().id(&ids[1]).port(8080);
    let entering = cloud
        .client
        .register_targets()
        .target_group_arn(&cloud.groups[1]);
    entering.targets(target.build()).send().await.unwrap();
    change("StopInstances", &ids[1]).await;
    let balancer = weighed(&cloud, &cloud.listener);
    let now = async || weights(&cloud.client, &cloud.listener, &cloud.groups).await;
    let both = |replacement| {
        let servers = [("blue-1", &*one, In), ("green-1", &*other, In)];
        wanted(&servers, replacement)
    };
    for replacement in [Some(50), Some(100)] {
        let error = apply(&balancer, &both(replacement)).await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        assert!(
            error.to_string().contains("is healthy that would stay"),
            "{error}"
        );
        assert_eq!(now().await, [1, 0]);
    }
    // Without a split it waits before the door until it is well.
    let observed = apply(&balancer, &both(None)).await.unwrap();
    assert_eq!(services(&observed), [("blue-1", In), ("green-1", Out)]);
    let trouble = observed.servers.values().nth(1).unwrap().trouble.clone();
    assert!(trouble.unwrap().starts_with("unused: Target.InvalidState"));
    change("StartInstances", &ids[1]).await;
    let observed = apply(&balancer, &both(None)).await.unwrap();
    assert_eq!(services(&observed), [("blue-1", In), ("green-1", In)]);
    assert_eq!(now().await, [1, 1]);
    let observed = apply(&balancer, &both(Some(50))).await.unwrap();
    assert_eq!(observed.split, Some(Split::new(50).unwrap()));
}

async fn refused() {
    let cloud = Cloud::start(TargetTypeEnum::Ip).await;
    let told = async |balancer: &Elbv2Balancer, wanted: &Wanted| {
        let error = apply(balancer, wanted).await.unwrap_err();
        assert!(!error.is_passing(), "{error}");
        error.to_string()
    };
    let balancer = weighed(&cloud, &cloud.listener);
    let named = wanted(&[(A.0, "web-1.example:80", In)], None);
    let words = told(&balancer, &named).await;
    let start = "ELB shop of the AWS account prod refused: blue-1: targets are addresses, and web-1.example is none";
    assert!(words.starts_with(start), "{words}");

    let third = cloud.another("third").await;
    let change = cloud.client.modify_listener().listener_arn(&cloud.listener);
    change.default_actions(to(&third)).send().await.unwrap();
    let words = told(&balancer, &wanted(&[(A.0, A.1, In)], None)).await;
    assert!(words.contains(&format!("forwards to {third}")), "{words}");

    let gone = cloud
        .listener
        .replace("listener/app/shop", "listener/app/gone");
    let words = told(&weighed(&cloud, &gone), &wanted(&[(A.0, A.1, In)], None)).await;
    assert!(words.contains("ListenerNotFound"), "{words}");
}
