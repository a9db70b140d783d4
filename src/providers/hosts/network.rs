//! How agents are reached: encrypted, and only with the key that the host is known by; on the loopback also plainly.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{AgentClient, HostError, Signer};
use crate::clock;
use crate::identity::command::Commander;
use crate::identity::enrolment::Enrolment;
use crate::identity::hosts::{HostKey, Invitation, InviteError, KnownHosts, Terms};
use crate::identity::{self, Identity, IdentityError, Known, OwnKeys, Pin, Successor};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// Everything that agents are reached by.
#[derive(Clone, Debug)]
pub struct Network(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    own: OwnKeys,
    signer: Signer,
    hosts: Arc<KnownHosts>,
    /// Held by whoever goes by the present keys, or changes them, for as long as they must not change or be changed.
    keys: Mutex<()>,
    plain: reqwest::Client,
    /// The connections to each host that has joined.
    encrypted: Mutex<BTreeMap<Name, Encrypted>>,
    /// Why hosts have not joined that were looked for, and since when.
    unmet: Mutex<BTreeMap<Name, (Unmet, Timestamp)>>,
}

/// Why a host has not joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What stood in the way.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// The connections to a host, all of which were made while it was known by this key.
struct Encrypted {
    key: HostKey,
    http: reqwest::Client,
}

/// How one agent is reached.
#[derive(Clone, Debug)]
pub enum Way {
    /// Plainly.
    Plain(reqwest::Client),
    /// Encrypted, with the key that the host is known by when something is sent.
    Pinned {
        /// Who knows the key.
        network: Network,
        /// Which host.
        host: Name,
    },
}

/// What suits agents: quick to notice that one is gone, and straight there.
fn settings() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .tcp_keepalive(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(30))
        .no_proxy()
        // An agent says what it is asked, and not where to go.
        .redirect(reqwest::redirect::Policy::none())
        // Keys are known here: reading the machine's certificates would be for nothing.
        .tls_certs_only([])
}

