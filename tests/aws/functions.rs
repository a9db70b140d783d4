//! Whole deployments of a function at AWS Lambda: the weights of its alias are those of a real load balancer, before which
//! requests flow; hooks are functions there, too.

use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::lab::Lab;
use crate::lambda::{Functions, Route, write};
use crate::load::{Connections, Load};
use crate::program::free_port;
use crate::server::REGION;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("the_traffic_of_an_alias_shifts_and_goes_back", shift),
        trial("a_shift_at_lambda_survives_whoever_drives_it", kills),
        trial("a_split_alias_is_refused_and_rolled_back", trap),
        trial("what_a_function_can_not_be_deployed_for_is_told", refusals),
        trial("hooks_are_invoked_and_report_over_http", hooks),
    ]
}

/// A quarter of the traffic, and the rest half an hour later: minutes last a second here.
const CANARY: &str = "computePlatform: Lambda
trafficRoutingConfig: { type: TimeBasedCanary, timeBasedCanary: { canaryPercentage: 25, canaryInterval: 1800 } }
";

/// A tenth more every minute.
const LINEAR: &str = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute";

const AT_ONCE: &str = "CodeDeployDefault.LambdaAllAtOnce";

/// A function with three versions, the first of which has the traffic; and a project that deploys it.
struct Site {
    functions: Functions,
    lab: Lab,
    /// Where hooks report.
    port: u16,
}

impl Site {
    async fn up() -> Self {
        let functions = Functions::start().await;
        let lab = Lab::up(1);
        let (folder, port) = (lab.folder(), free_port());
        let hooks = ["CodeDeployHook_agrees", "CodeDeployHook_objects", "nobody"];
        let hooks =
            hooks.map(|name| format!("    - {{ name: {name}, via: {{ lambda: {{}} }} }}\n"));
        let document = format!(
            "name: lab
settings: {{ stateDirectory: .state, limits: {{ shiftMinuteSeconds: 1 }}, hooks: {{ listen: '127.0.0.1:{port}' }} }}
connections:
  aws: [{{ name: prod, region: {REGION}, endpointUrl: '{}' }}]
  functions:
    - {{ name: thumbs, alias: live, via: {{ lambda: {{ account: prod }} }} }}
    - {{ name: thumbs, alias: beta, via: {{ lambda: {{}} }} }}
  hooks:
{}hosts: []
",
            functions.server.url(),
            hooks.concat()
        );
        write(&folder, "cutover.yaml", &document);
        let of = |name: &str| format!("applications/thumbs/{name}.yaml");
        write(&folder, &of("application"), "computePlatform: Lambda\n");
        write(&folder, &of("live"), "{}\n");
        write(&folder, "configurations/Canary.yaml", CANARY);
        Self {
            functions,
            lab,
            port,
        }
    }

    /// Registers the move of an alias from one version to another, with these hooks.
    fn push(&self, label: &str, alias: &str, versions: [u32; 2], hooks: &str) {
        let [current, target] = versions;
        let file = format!("{label}.yaml");
        let text = format!(
            "version: 0.0\nResources:\n  - thumbs:\n      Type: AWS::Lambda::Function\n      Properties: {{ Name: thumbs, Alias: {alias}, CurrentVersion: {current}, TargetVersion: {target} }}\n{hooks}"
        );
        write(&self.lab.folder(), &file, &text);
        let path = self.lab.folder().join(file);
        let path: &Path = &path;
        let path = path.to_str().unwrap();
        self.lab.ok(&["push", "thumbs", path, "--label", label]);
    }

    fn begin(&self, revision: &str, configuration: &str) -> String {
        let deploy = ["deploy", "thumbs", "live", revision];
        self.lab
            .ok(&[&deploy[..], &["--config", configuration]].concat())
    }

    /// Deploys, and answers what is shown when that has ended.
    fn to_the_end(&self, revision: &str) -> Value {
        let id = self.begin(revision, AT_ONCE);
        self.lab.wait_for_end(&id);
        self.lab.show(&id)
    }

