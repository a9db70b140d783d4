//! Instances that join by a token in their user data, under the id that AWS gives them: real agents that ask a metadata service for
//! it and speak TLS, and an emulator that says which instances there are.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use libtest_mimic::Trial;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::instances::{BY_TAG, SCALED, Site, scaling};
use crate::program::Program;
use crate::server::until;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("instances_join_by_themselves_and_get_the_revision", joined),
        trial(
            "who_is_not_the_instance_of_the_token_does_not_join",
            refused,
        ),
    ]
}

/// An instance: its id, and its address.
type Instance = (String, String);

/// A token: what it is told by, and what it is.
struct Token {
    id: String,
    text: String,
}

impl Token {
    fn of(site: &Site, arguments: &[&str]) -> Self {
        let all = [&["hosts", "invite", "--instances"], arguments].concat();
        let told = site.lab.ok(&all);
        let word = |after: &str| {
            let (_, rest) = told.split_once(after).unwrap();
            let end = rest.find([' ', ',']).unwrap();
            rest[..end].to_owned()
        };
        assert!(
            told.contains(&format!("--listen :{} ", site.port)),
            "{told}"
        );
        Self {
            id: word("by the token "),
            text: word("--token "),
        }
    }

    /// The beginning of its secret, as whoever keeps it writes it.
    fn secret(&self) -> &str {
        // What comes before it is the orchestrator's key, and where the one ends the other begins.
        &self.text[self.text.len() - 20..]
    }
}

/// What an instance is told of itself, to whoever asks in a session.
async fn metadata(instance: &Instance) -> String {
    let (id, address) = instance.clone();
    let say = |text: String| {
        get(async move |headers: HeaderMap| {
            let session = headers.get("x-aws-ec2-metadata-token");
            if session.is_some_and(|session| session == "a-session") {
                (StatusCode::OK, text)
            } else {
                (StatusCode::UNAUTHORIZED, String::new())
            }
        })
    };
    let routes = Router::new()
        .route("/latest/api/token", put(async || "a-session"))
        .route("/latest/meta-data/instance-id", say(id))
        .route("/latest/meta-data/local-ipv4", say(address));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

/// What runs on an instance.
struct Machine {
    folder: TempDir,
    agent: Option<Program>,
}

impl Machine {
    /// Does what the user data says, with these arguments besides, and answers what was printed.
    async fn join(site: &Site, on: &Instance, token: &Token, more: &[&str]) -> (Self, String) {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            agent: None,
        };
        let service = metadata(on).await;
        let listen = format!(":{}", site.port);
        let mut arguments = vec!["--instance", "--listen", &listen, "--token", &token.text];
        arguments.extend(more);
        let output = machine.joins(&arguments, &service);
        assert!(output.status.success(), "{output:?}");
        (machine, String::from_utf8(output.stdout).unwrap())
    }

    fn joins(&self, arguments: &[&str], service: &str) -> Output {
        let folder = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", service)
            .args(["agent", "join", "--config"])
            .arg(folder.join("agent.yml"))
            .arg("--root")
            .arg(folder.join("agent"))
            .args(arguments);
        command.output().unwrap()
    }

    /// Starts its agent, by what joining has written.
    async fn start(&mut self) {
        let folder = self.folder.path();
        std::fs::create_dir_all(self.root()).unwrap();
        let ready = folder.join("ready");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .args(["agent", "--config"])
            .arg(folder.join("agent.yml"))
            .arg("--install-root")
            .arg(self.root())
            .arg("--ready-file")
            .arg(&ready);
        let mut program = Program::start(command, folder);
        program
            .until("the agent serves", async || ready.exists())
            .await;
        let address = std::fs::read_to_string(&ready).unwrap();
        assert!(address.starts_with("https://"), "{address}");
        self.agent = Some(program);
    }

    async fn up(site: &Site, on: &Instance, token: &Token, more: &[&str]) -> Self {
        let (mut machine, _) = Self::join(site, on, token, more).await;
        machine.start().await;
        machine
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }
}

/// What is said of a host.
fn said(site: &Site, instance: &Instance) -> String {
    site.lab.ok(&["hosts", &instance.0])
}

