use super::*;
use crate::model::lifecycle::LifecycleEvent as E;

const TASK: &str = "arn:aws:ecs:eu-north-1:000011112222:task-definition/web:17";

/// An `AppSpec` with these properties and this section of hooks.
fn text(properties: &str, hooks: &str) -> String {
    let resource = format!("{{Type: AWS::ECS::Service, Properties: {{{properties}}}}}");
    format!("version: 0.0\nResources:\n  - TargetService: {resource}\n{hooks}\n")
}

/// Properties that are right, and these.
fn right(more: &str) -> String {
    format!(
        "TaskDefinition: {TASK:?}, LoadBalancerInfo: {{ContainerName: web, ContainerPort: 8080}}, {more}"
    )
}

fn said(text: &str) -> Vec<String> {
    let review = review(text);
    let all = review.errors.iter().chain(&review.warnings);
    all.map(|finding| format!("{} {}", finding.id, finding.text()))
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    let said = said(text);
    let begins = |(said, expected): (&String, &&str)| said.starts_with(*expected);
    assert!(
        said.len() == expected.len() && said.iter().zip(expected).all(begins),
        "{text}\n{said:#?}\n{expected:#?}"
    );
}

/// Checks rows of properties; what is expected begins behind the id and the path of the properties.
fn check_properties(rows: &[(String, &[&str])]) {
    for (properties, expected) in rows {
        let whole = |end: &&str| format!("L04 Resources[0].TargetService.Properties{end}");
        let expected: Vec<_> = expected.iter().map(whole).collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        check(&text(properties, ""), &expected);
    }
}

#[test]
fn a_whole_one_is_read() {
    let more = "PlatformVersion: 1.4.0, NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [subnet-a, subnet-b], SecurityGroups: [sg-c], AssignPublicIp: DISABLED}}, CapacityProviderStrategy: [{Base: 2, CapacityProvider: steady, Weight: 1}, {Base: 0, CapacityProvider: burst, Weight: 3}]";
    let hooks = "Hooks: [{BeforeInstall: a}, {AfterInstall: b}, {AfterAllowTestTraffic: c}, {BeforeAllowTraffic: d}, {AfterAllowTraffic: e}]";
    let appspec = parse(&text(&right(more), hooks)).unwrap();
    let capacity = |base, name: &str, weight| Capacity {
        base,
        capacity_provider: name.to_owned(),
        weight,
    };
    let hook = |event, name: &str| (event, name.to_owned());
    assert_eq!(
        appspec,
        AppSpec {
            service: Service {
                task_definition: TASK.to_owned(),
                load_balancer_info: LoadBalancerInfo {
                    container_name: "web".to_owned(),
                    container_port: 8080,
                },
                platform_version: "1.4.0".to_owned(),
                network_configuration: Some(Network {
                    subnets: vec!["subnet-a".to_owned(), "subnet-b".to_owned()],
                    security_groups: vec!["sg-c".to_owned()],
                    assign_public_ip: AssignPublicIp::Disabled,
                }),
                capacity_provider_strategy: vec![capacity(2, "steady", 1), capacity(0, "burst", 3)],
            },
            hooks: BTreeMap::from([
                hook(E::BeforeInstall, "a"),
                hook(E::AfterInstall, "b"),
                hook(E::AfterAllowTestTraffic, "c"),
                hook(E::BeforeAllowTraffic, "d"),
                hook(E::AfterAllowTraffic, "e"),
            ]),
        }
    );
    let events: Vec<_> = appspec.hooks.keys().map(|event| event.name()).collect();
    let order: Vec<_> = E::ECS
        .iter()
        .filter(|event| event.carries_hooks())
        .map(|event| event.name())
        .collect();
    assert_eq!(events, order);
    let json = serde_json::to_value(&appspec).unwrap();
    assert_eq!(
        json["service"]["networkConfiguration"]["assignPublicIp"],
        "DISABLED"
    );
    assert_eq!(json["service"]["loadBalancerInfo"]["containerPort"], 8080);
    assert_eq!(json["hooks"]["AfterAllowTestTraffic"], "c");
    assert_eq!(serde_json::from_value::<AppSpec>(json).unwrap(), appspec);
}

