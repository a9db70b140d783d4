//! Functions of AWS Lambda as an emulator has them. It stores the weights of an alias and does not apply them: a real `HAProxy`
//! that gets every weight from there does.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_alias::GetAliasOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, Environment, FunctionCode, Runtime, State};
use futures_util::FutureExt as _;

use crate::backend::Backend;
use crate::cloud::Bridge;
use crate::server::{Server, until};

/// Answers which version it is.
const VERSION: &str = "def handler(event, context):\n    return VERSION\n";

/// Reports as hooks of `CodeDeploy` do, and that it failed if it was told more than those are.
const HOOK: &str = r#"
import json, os, urllib.request

def handler(event, context):
    usual = sorted(event) == ["DeploymentId", "LifecycleEventHookExecutionId"]
    body = {
        "deploymentId": event["DeploymentId"],
        "lifecycleEventHookExecutionId": event["LifecycleEventHookExecutionId"],
        "status": os.environ["STATUS"] if usual else "Failed",
    }
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus",
    }
    body = json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["REPORT_TO"], body, headers)).read()
"#;

/// A server with a function that has three versions, and an alias that leads to the first.
pub struct Functions {
    pub server: Server,
    pub client: Client,
}

impl Functions {
    pub async fn start() -> Self {
        let server = Server::ministack().await;
        let client = Client::new(&server.config().await);
        let functions = Self { server, client };
        functions.create("thumbs", VERSION, &[]).await;
        for number in 1..=3 {
            let code = functions.archive(&format!("VERSION = {number}\n{VERSION}"));
            let client = &functions.client;
            let update = client.update_function_code().function_name("thumbs");
            update.zip_file(code).send().await.unwrap();
            let publish = client.publish_version().function_name("thumbs");
            let published = publish.send().await.unwrap();
            assert_eq!(published.version(), Some(number.to_string().as_str()));
        }
        until("all versions are active", async || {
            functions.are_active().await
        })
        .await;
        let create = functions.client.create_alias().function_name("thumbs");
        let create = create.name("live").function_version("1");
        create.send().await.unwrap();
        functions
    }

    async fn are_active(&self) -> bool {
        for version in ["1", "2", "3"] {
            let ask = self.client.get_function_configuration();
            let ask = ask.function_name("thumbs").qualifier(version);
            if ask.send().await.unwrap().state() != Some(&State::Active) {
                return false;
            }
        }
        true
    }

    /// One that reports so, when it is invoked.
    pub async fn hook(&self, name: &str, status: &str, port: u16) {
        let address = format!("http://127.0.0.1:{port}/");
        let variables = [("STATUS", status), ("REPORT_TO", address.as_str())];
        self.create(name, HOOK, &variables).await;
    }

    async fn create(&self, name: &str, code: &str, variables: &[(&str, &str)]) {
        let mut environment = Environment::builder();
        for (name, value) in variables {
            environment = environment.variables(*name, *value);
        }
        let code = FunctionCode::builder().zip_file(self.archive(code));
        let create = self.client.create_function().function_name(name);
        create
            .runtime(Runtime::Python312)
            .role("arn:aws:iam::000000000000:role/functions")
            .handler("index.handler")
            .code(code.build())
            .environment(environment.build())
            .send()
            .await
            .unwrap();
    }

    fn archive(&self, code: &str) -> Blob {
        let folder = self.server.folder.path();
        std::fs::write(folder.join("index.py"), code).unwrap();
        let mut zip = Command::new("python3");
        zip.args(["-m", "zipfile", "-c", "code.zip", "index.py"]);
        assert!(zip.current_dir(folder).status().unwrap().success());
        Blob::new(std::fs::read(folder.join("code.zip")).unwrap())
    }

    /// The alias as it is.
    pub async fn alias(&self) -> GetAliasOutput {
        alias(&self.client).await
    }

    /// Where the alias leads: a version, and those beside it with their parts.
    pub async fn leads_to(&self) -> (String, Vec<(String, f64)>) {
        leads_to(&self.alias().await)
    }

    /// Somebody else lets the alias lead there.
    pub async fn lead_to(&self, version: &str, beside: &[(&str, f64)]) {
        let beside = beside
            .iter()
            .map(|(name, part)| ((*name).to_owned(), *part));
        let beside: HashMap<String, f64> = beside.collect();
        let routing = AliasRoutingConfiguration::builder();
        let routing = routing.set_additional_version_weights(Some(beside));
        let update = self.client.update_alias().function_name("thumbs");
        update
            .name("live")
            .function_version(version)
            .routing_config(routing.build())
            .send()
            .await
            .unwrap();
    }
}

async fn alias(client: &Client) -> GetAliasOutput {
    let get = client.get_alias().function_name("thumbs").name("live");
    get.send().await.unwrap()
}

fn leads_to(alias: &GetAliasOutput) -> (String, Vec<(String, f64)>) {
    let routing = alias.routing_config();
    let beside = routing.and_then(AliasRoutingConfiguration::additional_version_weights);
    let beside = beside.into_iter().flatten();
    let beside = beside.map(|(name, part)| (name.clone(), *part));
    let main = alias.function_version().unwrap().to_owned();
    (main, beside.collect())
}

/// Versions that answer requests, by the weights of the alias; and which parts the second had, one after the other.
pub struct Route {
    pub bridge: Bridge,
    parts: Arc<Mutex<Vec<u32>>>,
    _versions: Vec<Backend>,
}

impl Route {
    pub async fn start(functions: &Functions) -> Self {
        let (mut versions, mut names) = (Vec::new(), Vec::new());
        for version in 1..=3 {
            versions.push(Backend::start(&format!("v{version}")).await);
            names.push(format!("v{version}"));
        }
        let parts = Arc::new(Mutex::new(Vec::new()));
        let (client, seen) = (functions.client.clone(), Arc::clone(&parts));
        let weights = move || weights(client.clone(), Arc::clone(&seen)).boxed();
        let known: Vec<(&str, &Backend)> =
            names.iter().map(String::as_str).zip(&versions).collect();
        let bridge = Bridge::of(&known, weights).await;
        bridge.serve(&["v1"]).await;
        Self {
            bridge,
            parts,
            _versions: versions,
        }
    }

    /// The percents that the second version was seen to have, one after the other.
    pub fn parts(&self) -> Vec<u32> {
        self.parts.lock().unwrap().clone()
    }
}

async fn weights(client: Client, seen: Arc<Mutex<Vec<u32>>>) -> BTreeMap<String, i32> {
    let (main, beside) = leads_to(&alias(&client).await);
    let percent = |part: f64| format!("{:.0}", part * 100.0).parse::<u32>().unwrap();
    let mut percents: BTreeMap<String, u32> = beside
        .iter()
        .map(|(name, part)| (name.clone(), percent(*part)))
        .collect();
    percents.insert(main, 100 - percents.values().sum::<u32>());
    let second = percents.get("2").copied().unwrap_or(0);
    let mut seen = seen.lock().unwrap();
    if seen.last() != Some(&second) {
        seen.push(second);
    }
    let weight = |(name, percent)| (format!("v{name}"), i32::try_from(percent).unwrap());
    percents.into_iter().map(weight).collect()
}

/// Writes a file of a project.
pub fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