/// Its key, if it has one.
fn key(site: &Site, instance: &Instance) -> Option<String> {
    let said = said(site, instance);
    let mut lines = said.lines();
    lines.find_map(|line| Some(line.strip_prefix("key ")?.trim().to_owned()))
}

async fn until_it_has_joined(site: &Site, instance: &Instance) -> String {
    until("it has joined", async || key(site, instance).is_some()).await;
    key(site, instance).unwrap()
}

async fn until_it_says(site: &Site, instance: &Instance, words: &[&str]) {
    let what = format!("it is said of {}: {words:?}", instance.0);
    let says = async || {
        let said = said(site, instance);
        words.iter().all(|word| said.contains(word))
    };
    until(&what, says).await;
}

/// The files below a folder in which a text is.
fn found_below(folder: &Path, text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(found_below(&entry.path(), text));
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            if bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                found.insert(entry.file_name().into_string().unwrap());
            }
        }
    }
    found
}

async fn joined() {
    let site = Site::up().await;
    let client = scaling(&site, "pool", 1).await;
    site.group("scaled", SCALED);
    let token = Token::of(&site, &["shop/scaled"]);
    let one = site.instances().await.remove(0);
    let (mut first, told) = Machine::join(&site, &one, &token, &[]).await;
    assert!(
        told.contains(&one.0) && told.contains(&token.id) && told.contains("until it comes"),
        "{told}"
    );
    first.start().await;
    let its_key = until_it_has_joined(&site, &one).await;
    assert_eq!(site.deploy("scaled"), [one.0.clone()].into());
    let version = first.root().join("srv/app/version");
    assert_eq!(std::fs::read_to_string(&version).unwrap(), "1.0");

    // Whoever takes over knows its key, and the token.
    site.lab.kill_orchestrator();
    assert_eq!(key(&site, &one), Some(its_key.clone()));
    site.lab.push("2.0", "0", None);
    assert_eq!(site.lab.deploy(&["scaled", "2.0"]).1, 0);
    assert_eq!(std::fs::read_to_string(&version).unwrap(), "2.0");

    // One that comes joins by itself, and gets what the others have.
    let more = client
        .set_desired_capacity()
        .auto_scaling_group_name("pool");
    more.desired_capacity(2).send().await.unwrap();
    let now = site.instances().await;
    let two = now.into_iter().find(|instance| *instance != one).unwrap();
    let second = Machine::up(&site, &two, &token, &[]).await;
    let _looks = site.lab.ok(&["plan", "shop", "scaled", "2.0"]);
    crate::lab::until("it is deployed to", || {
        !site.lab.created_by("autoscaling").is_empty()
    });
    let made = site.lab.created_by("autoscaling").remove(0);
    assert_eq!(site.lab.wait_for_end(&made), "Succeeded");
    assert_eq!(
        site.lab.show(&made)["targets"][0]["name"],
        two.0.as_str(),
        "{made}"
    );
    let version = second.root().join("srv/app/version");
    assert_eq!(std::fs::read_to_string(version).unwrap(), "2.0");
    assert_eq!(key(&site, &one), Some(its_key));

    let listed = site.lab.ok(&["hosts", "tokens", "--output", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let listed = &listed["tokens"][0];
    assert_eq!(
        (&listed["id"], &listed["joined"]),
        (&token.id.into(), &2.into())
    );

    // The secret is where it is kept, and nowhere else: not on the instances either, once they have joined.
    for folder in [site.lab.folder(), first.folder.path().to_owned()] {
        let kept = found_below(&folder, &token.text);
        assert!(kept.is_empty(), "{kept:?}");
    }
    let state = site.lab.folder().join(".state");
    let book = std::fs::read_to_string(state.join("hosts.json")).unwrap();
    let book: serde_json::Value = serde_json::from_str(&book).unwrap();
    let (_, enrolment) = book["enrolments"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    let secret = enrolment["secret"].as_str().unwrap();
    let kept = found_below(&site.lab.folder(), secret);
    assert_eq!(kept, ["hosts.json".to_owned()].into());
    until("the instance has forgotten it", async || {
        found_below(first.folder.path(), secret).is_empty()
    })
    .await;
    let file = state.join("hosts.json").metadata().unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    for trail in [
        site.lab.ok(&["audit", "--output", "json"]),
        serde_json::to_string(&site.snapshot().await).unwrap(),
    ] {
        assert!(!trail.contains(secret) && !trail.contains(&token.text));
    }
}

async fn refused() {
    let site = Site::up().await;
    site.group("tagged", BY_TAG);
    site.group("other", &BY_TAG.replace("web", "other"));
    site.group("late", &BY_TAG.replace("web", "late"));
    let [good, revoked] = [(), ()].map(|()| Token::of(&site, &["shop/tagged"]));
    let other = Token::of(&site, &["shop/other"]);
    let late = Token::of(&site, &["shop/late", "--for", "1s"]);
    let told = site.lab.ok(&["hosts", "revoke", "--token", &revoked.id]);
    assert!(told.contains("those that have joined stay"), "{told}");
    let web = [("role", "web")];
    let wrong = site.instance(&web).await;
    let others = site.instance(&web).await;
    let former = site.instance(&web).await;
    let known = site.instance(&web).await;
    let expired = site.instance(&[("role", "late")]).await;
    let _machines = [
        Machine::up(&site, &wrong, &good, &["--name", "i-0elsewhere"]).await,
        Machine::up(&site, &others, &other, &[]).await,
        Machine::up(&site, &former, &revoked, &[]).await,
        Machine::up(&site, &expired, &late, &[]).await,
    ];
    let machine = Machine::up(&site, &known, &good, &[]).await;
    let _looks = site.lab.ok(&["plan", "shop", "tagged", "1.0"]);
    let its_key = until_it_has_joined(&site, &known).await;
    let remedy =
        |instance: &Instance| format!("`cutover hosts invite {}` lets this one", instance.0);
    let named = format!("this is i-0elsewhere, not {}", wrong.0);
    until_it_says(&site, &wrong, &[&named, "shop/tagged", &remedy(&wrong)]).await;
    for instance in [&others, &former] {
        let met = format!("met by the token {} of shop/tagged", good.id);
        let words = ["its proof is wrong", &met, &remedy(instance)];
        until_it_says(&site, instance, &words).await;
    }
    let ended = format!("no token of shop/late holds: {} has expired", late.id);
    let again = "`cutover hosts invite --instances shop/late`";
    until_it_says(&site, &expired, &[&ended, again, &remedy(&expired)]).await;
    let doctor = site.lab.run(&["doctor"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    for words in [&named, "its proof is wrong", &ended, &remedy(&wrong)] {
        assert!(doctor.contains(words), "{words}: {doctor}");
    }
    for instance in [&wrong, &others, &former, &expired] {
        assert_eq!(key(&site, instance), None, "{}", instance.0);
    }

    // Another key under the id of one that is known is another's, whatever token it has.
    drop(machine);
    let (mut thief, _) = Machine::join(&site, &known, &good, &[]).await;
    thief.start().await;
    until_it_says(&site, &known, &["somebody else is at", &its_key]).await;
    // And a token is worth no second key to whoever was turned away by a person.
    site.lab.ok(&["hosts", "revoke", &known.0]);
    let before = format!("{} has joined before, by the token {}", known.0, good.id);
    let again = format!("`cutover hosts invite {}`", known.0);
    until_it_says(&site, &known, &[&before, &again]).await;
    let listed = site.lab.ok(&["hosts", "tokens"]);
    assert!(
        listed.contains(&good.id) && listed.contains("expired") && !listed.contains(&revoked.id),
        "{listed}"
    );
    assert!(!listed.contains(good.secret()), "{listed}");
    // By a person's word it may.
    let told = site.lab.ok(&["hosts", "invite", &known.0, "--no-wait"]);
    let (_, arguments) = told.split_once("cutover agent join ").unwrap();
    let arguments = arguments.lines().next().unwrap();
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let output = thief.joins(&arguments, "http://127.0.0.1:1");
    assert!(output.status.success(), "{output:?}");
    let has_another = async || key(&site, &known).is_some_and(|key| key != its_key);
    until("it has joined by another key", has_another).await;
}
