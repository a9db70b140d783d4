//! Hosts that come by themselves: a token that many may have, each of which joins under the id that AWS gives it, and only where
//! AWS shows it in the token's place. What is proved, and how, is as with any [invitation](super::invitation).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hosts::{HostKey, Invitation, InviteError, KnownHosts};
use super::invitation::{Secret, Token};
use super::pin::Pin;
use super::proof::Means;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// For how long AWS may show nothing of an instance before its key is forgotten: its id is never given out again.
const GONE: Duration = Duration::from_hours(7 * 24);

/// How much older than the truth may be what is known of when AWS showed an instance last.
const NOTED: Duration = Duration::from_hours(24);

/// A token by which instances join that a deployment group selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enrolment {
    /// What it goes by.
    pub secret: Secret,
    /// The group whose instances may have it.
    pub place: GroupKey,
    /// The orchestrator's key that it names: instances answer no other.
    pub orchestrator: Pin,
    /// Who made it.
    pub by: String,
    /// Since when it holds, by the orchestrator's clock.
    pub since: Timestamp,
    /// Until when; without one, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// An instance that joined by such a token. It is remembered when its key is not known any more: no token is worth a second key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enrolled {
    /// The token's id.
    pub token: String,
    /// The account that AWS showed it in, as `connections.aws` names it.
    pub account: String,
    /// Since when.
    pub since: Timestamp,
    /// When AWS showed it last, to a day.
    pub seen: Timestamp,
}

/// Whether instances may join by a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenState {
    /// They may.
    Holds,
    /// Its time is up.
    Expired,
    /// The orchestrator has another key now than the one that it names.
    FormerKey,
}

/// What may be said of a token: all but what it goes by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// The group whose instances may have it.
    pub place: GroupKey,
    /// Whether they may join by it.
    pub state: TokenState,
    /// Who made it.
    pub by: String,
    /// Since when it holds.
    pub since: Timestamp,
    /// Until when; without one, until it is revoked.
    pub until: Option<Timestamp>,
    /// How many have joined by it of those that AWS shows.
    pub joined: usize,
}

/// What lets somebody join as a host.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// A person invited it by its name.
    Invitation(&'a Invitation),
    /// AWS shows it in the place of a token.
    Enrolment {
        /// The token.
        enrolment: &'a Enrolment,
        /// The account that AWS shows it in.
        account: &'a str,
    },
}

/// Why somebody who has shown that it has the secret is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// What let it join does so no more.
    #[error("what let it join does not hold any more")]
    Late,
    /// Another host has that key.
    #[error(
        "{0} has the same key: its image was made of a host that had joined, so take `identity` out of the agent's root_dir there"
    )]
    SameKey(Name),
}

impl Enrolment {
    /// What people tell it by.
    pub fn id(&self) -> String {
        self.secret.id()
    }

    /// What is put into the instances' user data.
    pub fn token(&self) -> Token {
        Token {
            orchestrator: self.orchestrator,
            secret: self.secret.clone(),
        }
    }

    /// Whether instances may join by it, to an orchestrator with this key.
    pub fn state(&self, orchestrator: Pin, now: Timestamp) -> TokenState {
        if self.until.is_some_and(|until| until <= now) {
            TokenState::Expired
        } else if self.orchestrator == orchestrator {
            TokenState::Holds
        } else {
            TokenState::FormerKey
        }
    }
}

impl Grant<'_> {
    /// What is gone by at the meeting, where the other may be certified under these names.
    pub fn means<'b>(&'b self, names: &'b [&'b str]) -> Means<'b> {
        match self {
            Self::Invitation(invitation) => match &invitation.authority {
                Some(authority) => Means::Authority { authority, names },
                None => Means::Secret(&invitation.secret),
            },
            Self::Enrolment { enrolment, .. } => Means::Secret(&enrolment.secret),
        }
    }
}

impl KnownHosts {
    /// Makes a token for the instances of a group.
    ///
    /// # Errors
    /// If there is no secret to be had, or the file can't be written.
    pub fn offer(
        &self,
        place: &GroupKey,
        orchestrator: Pin,
        by: &str,
        lasts: Option<Duration>,
        now: Timestamp,
    ) -> Result<Enrolment, InviteError> {
        let enrolment = Enrolment {
            secret: Secret::new()?,
            place: place.clone(),
            orchestrator,
            by: by.to_owned(),
            since: now,
            until: lasts.map(|lasts| now + lasts),
        };
        self.0.change(|book| {
            let id = enrolment.id();
            book.enrolments.insert(id, enrolment.clone());
        })?;
        Ok(enrolment)
    }