#[test]
fn most_may_be_left_out_and_capitals_make_no_difference() {
    let usual = parse(&text(&right(""), "")).unwrap();
    assert_eq!(usual.service.platform_version, "LATEST");
    assert_eq!(usual.service.network_configuration, None);
    assert_eq!(usual.service.capacity_provider_strategy, []);
    let other = format!(
        "{{\"version\": 0.0, \"resources\": [{{\"a\": {{\"type\": \"AWS::ECS::Service\", \"properties\": {{\"platformVersion\": null, \"networkConfiguration\": {{\"awsvpcConfiguration\": {{}}}}, \"capacityProviderStrategy\": [], \"loadBalancerInfo\": {{\"containerPort\": \"8080\", \"containerName\": \"web\"}}, \"taskDefinition\": {TASK:?}}}}}}}]}}"
    );
    assert_eq!(said(&other), [""; 0]);
    assert_eq!(parse(&other).unwrap(), usual);
}

#[test]
fn the_task_definition_is_one() {
    let with = |task: &str| {
        format!("TaskDefinition: {task}, LoadBalancerInfo: {{ContainerName: a, ContainerPort: 1}}")
    };
    check_properties(&[
        (with("web"), &[]),
        (with("'web:17'"), &[]),
        (
            with("'arn:aws-cn:ecs:cn-north-1:000011112222:task-definition/web'"),
            &[],
        ),
        (with(""), &[": TaskDefinition is missing; write the ARN"]),
        (with("''"), &[".TaskDefinition: this is empty"]),
        (with("[a]"), &[".TaskDefinition: this is a list, not text"]),
        (
            with("<TASK_DEFINITION>"),
            &[".TaskDefinition: \"<TASK_DEFINITION>\" is a placeholder"],
        ),
        (
            with("a b"),
            &[".TaskDefinition: \"a b\" is no task definition"],
        ),
        (
            with("'web:'"),
            &[".TaskDefinition: \"web:\" is no task definition"],
        ),
        (with("'web:0'"), &[".TaskDefinition: \"web:0\" is no"]),
        (with("'web:new'"), &[".TaskDefinition: \"web:new\" is no"]),
        (with("'web:1:2'"), &[".TaskDefinition: \"web:1:2\" is no"]),
        (
            with("'arn:aws:ecs:eu-north-1:000011112222:service/web'"),
            &[".TaskDefinition: \"arn:"],
        ),
        (
            with("'arn:aws:ecs:eu-north-1:1:task-definition/web:1'"),
            &[".TaskDefinition: \"arn:"],
        ),
        (
            with("'arn:aws:ecs::000011112222:task-definition/web:1'"),
            &[".TaskDefinition: \"arn:"],
        ),
        (
            with("'arn:aws:lambda:eu-north-1:000011112222:task-definition/web:1'"),
            &[".TaskDefinition: \"arn:"],
        ),
        (
            with("'arn:aws:ecs'"),
            &[".TaskDefinition: \"arn:aws:ecs\" is no"],
        ),
    ]);
}

