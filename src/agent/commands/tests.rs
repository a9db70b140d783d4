//! Whose commands are obeyed when keys change, copies come back, and disks are full.

use std::fs::File;

use super::fence::HOLDS;
use super::*;
use crate::agent::layout::Layout;
use crate::identity::command::CommandKey;
use crate::identity::orchestrators::{KnownOrchestrators, Standing};
use crate::identity::{Identity, Pin, Successor};

/// An agent that has joined one orchestrator.
struct Host {
    _folder: tempfile::TempDir,
    layout: Layout,
    own: Pin,
    trust: Trust,
    commands: Commands,
    orchestrators: KnownOrchestrators,
}

/// A start of an orchestrator, or of a copy of it.
struct Start<'a> {
    pin: Pin,
    key: &'a CommandKey,
    epoch: u64,
    incarnation: u32,
}

fn pin(byte: u8) -> Pin {
    Pin::from_bytes([byte; 32])
}

impl Host {
    fn new(pin: Pin, key: &CommandKey) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(&folder.path().join("agent")).unwrap();
        let own = Identity::open(&layout.key()).unwrap().pin();
        let orchestrators = KnownOrchestrators::open(layout.orchestrators()).unwrap();
        let shop = "shop".parse().unwrap();
        orchestrators.admit(pin, &shop, key.commander()).unwrap();
        Self {
            trust: Trust::open(&layout).unwrap(),
            commands: Commands::open("web-1".parse().unwrap(), &layout.commands()).unwrap(),
            _folder: folder,
            layout,
            own,
            orchestrators,
        }
    }

    /// The agent ends and starts again.
    fn restart(&mut self) {
        self.trust = Trust::open(&self.layout).unwrap();
        let name = self.commands.host.clone();
        self.commands = Commands::open(name, &self.layout.commands()).unwrap();
    }

    /// Is sent a command, and obeys it or not; whether it could be written down is another matter.
    async fn told(
        &self,
        start: &Start<'_>,
        kind: Verb,
        sequence: u64,
    ) -> Result<io::Result<()>, Refusal> {
        let statement = Statement {
            project: "shop".parse().unwrap(),
            host: "web-1".parse().unwrap(),
            agent: Some(self.own),
            epoch: start.epoch,
            incarnation: start.incarnation,
            sequence,
            until: clock::now() + HOLDS,
            by: "ana".to_owned(),
            kind,
            name: String::new(),
            command: serde_json::value::to_raw_value(&()).unwrap(),
        };
        let body = serde_json::to_vec(&start.key.sign(&statement).unwrap()).unwrap();
        let sent = (Peer::Key(start.pin), kind, "");
        let command = self.commands.judge(&self.trust, sent, &body)?;
        Ok(self.commands.keep(command).await)
    }

    async fn renewed(&self, start: &Start<'_>, sequence: u64) -> Result<(), Refusal> {
        let told = self.told(start, Verb::Renew, sequence).await;
        told.map(|kept| kept.unwrap())
    }

    fn succeed(&self, pin: Pin, next: (Pin, &CommandKey)) {
        let (next, key) = next;
        let commander = key.commander();
        let next = Successor {
            pin: next,
            commander,
        };
        self.orchestrators.succeed(&pin, next).unwrap();
    }

    fn obeys(&self, start: &Start<'_>) -> bool {
        let obeyed = self.commands.obeyed(&self.trust, Peer::Key(start.pin));
        obeyed.iter().any(|one| {
            (one.commander, one.epoch, one.incarnation)
                == (start.key.commander(), start.epoch, start.incarnation)
        })
    }
}

