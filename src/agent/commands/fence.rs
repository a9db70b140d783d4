//! Which commands count: those of the newest orchestrator that has the key, in their time, and each once. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::identity::command::Statement;
use crate::model::timestamp::Timestamp;

/// How long a command holds from when it is signed.
pub const HOLDS: Duration = Duration::from_secs(30);

/// No command holds for longer, by this host's clock: what is kept back for later is worth nothing then.
pub const LONGEST: Duration = Duration::from_mins(1);

/// So many commands, counted back from the newest, may still arrive out of turn.
const WINDOW: u64 = u64::BITS as u64;

/// What is known of the commands of one key, and of those before it that were the same orchestrator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// The epoch that is obeyed.
    pub epoch: u64,
    /// Which start of the orchestrator it was.
    pub incarnation: u32,
    /// Since when, by this host's clock.
    pub since: Timestamp,
    /// The greatest number of a command that was here.
    newest: u64,
    /// Which of those before it were here: the lowest bit is the newest. What was written down says nothing of those that were
    /// not, and then all count as seen.
    #[serde(skip, default = "all")]
    seen: u64,
}

fn all() -> u64 {
    u64::MAX
}

impl Fence {
    /// What is known once a command has passed, or why it does not.
    ///
    /// # Errors
    /// Why it does not.
    pub fn pass(known: Option<Self>, said: &Statement, now: Timestamp) -> Result<Self, Refusal> {
        if let Some(known) = known
            && (known.epoch > said.epoch
                || known.epoch == said.epoch && known.incarnation != said.incarnation)
        {
            return Err(Refusal::Fenced {
                host: said.host.clone(),
                since: known.since,
                obeyed: known.epoch,
                own: said.epoch,
            });
        }
        if said.until <= now {
            return Err(Refusal::Late {
                by: now - said.until,
            });
        }
        if said.until > now + LONGEST {
            return Err(Refusal::Early {
                by: said.until - now,
            });
        }
        match known.filter(|known| known.epoch == said.epoch) {
            None => Ok(Self {
                epoch: said.epoch,
                incarnation: said.incarnation,
                since: now,
                newest: said.sequence,
                seen: 1,
            }),
            Some(mut known) => {
                known.see(said.sequence)?;
                Ok(known)
            }
        }
    }

    /// How far it has come: of two fences of one orchestrator the one with the greater counts.
    pub fn reach(&self) -> (u64, u64) {
        (self.epoch, self.newest)
    }

    /// Whether the other one was obeyed before the commands of this.
    pub fn follows(&self, other: Option<&Self>) -> bool {
        other.is_none_or(|other| other.epoch < self.epoch)
    }

    fn see(&mut self, sequence: u64) -> Result<(), Refusal> {
        if let Some(further @ 1..) = sequence.checked_sub(self.newest) {
            let shifted = u32::try_from(further).ok();
            let before = shifted.and_then(|further| self.seen.checked_shl(further));
            self.seen = before.unwrap_or(0) | 1;
            self.newest = sequence;
            return Ok(());
        }
        let back = self.newest - sequence;
        let seen = Refusal::Seen { sequence };
        if back >= WINDOW || self.seen & (1 << back) != 0 {
            return Err(seen);
        }
        self.seen |= 1 << back;
        Ok(())
    }

