//! Freezes: the fold of what people ordered, and what it means to a deployment. Inside a freeze no instance starts and no
//! traffic moves; what was begun on an instance goes on, and stopping and going back are never kept from happening.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use super::event::Event;
use super::schedule::Steps;
use crate::model::freeze::{Freeze, Scope};
use crate::model::group::GroupKey;
use crate::model::timestamp::Timestamp;

/// One entry of the journal of freezes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeRecord {
    /// Grows by one with each entry, from 1.
    pub seq: u64,
    /// When it was decided, by the orchestrator's clock.
    pub at: Timestamp,
    /// What happened.
    pub event: FreezeEvent,
}

/// What can happen to freezes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum FreezeEvent {
    /// Somebody ordered one; it takes the place of one of the same scope.
    Frozen {
        /// Which.
        freeze: Freeze,
    },
    /// Somebody ended the one of this scope.
    Thawed {
        /// Which.
        scope: Scope,
        /// Who.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// The freezes that were ordered and not ended. Some may be over by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freezes {
    ordered: BTreeMap<Scope, Freeze>,
    /// The number of the last entry folded.
    pub seq: u64,
}

impl Freezes {
    /// The state after all these entries.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a FreezeRecord>) -> Self {
        let mut freezes = Self::default();
        for record in records {
            freezes.evolve(record);
        }
        freezes
    }

    /// Folds one entry into the state.
    pub fn evolve(&mut self, record: &FreezeRecord) {
        self.seq = record.seq;
        match &record.event {
            FreezeEvent::Frozen { freeze } => {
                self.ordered.insert(freeze.scope.clone(), freeze.clone());
            }
            FreezeEvent::Thawed { scope, .. } => {
                self.ordered.remove(scope);
            }
        }
    }

    /// Those that hold at this time.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = &Freeze> {
        self.ordered
            .values()
            .filter(move |freeze| freeze.until > now)
    }

    /// The freeze that a group is in: of several, the one that ends last.
    pub fn over(&self, key: &GroupKey, now: Timestamp) -> Option<&Freeze> {
        self.at(now)
            .filter(|freeze| freeze.scope.covers(key))
            .max_by_key(|freeze| freeze.until)
    }

    /// When the next of them ends by itself.
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.at(now).map(|freeze| freeze.until).min()
    }
}

/// The freeze that a deployment is in has come, has gone, or is another.
pub(super) fn hear(steps: &mut Steps<'_>, freeze: Option<&Freeze>) {
    let deployment = steps.deployment;
    let freeze = freeze.filter(|_| !deployment.spec.is_way_back());
    if deployment.frozen.as_ref() == freeze {
        return;
    }
    steps.freeze = freeze.cloned();
    steps.events.push(match freeze {
        Some(freeze) => Event::Frozen {
            freeze: freeze.clone(),
        },
        None => Event::Thawed,
    });
    if deployment.status.is_running() {
        steps.schedule();
    }
}

impl Deployment {
    /// It comes into this freeze, or out of any.
    pub(super) fn refreeze(&mut self, freeze: Option<&Freeze>, at: Timestamp) {
        self.frozen = freeze.cloned();
        match freeze {
            Some(_) => self.freeze(at),
            None => self.thaw(at),
        }
    }

    /// In which freeze it is, in words that need no clock.
    pub fn frozen_by(&self) -> Option<String> {
        let freeze = self.frozen.as_ref()?;
        Some(format!("frozen by {}: {}", freeze.by, freeze.why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(scope: Scope, until: i64) -> FreezeEvent {
        FreezeEvent::Frozen {
            freeze: Freeze {
                scope,
                by: "ana".to_owned(),
                why: "Black Friday".to_owned(),
                at: Timestamp(0),
                until: Timestamp(until),
            },
        }
    }

    fn scope(application: &str, group: Option<&str>) -> Scope {
        Scope {
            application: Some(application.parse().unwrap()),
            group: group.map(|group| group.parse().unwrap()),
        }
    }

    #[test]
    fn a_freeze_holds_in_its_scope_until_it_ends_or_somebody_ends_it() {
        let key = |application: &str, group: &str| GroupKey {
            application: application.parse().unwrap(),
            group: group.parse().unwrap(),
        };
        let events = [
            freeze(scope("shop", None), 100),
            freeze(scope("shop", Some("prod")), 200),
            freeze(scope("cart", Some("prod")), 50),
            FreezeEvent::Thawed {
                scope: scope("cart", Some("prod")),
                by: "ben".to_owned(),
                why: None,
            },
        ];
        let records: Vec<FreezeRecord> = (1..)
            .zip(events)
            .map(|(seq, event)| FreezeRecord {
                seq,
                at: Timestamp(0),
                event,
            })
            .collect();
        let freezes = Freezes::fold(&records);
        let until = |application: &str, group: &str, now| {
            let found = freezes.over(&key(application, group), Timestamp(now));
            found.map(|freeze| freeze.until.0)
        };
        assert_eq!(until("shop", "prod", 0), Some(200));
        assert_eq!(until("shop", "production", 99), Some(100));
        assert_eq!(until("shop", "production", 100), None);
        assert_eq!(until("shop", "prod", 199), Some(200));
        assert_eq!(until("shop2", "prod", 0), None);
        assert_eq!(until("cart", "prod", 0), None);
        assert_eq!(freezes.next_end(Timestamp(0)), Some(Timestamp(100)));
        assert_eq!(freezes.next_end(Timestamp(100)), Some(Timestamp(200)));
        assert_eq!(freezes.next_end(Timestamp(200)), None);
        assert!(Scope::default().covers(&key("any", "thing")));
    }
}
