//! Keys that give way to others, of hosts and of the orchestrator, while rollouts go on. Whoever gets another key shows it only
//! when everybody who has to know it has noted it; until then both keys are its own.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;

use super::super::command::{Answer, ApiError};
use super::super::{Orchestrator, internal};
use super::probe::TOGETHER;
use crate::agent::protocol::{KeyOrder, Keys};
use crate::clock;
use crate::identity::orchestrators::Unaware;
use crate::identity::{Pin, Successor};
use crate::model::host::Host;
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
    #[error(
        "{0} obeys another orchestrator of this project, so the keys of this one stay as they are: end one of the two, and \
         have the other go on (`cutover serve --take-over`); if only {0} is wrong, `cutover hosts revoke {0}`"
    )]
    Fenced(Name),
}

impl From<Unfollowed> for ApiError {
    fn from(error: Unfollowed) -> Self {
        match error {
            Unfollowed::Host(_) | Unfollowed::Fenced(_) => {
                Self::new("InvalidOperationException", error.to_string())
            }
            Unfollowed::Book(_) | Unfollowed::Own(_) => internal(&error),
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
            waits_for: keys.unaware.iter().map(named).collect(),
        })
    }

    async fn rotate_own(&self) -> Result<Answer, ApiError> {
        let network = self.0.hosts.network();
        // First whether they obey this one: whoever is fenced off has no keys to spread.
        futures_util::stream::iter(self.clients())
            .for_each_concurrent(TOGETHER, async |(name, client)| {
                if let Err(error) = client.greet(&name).await {
                    tracing::info!(host = %name, %error, "it does not say whom it obeys");
                }
            })
            .await;
        self.is_not_fenced()?;
        let next = network.prepare().map_err(Unfollowed::from)?;
        // Who is not there now is told as soon as it is.
        futures_util::stream::iter(self.clients())
            .for_each_concurrent(TOGETHER, async |(name, client)| {
                if let Err(error) = self.announce(&name, &client).await {
                    tracing::info!(host = %name, %error, "it does not know the next key yet");
                }
            })
            .await;
        self.show_next_key()?;
        self.is_not_fenced()?;
        let waits_for = self.waits_for_next_key()?;
        Ok(Answer::Rotated {
            key: next.pin,
            waits_for: waits_for.iter().map(Name::to_string).collect(),
        })
    }

    fn clients(&self) -> Vec<(Name, AgentClient)> {
        let network = self.0.hosts.network();
        let (project, _) = self.0.documents.current();
        let hosts = project.hosts.iter();
        let client = |host: &Host| (host.name.clone(), network.agent(&host.name, &host.address));
        hosts.map(client).collect()
    }

    fn is_not_fenced(&self) -> Result<(), Unfollowed> {
        let fenced = self.0.hosts.network().fenced();
        fenced.map_or(Ok(()), |host| Err(Unfollowed::Fenced(host)))
    }

    /// Notes what an agent, which was asked under this key, says of its keys, and tells it of the orchestrator's. Answers its
    /// keys after that.
    pub(super) async fn follow_keys(
        &self,
        (name, asked): (&Name, Pin),
        client: &AgentClient,
        mut keys: Keys,
    ) -> Result<Keys, Unfollowed> {
        let network = self.0.hosts.network();
        let book = network.hosts();
        let known = book.key(name).filter(|known| known.pin == asked);
        if let (Some(next), Some(known)) = (keys.next, known) {
            if known.next != Some(next) {
                book.expect((name, asked), next)?;
            }
            let own = network.pin();
            // Only what is durable here: the agent may show the key from now on. Where nobody is waited for, it was interrupted.
            if keys.unaware.is_empty() || keys.unaware.iter().any(|one| one.pin == own) {
                keys = client.keys(KeyOrder::Noted(next)).await?;
            }
            network.shows((name, asked), keys.current)?;
        }
        self.announce(name, client).await?;
        Ok(keys)
    }

    /// Tells a host which keys the orchestrator will show one day, if it does not know yet. One that is fenced off tells nobody.
    async fn announce(&self, name: &Name, client: &AgentClient) -> Result<(), Unfollowed> {
        let network = self.0.hosts.network();
        let (Some(next), Some(known)) = (network.next()?, network.hosts().key(name)) else {
            return Ok(());
        };
        if known.expects != Some(next) && network.fenced().is_none() {
            client.keys(KeyOrder::Successor(next)).await?;
            network.hosts().noted((name, known.pin), next)?;
        }
        Ok(())
    }

    /// Shows the orchestrator's next keys from now on, if there are any and every host knows them.
    pub(super) fn show_next_key(&self) -> Result<(), Unfollowed> {
        let network = self.0.hosts.network();
        if let Some(next) = network.next()?
            && network.switch(next)?
        {
            tracing::info!(key = %next.pin.fingerprint(), "the orchestrator has another key");
        }
        Ok(())
    }

    fn waits_for_next_key(&self) -> Result<BTreeSet<Name>, Unfollowed> {
        let network = self.0.hosts.network();
        let unaware = |next: Successor| network.hosts().unaware(next, clock::now());
        let next = network.next()?;
        Ok(next.map(unaware).into_iter().flatten().collect())
    }
}

/// An orchestrator, as the operator finds it on the host: others may be of the same project.
fn named(orchestrator: &Unaware) -> String {
    let Unaware { pin, project } = orchestrator;
    format!("{project} ({})", pin.fingerprint())
}