    /// What is known after a command that was written down: nothing up to it passes again.
    pub fn recall(known: Option<Self>, said: &Statement, at: Timestamp) -> Self {
        let new = Self {
            epoch: said.epoch,
            incarnation: said.incarnation,
            since: at,
            newest: said.sequence,
            seen: all(),
        };
        match known {
            Some(known) if known.epoch > said.epoch => known,
            Some(known) if known.epoch == said.epoch => Self {
                newest: known.newest.max(said.sequence),
                ..known
            },
            _ => new,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::command::Verb;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn said(epoch: u64, incarnation: u32, sequence: u64, until: Timestamp) -> Statement {
        Statement {
            project: "shop".parse().unwrap(),
            host: "web-1".parse().unwrap(),
            agent: None,
            epoch,
            incarnation,
            sequence,
            until,
            by: "ana".to_owned(),
            kind: Verb::Order,
            name: "e".to_owned(),
            command: serde_json::value::to_raw_value(&()).unwrap(),
        }
    }

    fn good(epoch: u64, incarnation: u32, sequence: u64) -> Statement {
        said(epoch, incarnation, sequence, NOW + HOLDS)
    }

    #[test]
    fn the_newest_epoch_is_obeyed_and_one_start_of_it() {
        let first = Fence::pass(None, &good(3, 7, 1), NOW).unwrap();
        for (epoch, incarnation) in [(2, 7), (3, 8)] {
            let refused = Fence::pass(Some(first), &good(epoch, incarnation, 9), NOW);
            let words = refused.unwrap_err().to_string();
            assert!(words.contains("another orchestrator"), "{words}");
            assert!(words.contains(&format!("(epoch {epoch})")), "{words}");
        }
        // A new epoch counts anew.
        let next = Fence::pass(Some(first), &good(4, 8, 1), NOW + HOLDS / 2).unwrap();
        assert!(next.follows(Some(&first)) && !next.follows(Some(&next)));
        assert_eq!(next.since, NOW + HOLDS / 2);
        let fenced = Fence::pass(Some(next), &good(3, 7, 2), NOW);
        assert!(matches!(fenced, Err(Refusal::Fenced { .. })));
    }

    #[test]
    fn a_command_holds_for_a_while_by_the_hosts_clock() {
        let at = |until| Fence::pass(None, &said(1, 1, 1, until), NOW);
        assert!(matches!(at(NOW), Err(Refusal::Late { .. })));
        assert!(matches!(
            at(NOW - Duration::from_hours(5)),
            Err(Refusal::Late { .. })
        ));
        assert!(at(Timestamp(NOW.0 + 1)).is_ok());
        assert!(at(NOW + LONGEST).is_ok());
        let early = at(NOW + LONGEST + Duration::from_millis(1));
        assert!(matches!(early, Err(Refusal::Early { .. })));
        // What does not hold says nothing of its epoch.
        let known = Fence::pass(None, &good(1, 1, 1), NOW).unwrap();
        assert!(Fence::pass(Some(known), &said(2, 2, 1, NOW), NOW).is_err());
    }

    #[test]
    fn what_was_written_down_and_all_before_it_is_not_done_again() {
        let known = Fence::recall(None, &good(2, 7, 40), NOW);
        for sequence in [1, 39, 40] {
            let again = Fence::pass(Some(known), &good(2, 7, sequence), NOW);
            assert!(matches!(again, Err(Refusal::Seen { .. })), "{sequence}");
        }
        assert!(Fence::pass(Some(known), &good(2, 7, 41), NOW).is_ok());
        let older = Fence::recall(Some(known), &good(1, 9, 99), NOW);
        assert_eq!(older, known);
        let kept = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Fence>(&kept).unwrap(), known);
    }

    proptest! {
        /// In whatever order they arrive, none passes twice, and none is lost that is not far behind.
        #[test]
        fn each_passes_once(numbers in proptest::collection::vec(1_u64..200, 1..300)) {
            let mut known = None;
            let mut passed = std::collections::BTreeSet::new();
            for number in numbers {
                let newest = passed.last().copied().unwrap_or(0);
                let new = !passed.contains(&number) && (number > newest || newest - number < WINDOW);
                match Fence::pass(known, &good(1, 1, number), NOW) {
                    Ok(fence) => {
                        prop_assert!(new, "{} passed", number);
                        known = Some(fence);
                        passed.insert(number);
                    }
                    Err(_) => prop_assert!(!new, "{} did not pass", number),
                }
            }
        }
    }
}
