//! The router's document.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::name::Name;
use crate::model::traffic::Split;
use crate::model::yaml::{self, YamlError};
use crate::providers::traffic::Server;
use crate::providers::traffic::router::protocol::WantedRoute;

/// What a router does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where the admin door listens: a loopback address, unless `allowRemoteAdmin`.
    pub admin: SocketAddr,
    /// Whether others than this machine may change routes. The door knows no encryption and asks nobody who they are.
    #[serde(default)]
    pub allow_remote_admin: bool,
    /// The file in which the routes are kept over a restart; by default the document's name with the ending
    /// `.state.json`, beside it.
    #[serde(default)]
    pub state: PathBuf,
    /// How many seconds requests in flight may take when the router is told to end.
    #[serde(default = "drain_seconds")]
    pub drain_seconds: u64,
    /// The routes.
    pub routes: Vec<RouteConfig>,
}

/// An address, and the servers behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteConfig {
    /// Its name, as a load balancer's connection has it in `route`.
    pub name: Name,
    /// Where it listens.
    pub listen: SocketAddr,
    /// How requests are split between the two sides, as the replacement's percentage; absent, every server gets the same.
    #[serde(default)]
    pub split: Option<Split>,
    /// The servers, as they are until somebody says something else.
    pub servers: Vec<Server>,
    /// How the servers are asked whether they are well. Absent, only refused connections tell.
    #[serde(default)]
    pub health: Option<CheckConfig>,
    /// How many seconds a server may take to begin its answer.
    #[serde(default = "a_minute")]
    pub answer_seconds: u64,
    /// How many seconds a body may make no progress, and a client's connection may wait for a request.
    #[serde(default = "a_minute")]
    pub idle_seconds: u64,
    /// The largest body of a request, in bytes; absent, any.
    #[serde(default)]
    pub max_body_bytes: Option<u64>,
    /// Whether only a proxy in front reaches the route, whose `X-Forwarded-*` are believed. Otherwise they are replaced.
    #[serde(default)]
    pub behind_proxy: bool,
}

/// How servers are asked whether they are well: a status of 2xx or 3xx is well.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckConfig {
    /// The path that is asked for.
    pub path: String,
    /// How many milliseconds lie between two checks, and how many an answer may take.
    #[serde(default = "interval_millis")]
    pub interval_millis: u64,
    /// So many good checks in a row make a server well.
    #[serde(default = "rise")]
    pub rise: u32,
    /// So many bad checks in a row make a server unwell.
    #[serde(default = "fall")]
    pub fall: u32,
}

fn drain_seconds() -> u64 {
    30
}

fn a_minute() -> u64 {
    60
}

fn interval_millis() -> u64 {
    2000
}

fn rise() -> u32 {
    2
}

fn fall() -> u32 {
    3
}

/// Why a router's document can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not well formed.
    #[error("{path}:{source}")]
    Malformed {
        /// Which file.
        path: String,
        /// Where, and what.
        source: YamlError,
    },
    /// What it says cannot be.
    #[error("{path}: {place}: {message}")]
    Impossible {
        /// Which file.
        path: String,
        /// The field.
        place: String,
        /// What is wrong, and what to do.
        message: String,
    },
}

impl Config {
    /// Reads a document.
    ///
    /// # Errors
    /// If it can't be read, or says what cannot be.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: shown.clone(),
            source,
        })?;
        let mut config: Self = yaml::from_str(&text).map_err(|source| ConfigError::Malformed {
            path: shown.clone(),
            source,
        })?;
        // Kept beside the document, wherever that is seen from.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let named = std::mem::take(&mut config.state);
        config.state = if named.as_os_str().is_empty() {
            path.with_extension("state.json")
        } else {
            path.parent().unwrap_or(Path::new("/")).join(named)
        };
        match config.problem() {
            None => Ok(config),
            Some((place, message)) => Err(ConfigError::Impossible {
                path: shown,
                place,
                message,
            }),
        }
    }

    /// The first thing that cannot be: where, and what to do.
    fn problem(&self) -> Option<(String, String)> {
        if !self.admin.ip().is_loopback() && !self.allow_remote_admin {
            let message = format!(
                "{} is not the loopback, and anybody who reaches the door may change routes: take 127.0.0.1, or say `allowRemoteAdmin: true`",
                self.admin
            );
            return Some(("admin".to_owned(), message));
        }
        if self.routes.is_empty() {
            let message = "there is nothing to do: name at least one route";
            return Some(("routes".to_owned(), message.to_owned()));
        }
        self.routes.iter().enumerate().find_map(|(n, route)| {
            let (field, message) = self.problem_of(n, route)?;
            Some((format!("routes[{n}].{field}"), message))
        })
    }

    fn problem_of(&self, n: usize, route: &RouteConfig) -> Option<(&'static str, String)> {
        let earlier = &self.routes[..n];
        if earlier.iter().any(|other| other.name == route.name) {
            let message = format!("there is a route {} already: name each once", route.name);
            return Some(("name", message));
        }
        let taken = |other: &RouteConfig| route.listen.port() != 0 && other.listen == route.listen;
        if route.listen == self.admin && self.admin.port() != 0 || earlier.iter().any(taken) {
            let message = format!("{} is listened on already: take another port", route.listen);
            return Some(("listen", message));
        }
        if let Some(health) = &route.health {
            if !health.path.starts_with('/') {
                return Some(("health.path", "a path begins with a slash".to_owned()));
            }
            if health.interval_millis == 0 || health.rise == 0 || health.fall == 0 {
                let message = "intervalMillis, rise and fall are at least 1";
                return Some(("health", message.to_owned()));
            }
        }
        if route.answer_seconds == 0 || route.idle_seconds == 0 {
            let message = "is at least 1, as idleSeconds is";
            return Some(("answerSeconds", message.to_owned()));
        }
        // The admin door says later who serves there.
        if route.servers.is_empty() {
            return None;
        }
        Some(("servers", route.wanted().problem()?))
    }
}

impl RouteConfig {
    /// What the route is as long as nobody says something else.
    pub(super) fn wanted(&self) -> WantedRoute {
        WantedRoute {
            revision: None,
            split: self.split,
            servers: self.servers.clone(),
        }
    }
}
