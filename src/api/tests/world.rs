//! A project with two applications, an orchestrator in this process, and people of every role.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::api::caller::Caller;
use crate::api::door::Door;
use crate::api::server::router;
use crate::model::access::Person;
use crate::orchestrator::Orchestrator;
use crate::orchestrator::command::{Answer, Command, Deploy};
use crate::store::audit::Audit;
use crate::store::state::State;

const ACCESS: &str = "\
access:
  door: /run/cutover/nowhere.sock
  people:
    - { user: vera, role: viewer }
    - { user: olaf, role: operator }
    - { user: anna, role: approver }
    - { user: adam, role: admin }
    - { user: ben, role: operator, application: shop, group: production }
    - { unixGroup: desk, role: viewer, application: shop }
    - { user: cleo, role: admin, application: shop }
";

pub struct World {
    pub folder: tempfile::TempDir,
    pub door: Door,
    /// A deployment of shop/production, and one of secret/vault.
    pub ours: String,
    pub theirs: String,
}

pub fn caller(name: &str, groups: &[&str]) -> Caller {
    Caller {
        // A user each.
        uid: name
            .bytes()
            .fold(1000, |id, byte| id * 7 % 60_000 + u32::from(byte)),
        name: name.to_owned(),
        person: Person {
            user: Some(name.to_owned()),
            unix_groups: groups.iter().map(|&group| group.to_owned()).collect(),
            owner: false,
        },
    }
}

pub fn owner() -> Caller {
    let mut owner = caller("root", &[]);
    owner.person.owner = true;
    owner
}

impl World {
    /// Two groups of `shop` and one of `secret`, with a host each that nobody reaches.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self::files(&folder, ACCESS);
        let state = State {
            project: world.clone(),
            directory: folder.path().join("state"),
            socket: folder.path().join("socket"),
        };
        std::fs::create_dir_all(&state.directory).unwrap();
        let orchestrator = Orchestrator::start(&state).unwrap();
        let door = Door::new(orchestrator, Audit::open(&state.audit()).unwrap());
        let mut deployments = Vec::new();
        for (application, group) in [("shop", "production"), ("secret", "vault")] {
            let bundle = folder.path().join("bundle");
            std::fs::create_dir_all(&bundle).unwrap();
            std::fs::write(bundle.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
            let push = Command::Push {
                application: application.parse().unwrap(),
                path: bundle,
                label: Some("1.0".to_owned()),
                to: None,
            };
            door.command(&owner(), push).await.unwrap();
            let answer = door.command(&owner(), deploy(application, group)).await;
            let Ok(Answer::Created { deployment }) = answer else {
                panic!("{answer:?}");
            };
            deployments.push(deployment.to_string());
        }
        Self {
            folder,
            door,
            ours: deployments[0].clone(),
            theirs: deployments[1].clone(),
        }
    }

    fn files(folder: &tempfile::TempDir, more: &str) -> std::path::PathBuf {
        let project = folder.path().join("project");
        let environments = "environments: { production: { production: true }, staging: {}, vault: { locked: true } }";
        let mut text = format!("name: demo\n{more}{environments}\nhosts:\n");
        for (number, (application, group)) in [
            ("shop", "production"),
            ("shop", "staging"),
            ("secret", "vault"),
        ]
        .into_iter()
        .enumerate()
        {
            let host = format!(
                "  - {{ name: {group}-1, address: \"http://127.0.0.1:{}\", tags: {{ role: {group} }} }}\n",
                number + 1
            );
            text.push_str(&host);
            let documents = project.join("applications").join(application);
            std::fs::create_dir_all(&documents).unwrap();
            let name = format!("applicationName: {application}\n");
            let platform = format!("{name}computePlatform: Server\n");
            std::fs::write(documents.join("application.yaml"), platform).unwrap();
            let selects = format!(
                "{name}deploymentGroupName: {group}\nec2TagFilters: [{{ Key: role, Value: {group}, Type: KEY_AND_VALUE }}]\nenvironment: {group}\n"
            );
            std::fs::write(documents.join(format!("{group}.yaml")), selects).unwrap();
        }
        std::fs::write(project.join("cutover.yaml"), text).unwrap();
        project
    }

    /// Writes the document anew, with this instead of the section that it had.
    pub fn rewrite(&self, section: &str) {
        Self::files(&self.folder, section);
    }

    /// Makes the project read-only.
    pub fn close(&self) {
        self.rewrite(&format!("settings: {{ readOnly: true }}\n{ACCESS}"));
    }

    /// Sends a request as this person.
    pub async fn ask(&self, caller: &Caller, mut request: Request<Body>) -> Response {
        request.extensions_mut().insert(caller.clone());
        router(self.door.clone()).oneshot(request).await.unwrap()
    }

    /// The status and the body of the answer to a request without a stream.
    pub async fn answer(&self, caller: &Caller, request: Request<Body>) -> (StatusCode, String) {
        let response = self.ask(caller, request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }
}

pub fn deploy(application: &str, group: &str) -> Command {
    let request = serde_json::json!({
        "group": { "application": application, "group": group }, "revision": "1.0", "by": "forged",
    });
    Command::Deploy(serde_json::from_value::<Deploy>(request).unwrap())
}

pub fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

pub fn post(path: &str, body: &impl serde::Serialize) -> Request<Body> {
    let body = serde_json::to_vec(body).unwrap();
    Request::post(path).body(Body::from(body)).unwrap()
}
