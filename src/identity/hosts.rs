//! The orchestrator's side: the keys of its hosts, and who is invited to join as one.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::authority::Authority;
use super::enrolment::{Enrolled, Enrolment};
use super::invitation::Secret;
use super::own::Successor;
use super::pin::Pin;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::store::kept::Kept;

/// How long an invitation holds.
pub const INVITATION: Duration = Duration::from_mins(15);

/// The keys of hosts that have joined, and the invitations of those that may. Every change is durable when it returns.
#[derive(Debug)]
pub struct KnownHosts(pub(super) Kept<Book>);

/// What the file has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Book {
    pub hosts: BTreeMap<Name, HostKey>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    invitations: BTreeMap<Name, Invitation>,
    /// The tokens by which instances join, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub enrolments: BTreeMap<String, Enrolment>,
    /// The instances that joined by them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub enrolled: BTreeMap<Name, Enrolled>,
}

/// By what key a host is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostKey {
    /// The key.
    pub pin: Pin,
    /// Since when, by the orchestrator's clock.
    pub since: Timestamp,
    /// The key that it will show one day in place of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Pin>,
    /// The orchestrator's next keys, once the host has noted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<Successor>,
}

impl HostKey {
    /// That of a host that has just joined.
    pub(super) fn new(pin: Pin, now: Timestamp) -> Self {
        Self {
            pin,
            since: now,
            next: None,
            expects: None,
        }
    }

    /// Whether the holder of this key is the host.
    pub fn is(&self, pin: &Pin) -> bool {
        self.pin == *pin || self.next == Some(*pin)
    }
}

/// An invitation to join as a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invitation {
    /// What it goes by.
    pub secret: Secret,
    /// Until when it holds, by the orchestrator's clock.
    pub until: Timestamp,
    /// Who invited.
    pub by: String,
    /// Whether the host may have a key already, which the new one takes the place of.
    #[serde(default)]
    pub replaces: bool,
    /// Whoever has a certificate of it for the host may join; without one, whoever has the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
}

/// On what terms a host is invited.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Whether it may have a key already, which the new one takes the place of.
    pub replaces: bool,
    /// Whoever has a certificate of it for the host may join; without one, whoever has the secret.
    pub authority: Option<Authority>,
}

