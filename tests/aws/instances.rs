//! Instances of AWS as members of deployment groups: by the tags that they have there, and by their Auto Scaling groups.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use aws_sdk_autoscaling::Client;
use cutover::api::client::Client as DoorClient;
use cutover::api::feed::FeedItem;
use cutover::api::snapshot::Snapshot;
use cutover::model::connections::AwsAccount;
use cutover::providers::aws::{Accounts, AskError};
use cutover::providers::instances::{Keys, Wanted, look};
use futures_util::StreamExt as _;
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::cloud::{all, ec2};
use crate::credentials::Witness;
use crate::lab::Lab;
use crate::program::{Program, free_port};
use crate::server::{REGION, Server, account};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("instances_are_members_by_their_tags_at_aws", tagged),
        trial("instances_in_service_are_members", in_service),
        trial("edits_change_nothing_of_what_runs_on_instances", edited),
        trial("a_role_is_assumed_once_for_many_looks", once),
        trial("who_may_not_look_for_instances_is_told_what_to_do", refused),
    ]
}

/// An emulator whose instances have addresses of the loopback, where agents of ours are; and a project without hosts.
pub struct Site {
    pub server: Server,
    pub lab: Lab,
    pub vpc: String,
    pub subnet: String,
    pub port: u16,
    agents: Vec<(String, Program, TempDir)>,
}

impl Site {
    pub async fn up() -> Self {
        let server = Server::moto().await;
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let block = format!("127.{high}.{low}.0/24");
        let made = ec2(&server, &format!("Action=CreateVpc&CidrBlock={block}")).await;
        let vpc = all(&made, "vpcId").remove(0);
        let query = format!("Action=CreateSubnet&VpcId={vpc}&CidrBlock={block}");
        let made = ec2(&server, &query).await;
        let site = Self {
            subnet: all(&made, "subnetId").remove(0),
            vpc,
            lab: Lab::up(1),
            port: free_port(),
            agents: Vec::new(),
            server,
        };
        site.documents("");
        site.lab.push("1.0", "0", None);
        site
    }

    /// Writes the project with these hosts.
    pub fn documents(&self, hosts: &str) {
        self.documents_at(hosts, &self.server.url());
    }

    /// The same, with AWS at another address.
    pub fn documents_at(&self, hosts: &str, url: &str) {
        let text = format!(
            "name: lab\nsettings: {{ stateDirectory: .state }}\nhosts:\n{hosts}  - {{ name: plain, address: 'http://127.0.0.1:1' }}\nconnections:\n  aws: [{{ name: prod, region: {REGION}, endpointUrl: '{url}', agentPort: {} }}]\n",
            self.port
        );
        std::fs::write(self.lab.folder().join("cutover.yaml"), text).unwrap();
    }

    /// Has an instance with these tags, and answers its id and its address.
    pub async fn instance(&self, tags: &[(&str, &str)]) -> (String, String) {
        let mut query = format!(
            "Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1&SubnetId={}&TagSpecification.1.ResourceType=instance",
            self.subnet
        );
        for (index, (key, value)) in tags.iter().enumerate() {
            let place = format!("&TagSpecification.1.Tag.{}", index + 1);
            write!(query, "{place}.Key={key}{place}.Value={value}").unwrap();
        }
        let made = ec2(&self.server, &query).await;
        let id = all(&made, "instanceId").remove(0);
        (id, all(&made, "privateIpAddress").remove(0))
    }

    /// The instances that there are, with their addresses.
    pub async fn instances(&self) -> Vec<(String, String)> {
        let told = ec2(&self.server, "Action=DescribeInstances").await;
        let ids = all(&told, "instanceId").into_iter();
        // Each has its own, and its network interface has it twice more.
        let items = told.split("<instanceId>").skip(1);
        let address = |item: &str| all(item, "privateIpAddress").into_iter().next();
        ids.zip(items)
            .filter_map(|(id, item)| Some((id, address(item)?)))
            .collect()
    }

