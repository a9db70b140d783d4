//! The host's side: the orchestrators that it obeys, and the one that it was told to expect.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::authority::Authority;
use super::command::Commander;
use super::invitation::{Secret, Token};
use super::own::Successor;
use super::pin::Pin;
use crate::clock;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::store::kept::Kept;

/// How long an orchestrator is expected: a little longer than it thinks of its invitation.
const EXPECTED: Duration = Duration::from_mins(16);

/// The orchestrators that this host obeys. Every change is durable when it returns.
#[derive(Debug)]
pub struct KnownOrchestrators(Kept<Book>);

/// What the file has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Book {
    orchestrators: Vec<Orchestrator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
}

/// An orchestrator that this host obeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Orchestrator {
    /// Its key.
    pub pin: Pin,
    /// The project that it said it is of.
    pub project: Name,
    /// The key that signs its commands.
    pub commander: Commander,
    /// The key that signed them before: what is known of the commands of that one holds for those of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Commander>,
    /// Since when, by the host's clock.
    pub since: Timestamp,
    /// The keys that it will show one day in place of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Successor>,
    /// The host's next key, once it has noted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<Pin>,
}

/// An orchestrator that may introduce itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// As which host this one joins.
    pub host: Name,
    /// Who that is.
    pub whom: Whom,
    /// The key of the one that came, where it was not known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Pin>,
    /// Until when, by the host's clock; without one, until it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Who is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Whom {
    /// The one that a token names.
    Token {
        /// Its key.
        orchestrator: Pin,
        /// What both prove that they have.
        secret: Secret,
    },
    /// The one that an authority certifies.
    Certified(Certified),
}

/// One that an authority certifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certified {
    /// Which authority.
    pub authority: Authority,
    /// The name in its certificate.
    pub name: String,
}

impl From<Token> for Whom {
    fn from(token: Token) -> Self {
        Self::Token {
            orchestrator: token.orchestrator,
            secret: token.secret,
        }
    }
}

impl Expected {
    /// Whether there is still time.
    fn holds(&self) -> bool {
        self.until.is_none_or(|until| until > clock::now())
    }

    /// Its key, if that is known by now.
    pub fn pin(&self) -> Option<Pin> {
        self.whom.pin().or(self.met)
    }
}

impl Whom {
    /// Its key, if that is known before it comes.
    pub fn pin(&self) -> Option<Pin> {
        match self {
            Self::Token { orchestrator, .. } => Some(*orchestrator),
            Self::Certified(_) => None,
        }
    }
}

/// An orchestrator that has not noted the host's next key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unaware {
    /// Its key: others may be of the same project.
    pub pin: Pin,
    /// The project that it said it is of.
    pub project: Name,
}

/// What somebody may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Everything that agents are for.
    Orchestrator,
    /// Introduce itself.
    Expected,
}

