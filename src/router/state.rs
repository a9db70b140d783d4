//! The file in which routes are kept, so that a router that comes back goes on with the last split.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::config::RouteConfig;
use super::route::Route;
use crate::model::name::Name;
use crate::model::traffic::Split;
use crate::providers::traffic::Server;
use crate::providers::traffic::router::protocol::WantedRoute;
use crate::store::files::write_atomically;

/// A route as it was last left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kept {
    pub revision: u64,
    pub split: Option<Split>,
    pub servers: Vec<Server>,
}

impl Kept {
    /// Whether the configuration says something else.
    pub fn differs(&self, config: &RouteConfig) -> bool {
        self.split != config.split || self.servers != config.servers
    }
}

type Routes = BTreeMap<Name, Kept>;

#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    /// Held through a change, so that one comes after the other.
    routes: Mutex<Routes>,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path}: {reason}: the splits of the last run are not known; mend it, or start with --reset to take what is configured"
)]
pub struct StateError {
    path: String,
    reason: String,
}

/// Why a route was not changed.
#[derive(Debug)]
pub(super) enum ChangeError {
    /// It cannot be so.
    Impossible(String),
    /// It is not what the change goes by.
    Stale { expected: u64, found: u64 },
    /// It could not be written down, and so was not done.
    Unwritten(String),
}

impl State {
    /// Opens the file, or forgets it; without one, nothing is kept yet.
    pub fn open(path: &Path, reset: bool) -> Result<(Self, Routes), StateError> {
        let failed = |reason: String| StateError {
            path: path.display().to_string(),
            reason,
        };
        let read = if reset {
            std::fs::remove_file(path).map(|()| b"{}".to_vec())
        } else {
            std::fs::read(path)
        };
        let routes: Routes = match read {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| failed(e.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Routes::new(),
            Err(error) => return Err(failed(error.to_string())),
        };
        let state = Self {
            path: path.to_owned(),
            routes: Mutex::new(routes.clone()),
        };
        Ok((state, routes))
    }

    /// Changes a route: first in the file, then for requests.
    pub async fn change(&self, route: &Route, wanted: WantedRoute) -> Result<(), ChangeError> {
        if let Some(problem) = wanted.problem() {
            return Err(ChangeError::Impossible(problem));
        }
        let mut routes = self.routes.lock().await;
        let found = route.table().revision;
        if let Some(expected) = wanted.revision.filter(|expected| *expected != found) {
            return Err(ChangeError::Stale { expected, found });
        }
        let kept = Kept {
            revision: found + 1,
            split: wanted.split,
            servers: wanted.servers,
        };
        let mut after = routes.clone();
        after.insert(route.name.clone(), kept.clone());
        self.write(&after).await.map_err(ChangeError::Unwritten)?;
        *routes = after;
        route.become_what(&kept);
        Ok(())
    }

    async fn write(&self, routes: &Routes) -> Result<(), String> {
        let path = self.path.clone();
        let bytes = serde_json::to_vec_pretty(routes).map_err(|error| error.to_string())?;
        let written = tokio::task::spawn_blocking(move || write_atomically(&path, &bytes));
        let written = written.await.map_err(|error| error.to_string())?;
        written.map_err(|error| format!("{}: {error}", self.path.display()))
    }
}
