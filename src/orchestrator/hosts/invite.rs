//! Inviting hosts, meeting those that were invited, and turning away those that are not to be known any more.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::super::command::{Answer, ApiError, Pass};
use super::super::{Orchestrator, internal};
use crate::clock;
use crate::identity::enrolment::Grant;
use crate::identity::hosts::{Invitation, InviteError, Terms};
use crate::identity::invitation::Token;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::providers::hosts::{NotMet, Unmet};

/// How often a host that was invited is looked for.
const AGAIN: Duration = Duration::from_secs(1);

/// How many are looked for at a time.
const TOGETHER: usize = 32;

impl Orchestrator {
    /// Lets somebody who is given the token join as this host.
    pub(in super::super) fn invite_host(
        &self,
        name: &Name,
        terms: Terms,
        by: &str,
    ) -> Result<Answer, ApiError> {
        let host = self.host(name)?;
        if !host.address.starts_with("https://") {
            let message = format!(
                "{name} is at {}, where nobody needs a key: give it an https:// address first (`cutover hosts edit {name} --address …`)",
                host.address
            );
            return Err(ApiError::new("InvalidInputException", message));
        }
        let network = self.0.hosts.network();
        let certified = terms.authority.is_some();
        let own_name = network.own().names().into_iter().next();
        if certified && own_name.is_none() {
            let message = "no authority has certified the orchestrator: give it a key and a certificate first \
                           (`cutover hosts rotate --orchestrator --certificate FILE`)";
            return Err(ApiError::new("InvalidOperationException", message));
        }
        let invited = network.invite(name, by, terms);
        let (invitation, orchestrator) = invited.map_err(|error| match error {
            InviteError::Joined { .. } => {
                ApiError::new("InvalidOperationException", error.to_string())
            }
            InviteError::Random(_) | InviteError::Io(_) => internal(&error),
        })?;
        network.looks_anew(name);
        let token = Token {
            orchestrator,
            secret: invitation.secret,
        };
        let pass = match own_name.filter(|_| certified) {
            Some(name) => Pass::Certificate(name),
            None => Pass::Token(token.to_string()),
        };
        Ok(Answer::Invited {
            host: name.clone(),
            address: host.address,
            pass,
            orchestrator,
            until: invitation.until,
        })
    }

    /// Knows a host no more: nothing is sent to it from now on, and nothing that it says is heard.
    pub(in super::super) async fn revoke_host(&self, name: &Name) -> Result<Answer, ApiError> {
        let hosts = &self.0.hosts;
        let known = hosts.network().hosts().revoke(name);
        if !known.map_err(|error| internal(&error))? {
            let message = format!("{name} has no key and no invitation here");
            return Err(ApiError::new("InstanceNotRegisteredException", message));
        }
        // What is under way ends; whoever still wants something of the host is told that it is out of reach.
        self.follow_moves([name.clone()].into());
        // Whoever looks next sees it.
        let (project, _) = self.0.documents.current();
        if let Some(host) = project.host(name) {
            self.probe(host, &Mutex::default()).await;
        }
        Ok(Answer::Done)
    }

    pub(super) fn host(&self, name: &Name) -> Result<Host, ApiError> {
        self.catch_up();
        let (project, _) = self.0.documents.current();
        project.host(name).cloned().ok_or_else(|| {
            ApiError::new(
                "InstanceDoesNotExistException",
                format!("there is no host {name}: `cutover hosts add {name} --address https://…`"),
            )
        })
    }

    /// Looks for the hosts that were invited, for ever.
    pub(in super::super) fn meet_hosts(self) {
        tokio::spawn(async move {
            loop {
                let invited = self.0.hosts.network().hosts().invitations(clock::now());
                futures_util::stream::iter(&invited)
                    .for_each_concurrent(TOGETHER, |(host, invitation)| self.meet(host, invitation))
                    .await;
                tokio::time::sleep(AGAIN).await;
            }
        });
    }

    async fn meet(&self, name: &Name, invitation: &Invitation) {
        let (project, _) = self.0.documents.current();
        let hosts = &self.0.hosts;
        let Some(host) = project.host(name) else {
            // Somebody has taken it out of the documents.
            if let Err(error) = hosts.network().hosts().withdraw(name) {
                tracing::error!(host = %name, %error, "its invitation can't be taken back");
            }
            return;
        };
        let there = (name, host.address.as_str());
        match hosts
            .network()
            .introduce(there, &project.name, Grant::Invitation(invitation))
            .await
        {
            Ok(key) => {
                tracing::info!(host = %name, key = %key.fingerprint(), "a host has joined");
                hosts.network().looks_anew(name);
                // Whoever was known by a former key is heard no more.
                self.follow_moves([name.clone()].into());
                self.probe(host, &Mutex::default()).await;
            }
            Err(not_met @ NotMet::Stranger { .. }) => {
                tracing::warn!(host = %name, "{not_met}");
                let reason = not_met.to_string();
                let remedy = format!(
                    "find out who that is; `cutover hosts invite {name}` gives {name} another token"
                );
                let unmet = Unmet { reason, remedy };
                // Whoever asks the host for something is told the same.
                hosts.network().has_not_met(name, unmet.clone());
                hosts.observe(name, Err(&unmet.into()));
            }
            Err(NotMet::NotYet(reason)) => {
                tracing::debug!(host = %name, reason, "an invited host is not there yet");
            }
        }
    }
}