impl KnownOrchestrators {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        Kept::open(path).map(Self)
    }

    /// Those that are obeyed.
    pub fn all(&self) -> Vec<Orchestrator> {
        self.0.now().orchestrators.clone()
    }

    /// The keys of those that are obeyed.
    pub fn pins(&self) -> BTreeSet<Pin> {
        self.all().into_iter().map(|one| one.pin).collect()
    }

    /// The keys that they will show one day.
    pub fn successors(&self) -> BTreeSet<Pin> {
        self.all()
            .into_iter()
            .filter_map(|one| Some(one.successor?.pin))
            .collect()
    }

    /// The keys that sign, signed or will sign the commands of the holder of that one, if this is one that may do so now and the
    /// holder is obeyed; otherwise none. All are of one orchestrator: no rotation makes it another.
    pub fn line(&self, pin: &Pin, commander: Commander) -> Vec<Commander> {
        let book = self.0.now();
        let mut known = book.orchestrators.iter().filter(|known| known.has(pin));
        let signs = |known: &&Orchestrator| {
            known.commander == commander || known.will_sign() == Some(commander)
        };
        let line = |known: &Orchestrator| {
            let others = known.will_sign().into_iter().chain(known.former);
            std::iter::once(known.commander).chain(others).collect()
        };
        known.find(signs).map(line).unwrap_or_default()
    }

    /// What the holder of this key may do now.
    pub fn standing(&self, pin: &Pin) -> Option<Standing> {
        let book = self.0.now();
        if book.orchestrators.iter().any(|known| known.has(pin)) {
            return Some(Standing::Orchestrator);
        }
        let expected = book.expected.as_ref()?;
        // What one that is certified shows is looked at when it introduces itself.
        let may = expected.whom.pin().is_none_or(|known| known == *pin) && expected.holds();
        may.then_some(Standing::Expected)
    }

    /// Who is expected, if there is still time.
    pub fn expected(&self) -> Option<Expected> {
        let expected = self.0.now().expected.clone()?;
        expected.holds().then_some(expected)
    }

    /// Expects this orchestrator, and nobody else that was expected before.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn expect(&self, host: &Name, whom: Whom) -> io::Result<()> {
        self.wait_for(host, whom, Some(clock::now() + EXPECTED))
    }

    /// The same, for as long as it takes: an instance may stand by for weeks before it is in service.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn expect_always(&self, host: &Name, whom: Whom) -> io::Result<()> {
        self.wait_for(host, whom, None)
    }

    fn wait_for(&self, host: &Name, whom: Whom, until: Option<Timestamp>) -> io::Result<()> {
        let expected = Expected {
            host: host.clone(),
            whom,
            met: None,
            until,
        };
        self.0.change(|book| book.expected = Some(expected))
    }

    /// The one that was expected has shown that it is: from now on it is obeyed. It may show so again, should it not have
    /// heard the answer, until the time is up.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn admit(&self, pin: Pin, project: &Name, commander: Commander) -> io::Result<()> {
        let since = clock::now();
        let project = project.clone();
        self.0.change(|book| {
            if let Some(expected) = &mut book.expected {
                expected.met = Some(pin);
            }
            match book.orchestrators.iter_mut().find(|known| known.has(&pin)) {
                Some(known) => {
                    known.meet(pin, commander);
                    known.project = project;
                }
                None => book.orchestrators.push(Orchestrator {
                    pin,
                    project,
                    commander,
                    former: None,
                    since,
                    successor: None,
                    expects: None,
                }),
            }
        })
    }

    /// The orchestrator knows that it is obeyed: nobody is expected any more, and the secret is worth nothing.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn settle(&self, pin: Pin) -> io::Result<()> {
        let waits = |book: &Book| {
            book.expected
                .as_ref()
                .is_some_and(|one| one.pin() == Some(pin))
        };
        if !waits(&self.0.now()) {
            return Ok(());
        }
        self.0.change(|book| {
            if waits(book) {
                book.expected = None;
            }
        })
    }

    /// The orchestrator with this key will show others one day: all are its own until it does.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn succeed(&self, pin: &Pin, successor: Successor) -> io::Result<()> {
        let noted = |one: &Orchestrator| one.has(pin) && one.successor == Some(successor);
        if self.0.now().orchestrators.iter().any(noted) {
            return Ok(());
        }
        let found = self.0.change(|book| {
            let one = book.orchestrators.iter_mut().find(|one| one.pin == *pin);
            one.map(|one| one.successor = Some(successor))
        })?;
        found.ok_or_else(|| io::Error::other("this is no orchestrator that is obeyed by that key"))
    }

    /// A command that this key signed was obeyed: if it is an orchestrator's next one, the former keys are nobody's any more.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn signs(&self, commander: Commander) -> io::Result<()> {
        let is_next = |one: &Orchestrator| one.will_sign() == Some(commander);
        if !self.0.now().orchestrators.iter().any(is_next) {
            return Ok(());
        }
        self.0.change(|book| {
            let mut all = book.orchestrators.iter_mut();
            if let Some(one) = all.find(|one| is_next(one)) {
                one.give_way();
            }
        })
    }

    /// The orchestrator with this key has noted the host's next key. Answers those that have not.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn noted(&self, pin: &Pin, next: Pin) -> io::Result<Vec<Unaware>> {
        self.0.change(|book| {
            for one in book.orchestrators.iter_mut().filter(|one| one.has(pin)) {
                one.expects = Some(next);
            }
        })?;
        Ok(self.unaware(next))
    }

    /// The orchestrators that have not noted that this is the host's next key.
    pub fn unaware(&self, next: Pin) -> Vec<Unaware> {
        let all = self.all().into_iter();
        let unaware = all.filter(|one| one.expects != Some(next));
        let named = unaware.map(|Orchestrator { pin, project, .. }| Unaware { pin, project });
        named.collect()
    }

    /// Obeys this orchestrator no longer. Answers whether it did.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn forget(&self, pin: Pin) -> io::Result<bool> {
        self.0.change(|book| {
            let before = book.orchestrators.len();
            book.orchestrators.retain(|known| known.pin != pin);
            book.orchestrators.len() < before
        })
    }
}

impl Orchestrator {
    /// Whether the holder of this key is it.
    fn has(&self, pin: &Pin) -> bool {
        self.pin == *pin || self.successor.is_some_and(|next| next.pin == *pin)
    }

    /// The key that will sign its commands one day.
    fn will_sign(&self) -> Option<Commander> {
        self.successor.map(|next| next.commander)
    }

    /// Its keys give way to the next ones.
    fn give_way(&mut self) {
        if let Some(Successor { pin, commander }) = self.successor.take() {
            self.former = Some(self.commander);
            (self.pin, self.commander) = (pin, commander);
        }
    }

