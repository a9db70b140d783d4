//! The backends of an `HAProxy` on this host whose servers the agent may move: what its operator allows, and nothing else.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::agent::haproxy::command::is_backend;

/// An `HAProxy`, and those of its backends that may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct HaProxy {
    /// Its `stats socket`, with `level admin`.
    pub socket: PathBuf,
    /// As haproxy.cfg and connections of load balancers name them.
    pub backends: Vec<String>,
}

/// One as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    socket: PathBuf,
    backends: Vec<String>,
}

impl TryFrom<Fields> for HaProxy {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { socket, backends } = fields;
        if !socket.is_absolute() || socket.file_name().is_none() {
            let shown = socket.display();
            return Err(format!("{shown} is no socket's whole path: begin with /"));
        }
        if backends.is_empty() {
            return Err("no backend may be changed: name one under `backends`".to_owned());
        }
        if let Some(odd) = backends.iter().find(|name| !is_backend(name)) {
            return Err(format!(
                "{odd:?} is no name of a backend: write the word after `backend` in haproxy.cfg"
            ));
        }
        Ok(Self { socket, backends })
    }
}

/// All of them: no backend is there twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<HaProxy>")]
pub struct HaProxies(Vec<HaProxy>);

impl HaProxies {
    /// Each, as the file has them.
    pub fn all(&self) -> &[HaProxy] {
        &self.0
    }

    /// Where the `HAProxy` listens that has a backend, if it may be changed.
    pub fn socket(&self, backend: &str) -> Option<&Path> {
        let mut all = self.0.iter();
        all.find(|one| one.backends.iter().any(|name| name == backend))
            .map(|one| one.socket.as_path())
    }
}

impl TryFrom<Vec<HaProxy>> for HaProxies {
    type Error = String;

    fn try_from(all: Vec<HaProxy>) -> Result<Self, String> {
        let names: Vec<&String> = all.iter().flat_map(|one| &one.backends).collect();
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(format!(
                    "the backend {name} is there twice: connections tell backends of a host by their names alone"
                ));
            }
        }
        Ok(Self(all))
    }
}
