//! The lab's fourth application: a container service, whose tasks are processes on the hosts of `checkout`. Its traffic goes from one task
//! set to the next, a tenth first.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::fleet::{Fleet, LabError, context};
use super::launch::launch;
use super::process::Process;
use super::project::write_file;
use super::record::Gallery;
use super::{checkout, instance};

/// Its name, and that of its service, route and load balancer.
pub const APPLICATION: &str = "gallery";

/// Its deployment group.
pub const DEPLOYMENT_GROUP: &str = "live";

/// The route of those who look at a replacement before anybody else does.
const TEST: &str = "gallery-test";

/// What it has from the beginning: deployed before anybody looks.
pub const FIRST: &str = "gallery-1";

/// What gets its traffic when somebody looks.
pub const SECOND: &str = "gallery-2";

/// Its revisions: what each is called, and its version.
const REVISIONS: [(&str, u32); 3] = [(FIRST, 1), (SECOND, 2), ("gallery-3-broken", 3)];

/// The version that ends as soon as it is started.
const BROKEN: u32 = 3;

/// Where tasks serve: below the ports that connections get.
const PORTS: &str = "12000-31999";

/// How many tasks there are.
const TASKS: usize = checkout::HOSTS.len();

/// Requests a second.
const RATE: u32 = 20;

/// The file for what became of them, in the lab's folder.
const COUNTS: &str = "gallery.json";

/// Says to which lab a task belongs. Nothing else has this variable.
const LAB: &str = "TASK_OF_LAB";

/// The group's document.
const GROUP: &str = "applicationName: gallery
deploymentGroupName: live
# A tenth of the traffic, and the rest five minutes later; `--speed` of the lab says how long its minutes are.
deploymentConfigName: CodeDeployDefault.ECSCanary10Percent5Minutes
ecsServices: [{ serviceName: gallery, clusterName: lab }]
loadBalancerInfo:
  targetGroupPairInfoList:
    - targetGroups: [{ name: gallery-a }, { name: gallery-b }]
      prodTrafficRoute: { listenerArns: [gallery] }
      # Leads to the replacement as soon as that is there: look at it before anybody else does.
      testTrafficRoute: { listenerArns: [gallery-test] }
blueGreenDeploymentConfiguration:
  deploymentReadyOption: { actionOnTimeout: CONTINUE_DEPLOYMENT }
  # So long the way back is one command.
  terminateBlueInstancesOnDeploymentSuccess: { action: TERMINATE, terminationWaitTimeInMinutes: 2 }
autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM] }
";

/// The revisions to be registered: what each is called, and its file below the lab's folder.
pub fn revisions() -> impl Iterator<Item = (&'static str, String)> {
    let file = |label| (label, format!("revisions/{label}.yaml"));
    REVISIONS.into_iter().map(move |(label, _)| file(label))
}

/// Writes its documents.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    let file = |path: &str, text: &str| write_file(folder, path, text);
    let application = "applicationName: gallery\ncomputePlatform: ECS\n";
    file("applications/gallery/application.yaml", application)?;
    file("applications/gallery/live.yaml", GROUP)?;
    for ((_, version), (_, path)) in REVISIONS.into_iter().zip(revisions()) {
        let text = format!(
            "version: 0.0
Resources:
  - gallery:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: {APPLICATION}:{version}
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 80
"
        );
        file(&path, &text)?;
        let release = format!("version={version}\n");
        file(&format!("{}/release.conf", home(version)), &release)?;
    }
    Ok(())
}

/// Where a version is kept, below the lab's folder.
fn home(version: u32) -> String {
    format!("services/{APPLICATION}/{version}")
}

/// Adds its connections to those in `cutover.yaml`.
pub(super) fn connect(
    connections: &mut serde_json::Value,
    folder: &Path,
    admin: SocketAddr,
) -> io::Result<()> {
    if let Some(balancers) = connections["loadBalancers"].as_array_mut() {
        balancers.extend([APPLICATION, TEST].map(|route| {
            serde_json::json!({
                "name": route,
                "provider": { "router": { "admin": format!("http://{admin}"), "route": route } },
            })
        }));
    }
    let program = std::env::current_exe()?;
    let definitions: serde_json::Map<_, _> = REVISIONS
        .into_iter()
        .map(|(_, version)| {
            let home = folder.join(home(version));
            let run = if version == BROKEN {
                serde_json::json!([
                    "sh",
                    "-c",
                    "echo 'the picture store does not answer' >&2; exit 1"
                ])
            } else {
                serde_json::json!([program, "lab", "task", "--folder", home])
            };
            let definition = serde_json::json!({
                "run": run,
                "count": TASKS,
                "port": PORTS,
                "health": "/health",
                "environment": { LAB: folder },
                "stopSeconds": 5,
            });
            (format!("{APPLICATION}:{version}"), definition)
        })
        .collect();
    connections["services"] = serde_json::json!([{
        "name": APPLICATION,
        "cluster": "lab",
        "via": { "processes": { "hosts": checkout::HOSTS, "taskDefinitions": definitions } },
    }]);
    Ok(())
}

/// Its routes, as the router's document lists them: nobody serves yet.
pub(super) fn routes(parts: &Gallery) -> String {
    let mut text = String::new();
    for (name, listen) in [(APPLICATION, parts.front), (TEST, parts.test)] {
        // Writing to a text can't fail.
        let _ = write!(
            text,
            "  - name: {name}
    listen: {listen}
    health: {{ path: /health, intervalMillis: 250, rise: 1, fall: 2 }}
    servers: []
"
        );
    }
    text
}

/// A task: serves the version in this folder at the port that its agent gave it.
///
/// # Errors
/// If there is no port, or it is taken.
pub async fn serve(folder: &Path) -> io::Result<()> {
    let port = std::env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| io::Error::other("no PORT is given"))?;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    instance::serve(APPLICATION, at, folder).await
}

impl Fleet {
    /// Whether the lab has the service. One that an older version started has not.
    pub fn has_service(&self) -> bool {
        self.record.gallery.is_some()
    }

    /// Where the router takes its requests, and those of who looks at a replacement.
    pub fn service_fronts(&self) -> Option<[SocketAddr; 2]> {
        let gallery = self.record.gallery.as_ref()?;
        Some([gallery.front, gallery.test])
    }

    /// Sees to it that requests are sent to the service, if the lab has one.
    ///
    /// # Errors
    /// If the process does not start.
    pub async fn ask_service(&mut self) -> Result<(), LabError> {
        let _alone = self.alone().await?;
        let Some(gallery) = &mut self.record.gallery else {
            return Ok(());
        };
        if gallery.requests.is_some_and(Process::runs) {
            return Ok(());
        }
        let process = launch(&self.folder.join("gallery.log"), |command| {
            command
                .args(["lab", "requests", "--to", &gallery.front.to_string()])
                .args(["--rate", &RATE.to_string(), "--counts"])
                .arg(self.folder.join(COUNTS));
        })
        .map_err(context("the requests to gallery can't be started"))?;
        gallery.requests = Some(process);
        self.save()
    }
}

/// The tasks of the lab in this folder: they outlive the agents.
pub(super) fn tasks(folder: &Path) -> Vec<Process> {
    Process::with_variable(&format!("{LAB}={}", folder.display()))
}