#[test]
fn the_container_has_a_name_and_a_port() {
    let with = |info: &str| format!("TaskDefinition: a, LoadBalancerInfo: {info}");
    check_properties(&[
        (
            "TaskDefinition: a".to_owned(),
            &[": LoadBalancerInfo is missing; write ContainerName and ContainerPort"],
        ),
        (
            with("[]"),
            &[".LoadBalancerInfo: this is a list, not a mapping"],
        ),
        (
            with("{}"),
            &[
                ".LoadBalancerInfo: ContainerName is missing",
                ".LoadBalancerInfo: ContainerPort is missing",
            ],
        ),
        (
            with("{ContainerPort: 80}"),
            &[".LoadBalancerInfo: ContainerName is missing"],
        ),
        (
            with("{ContainerName: a b, ContainerPort: 80}"),
            &[".LoadBalancerInfo.ContainerName: \"a b\" is no container's name"],
        ),
        (
            with("{ContainerName: [], ContainerPort: 80}"),
            &[".LoadBalancerInfo.ContainerName: this is a list"],
        ),
        (
            with("{ContainerName: a}"),
            &[".LoadBalancerInfo: ContainerPort is missing"],
        ),
        (with("{ContainerName: a, ContainerPort: '80'}"), &[]),
        (with("{ContainerName: a, ContainerPort: 65535}"), &[]),
        (
            with("{ContainerName: a, ContainerPort: 65536}"),
            &[".LoadBalancerInfo.ContainerPort: a port is a number from 1 to 65535"],
        ),
        (
            with("{ContainerName: a, ContainerPort: 0}"),
            &[".LoadBalancerInfo.ContainerPort: a port is"],
        ),
        (
            with("{ContainerName: a, ContainerPort: -1}"),
            &[".LoadBalancerInfo.ContainerPort: a port is"],
        ),
        (
            with("{ContainerName: a, ContainerPort: http}"),
            &[".LoadBalancerInfo.ContainerPort: a port is"],
        ),
        (
            with("{ContainerName: a, ContainerPort: [80]}"),
            &[".LoadBalancerInfo.ContainerPort: a port is"],
        ),
    ]);
}

#[test]
fn a_network_is_whole_or_absent() {
    let with = |network: &str| right(&format!("NetworkConfiguration: {network}"));
    let inner = |network: &str| with(&format!("{{AwsvpcConfiguration: {network}}}"));
    let at = ".NetworkConfiguration.AwsvpcConfiguration";
    let groups = format!("{at}: SecurityGroups is missing; a network is given as a whole");
    let public = format!("{at}: AssignPublicIp is missing");
    let subnets = format!("{at}: Subnets is missing");
    let odd = [
        format!("{at}.Subnets: the list is empty"),
        format!("{at}.SecurityGroups: this is text, not a list"),
        format!("{at}.AssignPublicIp: write ENABLED or DISABLED, in capitals"),
        format!("{at}.Subnets[1]: this is a list, not text"),
        format!("{at}: this is a list, not a mapping"),
    ];
    check_properties(&[
        (with(""), &[]),
        (with("{}"), &[]),
        (inner(""), &[]),
        (
            inner("{Subnets: , SecurityGroups: , AssignPublicIp: }"),
            &[],
        ),
        (inner("{Subnets: [a]}"), &[&groups, &public]),
        (
            inner("{SecurityGroups: [a], AssignPublicIp: ENABLED}"),
            &[&subnets],
        ),
        (inner("{Subnets: [a], SecurityGroups: [b]}"), &[&public]),
        (
            inner("{Subnets: [], SecurityGroups: [b], AssignPublicIp: ENABLED}"),
            &[&odd[0]],
        ),
        (
            inner("{Subnets: [a], SecurityGroups: b, AssignPublicIp: ENABLED}"),
            &[&odd[1]],
        ),
        (
            inner("{Subnets: [a], SecurityGroups: [b], AssignPublicIp: enabled}"),
            &[&odd[2]],
        ),
        (
            inner("{Subnets: [a], SecurityGroups: [b], AssignPublicIp: true}"),
            &[&odd[2]],
        ),
        (
            inner("{Subnets: [a, []], SecurityGroups: [b], AssignPublicIp: ENABLED}"),
            &[&odd[3]],
        ),
        (inner("[]"), &[&odd[4]]),
        (
            with("text"),
            &[".NetworkConfiguration: this is text, not a mapping"],
        ),
    ]);
}

