//! What an instance of EC2 is told of itself: its id and its address, by the second version of its metadata service (`IMDSv2`).

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::time::{Instant, sleep};

use super::facts::bound;
use crate::model::name::Name;

/// Where every instance finds it, unless a variable of AWS's own says otherwise.
const ENDPOINT: &str = "http://169.254.169.254";

/// How long an answer may take. The service is on the machine itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an instance that is just starting may take until it can ask.
const START: Duration = Duration::from_secs(30);

/// How long it is let be before it is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a session lasts, in seconds: it is needed at once and never again.
const SESSION: &str = "60";

/// No answer is longer, in bytes.
const LONGEST: usize = 4 << 10;

/// Why an instance does not know what it is.
#[derive(Debug, thiserror::Error)]
#[error(
    "the metadata service of this instance at {endpoint} does not say {what}: {reason}. Is this an instance of EC2, with the \
     metadata service on? Otherwise give --name and --listen ADDRESS:PORT"
)]
pub struct MetadataError {
    endpoint: String,
    what: &'static str,
    reason: String,
}

/// The metadata service, in a session with it.
#[derive(Debug)]
pub struct Metadata {
    http: Client,
    endpoint: String,
    session: String,
}

impl Metadata {
    /// Begins a session, with the service where the machine has it or at this endpoint.
    ///
    /// # Errors
    /// If nobody answers there within half a minute, or answers something else.
    pub async fn open(endpoint: Option<&str>) -> Result<Self, MetadataError> {
        let endpoint = endpoint.unwrap_or(ENDPOINT).trim_end_matches('/');
        let what = "whom it speaks with";
        let fails = |reason: String| fails(endpoint, what, reason);
        let http = Client::builder()
            .timeout(PATIENCE)
            // It is on the machine, and whoever it would lead to is not.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .build()
            .map_err(|error| fails(error.to_string()))?;
        let patience = Instant::now() + START;
        loop {
            let asked = http
                .put(format!("{endpoint}/latest/api/token"))
                .header("x-aws-ec2-metadata-token-ttl-seconds", SESSION);
            match answer(asked).await {
                Ok(session) => {
                    let endpoint = endpoint.to_owned();
                    return Ok(Self {
                        http,
                        endpoint,
                        session,
                    });
                }
                Err(NoAnswer::NotYet(_)) if Instant::now() < patience => sleep(AGAIN).await,
                Err(NoAnswer::NotYet(reason) | NoAnswer::Refused(reason)) => {
                    return Err(fails(reason));
                }
            }
        }
    }

    /// The instance's id.
    ///
    /// # Errors
    /// If it is not said.
    pub async fn instance(&self) -> Result<Name, MetadataError> {
        let what = "its id";
        let text = self.say("instance-id", what).await?;
        let id = text.parse::<Name>().ok();
        id.filter(|id| id.as_str().starts_with("i-"))
            .ok_or_else(|| fails(&self.endpoint, what, format!("{text:?} is none")))
    }

    /// Its private address, which `DescribeInstances` gives out too.
    ///
    /// # Errors
    /// If it is not said.
    pub async fn address(&self) -> Result<IpAddr, MetadataError> {
        let what = "its address";
        let text = self.say("local-ipv4", what).await?;
        text.parse()
            .map_err(|_| fails(&self.endpoint, what, format!("{text:?} is none")))
    }

    async fn say(&self, name: &str, what: &'static str) -> Result<String, MetadataError> {
        let asked = self
            .http
            .get(format!("{}/latest/meta-data/{name}", self.endpoint))
            .header("x-aws-ec2-metadata-token", &self.session);
        answer(asked).await.map_err(|error| {
            let (NoAnswer::NotYet(reason) | NoAnswer::Refused(reason)) = error;
            fails(&self.endpoint, what, reason)
        })
    }
}

/// Why there is no answer.
enum NoAnswer {
    /// There may be one later.
    NotYet(String),
    /// There will be none.
    Refused(String),
}

async fn answer(asked: RequestBuilder) -> Result<String, NoAnswer> {
    let lost = |error: reqwest::Error| {
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        NoAnswer::NotYet(innermost.to_string())
    };
    let mut answer = asked.send().await.map_err(lost)?;
    let status = answer.status();
    if status != StatusCode::OK {
        let said = format!("status {status}");
        return Err(if status.is_server_error() {
            NoAnswer::NotYet(said)
        } else {
            NoAnswer::Refused(said)
        });
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(lost)? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            return Err(NoAnswer::Refused("its answer is too long".to_owned()));
        }
    }
    let text = String::from_utf8_lossy(&body);
    Ok(text.trim().to_owned())
}

fn fails(endpoint: &str, what: &'static str, mut reason: String) -> MetadataError {
    bound(&mut reason);
    MetadataError {
        endpoint: endpoint.to_owned(),
        what,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::routing::{get, put};
    use tokio::net::TcpListener;

    use super::*;

    /// A service that answers sessions alone, as instances have it that require them.
    async fn service(id: &'static str, address: &'static str) -> String {
        let in_session = |headers: &HeaderMap, text: &str| {
            let session = headers.get("x-aws-ec2-metadata-token");
            if session.is_some_and(|session| session == "a-session") {
                (StatusCode::OK, format!("{text}\n"))
            } else {
                (StatusCode::UNAUTHORIZED, String::new())
            }
        };
        let begin = |headers: HeaderMap| async move {
            match headers.get("x-aws-ec2-metadata-token-ttl-seconds") {
                Some(_) => (StatusCode::OK, "a-session"),
                None => (StatusCode::BAD_REQUEST, ""),
            }
        };
        let routes = Router::new()
            .route("/latest/api/token", put(begin))
            .route(
                "/latest/meta-data/instance-id",
                get(move |headers: HeaderMap| async move { in_session(&headers, id) }),
            )
            .route(
                "/latest/meta-data/local-ipv4",
                get(move |headers: HeaderMap| async move { in_session(&headers, address) }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        url
    }

    #[tokio::test]
    async fn an_instance_asks_in_a_session_what_it_is() {
        let url = service("i-0123456789abcdef0", "10.0.0.7").await;
        let metadata = Metadata::open(Some(&format!("{url}/"))).await.unwrap();
        let id = metadata.instance().await.unwrap();
        assert_eq!(id.as_str(), "i-0123456789abcdef0");
        let address = metadata.address().await.unwrap();
        assert_eq!(address.to_string(), "10.0.0.7");
    }

    #[tokio::test]
    async fn what_is_no_instance_is_said_with_what_to_do() {
        let url = service("ami-1", "<html>").await;
        let metadata = Metadata::open(Some(&url)).await.unwrap();
        let error = metadata.instance().await.unwrap_err().to_string();
        assert!(
            error.contains("\"ami-1\" is none") && error.contains("--name"),
            "{error}"
        );
        let error = metadata.address().await.unwrap_err().to_string();
        assert!(error.contains("does not say its address"), "{error}");
        let nothing = format!("{url}/elsewhere");
        let error = Metadata::open(Some(&nothing))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("status 404"), "{error}");
    }
}
