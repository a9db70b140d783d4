//! A load balancer of any kind, by requests that the operator defines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::secret::{SecretRef, TextOrSecret};

/// How long a request may take, in seconds.
const TIMEOUT_SECONDS: u64 = 10;

/// The largest weight where none is given.
const LARGEST_WEIGHT: u32 = 100;

/// A load balancer that is driven by requests of the operator's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpBalancer {
    /// Puts a server into service; adds it, where servers have to be added.
    pub enter: HttpRequest,
    /// Lets a server finish what it does, and gives it nothing new. Without it `leave` is sent when a drain begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<HttpRequest>,
    /// Takes a server out.
    pub leave: HttpRequest,
    /// Gives a server a weight. Without it `enter` is sent again with the new weight, if it has `{weight}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<HttpRequest>,
    /// The largest weight that it takes.
    #[serde(default = "largest_weight")]
    pub largest_weight: u32,
    /// Asks how things are. Without it what was accepted is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observe: Option<HttpObserve>,
    /// How long a request may take, in seconds.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
}

impl HttpBalancer {
    /// Whether it says how a server gets a weight.
    pub fn splits(&self) -> bool {
        let has_weight = |text: &str| text.contains("{weight}");
        let body = self.enter.body.as_deref();
        self.weight.is_some() || has_weight(&self.enter.url) || body.is_some_and(has_weight)
    }
}

fn largest_weight() -> u32 {
    LARGEST_WEIGHT
}

fn timeout_seconds() -> u64 {
    TIMEOUT_SECONDS
}

/// A request with placeholders: `{server}`, `{endpoint}`, `{host}`, `{port}`, and `{weight}` in `enter` and `weight`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpRequest {
    /// The method; `GET` to observe and else `POST` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where to. What placeholders stand for is percent-encoded.
    pub url: String,
    /// Header lines. What is a secret is sent as it is, without placeholders.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The body, JSON unless a header `Content-Type` says otherwise. What placeholders stand for is escaped accordingly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The secret that is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// How the state of servers is asked for, and where the answer has it.
///
/// A place in the answer is a path through JSON: `state`, `peers.0.state` or `/peers/0/state`; with placeholders, and with
/// `name={server}` for that element of a list whose `name` is the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpObserve {
    /// What asks. One without a placeholder is sent once for all servers.
    pub request: HttpRequest,
    /// Whether a server gets traffic.
    pub service: ServiceField,
    /// Whether it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<HealthField>,
    /// Where its weight is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Where the number of requests is that it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<String>,
    /// Where the number of requests is that it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<String>,
    /// Where the number of these is that ended in an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<String>,
}

/// Where an answer says whether a server gets traffic, and in which words. Numbers and `true` are words too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceField {
    /// Where.
    pub at: String,
    /// It gets its share.
    #[serde(rename = "in")]
    pub serving: Vec<String>,
    /// It finishes what it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draining: Vec<String>,
    /// It gets nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out: Vec<String>,
}

/// Where an answer says whether a server is well, and in which words. Any other word means that it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthField {
    /// Where.
    pub at: String,
    /// It is well.
    pub is: Vec<String>,
}