#[test]
fn a_strategy_has_one_base_and_some_weight() {
    let with = |strategy: &str| right(&format!("CapacityProviderStrategy: {strategy}"));
    let at = ".CapacityProviderStrategy";
    let rows = [
        format!("{at}: this is a mapping, not a list"),
        format!("{at}[0]: this is text, not a mapping"),
        format!("{at}[0]: CapacityProvider is missing; write the name of the provider"),
        format!("{at}[0].Base: Base is a whole number from zero up"),
        format!("{at}[0].Weight: Weight is a whole number from zero up"),
        format!("{at}[1].Base: a has a Base already, and only one may"),
        format!("{at}: no provider has a Weight above zero"),
        format!("{at}[0].CapacityProvider: this is a list, not text"),
    ];
    check_properties(&[
        (with("[{CapacityProvider: a}]"), &[]),
        (
            with("[{CapacityProvider: a, Weight: '1', Base: '1'}, {CapacityProvider: b, Base: 0}]"),
            &[],
        ),
        (with("{CapacityProvider: a}"), &[&rows[0]]),
        (with("[a]"), &[&rows[1]]),
        (with("[{Weight: 1}]"), &[&rows[2]]),
        (with("[{CapacityProvider: a, Base: -1}]"), &[&rows[3]]),
        (with("[{CapacityProvider: a, Base: 1.5}]"), &[&rows[3]]),
        (with("[{CapacityProvider: a, Weight: much}]"), &[&rows[4]]),
        (
            with("[{CapacityProvider: a, Base: 1, Weight: 1}, {CapacityProvider: b, Base: 1}]"),
            &[&rows[5]],
        ),
        (
            with("[{CapacityProvider: a}, {CapacityProvider: b}]"),
            &[&rows[6]],
        ),
        (
            with("[{CapacityProvider: a, Base: 1}, {CapacityProvider: b, Weight: 0}]"),
            &[&rows[6]],
        ),
        (with("[{CapacityProvider: [a]}]"), &[&rows[7]]),
    ]);
}

#[test]
fn the_platform_version_is_text() {
    let with = |version: &str| right(&format!("PlatformVersion: {version}"));
    check_properties(&[
        (with("LATEST"), &[]),
        (with("1.4.0"), &[]),
        (
            with("''"),
            &[".PlatformVersion: this is empty; write a version such as LATEST"],
        ),
        (with("[]"), &[".PlatformVersion: this is a list, not text"]),
    ]);
}

#[test]
fn events_are_those_of_services() {
    for (hooks, expected) in [
        ("{BeforeInstall: a, AfterAllowTraffic: b}", &[][..]),
        (
            "[{ApplicationStart: a}]",
            &[
                "L05 Hooks[0].ApplicationStart: there is no such event on ECS; its events are BeforeInstall, AfterInstall, AfterAllowTestTraffic, BeforeAllowTraffic, AfterAllowTraffic",
            ],
        ),
        (
            "[{Install: a}]",
            &["L05 Hooks[0].Install: in Install the orchestrator itself acts"],
        ),
        (
            "[{AllowTestTraffic: a}]",
            &["L05 Hooks[0].AllowTestTraffic: in AllowTestTraffic the orchestrator"],
        ),
        (
            "[{AllowTraffic: a}]",
            &["L05 Hooks[0].AllowTraffic: in AllowTraffic the orchestrator"],
        ),
        (
            "[{AfterAllowTestTrafic: a}]",
            &[
                "L05 Hooks[0].AfterAllowTestTrafic: there is no such event on ECS (did you mean \"AfterAllowTestTraffic\"?)",
            ],
        ),
        (
            "[{AfterInstall: a}, {BeforeInstall: b}, {afterinstall: c}]",
            &[
                "L05 Hooks[2].afterinstall: AfterInstall is on line 4 already",
                "W40 Hooks[1].BeforeInstall: BeforeInstall comes before AfterInstall",
            ],
        ),
    ] {
        check(&text(&right(""), &format!("Hooks: {hooks}")), expected);
    }
}

#[test]
fn resources_and_unknown_keys_are_looked_at() {
    let typo = right("Platformversoin: LATEST, Other: 1");
    check(
        &text(&typo, ""),
        &[
            "W03 Resources[0].TargetService.Properties.Platformversoin: this key is ignored (did you mean \"PlatformVersion\"?)",
            "W03 Resources[0].TargetService.Properties.Other: this key is ignored",
        ],
    );
    check("", &["L01 the AppSpec is empty"]);
    check(
        "version: 0.0",
        &["L02 Resources is missing; write a list with one resource of the type AWS::ECS::Service"],
    );
    check(
        &text("", ""),
        &[
            "L04 Resources[0].TargetService.Properties: TaskDefinition is missing",
            "L04 Resources[0].TargetService.Properties: LoadBalancerInfo is missing",
        ],
    );
}