/// Why a host is not invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Somebody is known by this name.
    #[error("{host} has joined already, with the key {}: if it was installed anew, `cutover hosts invite {host} --replace-key` lets another key take its place", .pin.fingerprint())]
    Joined {
        /// Which host.
        host: Name,
        /// Its key.
        pin: Pin,
    },
    /// There is no secret to be had.
    #[error("no secret can be made: {0}")]
    Random(#[from] rustls::Error),
    /// The file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl KnownHosts {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        Kept::open(path).map(Self)
    }

    /// The key of a host, if it has joined.
    pub fn key(&self, host: &Name) -> Option<HostKey> {
        self.0.now().hosts.get(host).cloned()
    }

    /// Lets somebody who has the secret join as this host. A former invitation of it holds no longer.
    ///
    /// # Errors
    /// If the host has a key that is not to be replaced, or the file can't be written.
    pub fn invite(
        &self,
        host: &Name,
        by: &str,
        Terms {
            replaces,
            authority,
        }: Terms,
        now: Timestamp,
    ) -> Result<Invitation, InviteError> {
        if let Some(HostKey { pin, .. }) = self.key(host)
            && !replaces
        {
            let host = host.clone();
            return Err(InviteError::Joined { host, pin });
        }
        let invitation = Invitation {
            secret: Secret::new()?,
            until: now + INVITATION,
            by: by.to_owned(),
            replaces,
            authority,
        };
        self.0.change(|book| {
            book.invitations.retain(|_, open| open.until > now);
            book.invitations.insert(host.clone(), invitation.clone());
        })?;
        Ok(invitation)
    }

    /// Whether somebody is known as this host, or could join as it.
    pub fn has(&self, host: &Name) -> bool {
        let book = self.0.now();
        book.hosts.contains_key(host) || book.invitations.contains_key(host)
    }

    /// The invitations that hold.
    pub fn invitations(&self, now: Timestamp) -> Vec<(Name, Invitation)> {
        let book = self.0.now();
        let open = book.invitations.iter().filter(|(_, open)| open.until > now);
        open.map(|(host, open)| (host.clone(), open.clone()))
            .collect()
    }

    /// A host has shown that it was invited: from now on it is known by this key, and nobody else can use the invitation.
    /// Answers whether it still held.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn join(
        &self,
        host: &Name,
        invitation: &Invitation,
        pin: Pin,
        now: Timestamp,
    ) -> io::Result<bool> {
        self.0.change(|book| {
            let holds = book.invitations.get(host) == Some(invitation) && invitation.until > now;
            if holds {
                book.invitations.remove(host);
                book.hosts.insert(host.clone(), HostKey::new(pin, now));
            }
            holds
        })
    }

    /// The host that was asked under a key will show this one some day: both are its own until it does. As with the two below,
    /// nothing happens if the host is known by another key since.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn expect(&self, (host, asked): (&Name, Pin), next: Pin) -> io::Result<()> {
        self.of(host, asked, |key| key.next = Some(next))
    }

    /// The host shows this key: if it is its next one, the former is nobody's any more. Answers whether that is so.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn switched(
        &self,
        (host, asked): (&Name, Pin),
        shown: Pin,
        now: Timestamp,
    ) -> io::Result<bool> {
        let is_next = |key: &HostKey| key.pin == asked && key.next == Some(shown);
        if !self.key(host).is_some_and(|key| is_next(&key)) {
            return Ok(false);
        }
        let mut switched = false;
        self.of(host, asked, |key| {
            if is_next(key) {
                (key.pin, key.next, key.since) = (shown, None, now);
                switched = true;
            }
        })?;
        Ok(switched)
    }

    /// The host has noted the orchestrator's next keys.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn noted(&self, (host, asked): (&Name, Pin), successor: Successor) -> io::Result<()> {
        self.of(host, asked, |key| key.expects = Some(successor))
    }

    /// The hosts that have not noted that these are the orchestrator's next keys, and those that are invited by its former one.
    pub fn unaware(&self, successor: Successor, now: Timestamp) -> Vec<Name> {
        let book = self.0.now();
        let joined = book.hosts.iter();
        let joined = joined.filter(|(_, key)| key.expects != Some(successor));
        let invited = book.invitations.iter().filter(|(_, open)| open.until > now);
        let all = joined.map(|(host, _)| host);
        all.chain(invited.map(|(host, _)| host)).cloned().collect()
    }

    fn of(&self, host: &Name, asked: Pin, change: impl FnOnce(&mut HostKey)) -> io::Result<()> {
        self.0.change(|book| {
            let known = book.hosts.get_mut(host);
            if let Some(key) = known.filter(|key| key.pin == asked) {
                change(key);
            }
        })
    }

    /// Takes back an invitation as this host.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn withdraw(&self, host: &Name) -> io::Result<()> {
        self.0.change(|book| {
            book.invitations.remove(host);
        })
    }

    /// Whoever has the host's key, or an invitation as it, is nobody any more. Answers whether there was anything.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn revoke(&self, host: &Name) -> io::Result<bool> {
        self.0.change(|book| {
            book.hosts.remove(host).is_some() | book.invitations.remove(host).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::CommandKey;
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn known() -> (tempfile::TempDir, KnownHosts) {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownHosts::open(folder.path().join("hosts.json")).unwrap();
        (folder, known)
    }

    fn pin(byte: u8) -> Pin {
        Pin::from_bytes([byte; 32])
    }

    #[test]
    fn an_invitation_is_used_once_and_in_time() {
        let (_folder, known) = known();
        let web: Name = "web-1".parse().unwrap();
        let first = known.invite(&web, "ana", Terms::default(), NOW).unwrap();
        let second = known.invite(&web, "ana", Terms::default(), NOW).unwrap();
        assert!(
            !known.join(&web, &first, pin(1), NOW).unwrap(),
            "a newer one took its place"
        );
        let late = NOW + INVITATION;
        assert!(known.invitations(late).is_empty());
        assert!(
            !known.join(&web, &second, pin(1), late).unwrap(),
            "it is too late"
        );
        assert_eq!(known.key(&web), None);
        let db: Name = "db-1".parse().unwrap();
        let third = known.invite(&db, "ana", Terms::default(), NOW).unwrap();
        assert!(known.has(&db));
        known.withdraw(&db).unwrap();
        assert!(!known.has(&db) && known.has(&web));
        assert!(
            !known.join(&db, &third, pin(1), NOW).unwrap(),
            "it was taken back"
        );
        assert!(known.join(&web, &second, pin(1), NOW).unwrap());
        assert!(
            !known.join(&web, &second, pin(2), NOW).unwrap(),
            "it was used"
        );
        assert_eq!(known.key(&web).unwrap().pin, pin(1));
    }

    #[test]
    fn a_known_name_keeps_its_key_until_somebody_says_otherwise() {
        let (_folder, known) = known();
        let web: Name = "web-1".parse().unwrap();
        let first = known.invite(&web, "ana", Terms::default(), NOW).unwrap();
        known.join(&web, &first, pin(1), NOW).unwrap();
        let refused = known
            .invite(&web, "ana", Terms::default(), NOW)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("--replace-key"), "{refused}");
        let anew = Terms {
            replaces: true,
            ..Terms::default()
        };
        let again = known.invite(&web, "ana", anew, NOW).unwrap();
        assert_eq!(
            known.key(&web).unwrap().pin,
            pin(1),
            "until the new one is there"
        );
        known.join(&web, &again, pin(2), NOW).unwrap();
        assert_eq!(known.key(&web).unwrap().pin, pin(2));
        assert!(known.revoke(&web).unwrap());
        assert_eq!(known.key(&web), None);
        assert!(!known.revoke(&web).unwrap());
    }

    #[test]
    fn a_host_is_both_of_its_keys_until_it_shows_the_next() {
        let (_folder, known) = known();
        let web: Name = "web-1".parse().unwrap();
        let invitation = known.invite(&web, "ana", Terms::default(), NOW).unwrap();
        let next = |commander| Successor {
            pin: pin(9),
            commander,
        };
        let commander = || CommandKey::new().unwrap().commander();
        let (successor, other) = (next(commander()), next(commander()));
        assert_eq!(known.unaware(successor, NOW), std::slice::from_ref(&web));
        assert!(known.unaware(successor, NOW + INVITATION).is_empty());
        known.join(&web, &invitation, pin(1), NOW).unwrap();
        assert!(!known.switched((&web, pin(1)), pin(2), NOW).unwrap());
        assert_eq!(known.key(&web).unwrap().pin, pin(1), "there is no other");
        known.expect((&web, pin(7)), pin(7)).unwrap();
        assert_eq!(known.key(&web).unwrap().next, None, "a former one's word");
        known.expect((&web, pin(1)), pin(2)).unwrap();
        let key = known.key(&web).unwrap();
        assert!(key.is(&pin(1)) && key.is(&pin(2)) && !key.is(&pin(3)));
        assert!(!known.switched((&web, pin(1)), pin(1), NOW).unwrap());
        assert!(!known.switched((&web, pin(1)), pin(3), NOW).unwrap());
        assert!(known.switched((&web, pin(1)), pin(2), NOW).unwrap());
        let key = known.key(&web).unwrap();
        assert!(!key.is(&pin(1)) && key.is(&pin(2)));
        assert_eq!(known.unaware(successor, NOW), std::slice::from_ref(&web));
        known.noted((&web, pin(2)), successor).unwrap();
        assert!(known.unaware(successor, NOW).is_empty());
        assert_eq!(
            known.unaware(other, NOW),
            [web],
            "the same key of connections with another of commands"
        );
    }
}
