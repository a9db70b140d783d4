//! Signs what an orchestrator wants of hosts: in its epoch, numbered, and for a short while by each host's own clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;

use crate::agent::commands::fence::HOLDS;
use crate::agent::protocol::Obeyed;
use crate::clock;
use crate::identity::Pin;
use crate::identity::command::{CommandKey, Commander, SignError, Statement, Verb};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// One start of an orchestrator, as hosts know it. Cheap to clone: all clones count together.
#[derive(Clone, Debug)]
pub struct Signer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    key: RwLock<Arc<CommandKey>>,
    project: Name,
    epoch: u64,
    incarnation: u32,
    courses: Mutex<BTreeMap<Name, Course>>,
}

/// What commands for one host go by.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    /// How many it was sent.
    sent: u64,
    /// By how many milliseconds its clock is ahead of ours.
    ahead: i64,
    /// Whether it obeys another orchestrator in the place of this one, as far as it has said.
    fenced: bool,
}

/// Something that is wanted of a host.
#[derive(Debug)]
pub struct Wanted<'a, T> {
    /// For what.
    pub kind: Verb,
    /// Which execution or upstream, if the kind has one.
    pub name: &'a str,
    /// Who wants it.
    pub by: &'a str,
    /// What.
    pub command: &'a T,
}

impl Signer {
    /// An orchestrator that begins now.
    pub fn new(key: impl Into<Arc<CommandKey>>, project: Name, epoch: u64) -> Self {
        Self(Arc::new(Shared {
            key: RwLock::new(key.into()),
            project,
            epoch,
            incarnation: clock::random(),
            courses: Mutex::default(),
        }))
    }

    /// By what hosts know its commands.
    pub fn commander(&self) -> Commander {
        self.key().commander()
    }

