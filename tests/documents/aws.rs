//! AWS in `cutover.yaml`: it is read and checked by every build.

use cutover::model::connections::Version;

use crate::{errors, lines, loaded};

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/0123456789abcdef";

const HEAD: &str = "name: demo\nhosts: [{ name: web-1, address: http://127.0.0.1:7301, tags: { role: web } }]\nconnections:\n";

#[test]
fn accounts_and_what_is_in_them_are_read() {
    let listener = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/0123456789abcdef/fedcba9876543210";
    let text = format!(
        "{HEAD}\
\x20 aws:
    - {{ name: prod, region: eu-west-1, profile: shop, roleArn: 'arn:aws:iam::123456789012:role/deploys' }}
    - {{ name: private, region: local, endpointUrl: 'http://127.0.0.1:4566' }}
  alarms:
    - {{ name: errors, source: {{ cloudwatch: {{ account: prod }} }} }}
    - {{ name: latency, source: {{ cloudwatch: {{ alarm: p99, account: private }} }} }}
  receivers:
    - {{ name: team, via: {{ sns: {{ topicArn: 'arn:aws:sns:eu-west-1:123456789012:deploys', account: prod }} }} }}
  loadBalancers:
    - {{ name: web, port: 80, provider: {{ elbv2: {{ account: prod, control: {{ targetGroup: '{GROUP}' }} }} }} }}
    - name: shop
      port: 80
      provider:
        elbv2:
          account: private
          control: {{ weights: {{ original: '{GROUP}', replacement: '{GROUP}0', listener: '{listener}' }} }}
  functions:
    - {{ name: thumbs, alias: live, via: {{ lambda: {{ account: prod }} }} }}
    - {{ name: 'arn:aws:lambda:eu-west-1:123456789012:function:frames', alias: live, via: {{ lambda: {{ account: private }} }} }}
  hooks:
    - {{ name: check, via: {{ lambda: {{ function: 'check:live', account: prod }} }} }}
settings: {{ hooks: {{ listen: '127.0.0.1:7430' }} }}
"
    );
    let connections = loaded(&[("cutover.yaml", &text)]).project.connections;
    assert_eq!(connections.aws.len(), 2);
    let shop = connections.load_balancer("shop").unwrap();
    assert!(shop.provider.splits());
    assert!(!connections.load_balancer("web").unwrap().provider.splits());
    let frames = &connections.functions[1];
    assert_eq!(frames.short_name(), "frames");
    let server = frames.server(Version(7)).unwrap();
    assert_eq!(server.as_str(), "frames-7");
    let role = connections.aws[0].role_arn.as_deref();
    assert_eq!(role, Some("arn:aws:iam::123456789012:role/deploys"));
}