    /// Starts an agent that knows itself by this name.
    pub async fn agent(&mut self, name: &str, listen: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("root")).unwrap();
        let ready = folder.path().join("ready");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .args(["agent", "--name", name, "--listen", listen])
            .args(["--config", "/dev/null", "--root"])
            .arg(folder.path().join("agent"))
            .arg("--install-root")
            .arg(folder.path().join("root"))
            .arg("--ready-file")
            .arg(&ready);
        let mut program = Program::start(command, folder.path());
        program
            .until("the agent serves", async || ready.exists())
            .await;
        self.agents.push((name.to_owned(), program, folder));
    }

    /// Where the files of the host of this name are installed.
    pub fn root_of(&self, name: &str) -> PathBuf {
        let mut agents = self.agents.iter();
        let found = agents.find(|(known, ..)| known == name).unwrap();
        found.2.path().join("root")
    }

    /// An agent on an instance, where AWS says that it is.
    pub async fn agent_on(&mut self, (id, address): &(String, String)) {
        let listen = format!("{address}:{}", self.port);
        self.agent(id, &listen).await;
    }

    pub fn group(&self, name: &str, more: &str) {
        let text = format!("applicationName: shop\ndeploymentGroupName: {name}\n{more}");
        let path = format!("applications/shop/{name}.yaml");
        std::fs::write(self.lab.folder().join(path), text).unwrap();
    }

    /// Deploys, and answers the instances that were deployed to.
    pub fn deploy(&self, group: &str) -> BTreeSet<String> {
        let (id, code) = self.lab.deploy(&[group, "1.0"]);
        let shown = self.lab.show(&id);
        assert_eq!(code, 0, "{shown:#}");
        let targets = shown["targets"].as_array().unwrap().iter();
        let names = targets.map(|target| target["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    /// How things stand, as the orchestrator says. Somebody orchestrates already.
    pub async fn snapshot(&self) -> Snapshot {
        let client = DoorClient::new(&self.lab.socket()).unwrap();
        let first = client.feed().await.unwrap().next().await;
        let FeedItem::Snapshot(snapshot) = first.unwrap().unwrap() else {
            panic!("the first line says how things stand");
        };
        *snapshot
    }

    /// What a deployment is refused with.
    fn refusal(&self, group: &str) -> String {
        let output = self.lab.run(&["deploy", "shop", group, "1.0"]);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn set<const N: usize>(names: [&String; N]) -> BTreeSet<String> {
    names.into_iter().cloned().collect()
}

pub const BY_TAG: &str = "account: prod\nec2TagFilters: [{ Key: role, Value: web }]\n";

async fn tagged() {
    let mut site = Site::up().await;
    let one = site.instance(&[("role", "web"), ("stage", "beta")]).await;
    let two = site.instance(&[("role", "web")]).await;
    let three = site.instance(&[("role", "web*")]).await;
    let gone = site.instance(&[("role", "web")]).await;
    let query = format!("Action=TerminateInstances&InstanceId.1={}", gone.0);
    ec2(&site.server, &query).await;
    for instance in [&one, &two, &three] {
        site.agent_on(instance).await;
    }
    site.group("tagged", BY_TAG);
    assert_eq!(site.deploy("tagged"), set([&one.0, &two.0]));
    let star = BY_TAG.replace("web", r"'web\*'");
    site.group("star", &star);
    assert_eq!(site.deploy("star"), set([&three.0]));
    // The same tags select nobody in a group that is in no account.
    site.group("plain", "ec2TagFilters: [{ Key: role, Value: web }]\n");
    let (id, _) = site.lab.deploy(&["plain", "1.0"]);
    let error = &site.lab.show(&id)["deploymentInfo"]["errorInformation"];
    assert_eq!(error["code"], "NO_INSTANCES", "{error}");

    let hosts = site.lab.ok(&["hosts"]);
    let line = hosts.lines().find(|line| line.contains(&one.0)).unwrap();
    assert!(line.contains("role=web stage=beta"), "{hosts}");
    let host = site.lab.ok(&["hosts", &one.0]);
    assert!(host.contains("of the AWS account prod"), "{host}");

    // An instance that is a host of the project, too, is where that says.
    let four = site.instance(&[("role", "own")]).await;
    let port = free_port();
    site.agent(&four.0, &format!("127.0.0.1:{port}")).await;
    let own = format!(
        "  - {{ name: {}, address: 'http://127.0.0.1:{port}' }}\n",
        four.0
    );
    site.documents(&own);
    site.group("own", &BY_TAG.replace("web", "own"));
    assert_eq!(site.deploy("own"), set([&four.0]));

    // Nobody is forgotten while AWS is out of reach, and nothing new is begun; but what was there before can be had again.
    site.lab.push("2.0", "0", None);
    let (second, code) = site.lab.deploy(&["tagged", "2.0"]);
    assert_eq!(code, 0, "{:#}", site.lab.show(&second));
    site.lab.kill_orchestrator();
    let Site {
        server,
        lab,
        agents,
        ..
    } = site;
    drop(server);
    let output = lab.run(&["deploy", "shop", "tagged", "1.0"]);
    let refusal = String::from_utf8(output.stderr).unwrap();
    assert!(
        refusal
            .contains("nobody knows the instances of shop/tagged: EC2 of the AWS account prod: "),
        "{refusal}"
    );
    let back = lab.ok(&["rollback", &second]);
    let ended = lab.wait_for_end(back.lines().next().unwrap());
    assert_eq!(ended, "Succeeded");
    drop(agents);
}

/// Has an Auto Scaling group with so many instances.
pub async fn scaling(site: &Site, name: &str, count: i32) -> Client {
    let client = Client::new(&site.server.config().await);
    client
        .create_launch_configuration()
        .launch_configuration_name(name)
        .image_id("ami-12c6146b")
        .instance_type("t3.nano")
        .send()
        .await
        .unwrap();
    client
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .launch_configuration_name(name)
        .min_size(0)
        .max_size(9)
        .desired_capacity(count)
        .vpc_zone_identifier(&site.subnet)
        .send()
        .await
        .unwrap();
    client
}

pub const SCALED: &str = "account: prod\nautoScalingGroups: [pool]\n";

async fn in_service() {
    let mut site = Site::up().await;
    let client = scaling(&site, "pool", 2).await;
    let other = site.instance(&[("role", "web")]).await;
    let both = site.instances().await;
    let both: Vec<_> = both.into_iter().filter(|one| *one != other).collect();
    for instance in &both {
        site.agent_on(instance).await;
    }
    site.group("scaled", SCALED);
    let [one, two] = [&both[0].0, &both[1].0];
    assert_eq!(site.deploy("scaled"), set([one, two]));
    let host = site.lab.ok(&["hosts", one]);
    assert!(host.contains("in service in pool"), "{host}");

    // One that is on standby is no target.
    let standby = client.enter_standby().auto_scaling_group_name("pool");
    let standby = standby.should_decrement_desired_capacity(true);
    standby.instance_ids(two).send().await.unwrap();
    assert_eq!(site.deploy("scaled"), set([one]));

    // One that joins gets the revision by itself, once its agent answers.
    let more = client.set_desired_capacity();
    let more = more.auto_scaling_group_name("pool").desired_capacity(2);
    more.send().await.unwrap();
    let now = site.instances().await;
    let known = [one, two, &other.0];
    let new = now.iter().find(|(id, _)| !known.contains(&id)).unwrap();
    site.agent_on(new).await;
    let _looks = site.lab.ok(&["plan", "shop", "scaled", "1.0"]);
    crate::lab::until("it is deployed to", || {
        let made = site.lab.created_by("autoscaling");
        made.first().is_some_and(|id| {
            assert_eq!(site.lab.wait_for_end(id), "Succeeded");
            site.lab.show(id)["targets"][0]["name"] == new.0.as_str()
        })
    });

    site.group("scaled", &SCALED.replace("pool", "pols"));
    let refusal = site.refusal("scaled");
    assert!(
        refusal.contains("no Auto Scaling group of the AWS account prod is called pols"),
        "{refusal}"
    );
}

/// While a deployment runs in place, its instances lose their tags, and its group the account; and somebody else takes over.
async fn edited() {
    let mut site = Site::up().await;
    let one = site.instance(&[("role", "web")]).await;
    let two = site.instance(&[("role", "web")]).await;
    for instance in [&one, &two] {
        site.agent_on(instance).await;
    }
    site.group("tagged", BY_TAG);
    site.lab.push("slow", "0.5", None);
    let id = site.lab.ok(&["deploy", "shop", "tagged", "slow"]);
    site.lab.wait_for(&id, |now| {
        let mut targets = now["targets"].as_array().unwrap().iter();
        targets.any(|target| target["status"] == "InProgress")
    });
    let query = format!(
        "Action=DeleteTags&ResourceId.1={}&ResourceId.2={}&Tag.1.Key=role",
        one.0, two.0
    );
    ec2(&site.server, &query).await;
    site.group("tagged", "ec2TagFilters: [{ Key: role, Value: other }]\n");
    site.lab.kill_orchestrator();
    assert_eq!(site.lab.status(&id), "InProgress");
    // AWS is asked as soon as somebody orchestrates: now they are there because they are deployed to.
    let now = async || site.snapshot().await.project.hosts;
    let untagged = async || {
        let hosts = now().await;
        let found = hosts.iter().filter_map(|host| host.instance.as_ref());
        found.filter(|it| it.tags.is_empty()).count() == 2
    };
    crate::server::until("their tags are seen to be gone", untagged).await;
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    // And then nobody asks for them any more.
    site.lab.kill_orchestrator();
    assert_eq!(site.lab.status(&id), "Succeeded");
    let left = async || now().await.iter().all(|host| host.instance.is_none());
    crate::server::until("they are left alone", left).await;
}

fn wanted() -> Wanted {
    Wanted {
        account: "prod".to_owned(),
        port: 7420,
        keys: Keys::Of(["role".to_owned()].into()),
        groups: BTreeSet::new(),
        ids: BTreeSet::new(),
    }
}

const NOTHING: &str = "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><reservationSet/></DescribeInstancesResponse>";

async fn refused() {
    let witness = Witness::start().await;
    let only: AwsAccount = account("prod", &witness.url);
    let accounts = Accounts::new(move || vec![only.clone()]);
    witness.answers(200, NOTHING);
    assert_eq!(look(&accounts, &wanted()).await.unwrap().hosts, []);
    assert_eq!(witness.seen(), ["test"]);
    witness.answers(403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>not you</Message></Error></Errors><RequestID>r</RequestID></Response>");
    let AskError::Denied(why) = look(&accounts, &wanted()).await.unwrap_err() else {
        panic!("it is refused for good");
    };
    assert_eq!(
        why,
        "EC2 of the AWS account prod: access is denied: let its user or role have ec2:DescribeInstances (UnauthorizedOperation: not you)"
    );
    witness.answers(503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slower</Message></Error></Errors></Response>");
    let error = look(&accounts, &wanted()).await.unwrap_err();
    assert!(matches!(error, AskError::Busy(_)), "{error}");
    witness.answers(
        400,
        "<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>",
    );
    let error = look(&accounts, &wanted()).await.unwrap_err();
    assert!(
        matches!(&error, AskError::Unknown(why) if why.contains("its credentials have expired")),
        "{error}"
    );
    witness.answers(200, "<html>a proxy</html>");
    let error = look(&accounts, &wanted()).await.unwrap_err();
    assert!(
        error.to_string().contains("no list of instances"),
        "{error}"
    );
    // Auto Scaling is asked, too, and says what it needs.
    witness.answers(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
    let scaled = Wanted {
        groups: ["pool".to_owned()].into(),
        ..wanted()
    };
    let error = look(&accounts, &scaled).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Auto Scaling of the AWS account prod: access is denied: let its user or role have autoscaling:DescribeAutoScalingGroups (AccessDenied: no)"
    );
}

async fn once() {
    let witness = Witness::start().await;
    let only = AwsAccount {
        role_arn: Some("arn:aws:iam::123456789012:role/deploys".to_owned()),
        ..account("prod", &witness.url)
    };
    let accounts = Accounts::new(move || vec![only.clone()]);
    witness.answers(200, NOTHING);
    for _ in 0..3 {
        look(&accounts, &wanted()).await.unwrap();
    }
    assert_eq!(witness.seen(), ["test", "ASSUMED", "ASSUMED", "ASSUMED"]);
    // What is not accepted any more is not kept.
    witness.answers(
        400,
        "<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>",
    );
    look(&accounts, &wanted()).await.unwrap_err();
    witness.answers(200, NOTHING);
    look(&accounts, &wanted()).await.unwrap();
    assert_eq!(witness.seen(), ["ASSUMED", "test", "ASSUMED"]);
}