    /// It has shown again who it is, by one of its keys.
    fn meet(&mut self, pin: Pin, commander: Commander) {
        if self.pin != pin {
            self.give_way();
        }
        if self.commander != commander {
            // Who brings another key to a meeting begins anew: what was to come after the one before does not count.
            self.former = None;
            self.successor = None;
            self.commander = commander;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::CommandKey;
    use super::*;

    fn pin(byte: u8) -> Pin {
        Pin::from_bytes([byte; 32])
    }

    #[test]
    fn who_is_expected_may_introduce_itself_and_is_obeyed_then() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownOrchestrators::open(folder.path().join("orchestrators.json")).unwrap();
        let (web, shop): (Name, Name) = ("web-1".parse().unwrap(), "shop".parse().unwrap());
        assert_eq!(known.standing(&pin(1)), None);
        let token = Token {
            orchestrator: pin(1),
            secret: Secret::new().unwrap(),
        };
        known.expect(&web, token.into()).unwrap();
        assert_eq!(known.standing(&pin(1)), Some(Standing::Expected));
        assert_eq!(known.standing(&pin(2)), None);
        let signs = || CommandKey::new().unwrap().commander();
        known.admit(pin(1), &shop, signs()).unwrap();
        let commander = signs();
        known.admit(pin(1), &shop, commander).unwrap();
        assert!(known.line(&pin(2), commander).is_empty());
        assert_eq!(known.line(&pin(1), commander), [commander]);
        assert_eq!(known.standing(&pin(1)), Some(Standing::Orchestrator));
        assert_eq!(known.all().len(), 1);
        assert!(known.expected().is_some(), "its answer may have been lost");
        known.settle(pin(1)).unwrap();
        assert_eq!(known.expected(), None);
        assert!(known.forget(pin(1)).unwrap());
        assert_eq!(known.standing(&pin(1)), None);
        assert!(!known.forget(pin(1)).unwrap());
    }

    fn two() -> (tempfile::TempDir, KnownOrchestrators) {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownOrchestrators::open(folder.path().join("orchestrators.json")).unwrap();
        for (byte, project) in [(1, "shop"), (2, "bank")] {
            let commander = CommandKey::new().unwrap().commander();
            let project = project.parse().unwrap();
            known.admit(pin(byte), &project, commander).unwrap();
        }
        (folder, known)
    }

    #[test]
    fn a_next_key_is_noted_by_everybody() {
        let (_folder, known) = two();
        assert_eq!(known.noted(&pin(1), pin(9)).unwrap().len(), 1);
        let unaware = &known.unaware(pin(9))[0];
        assert_eq!((unaware.pin, unaware.project.as_str()), (pin(2), "bank"));
        assert_eq!(known.unaware(pin(8)).len(), 2, "that is another key");
        assert!(known.noted(&pin(2), pin(9)).unwrap().is_empty());
    }

    #[test]
    fn an_orchestrator_is_both_of_its_keys_until_it_shows_the_next() {
        let (_folder, known) = two();
        let next = |byte| Successor {
            pin: pin(byte),
            commander: CommandKey::new().unwrap().commander(),
        };
        let former = known.all()[0].commander;
        let third = next(3);
        known.succeed(&pin(1), third).unwrap();
        assert!(known.succeed(&pin(7), next(8)).is_err(), "nobody");
        for commander in [former, third.commander] {
            assert_eq!(known.line(&pin(1), commander), [former, third.commander]);
            assert!(known.line(&pin(2), commander).is_empty());
        }
        assert_eq!(known.standing(&pin(8)), None, "of nobody who is known");
        known.signs(former).unwrap();
        for own in [pin(1), pin(3)] {
            assert_eq!(known.standing(&own), Some(Standing::Orchestrator));
        }
        known.signs(third.commander).unwrap();
        assert_eq!(
            known.line(&pin(3), third.commander),
            [third.commander, former]
        );
        assert!(known.line(&pin(3), former).is_empty());
        assert_eq!(known.standing(&pin(1)), None);
        assert_eq!(known.standing(&pin(3)), Some(Standing::Orchestrator));
        assert_eq!(known.standing(&pin(2)), Some(Standing::Orchestrator));
    }

    #[test]
    fn an_orchestrator_that_joins_by_its_next_key_is_the_same_one() {
        let (_folder, known) = two();
        let former = known.all()[0].commander;
        let next = Successor {
            pin: pin(3),
            commander: CommandKey::new().unwrap().commander(),
        };
        known.succeed(&pin(1), next).unwrap();
        let shop = "shop".parse().unwrap();
        known.admit(pin(3), &shop, next.commander).unwrap();
        assert_eq!(known.all().len(), 2);
        assert_eq!(known.standing(&pin(1)), None);
        assert_eq!(
            known.line(&pin(3), next.commander),
            [next.commander, former]
        );
        let stolen = Successor {
            pin: pin(4),
            commander: CommandKey::new().unwrap().commander(),
        };
        known.succeed(&pin(3), stolen).unwrap();
        let anew = CommandKey::new().unwrap().commander();
        known.admit(pin(3), &shop, anew).unwrap();
        assert_eq!(known.line(&pin(3), anew), [anew]);
        // What was to follow the former keys does not follow the new one.
        assert!(known.line(&pin(3), stolen.commander).is_empty());
        assert_eq!(known.standing(&pin(4)), None);
    }
}