#[test]
fn what_can_not_be_meant_is_told_with_its_place() {
    let text = format!(
        "{HEAD}\
\x20 aws:
    - {{ name: prod, roleArn: deploys, endpointUrl: 'ftp://x' }}
    - {{ name: prod, endpointUrl: 'http://ana:pw@127.0.0.1' }}
  alarms:
    - {{ name: errors, source: {{ cloudwatch: {{}} }} }}
    - {{ name: latency, source: {{ cloudwatch: {{ account: prdo }} }} }}
  receivers:
    - {{ name: team, via: {{ sns: {{ topicArn: deploys, account: prod }} }} }}
  loadBalancers:
    - {{ name: web, port: 80, provider: {{ elbv2: {{ account: prod, control: {{ targetGroup: shop }} }} }} }}
    - name: one
      port: 80
      provider: {{ elbv2: {{ account: prod, control: {{ weights: {{ original: '{GROUP}', replacement: '{GROUP}', listener: x }} }} }} }}
    - name: shop
      port: 80
      provider: {{ elbv2: {{ account: prod, control: {{ weights: {{ original: '{GROUP}', replacement: '{GROUP}0', listener: '{GROUP}' }} }} }} }}
  functions:
    - {{ name: thumbs, alias: live, via: {{ lambda: {{ account: prdo }} }} }}
    - {{ name: thumbs, alias: live, via: {{ lambda: {{ account: prod }} }} }}
  hooks:
    - {{ name: check, via: {{ lambda: {{ account: prod }} }} }}
"
    );
    let found = errors(&[("cutover.yaml", &text)]);
    for (place, message) in [
        ("connections.aws[0].endpointUrl", "this is no address"),
        (
            "connections.aws[0].roleArn",
            "this is no role: write its ARN",
        ),
        (
            "connections.aws[1].name",
            "aws[0] has the name prod already",
        ),
        (
            "connections.aws[1].endpointUrl",
            "a user or a password does not belong into an address",
        ),
        (
            "connections.alarms[0].source.cloudwatch",
            "say which one, as `account: NAME`",
        ),
        (
            "connections.alarms[1].source.cloudwatch.account",
            "no account of `connections.aws` is called prdo",
        ),
        (
            "connections.receivers[0].via.sns.topicArn",
            "this is no topic: write its ARN",
        ),
        (
            "connections.loadBalancers[0].provider.elbv2.control.targetGroup",
            "this is no target group: write its ARN",
        ),
        (
            "connections.loadBalancers[1].provider.elbv2.control.weights.replacement",
            "each side needs a target group of its own",
        ),
        (
            "connections.loadBalancers[2].provider.elbv2.control.weights.listener",
            "this is no listener",
        ),
        (
            "connections.functions[0].via.lambda.account",
            "no account of `connections.aws` is called prdo",
        ),
        (
            "connections.functions[1].alias",
            "functions[0] is the alias live of thumbs already",
        ),
        (
            "connections.hooks[0].via.lambda",
            "give `settings.hooks` an address to `listen` at",
        ),
    ] {
        let is_it = |line: &&String| line.contains(place) && line.contains(message);
        assert!(
            found.iter().any(|line| is_it(&line)),
            "{place}: {message}:\n{found:#?}"
        );
    }
    assert_eq!(found.len(), 13, "{found:#?}");
}

#[test]
fn the_connections_in_the_documentation_are_read() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/aws.md");
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    let blocks = blocks.map(|it| it.split("```").next().unwrap());
    // Groups are there, too.
    let blocks: Vec<&str> = blocks.filter(|it| it.contains("connections:")).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    for block in blocks {
        let accounts = "connections:\n  aws: [{ name: prod }]\n";
        let block = if block.contains("  aws:") {
            block.to_owned()
        } else {
            block.replacen("connections:\n", accounts, 1)
        };
        let text = HEAD.replace("connections:\n", &block);
        assert!(
            !loaded(&[("cutover.yaml", &text)])
                .project
                .connections
                .is_empty()
        );
    }
}

#[test]
fn a_group_is_in_an_account_that_there_is() {
    let project = format!("{HEAD}  aws: [{{ name: prod, agentPort: 7000 }}]\n");
    let of = |account: &str| {
        format!(
            "applicationName: shop\ndeploymentGroupName: production\naccount: {account}\nautoScalingGroups: [pool]\nec2TagFilters: [{{ Key: Name }}]\n"
        )
    };
    // Nobody warns of what only AWS knows: its tags and its groups.
    let read = loaded(&[
        ("cutover.yaml", &project),
        ("applications/shop/production.yaml", &of("prod")),
    ]);
    assert_eq!(lines(&read.notes), [""; 0]);
    assert_eq!(read.project.connections.aws[0].agent_port, 7000);
    let selection = read.project.groups[0].selection();
    assert_eq!(selection.account.as_deref(), Some("prod"));
    assert_eq!(selection.auto_scaling_groups, Some(vec!["pool".to_owned()]));
    let wrong = errors(&[
        ("cutover.yaml", &project),
        ("applications/shop/production.yaml", &of("prdo")),
    ]);
    assert_eq!(
        wrong,
        [
            "applications/shop/production.yaml:3:10: error: account: no account of `connections.aws` is called prdo (did you mean \"prod\"?)"
        ]
    );
}

#[test]
fn what_aws_says_of_a_host_is_in_no_document() {
    let text = HEAD.replace("tags:", "instance: { account: prod }, tags:");
    let text = text.replace("connections:\n", "");
    let found = errors(&[("cutover.yaml", &text)]);
    assert!(found[0].contains("leave it out"), "{found:?}");
}