impl Network {
    /// For an orchestrator with this key, whose commands are signed so, and that knows these hosts.
    ///
    /// # Errors
    /// If the HTTP client can't be set up.
    pub fn new(
        own: OwnKeys,
        signer: Signer,
        hosts: Arc<KnownHosts>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self(Arc::new(Shared {
            own,
            signer,
            hosts,
            keys: Mutex::default(),
            plain: settings().build()?,
            encrypted: Mutex::default(),
            unmet: Mutex::default(),
        })))
    }

    /// By what key agents know the orchestrator.
    pub fn pin(&self) -> Pin {
        self.0.own.connections.pin()
    }

    /// The orchestrator's key.
    pub fn own(&self) -> Arc<Identity> {
        self.0.own.connections.current()
    }

    /// The orchestrator's keys, that of its connections and that of its commands, of which neither is newer.
    pub(super) fn present(&self) -> (Arc<Identity>, Commander) {
        let _keys = self.keys();
        (self.own(), self.0.signer.commander())
    }

    /// The keys that are to take the place of the orchestrator's, if there are any.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn next(&self) -> Result<Option<Successor>, IdentityError> {
        let _keys = self.keys();
        self.0.own.next()
    }

    /// The keys that are to take the place of the orchestrator's, made now if there are none.
    ///
    /// # Errors
    /// If it can't be read or made.
    pub fn prepare(&self) -> Result<Successor, IdentityError> {
        let _keys = self.keys();
        self.0.own.prepare()
    }

    /// Lets somebody join as this host. Answers the orchestrator's key, which stays as long as the invitation holds.
    ///
    /// # Errors
    /// If the host has a key that is not to be replaced, or it can't be noted.
    pub fn invite(
        &self,
        host: &Name,
        by: &str,
        terms: Terms,
    ) -> Result<(Invitation, Pin), InviteError> {
        let _keys = self.keys();
        let invited = self.0.hosts.invite(host, by, terms, clock::now());
        invited.map(|invitation| (invitation, self.pin()))
    }

    /// Makes a token for the instances of a group. It names the orchestrator's key as it is now.
    ///
    /// # Errors
    /// If it can't be made or noted.
    pub fn offer(
        &self,
        place: &GroupKey,
        by: &str,
        lasts: Option<Duration>,
    ) -> Result<Enrolment, InviteError> {
        let _keys = self.keys();
        self.0
            .hosts
            .offer(place, self.pin(), by, lasts, clock::now())
    }

    /// A host that may join was looked for in vain. Answers since when it is.
    pub fn has_not_met(&self, host: &Name, unmet: Unmet) -> Timestamp {
        let mut all = self.unmet();
        let known = all.get(host).map(|(_, since)| *since);
        let since = known.unwrap_or_else(clock::now);
        all.insert(host.clone(), (unmet, since));
        since
    }

    /// A host has joined, or may do so by something new: what stood in the way before does not count.
    pub fn looks_anew(&self, host: &Name) {
        self.unmet().remove(host);
    }

    /// Forgets what stood in the way of hosts that are none any more.
    pub fn forget_unmet(&self, is_host: impl Fn(&Name) -> bool) {
        self.unmet().retain(|host, _| is_host(host));
    }

    fn unmet(&self) -> MutexGuard<'_, BTreeMap<Name, (Unmet, Timestamp)>> {
        self.0.unmet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orchestrator shows these keys from now on, if they are its next ones still, every host knows them, and none obeys
    /// another orchestrator. What is under way on connections of the former comes to its end. Answers whether it shows them.
    ///
    /// # Errors
    /// If it can't.
    pub fn switch(&self, expected: Successor) -> Result<bool, IdentityError> {
        let _keys = self.keys();
        let unaware = self.0.hosts.unaware(expected, clock::now());
        if !unaware.is_empty() || self.fenced().is_some() || !self.0.own.switch(expected)? {
            return Ok(false);
        }
        self.0.signer.switch(self.0.own.commands.current());
        let mut all = self
            .0
            .encrypted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.clear();
        Ok(true)
    }

    /// A host with a key that obeys another orchestrator in the place of this one, if there is one: then this one's keys are
    /// not to be believed any more, and it must not spread others.
    pub fn fenced(&self) -> Option<Name> {
        let mut fenced = self.0.signer.fenced().into_iter();
        fenced.find(|host| self.0.hosts.key(host).is_some())
    }

    fn keys(&self) -> MutexGuard<'_, ()> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What signs commands.
    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// The keys of hosts.
    pub fn hosts(&self) -> &Arc<KnownHosts> {
        &self.0.hosts
    }

    /// For plain HTTP.
    pub fn plain(&self) -> &reqwest::Client {
        &self.0.plain
    }

    /// A host, which was known by this key when it was asked, shows that one: should it be its next one, it is known by it alone.
    ///
    /// # Errors
    /// If that can't be noted.
    pub fn shows(&self, (host, asked): (&Name, Pin), shown: Pin) -> io::Result<()> {
        let switched = self.0.hosts.switched((host, asked), shown, clock::now());
        if switched? {
            tracing::info!(%host, key = %shown.fingerprint(), "a host has another key");
        }
        Ok(())
    }

    /// A client of a host's agent. Nothing is sent yet.
    pub fn agent(&self, host: &Name, address: &str) -> AgentClient {
        let way = if address.starts_with("https://") {
            Way::Pinned {
                network: self.clone(),
                host: host.clone(),
            }
        } else {
            Way::Plain(self.0.plain.clone())
        };
        AgentClient::new(way, self.0.signer.clone(), host, address)
    }

    /// A client with this key of whoever is at a host's address, which may have any key; and what that turned out to be.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn anybody(own: &Identity) -> Result<(reqwest::Client, Arc<Met>), String> {
        let met = Arc::new(Met::default());
        Ok((encrypted(own, Arc::clone(&met) as Arc<dyn Known>)?, met))
    }

    /// The connections to a host. They are new ones when its key has changed, so that nothing goes to who had the former.
    fn to(&self, host: &Name, address: &str) -> Result<reqwest::Client, HostError> {
        let mut all = self
            .0
            .encrypted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(key) = self.0.hosts.key(host) else {
            all.remove(host);
            let unmet = self.unmet().get(host).map(|(unmet, _)| unmet.clone());
            return Err(unmet.unwrap_or_else(|| Unmet::nobody(host)).into());
        };
        if let Some(known) = all.get(host).filter(|known| known.key == key) {
            return Ok(known.http.clone());
        }
        let known = Arc::new(KeyOf {
            hosts: Arc::clone(&self.0.hosts),
            host: host.clone(),
        });
        let http = encrypted(&self.own(), known);
        let address = address.to_owned();
        let http = http.map_err(|reason| HostError::Unreachable { address, reason })?;
        let known = Encrypted {
            key,
            http: http.clone(),
        };
        all.insert(host.clone(), known);
        Ok(http)
    }
}

