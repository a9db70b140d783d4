//! Meeting a host that may join: each shows the other that it has the token's secret, and then they know each other's keys.

use std::time::Duration;

use reqwest::StatusCode;

use super::network::Network;
use super::trouble::innermost;
use crate::agent::facts::bound;
use crate::agent::protocol::{Introduced, Introduction, JOIN, Problem};
use crate::clock;
use crate::identity::Pin;
use crate::identity::enrolment::{Grant, NotAdmitted};
use crate::identity::invitation::{Meeting, Role};
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// No answer is longer, in bytes.
const LONGEST: usize = 16 << 10;

/// Why a host and an orchestrator have not met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMet {
    /// Nobody is there yet, or somebody who is not waiting for this.
    #[error("{0}")]
    NotYet(String),
    /// Whoever is there is not the host that was invited.
    #[error("whoever is at {address} (its key is {}) is not who was invited: {reason}", .key.fingerprint())]
    Stranger {
        /// Where.
        address: String,
        /// Its key.
        key: Pin,
        /// What showed it.
        reason: String,
    },
}

impl Network {
    /// Introduces the orchestrator of a project to whoever is at the host's address, and learns the host's key if that is who
    /// was invited. Answers the key.
    ///
    /// # Errors
    /// Why they have not met.
    pub async fn introduce(
        &self,
        (host, address): (&Name, &str),
        project: &Name,
        grant: Grant<'_>,
    ) -> Result<Pin, NotMet> {
        let not_yet = |reason: &dyn std::fmt::Display| NotMet::NotYet(reason.to_string());
        let (own, commander) = self.present();
        let (http, met) = Self::anybody(&own).map_err(NotMet::NotYet)?;
        let url = format!("{address}{JOIN}");
        let lost = |error: reqwest::Error| NotMet::NotYet(innermost(&error));
        // Only when the connection stands is it known with whose key it is.
        let answer = http
            .get(&url)
            .timeout(PATIENCE)
            .send()
            .await
            .map_err(lost)?;
        if answer.status() != StatusCode::NO_CONTENT {
            return Err(NotMet::NotYet(said(answer).await));
        }
        let key = met.pin().ok_or_else(|| not_yet(&"it showed no key"))?;
        let meeting = Meeting {
            host,
            agent: key,
            orchestrator: own.pin(),
            commander,
        };
        let endpoint = address.split_once("://").map_or(address, |(_, rest)| rest);
        let endpoint = Endpoint::parse(endpoint);
        let mut names = vec![host.as_str()];
        names.extend(endpoint.as_ref().map(|at| at.host.as_str()));
        let means = grant.means(&names);
        let introduction = Introduction {
            host: host.clone(),
            project: project.clone(),
            commander: meeting.commander,
            proof: means
                .proof(&own, Role::Orchestrator, meeting)
                .map_err(|error| not_yet(&error))?,
        };
        let request = http.post(&url).timeout(PATIENCE).json(&introduction);
        let answer = request.send().await.map_err(lost)?;
        let stranger = |reason: String| NotMet::Stranger {
            address: address.to_owned(),
            key,
            reason,
        };
        if answer.status() != StatusCode::OK {
            return Err(stranger(said(answer).await));
        }
        let body = bounded(answer).await.map_err(lost)?;
        let introduced: Introduced =
            serde_json::from_slice(&body).map_err(|error| stranger(error.to_string()))?;
        let checked = means.check(&introduced.proof, Role::Agent, meeting, clock::now());
        checked.map_err(stranger)?;
        let admitted = self.hosts().admit(host, grant, key, clock::now());
        match admitted.map_err(|error| not_yet(&error))? {
            Ok(()) => Ok(key),
            Err(late @ NotAdmitted::Late) => Err(not_yet(&late)),
            Err(same @ NotAdmitted::SameKey(_)) => Err(stranger(same.to_string())),
        }
    }
}

/// What an answer says that is not the one that was hoped for.
async fn said(answer: reqwest::Response) -> String {
    let status = answer.status();
    let problem = bounded(answer).await.ok();
    let problem = problem.and_then(|body| serde_json::from_slice::<Problem>(&body).ok());
    let mut message = problem.map_or_else(|| format!("status {status}"), |one| one.message);
    bound(&mut message);
    message
}

/// The beginning of an answer: nobody who is not known yet may fill the memory.
async fn bounded(mut answer: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            break;
        }
    }
    Ok(body)
}