#[tokio::test]
async fn a_next_key_is_of_no_greater_epoch_than_the_former() {
    let (first, next) = (CommandKey::new().unwrap(), CommandKey::new().unwrap());
    let mut host = Host::new(pin(1), &first);
    let start = |pin, key, epoch, incarnation| Start {
        pin,
        key,
        epoch,
        incarnation,
    };
    let original = start(pin(1), &first, 5, 7);
    host.renewed(&original, 1).await.unwrap();
    host.succeed(pin(1), (pin(2), &next));
    // A copy takes over with the former key, and the original then shows its next one.
    let copy = start(pin(1), &first, 1005, 8);
    host.renewed(&copy, 1).await.unwrap();
    let shows = start(pin(2), &next, 5, 7);
    for _ in 0..2 {
        let refused = host.renewed(&shows, 2).await.unwrap_err().to_string();
        assert!(refused.contains("epoch 1005"), "{refused}");
        assert_eq!(
            host.trust.standing(Peer::Key(pin(1)), false),
            Some(Standing::Orchestrator),
            "what is refused changes nothing"
        );
        host.restart();
    }
    // The copy shows it too, and goes on as it was; its numbers go on, too.
    let shows = start(pin(2), &next, 1005, 8);
    let again = host.renewed(&shows, 1).await.unwrap_err();
    assert!(matches!(again, Refusal::Seen { .. }), "{again}");
    host.renewed(&shows, 2).await.unwrap();
    assert!(host.obeys(&shows));
    for _ in 0..2 {
        let refused = host.renewed(&copy, 3).await.unwrap_err();
        assert!(matches!(refused, Refusal::Stranger(_)), "{refused}");
        let older = start(pin(2), &next, 6, 9);
        let refused = host.renewed(&older, 9).await.unwrap_err();
        assert!(matches!(refused, Refusal::Fenced { .. }), "{refused}");
        host.restart();
    }
}

#[tokio::test]
async fn former_keys_hold_until_a_command_is_signed_by_the_next() {
    let (first, next) = (CommandKey::new().unwrap(), CommandKey::new().unwrap());
    let host = Host::new(pin(1), &first);
    host.succeed(pin(1), (pin(2), &next));
    let former = Peer::Key(pin(1));
    let stands = || host.trust.standing(former, false) == Some(Standing::Orchestrator);
    let start = |pin, key| Start {
        pin,
        key,
        epoch: 5,
        incarnation: 7,
    };
    // The next key on a connection says nothing, whatever the front says; nor does the former's signature.
    host.trust.standing(Peer::Key(pin(2)), false);
    host.renewed(&start(pin(2), &first), 1).await.unwrap();
    assert!(stands());
    let shows = start(pin(2), &next);
    assert!(!host.obeys(&shows), "it has signed nothing yet");
    host.renewed(&shows, 2).await.unwrap();
    assert!(host.obeys(&shows));
    assert!(!stands());
}

#[tokio::test]
async fn an_epoch_counts_as_begun_when_it_is_written_down() {
    let key = CommandKey::new().unwrap();
    let mut host = Host::new(pin(1), &key);
    let start = |epoch, incarnation| Start {
        pin: pin(1),
        key: &key,
        epoch,
        incarnation,
    };
    host.renewed(&start(5, 7), 1).await.unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let divert = |file| host.commands.record.lock().unwrap().divert(file);
    let file = divert(full);
    let next = start(6, 8);
    for (sequence, kind) in [(1, Verb::Renew), (2, Verb::Renew), (3, Verb::Order)] {
        let kept = host.told(&next, kind, sequence).await.unwrap();
        assert!(kept.is_err(), "{kind:?}");
        assert!(!host.obeys(&next), "it does not say that it would know it");
    }
    // A stop is carried out, and is no proof of anything either.
    host.told(&next, Verb::Stop, 4).await.unwrap().unwrap();
    assert!(!host.obeys(&next));
    let refused = host.renewed(&start(5, 7), 5).await.unwrap_err();
    assert!(matches!(refused, Refusal::Fenced { .. }), "{refused}");
    divert(file);
    host.renewed(&next, 5).await.unwrap();
    assert!(host.obeys(&next));
    host.restart();
    assert!(host.obeys(&next));
    let refused = host.renewed(&start(5, 7), 9).await.unwrap_err();
    assert!(matches!(refused, Refusal::Fenced { .. }), "{refused}");
}