impl Unmet {
    /// Nobody has looked for it.
    fn nobody(host: &Name) -> Self {
        Self {
            reason: format!("{host} has not joined"),
            remedy: format!("`cutover hosts invite {host}` says what to do on it"),
        }
    }
}

impl From<Unmet> for HostError {
    fn from(Unmet { reason, remedy }: Unmet) -> Self {
        Self::Untrusted { reason, remedy }
    }
}

/// What goes out with this key, to those alone who are known.
fn encrypted(own: &Identity, known: Arc<dyn Known>) -> Result<reqwest::Client, String> {
    let tls = identity::client(own, known).map_err(|error| error.to_string())?;
    let client = settings().tls_backend_preconfigured(tls).build();
    client.map_err(|error| error.to_string())
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Way {
    /// Plainly, for those who know nobody.
    ///
    /// # Errors
    /// If the HTTP client can't be set up.
    pub fn plain() -> Result<Self, reqwest::Error> {
        settings().build().map(Self::Plain)
    }

    /// The key that the host is known by now.
    pub(super) fn key(&self) -> Option<Pin> {
        match self {
            Self::Plain(_) => None,
            Self::Pinned { network, host } => Some(network.0.hosts.key(host)?.pin),
        }
    }

    /// The host, which was known by this key when it was asked, shows that one.
    pub(super) fn shows(&self, asked: Pin, shown: Pin) {
        let Self::Pinned { network, host } = self else {
            return;
        };
        if let Err(error) = network.shows((host, asked), shown) {
            tracing::error!(%host, %error, "its key can't be noted");
        }
    }

    /// What requests go through now.
    ///
    /// # Errors
    /// Why nothing may be sent.
    pub(super) fn http(&self, address: &str) -> Result<reqwest::Client, HostError> {
        match self {
            Self::Plain(http) => Ok(http.clone()),
            Self::Pinned { network, host } => network.to(host, address),
        }
    }

    /// The agent does not know who speaks to it, in its words.
    pub(super) fn turned_away(&self, words: &str) -> HostError {
        let (reason, remedy) = match self {
            Self::Plain(_) => (
                words.to_owned(),
                "orchestrate as the agent's user, or give the host an https:// address and let it join".to_owned(),
            ),
            Self::Pinned { network, host } => (
                format!(
                    "its agent does not obey this orchestrator, whose key is {}",
                    network.pin().fingerprint()
                ),
                format!("`cutover hosts invite {host} --replace-key` lets it join again"),
            ),
        };
        HostError::Untrusted { reason, remedy }
    }

    /// The agent does not take a command for what it is, in its words.
    pub(super) fn distrusted(&self, words: &str) -> HostError {
        let remedy = match self {
            Self::Plain(_) => {
                "correct the host's name or address in cutover.yaml, or its agent's name".to_owned()
            }
            Self::Pinned { host, .. } => format!(
                "`cutover hosts invite {host} --replace-key` lets it join again and learn the key of this orchestrator's commands; \
                 unless either was set up anew, find out who sends it commands"
            ),
        };
        HostError::Untrusted {
            reason: words.to_owned(),
            remedy,
        }
    }
}

/// Another orchestrator is obeyed.
pub(super) fn fenced(words: String) -> HostError {
    HostError::Untrusted {
        reason: words,
        remedy: "end one of the two: they have the same keys, from copies of one state directory; if this is the one to go on, \
                 `cutover serve --take-over`"
            .to_owned(),
    }
}

/// The key of one host, as it is known at the moment.
#[derive(Debug)]
struct KeyOf {
    hosts: Arc<KnownHosts>,
    host: Name,
}

impl Known for KeyOf {
    fn knows(&self, pin: &Pin) -> bool {
        let key = self.hosts.key(&self.host);
        key.is_some_and(|key| key.is(pin))
    }
}

/// The key of whoever was there.
#[derive(Debug, Default)]
pub(super) struct Met(Mutex<Option<Pin>>);

impl Met {
    pub fn pin(&self) -> Option<Pin> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known for Met {
    fn knows(&self, pin: &Pin) -> bool {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One only: whoever was met first is who is spoken with.
        *met.get_or_insert(*pin) == *pin
    }
}
