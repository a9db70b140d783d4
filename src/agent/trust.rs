//! Whom this agent obeys: the orchestrators that it has joined, or, before it has joined any, its own user on the loopback. The
//! executor decides that; the front asks.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::protocol::{Introduced, Introduction, KeyOrder, Keys};
use crate::clock;
use crate::identity::command::Commander;
use crate::identity::invitation::{Meeting, Role};
use crate::identity::orchestrators::{Certified, KnownOrchestrators, Standing, Whom};
use crate::identity::proof::Means;
use crate::identity::{IdentityError, OwnKey, Pin};
use crate::model::name::Name;
use crate::store::watch::Watch;

/// The agent's own key, and the orchestrators that it knows.
#[derive(Debug)]
pub struct Trust {
    /// An agent that was never told to join has none.
    own: Option<OwnKey>,
    orchestrators: KnownOrchestrators,
    /// Held by whoever changes either, or goes by both: a key is not shown before everybody who is obeyed knows it.
    changing: Mutex<()>,
    /// Where both are kept.
    folder: PathBuf,
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The key can't be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The orchestrators can't be read.
    #[error("the orchestrators that this host obeys can't be read: {0}")]
    Orchestrators(#[from] io::Error),
    /// Others than this machine could reach it, and nobody would ask who they are.
    #[error(
        "{0} is not a loopback address, and this host has not joined an orchestrator: `cutover hosts add` on the \
         operator's machine prints the `cutover agent join` for it"
    )]
    NotJoined(SocketAddr),
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Peer {
    /// The holder of this key, over an encrypted connection.
    Key(Pin),
    /// A user of this machine; none if the kernel does not say which.
    User(Option<u32>),
}

/// What the front needs for taking connections in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The agent's key: a secret. Without one, connections are plain.
    pub key: Option<String>,
    /// The keys of the orchestrators that are obeyed, and nothing changes by their coming in.
    pub obeyed: BTreeSet<Pin>,
    /// The keys of those that may come in, and the executor says what for.
    pub heard: BTreeSet<Pin>,
    /// Whose certificate lets somebody in who is not known, to introduce itself.
    pub certified: Option<Certified>,
    /// The executor's user.
    pub user: u32,
}

impl Shown {
    /// Whether the holder of this key may come in.
    pub fn knows(&self, pin: &Pin) -> bool {
        self.obeyed.contains(pin) || self.heard.contains(pin)
    }

    /// Whether somebody who is not known and shows these certificates, its own first, may come in.
    pub fn believes(&self, certificates: &[CertificateDer<'_>]) -> bool {
        self.certified.as_ref().is_some_and(|one| {
            let named = [one.name.as_str()];
            let vouched = one.authority.vouches(certificates, &named, clock::now());
            vouched.is_ok()
        })
    }

    /// Whether it is beyond doubt that somebody is obeyed. Otherwise the executor has to be asked, which may know more.
    pub fn obeys(&self, peer: Peer) -> bool {
        match peer {
            Peer::Key(pin) => self.obeyed.contains(&pin),
            Peer::User(user) => {
                self.key.is_none() && user.is_some_and(|user| user == self.user || user == 0)
            }
        }
    }
}

impl Trust {
    /// What the agent of this folder knows.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn open(layout: &Layout) -> Result<Self, TrustError> {
        let key = layout.key();
        let own = key.exists().then(|| OwnKey::open(&key)).transpose()?;
        let orchestrators = KnownOrchestrators::open(layout.orchestrators())?;
        Ok(Self {
            own,
            orchestrators,
            changing: Mutex::default(),
            folder: layout.identity(),
        })
    }

    /// Whether the agent of this folder may listen there.
    ///
    /// # Errors
    /// If it may not.
    pub fn may_listen(layout: &Layout, address: SocketAddr) -> Result<(), TrustError> {
        if address.ip().is_loopback() || layout.key().exists() {
            return Ok(());
        }
        Err(TrustError::NotJoined(address))
    }

    /// What the front is shown now.
    pub fn shown(&self) -> Shown {
        let expected = self.orchestrators.expected();
        let mut heard = self.orchestrators.successors();
        let (mut named, mut certified) = (None, None);
        match expected.map(|one| one.whom) {
            Some(Whom::Certified(one)) => certified = Some(one),
            whom => named = whom.and_then(|whom| whom.pin()),
        }
        heard.extend(named);
        let mut obeyed = self.orchestrators.pins();
        obeyed.retain(|pin| !heard.contains(pin));
        Shown {
            key: self.own.as_ref().map(|own| own.current().pem().to_owned()),
            obeyed,
            heard,
            certified,
            user: nix::unistd::geteuid().as_raw(),
        }
    }

    /// Takes a certificate of the agent's key that was renewed.
    ///
    /// # Errors
    /// Why what is there is not taken.
    pub fn renew(&self) -> Result<(), IdentityError> {
        // Whoever changes keys now changes the folder, and so this comes again.
        match (&self.own, self.changing.try_lock()) {
            (Some(own), Ok(_changing)) => own.renew(),
            _ => Ok(()),
        }
    }

    /// Sees what `cutover agent join` and `forget` change from now on.
    ///
    /// # Errors
    /// If nothing can be watched.
    pub fn watch(&self) -> io::Result<Watch> {
        Watch::on(&self.folder)
    }

    /// The agent's own key.
    pub fn own(&self) -> Option<Pin> {
        self.own.as_ref().map(OwnKey::pin)
    }

