//! Fleets: who provisions instances and terminates them, by a program of the operator's or by HTTP.
//!
//! Both are told as JSON and answer as JSON (docs/fleets.md). Asking again under the same token has to answer the same
//! instances, so that nobody needs to know whether an earlier question arrived. What a fleet says is data: it is read up to a
//! limit, and nothing of it is believed that was not looked at.

mod answer;
mod command;
mod http;

use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;

use self::answer::read;
use crate::model::connections::{Fleet, FleetProvider};
use crate::model::deployment::DeploymentId;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::providers::secrets::Secrets;

/// More of an answer is not read, in bytes.
const ANSWER: usize = 1 << 20;

/// What a fleet is asked to provision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provision<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The same for every question about the same instances: the deployment's id.
    pub token: &'a DeploymentId,
    /// How many.
    pub count: u32,
    /// The Auto Scaling group that they are to be, by name.
    pub auto_scaling_group: &'a str,
    /// For which application.
    pub application: &'a Name,
    /// For which deployment group.
    pub deployment_group: &'a Name,
    /// The instances that they will replace: what they are to be like.
    pub originals: Vec<&'a Host>,
}

/// What a fleet is asked to terminate. Those that are gone already are no error.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Terminate<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// Which instances, as they were provisioned.
    pub hosts: Vec<&'a Host>,
}

/// Why a fleet did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// It will not, however often it is asked.
    #[error("{0}")]
    Refused(String),
    /// It took too long, and was ended.
    #[error("{0}")]
    Late(String),
    /// It may if it is asked again.
    #[error("{0}")]
    NotNow(String),
}

/// A question in the form in which it is sent.
struct Question {
    action: &'static str,
    token: Option<String>,
    count: Option<u32>,
    hosts: Vec<String>,
    body: Vec<u8>,
}

/// Asks the fleets of a project.
#[derive(Debug)]
pub struct Fleets {
    secrets: Secrets,
    /// Made when it is needed first: it reads the machine's certificates.
    http: OnceLock<reqwest::Client>,
}

impl Fleets {
    /// Those of the project with these secrets: programs run in its folder.
    pub fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            http: OnceLock::new(),
        }
    }

    /// Has instances provisioned, as many as were asked for: names, addresses, tags, zones and endpoints, each name and
    /// address once. Nothing is known of them but what the fleet says.
    ///
    /// # Errors
    /// If it does not answer, or answers something else.
    pub async fn provision(
        &self,
        fleet: &Fleet,
        asked: &Provision<'_>,
    ) -> Result<Vec<Host>, FleetError> {
        let question = Question {
            action: "provision",
            token: Some(asked.token.to_string()),
            count: Some(asked.count),
            hosts: Vec::new(),
            body: body("provision", asked)?,
        };
        let said = self.ask(fleet, &question).await?;
        read(&said, asked.count as usize)
            .map_err(|wrong| FleetError::Refused(format!("the fleet {} {wrong}", fleet.name)))
    }

    /// Has instances terminated; those that are gone already are no error.
    ///
    /// # Errors
    /// If it does not answer, or says that it has not.
    pub async fn terminate(&self, fleet: &Fleet, asked: &Terminate<'_>) -> Result<(), FleetError> {
        let question = Question {
            action: "terminate",
            token: None,
            count: None,
            hosts: asked.hosts.iter().map(|h| h.name.to_string()).collect(),
            body: body("terminate", asked)?,
        };
        self.ask(fleet, &question).await.map(drop)
    }

    async fn ask(&self, fleet: &Fleet, question: &Question) -> Result<Vec<u8>, FleetError> {
        let patience = Duration::from_secs(u64::from(fleet.timeout_seconds));
        match &fleet.provider {
            FleetProvider::Command {
                provision,
                terminate,
                secrets,
            } => {
                let run = match question.action {
                    "provision" => provision,
                    _ => terminate,
                };
                let run = command::Run { run, secrets };
                command::ask(&self.secrets, &fleet.name, run, question, patience).await
            }
            FleetProvider::Http {
                provision,
                terminate,
                token,
            } => {
                let url = match question.action {
                    "provision" => provision,
                    _ => terminate,
                };
                let http = self.http()?;
                let to = (url.as_str(), token.as_ref());
                http::ask(http, &self.secrets, to, question, patience).await
            }
        }
    }

    fn http(&self) -> Result<&reqwest::Client, FleetError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = reqwest::Client::builder()
            // A redirected POST becomes a GET, and asks nobody anything.
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                FleetError::Refused(format!("the HTTP client can't be set up: {error}"))
            })?;
        Ok(self.http.get_or_init(|| http))
    }
}

/// The question as JSON, with what is asked.
fn body(action: &str, asked: &impl Serialize) -> Result<Vec<u8>, FleetError> {
    #[derive(Serialize)]
    struct Said<'a, T> {
        version: u32,
        action: &'a str,
        #[serde(flatten)]
        asked: &'a T,
    }
    let said = Said {
        version: 1,
        action,
        asked,
    };
    serde_json::to_vec(&said).map_err(|error| FleetError::Refused(error.to_string()))
}

/// The first line of something said, short and harmless.
fn first_line(said: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(said);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let mut line = crate::text::safe(line.unwrap_or_default());
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push('…');
    }
    line
}