    /// The same, of what fails: with which error, and why.
    fn fails(&self, revision: &str) -> (String, String) {
        let shown = self.to_the_end(revision);
        assert_eq!(shown["deploymentInfo"]["status"], "Failed", "{shown:#}");
        let error = &shown["deploymentInfo"]["errorInformation"];
        let text = |field: &str| error[field].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }
}

fn load(route: &Route) -> Load {
    Load::start(route.bridge.front, "/?ms=2", 200, Connections::Kept)
}

/// Waits until about this share of the requests is answered by a version.
async fn comes_near(load: &Load, version: &str, share: f64) {
    for _ in 0..50 {
        if (load.next(200).await.share(version) - share).abs() < 0.05 {
            return;
        }
    }
    panic!("{version} has not {share}: {:?}", load.count());
}

fn beside(name: &str, part: f64) -> Vec<(String, f64)> {
    vec![(name.to_owned(), part)]
}

async fn shift() {
    let site = Site::up().await;
    let route = Route::start(&site.functions).await;
    let (lab, load) = (&site.lab, load(&route));
    site.push("2", "live", [1, 2], "");
    let id = site.begin("2", "Canary");
    comes_near(&load, "v2", 0.25).await;
    assert_eq!(
        site.functions.leads_to().await,
        ("1".to_owned(), beside("2", 0.25))
    );
    lab.ok(&["weight", &id, "60"]);
    comes_near(&load, "v2", 0.6).await;
    let shown: Value =
        serde_json::from_str(&lab.ok(&["traffic", &id, "--output", "json"])).unwrap();
    let balancer = &shown["traffic"][0]["balancers"][0];
    assert_eq!(balancer["name"], "thumbs:live");
    assert_eq!(balancer["inEffect"], 60);
    // What somebody does by hand is put right.
    site.functions.lead_to("3", &[]).await;
    comes_near(&load, "v2", 0.6).await;
    lab.ok(&["weight", &id, "100"]);
    lab.ok(&["resume", &id]);
    assert_eq!(lab.wait_for_end(&id), "Succeeded", "{:#}", lab.show(&id));
    comes_near(&load, "v2", 1.0).await;
    assert_eq!(site.functions.leads_to().await, ("2".to_owned(), vec![]));
    let back = lab.ok(&["rollback", &id]);
    assert_eq!(lab.wait_for_end(&back), "Succeeded");
    comes_near(&load, "v1", 1.0).await;
    assert_eq!(site.functions.leads_to().await, ("1".to_owned(), vec![]));
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

async fn kills() {
    let site = Site::up().await;
    let route = Route::start(&site.functions).await;
    let (lab, load) = (&site.lab, load(&route));
    site.push("2", "live", [1, 2], "");
    let id = site.begin("2", LINEAR);
    for share in [10, 30, 60, 90] {
        lab.wait_for(&id, |_| {
            route.parts().last().is_some_and(|part| *part >= share)
        });
        lab.kill_orchestrator();
    }
    assert_eq!(lab.wait_for_end(&id), "Succeeded", "{:#}", lab.show(&id));
    comes_near(&load, "v2", 1.0).await;
    // Each share once, and in its order.
    assert_eq!(route.parts(), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

async fn trap() {
    let site = Site::up().await;
    let lab = &site.lab;
    site.push("2", "live", [1, 2], "");
    site.push("3", "live", [1, 3], "");
    let id = site.begin("2", "Canary");
    let asked = |now: &Value| now["deploymentInfo"]["status"] == "InProgress";
    lab.wait_for(&id, asked);
    let quarter = ("1".to_owned(), beside("2", 0.25));
    crate::server::until("a quarter is shifted", async || {
        site.functions.leads_to().await == quarter
    })
    .await;
    lab.ok(&["stop", &id]);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    let (code, why) = site.fails("3");
    assert_eq!(code, "INVALID_LAMBDA_CONFIGURATION");
    assert!(
        why.contains("the alias live of thumbs is split: version 1 and version 2 get its traffic")
            && why.contains("cutover rollback"),
        "{why}"
    );
    assert_eq!(site.functions.leads_to().await, quarter);
    let back = lab.ok(&["rollback", &id]);
    assert_eq!(lab.wait_for_end(&back), "Succeeded");
    let shown = site.to_the_end("3");
    assert_eq!(shown["deploymentInfo"]["status"], "Succeeded", "{shown:#}");
    assert_eq!(site.functions.leads_to().await, ("3".to_owned(), vec![]));
    // It leads elsewhere by now than the revision says, which names neither.
    let (code, why) = site.fails("2");
    assert_eq!(code, "INVALID_LAMBDA_CONFIGURATION");
    assert!(
        why.contains("leads to version 3, and not to 1") && why.contains("write CurrentVersion: 3"),
        "{why}"
    );
}

async fn refusals() {
    let site = Site::up().await;
    site.push("7", "live", [1, 7], "");
    let (code, why) = site.fails("7");
    assert_eq!(code, "INVALID_LAMBDA_FUNCTION");
    assert!(why.contains("thumbs has no version 7: publish it"), "{why}");
    site.push("beta", "beta", [1, 2], "");
    let (code, why) = site.fails("beta");
    assert_eq!(code, "INVALID_LAMBDA_FUNCTION");
    assert!(why.contains("there is no alias beta of thumbs"), "{why}");
    assert_eq!(site.functions.leads_to().await, ("1".to_owned(), vec![]));
    // An alias that is in no document, in a project that has an account.
    site.push("gamma", "live", [1, 2], "");
    let path = site.lab.folder().join("cutover.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("name: thumbs,", "name: frames,")).unwrap();
    let output = site.lab.run(&["deploy", "thumbs", "live", "gamma"]);
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(
        why.contains("nothing says where the function thumbs is")
            && why.contains("write `{ name: 'thumbs', alias: live, via: { lambda: {} } }` there"),
        "{why}"
    );
}

async fn hooks() {
    let site = Site::up().await;
    let functions = &site.functions;
    functions
        .hook("CodeDeployHook_agrees", "Succeeded", site.port)
        .await;
    functions
        .hook("CodeDeployHook_objects", "Failed", site.port)
        .await;
    let hooks = |before: &str, after: &str| {
        format!("Hooks:\n  - BeforeAllowTraffic: {before}\n  - AfterAllowTraffic: {after}\n")
    };
    let [agrees, objects] = ["CodeDeployHook_agrees", "CodeDeployHook_objects"];
    site.push("bad", "live", [1, 2], &hooks(objects, agrees));
    let (code, why) = site.fails("bad");
    assert_eq!(code, "HOOK_EXECUTION_FAILURE");
    assert!(why.contains(objects), "{why}");
    assert_eq!(functions.leads_to().await, ("1".to_owned(), vec![]));
    // One that is in the documents, and not at AWS.
    site.push("lost", "live", [1, 2], &hooks("nobody", agrees));
    let (code, why) = site.fails("lost");
    assert_eq!(code, "HOOK_EXECUTION_FAILURE");
    assert!(
        why.contains("Lambda nobody of the AWS account prod: ResourceNotFoundException"),
        "{why}"
    );
    // One that is in no document.
    site.push("unknown", "live", [1, 2], &hooks("somebody", agrees));
    let (code, why) = site.fails("unknown");
    assert_eq!(code, "HOOK_EXECUTION_FAILURE");
    assert!(
        why.contains("nothing says what somebody stands for")
            && why.contains("via: { lambda: {} }"),
        "{why}"
    );
    site.push("good", "live", [1, 2], &hooks(agrees, agrees));
    let shown = site.to_the_end("good");
    assert_eq!(shown["deploymentInfo"]["status"], "Succeeded", "{shown:#}");
    assert_eq!(functions.leads_to().await, ("2".to_owned(), vec![]));
    // The second is called when everything has moved, and then it is too late for all but a rollback.
    site.push("late", "live", [2, 3], &hooks(agrees, objects));
    let (code, _) = site.fails("late");
    assert_eq!(code, "HOOK_EXECUTION_FAILURE");
    assert_eq!(functions.leads_to().await, ("3".to_owned(), vec![]));
}
