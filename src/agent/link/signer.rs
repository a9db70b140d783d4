//! An orchestrator's signature, for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::value::RawValue;

use super::Kind;
use crate::agent::commands::fence::HOLDS;
use crate::clock;
use crate::identity::Pin;
use crate::identity::command::{CommandKey, Commander, Statement};
use crate::model::name::Name;

pub struct Signer {
    key: CommandKey,
    sent: AtomicU64,
}

impl Signer {
    pub fn new() -> Self {
        Self {
            key: CommandKey::new().unwrap(),
            sent: AtomicU64::new(0),
        }
    }

    pub fn commander(&self) -> Commander {
        self.key.commander()
    }

    /// The body of a request of this kind, about this name.
    pub fn sign(
        &self,
        host: &Name,
        agent: Option<Pin>,
        (kind, name): (Kind, &str),
        command: &str,
    ) -> Vec<u8> {
        let statement = Statement {
            project: "shop".parse().unwrap(),
            host: host.clone(),
            agent,
            epoch: 1,
            incarnation: 1,
            sequence: self.sent.fetch_add(1, Ordering::Relaxed) + 1,
            until: clock::now() + HOLDS,
            by: "ana".to_owned(),
            kind: kind.verb().unwrap(),
            name: name.to_owned(),
            command: RawValue::from_string(command.to_owned()).unwrap(),
        };
        serde_json::to_vec(&self.key.sign(&statement).unwrap()).unwrap()
    }
}