    /// Signs with this key from now on.
    pub fn switch(&self, key: Arc<CommandKey>) {
        *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Its epoch.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Signs what is wanted of a host that has this key, anew with each call: the bytes of a request's body.
    ///
    /// # Errors
    /// If it can't be written, or signed.
    pub fn sign<T: Serialize>(
        &self,
        (host, agent): (&Name, Option<Pin>),
        wanted: &Wanted<'_, T>,
        now: Timestamp,
    ) -> Result<Vec<u8>, SignError> {
        let course = {
            let mut courses = self.courses();
            let course = courses.entry(host.clone()).or_default();
            course.sent += 1;
            *course
        };
        let statement = Statement {
            project: self.0.project.clone(),
            host: host.clone(),
            agent,
            epoch: self.0.epoch,
            incarnation: self.0.incarnation,
            sequence: course.sent,
            until: Timestamp(now.0.saturating_add(course.ahead)) + HOLDS,
            by: wanted.by.to_owned(),
            kind: wanted.kind,
            name: wanted.name.to_owned(),
            command: serde_json::value::to_raw_value(wanted.command)?,
        };
        Ok(serde_json::to_vec(&self.key().sign(&statement)?)?)
    }

    /// What a host's clock said just now.
    pub fn learn(&self, host: &Name, clock: Timestamp, now: Timestamp) {
        let ahead = clock.0.saturating_sub(now.0);
        tracing::debug!(%host, ahead, "signing by the host's clock");
        self.courses().entry(host.clone()).or_default().ahead = ahead;
    }

    /// Whether a host that obeys these obeys this one; if it obeys another one in its place, which.
    ///
    /// # Errors
    /// The one in its place.
    pub fn is_obeyed(&self, host: &Name, obeys: &[Obeyed]) -> Result<bool, Obeyed> {
        let obeyed = self.compare(obeys);
        match obeyed {
            Ok(true) => self.mark(host, false),
            Ok(false) => {}
            Err(_) => self.mark(host, true),
        }
        obeyed
    }

    /// A host has refused a command, since it obeys another orchestrator in the place of this one.
    pub fn refused(&self, host: &Name) {
        self.mark(host, true);
    }

    /// The hosts that obey another orchestrator in the place of this one.
    pub fn fenced(&self) -> Vec<Name> {
        let courses = self.courses();
        let fenced = courses.iter().filter(|(_, course)| course.fenced);
        fenced.map(|(host, _)| host.clone()).collect()
    }

    fn mark(&self, host: &Name, fenced: bool) {
        self.courses().entry(host.clone()).or_default().fenced = fenced;
    }

    fn compare(&self, obeys: &[Obeyed]) -> Result<bool, Obeyed> {
        let own = obeys.iter().find(|one| one.commander == self.commander());
        let Some(known) = own else { return Ok(false) };
        let Shared {
            epoch, incarnation, ..
        } = *self.0;
        if known.epoch > epoch || known.epoch == epoch && known.incarnation != incarnation {
            return Err(known.clone());
        }
        Ok(known.epoch == epoch)
    }

    fn key(&self) -> Arc<CommandKey> {
        Arc::clone(&self.0.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn courses(&self) -> MutexGuard<'_, BTreeMap<Name, Course>> {
        self.0
            .courses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::commands::fence::Fence;
    use crate::identity::command::Envelope;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn signer(epoch: u64) -> Signer {
        Signer::new(CommandKey::new().unwrap(), "shop".parse().unwrap(), epoch)
    }

    fn signed(signer: &Signer, host: &Name) -> Statement {
        let wanted = Wanted {
            kind: Verb::Stop,
            name: "e",
            by: "ana",
            command: &(),
        };
        let bytes = signer.sign((host, None), &wanted, NOW).unwrap();
        let envelope: Envelope = serde_json::from_slice(&bytes).unwrap();
        envelope.open().unwrap()
    }

    /// The host's clock is hours off, to either side: the first command is refused, and each after the answer passes.
    #[test]
    fn a_clock_that_is_hours_off_costs_one_answer() {
        let host: Name = "web-1".parse().unwrap();
        for off in [-9 * 3_600_000, -120_000, 120_000, 26 * 3_600_000] {
            let (signer, theirs) = (signer(1), Timestamp(NOW.0 + off));
            let first = Fence::pass(None, &signed(&signer, &host), theirs);
            assert!(first.is_err(), "{off} ms");
            signer.learn(&host, theirs, NOW);
            let mut known = None;
            for _ in 0..3 {
                known = Some(Fence::pass(known, &signed(&signer, &host), theirs).unwrap());
            }
            // Another host's clock is another matter.
            let other: Name = "web-2".parse().unwrap();
            assert!(Fence::pass(None, &signed(&signer, &other), NOW).is_ok());
        }
    }

    #[test]
    fn a_clock_that_is_a_little_off_is_no_matter() {
        let host: Name = "web-1".parse().unwrap();
        for off in [-29_000, 0, 29_000] {
            let passed = Fence::pass(None, &signed(&signer(1), &host), Timestamp(NOW.0 + off));
            assert!(passed.is_ok(), "{off} ms");
        }
    }

    #[test]
    fn one_knows_by_whom_a_host_is_led() {
        let signer = signer(3);
        let host: Name = "web-1".parse().unwrap();
        let obeyed = |commander, epoch, incarnation| {
            let obeyed = Obeyed {
                commander,
                epoch,
                incarnation,
                since: NOW,
            };
            let said = signer.is_obeyed(&host, &[obeyed]);
            assert_eq!(said.is_err(), !signer.fenced().is_empty());
            said
        };
        let (own, incarnation) = (signer.commander(), signer.0.incarnation);
        assert_eq!(signer.is_obeyed(&host, &[]), Ok(false));
        assert_eq!(obeyed(own, 3, incarnation), Ok(true));
        assert_eq!(obeyed(own, 2, incarnation), Ok(false));
        assert!(obeyed(own, 3, incarnation ^ 1).is_err());
        assert!(obeyed(own, 4, incarnation).is_err());
        // What it obeys besides says nothing, not even that it does not obey another one.
        let other = CommandKey::new().unwrap().commander();
        let besides = Obeyed {
            commander: other,
            epoch: 9,
            incarnation: 1,
            since: NOW,
        };
        assert_eq!(signer.is_obeyed(&host, &[besides]), Ok(false));
        assert_eq!(signer.fenced(), std::slice::from_ref(&host));
        assert_eq!(obeyed(own, 3, incarnation), Ok(true));
        signer.refused(&host);
        assert_eq!(signer.fenced(), [host]);
    }
}
