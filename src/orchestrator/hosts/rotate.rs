//! Keys that give way to others, of hosts and of the orchestrator, while rollouts go on. Whoever gets another key shows it only
//! when everybody who has to know it has noted it; until then both keys are its own.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;

use super::super::command::{Answer, ApiError};
use super::super::{Orchestrator, internal};
use super::probe::TOGETHER;
use crate::agent::protocol::{KeyOrder, Keys};
use crate::clock;
use crate::identity::{Pin, Successor};
use crate::model::name::Name;
use crate::providers::hosts::{AgentClient, HostError};

/// Why keys are not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfollowed {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("keys can't be noted: {0}")]
    Book(#[from] std::io::Error),
    #[error(transparent)]
    Own(#[from] crate::identity::IdentityError),
}

impl From<Unfollowed> for ApiError {
    fn from(error: Unfollowed) -> Self {
        match error {
            Unfollowed::Host(error) => Self::new("InvalidOperationException", error.to_string()),
            error => internal(&error),
        }
    }
}

impl Orchestrator {
    /// Has a host make itself another key, or makes one for the orchestrator itself.
    pub(in super::super) async fn rotate_key(
        &self,
        host: Option<&Name>,
    ) -> Result<Answer, ApiError> {
        match host {
            Some(name) => self.rotate_host(name).await,
            None => self.rotate_own().await,
        }
    }

    async fn rotate_host(&self, name: &Name) -> Result<Answer, ApiError> {
        let host = self.host(name)?;
        let network = self.0.hosts.network();
        let Some(known) = network.hosts().key(name) else {
            let message = format!("{name} has no key: it has not joined");
            return Err(ApiError::new("InstanceNotRegisteredException", message));
        };
        let client = network.agent(name, &host.address);
        let keys = client.keys(KeyOrder::Make).await;
        let keys = keys.map_err(Unfollowed::from)?;
        let keys = self.follow_keys((name, known.pin), &client, keys);
        let keys = keys.await?;
        Ok(Answer::Rotated {
            key: keys.next.unwrap_or(keys.current),
            waits_for: keys.unaware.into_iter().collect(),
        })
    }

    async fn rotate_own(&self) -> Result<Answer, ApiError> {
        let network = self.0.hosts.network();
        let next = network.prepare().map_err(Unfollowed::from)?;
        let (project, _) = self.0.documents.current();
        // Who is not there now is told as soon as it is.
        futures_util::stream::iter(&project.hosts)
            .for_each_concurrent(TOGETHER, async |host| {
                let client = network.agent(&host.name, &host.address);
                if let Err(error) = self.announce(&host.name, &client).await {
                    tracing::info!(host = %host.name, %error, "it does not know the next key yet");
                }
            })
            .await;
        self.show_next_key()?;
        let waits_for = self.waits_for_next_key()?;
        Ok(Answer::Rotated {
            key: next.pin,
            waits_for,
        })
    }

    /// Notes what an agent, which was asked under this key, says of its keys, and tells it of the orchestrator's. Answers its
    /// keys after that.
    pub(super) async fn follow_keys(
        &self,
        (name, asked): (&Name, Pin),
        client: &AgentClient,
        mut keys: Keys,
    ) -> Result<Keys, Unfollowed> {
        let book = self.0.hosts.network().hosts();
        let known = book.key(name).filter(|known| known.pin == asked);
        if let (Some(next), Some(known)) = (keys.next, known) {
            if known.next != Some(next) {
                book.expect((name, asked), next)?;
            }
            let (project, _) = self.0.documents.current();
            // Only what is durable here: the agent may show the key from now on. Where nobody is waited for, it was interrupted.
            if keys.unaware.is_empty() || keys.unaware.contains(&project.name) {
                keys = client.keys(KeyOrder::Noted(next)).await?;
            }
            if keys.current == next {
                book.switched((name, asked), clock::now())?;
                tracing::info!(host = %name, key = %next.fingerprint(), "a host has another key");
            }
        }
        self.announce(name, client).await?;
        Ok(keys)
    }

    /// Tells a host which key the orchestrator will show one day, if it does not know yet.
    async fn announce(&self, name: &Name, client: &AgentClient) -> Result<(), Unfollowed> {
        let network = self.0.hosts.network();
        let (Some(next), Some(known)) = (network.next()?, network.hosts().key(name)) else {
            return Ok(());
        };
        if known.expects != Some(next.pin) {
            client.keys(KeyOrder::Successor(next)).await?;
            network.hosts().noted((name, known.pin), next.pin)?;
        }
        Ok(())
    }

    /// Shows the orchestrator's next key from now on, if there is one and every host knows it.
    pub(super) fn show_next_key(&self) -> Result<(), Unfollowed> {
        let network = self.0.hosts.network();
        if network.next()?.is_some() && self.waits_for_next_key()?.is_empty() {
            network.switch()?;
            tracing::info!(key = %network.pin().fingerprint(), "the orchestrator has another key");
        }
        Ok(())
    }

    fn waits_for_next_key(&self) -> Result<BTreeSet<Name>, Unfollowed> {
        let network = self.0.hosts.network();
        let unaware = |next: Successor| network.hosts().unaware(next.pin, clock::now());
        let next = network.next()?;
        Ok(next.map(unaware).into_iter().flatten().collect())
    }
}