    /// All tokens, also those that hold no more.
    pub fn enrolments(&self) -> Vec<Enrolment> {
        self.0.now().enrolments.values().cloned().collect()
    }

    /// What may be said of all tokens, where the orchestrator has this key.
    pub fn tokens(&self, orchestrator: Pin, now: Timestamp) -> Vec<TokenView> {
        let book = self.0.now();
        let all = book.enrolments.iter().map(|(id, enrolment)| TokenView {
            id: id.clone(),
            place: enrolment.place.clone(),
            state: enrolment.state(orchestrator, now),
            by: enrolment.by.clone(),
            since: enrolment.since,
            until: enrolment.until,
            joined: book.enrolled.values().filter(|it| it.token == *id).count(),
        });
        all.collect()
    }

    /// By what token an instance has joined, if it has, whether its key is known still or not.
    pub fn enrolled(&self, host: &Name) -> Option<Enrolled> {
        self.0.now().enrolled.get(host).cloned()
    }

    /// Nobody joins by a token any more; whoever has keeps its key. Answers whose it was.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn take_back(&self, id: &str) -> io::Result<Option<GroupKey>> {
        self.0
            .change(|book| book.enrolments.remove(id).map(|token| token.place))
    }

    /// A host has shown that it has the secret: from now on it is known by this key, if what let it join still holds.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn admit(
        &self,
        host: &Name,
        grant: Grant<'_>,
        pin: Pin,
        now: Timestamp,
    ) -> io::Result<Result<(), NotAdmitted>> {
        let (enrolment, account) = match grant {
            Grant::Invitation(invitation) => {
                let joined = self.join(host, invitation, pin, now)?;
                return Ok(joined.then_some(()).ok_or(NotAdmitted::Late));
            }
            Grant::Enrolment { enrolment, account } => (enrolment, account),
        };
        let id = enrolment.id();
        self.0.change(|book| {
            let holds = book.enrolments.get(&id) == Some(enrolment)
                && enrolment.until.is_none_or(|until| until > now);
            // Whoever was known by a key, now or before, needs a person's word for another.
            if !holds || book.hosts.contains_key(host) || book.enrolled.contains_key(host) {
                return Err(NotAdmitted::Late);
            }
            if let Some((other, _)) = book.hosts.iter().find(|(_, key)| key.is(&pin)) {
                return Err(NotAdmitted::SameKey(other.clone()));
            }
            book.hosts.insert(host.clone(), HostKey::new(pin, now));
            let enrolled = Enrolled {
                token: id.clone(),
                account: account.to_owned(),
                since: now,
                seen: now,
            };
            book.enrolled.insert(host.clone(), enrolled);
            Ok(())
        })
    }

    /// AWS shows these instances in an account now. Those that joined by tokens and were not shown for long are forgotten, with their
    /// keys: nobody has to wait for what is terminated. Answers which.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn shown(
        &self,
        account: &str,
        now_there: &BTreeSet<&Name>,
        now: Timestamp,
    ) -> io::Result<Vec<Name>> {
        let book = self.0.now();
        let theirs = |it: &&Enrolled| it.account == account;
        let is_due = |host: &Name, it: &Enrolled| {
            let limit = if now_there.contains(host) {
                NOTED
            } else {
                GONE
            };
            now.since(it.seen) > limit
        };
        let due = |enrolled: &BTreeMap<Name, Enrolled>| -> BTreeSet<Name> {
            let all = enrolled.iter().filter(|(_, it)| theirs(it));
            let due = all.filter(|(host, it)| is_due(host, it));
            due.map(|(host, _)| host.clone()).collect()
        };
        if due(&book.enrolled).is_empty() {
            return Ok(Vec::new());
        }
        self.0.change(|book| {
            let mut gone = Vec::new();
            for host in due(&book.enrolled) {
                if let Some(it) = book.enrolled.get_mut(&host)
                    && now_there.contains(&host)
                {
                    it.seen = now;
                    continue;
                }
                book.enrolled.remove(&host);
                book.hosts.remove(&host);
                gone.push(host);
            }
            gone
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::hosts::Terms;
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);
    const OWN: Pin = Pin::from_bytes([9; 32]);

    fn known() -> (tempfile::TempDir, KnownHosts) {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownHosts::open(folder.path().join("hosts.json")).unwrap();
        (folder, known)
    }

    fn pin(byte: u8) -> Pin {
        Pin::from_bytes([byte; 32])
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn place() -> GroupKey {
        GroupKey {
            application: name("shop"),
            group: name("web"),
        }
    }

    fn by(enrolment: &Enrolment) -> Grant<'_> {
        let account = "prod";
        Grant::Enrolment { enrolment, account }
    }

    #[test]
    fn a_token_is_for_many_and_for_each_of_them_once() {
        let (_folder, known) = known();
        let token = known.offer(&place(), OWN, "ana", None, NOW).unwrap();
        let (one, two) = (name("i-1"), name("i-2"));
        let admit = |host, key| known.admit(host, by(&token), pin(key), NOW).unwrap();
        assert_eq!(admit(&one, 1), Ok(()));
        assert_eq!(admit(&one, 2), Err(NotAdmitted::Late), "it has a key");
        let same = admit(&two, 1).unwrap_err();
        assert!(same.to_string().contains("i-1 has the same key"), "{same}");
        assert_eq!(admit(&two, 2), Ok(()));
        let tokens = known.tokens(OWN, NOW);
        assert_eq!((tokens.len(), tokens[0].joined), (1, 2));
        // One that was revoked does not come back by it, and by a person's word it does.
        assert!(known.revoke(&one).unwrap());
        assert_eq!(admit(&one, 3), Err(NotAdmitted::Late));
        assert_eq!(known.key(&one), None);
        let invited = known.invite(&one, "ana", Terms::default(), NOW).unwrap();
        let invited = known.admit(&one, Grant::Invitation(&invited), pin(3), NOW);
        assert_eq!(invited.unwrap(), Ok(()));
        assert_eq!(known.key(&one).unwrap().pin, pin(3));
    }

    #[test]
    fn a_token_ends_by_its_time_by_a_word_and_with_the_key_that_it_names() {
        let (_folder, known) = known();
        let hour = Duration::from_hours(1);
        let token = known.offer(&place(), OWN, "ana", Some(hour), NOW).unwrap();
        let one = name("i-1");
        assert_eq!(token.state(OWN, NOW), TokenState::Holds);
        assert_eq!(token.state(pin(1), NOW), TokenState::FormerKey);
        assert_eq!(token.state(OWN, NOW + hour), TokenState::Expired);
        let late = known.admit(&one, by(&token), pin(1), NOW + hour).unwrap();
        assert_eq!(late, Err(NotAdmitted::Late));
        assert_eq!(known.take_back(&token.id()).unwrap(), Some(place()));
        assert_eq!(known.take_back(&token.id()).unwrap(), None);
        let revoked = known.admit(&one, by(&token), pin(1), NOW).unwrap();
        assert_eq!(revoked, Err(NotAdmitted::Late));
    }

    #[test]
    fn what_is_terminated_is_forgotten_and_nothing_else() {
        let (_folder, known) = known();
        let token = known.offer(&place(), OWN, "ana", None, NOW).unwrap();
        let (one, two) = (name("i-1"), name("i-2"));
        for (host, key) in [(&one, 1), (&two, 2)] {
            known
                .admit(host, by(&token), pin(key), NOW)
                .unwrap()
                .unwrap();
        }
        let there = BTreeSet::from([&one]);
        let later = NOW + GONE;
        assert!(known.shown("prod", &there, later).unwrap().is_empty());
        assert_eq!(known.enrolled(&one).unwrap().seen, later);
        let later = later + Duration::from_secs(1);
        assert!(known.shown("other", &there, later).unwrap().is_empty());
        let gone = known.shown("prod", &there, later).unwrap();
        assert_eq!(gone, std::slice::from_ref(&two));
        assert_eq!(known.key(&two), None);
        assert!(known.key(&one).is_some());
    }

    #[test]
    fn what_is_said_of_a_token_is_not_what_it_goes_by() {
        let (_folder, known) = known();
        let token = known.offer(&place(), OWN, "ana", None, NOW).unwrap();
        let secret = String::from(token.secret.clone());
        let said = format!("{:?} {token:?}", known.tokens(OWN, NOW));
        assert!(said.contains(&token.id()) && !said.contains(&secret));
        assert_eq!(token.id().len(), 9);
    }
}