    /// The keys of the orchestrator that commands of this key, from this peer, are of, this one among them; none if such commands
    /// are not obeyed. Whoever has not joined knows no keys: it goes by whose connection it is.
    pub fn line(&self, peer: Peer, commander: Commander) -> Vec<Commander> {
        match peer {
            Peer::Key(pin) => self.orchestrators.line(&pin, commander),
            Peer::User(_) if self.own.is_none() => vec![commander],
            Peer::User(_) => Vec::new(),
        }
    }

    /// A command of this key was obeyed: should it be an orchestrator's next one, the former keys hold no more.
    pub fn signs(&self, commander: Commander) {
        // As long as it is not noted, every further command is an occasion.
        if let Err(error) = self.orchestrators.signs(commander) {
            tracing::error!(%error, "an orchestrator has other keys, and that can't be noted");
        }
    }

    /// What somebody may do here, now. One that does not introduce itself knows that it is obeyed.
    pub fn standing(&self, peer: Peer, introduces: bool) -> Option<Standing> {
        match peer {
            Peer::Key(pin) => {
                let standing = self.orchestrators.standing(&pin);
                if standing == Some(Standing::Orchestrator)
                    && !introduces
                    && let Err(error) = self.orchestrators.settle(pin)
                {
                    tracing::error!(%error, "an invitation is used, and that can't be noted");
                }
                standing
            }
            Peer::User(user) => {
                let own = nix::unistd::geteuid().as_raw();
                let may = user.is_some_and(|user| user == own || user == 0);
                // One that has joined is spoken to with keys alone, whatever its front says.
                (may && self.own.is_none()).then_some(Standing::Orchestrator)
            }
        }
    }

    /// The agent's keys.
    ///
    /// # Errors
    /// Why there are none.
    pub fn keys(&self) -> Result<Keys, String> {
        let own = self.own_key()?;
        let next = own.next().map_err(|error| error.to_string())?;
        let next = next.map(|next| next.pin());
        Ok(Keys {
            current: own.pin(),
            next,
            unaware: next.map_or_else(Vec::new, |next| self.orchestrators.unaware(next)),
        })
    }

    /// The agent's keys, after what an orchestrator wants of them is done.
    ///
    /// # Errors
    /// Why nothing is done.
    pub fn keys_after(&self, peer: Peer, order: KeyOrder) -> Result<Keys, String> {
        let Peer::Key(orchestrator) = peer else {
            return Err("this connection goes by no key".to_owned());
        };
        let own = self.own_key()?;
        let _changing = self.changing();
        let made = match order {
            KeyOrder::Make => own.prepare().map(|_| ()),
            KeyOrder::Noted(next) => {
                if self.keys()?.next != Some(next) {
                    // It has switched before, and the answer did not get through; or this is a mistake, as the keys show.
                    return self.keys();
                }
                let noted = self.orchestrators.noted(&orchestrator, next);
                if noted.map_err(|error| error.to_string())?.is_empty() {
                    tracing::info!(key = %next.fingerprint(), "this host has another key now");
                    own.switch()
                } else {
                    Ok(())
                }
            }
            KeyOrder::Successor(successor) => {
                let noted = self.orchestrators.succeed(&orchestrator, successor);
                noted.map_err(|error| error.to_string())?;
                Ok(())
            }
        };
        made.map_err(|error| error.to_string())?;
        self.keys()
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_key(&self) -> Result<&OwnKey, String> {
        let own = self.own.as_ref();
        own.ok_or_else(|| "this host has no key: it was not told to join".to_owned())
    }

    /// Takes an orchestrator's introduction: if it is the one that was expected, it is obeyed from now on.
    ///
    /// # Errors
    /// Why it is not.
    pub fn introduce(
        &self,
        host: &Name,
        peer: Peer,
        introduction: &Introduction,
    ) -> Result<Introduced, String> {
        let _changing = self.changing();
        let expected = self.orchestrators.expected();
        let (Some(expected), Some(own), Peer::Key(orchestrator)) = (expected, &self.own, peer)
        else {
            return Err(
                "nobody is expected here: `cutover agent join` was not run, or too long ago"
                    .to_owned(),
            );
        };
        if introduction.host != *host || expected.host != *host {
            return Err(format!("this is {host}, not {}", introduction.host));
        }
        let meeting = Meeting {
            host,
            agent: own.pin(),
            orchestrator,
            commander: introduction.commander,
        };
        let name;
        let means = match &expected.whom {
            Whom::Token {
                orchestrator: named,
                secret,
            } => {
                if *named != orchestrator {
                    return Err("this is not the orchestrator of the token".to_owned());
                }
                Means::Secret(secret)
            }
            Whom::Certified(one) => {
                name = [one.name.as_str()];
                Means::Authority {
                    authority: &one.authority,
                    names: &name,
                }
            }
        };
        means.check(
            &introduction.proof,
            Role::Orchestrator,
            meeting,
            clock::now(),
        )?;
        let proof = means.proof(&own.current(), Role::Agent, meeting);
        let proof = proof.map_err(|error| error.to_string())?;
        let project = &introduction.project;
        let admitted = self
            .orchestrators
            .admit(orchestrator, project, introduction.commander);
        admitted.map_err(|error| error.to_string())?;
        tracing::info!(%project, key = %orchestrator.fingerprint(), "joined");
        Ok(Introduced { proof })
    }
}

/// What somebody is told who may not ask for what it asked for.
pub fn turned_away(peer: Peer) -> String {
    match peer {
        Peer::Key(pin) => format!(
            "this host does not obey the orchestrator with the key {}",
            pin.fingerprint()
        ),
        Peer::User(_) => {
            "this host has not joined an orchestrator: its agent obeys its own user and root alone"
                .to_owned()
        }
    }
}
