//! Lifecycle events beyond those of the platform, which local deployments may name.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name of an event that is not one of the platform's.
///
/// A name lives as long as the process, so that events stay as small and as easy to copy as the platform's own. Names are
/// made from command lines only: what is read from a file or from the network finds those that exist, and makes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomEvent(&'static str);

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

fn names() -> MutexGuard<'static, BTreeSet<&'static str>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CustomEvent {
    /// Makes an event of this name.
    pub fn named(name: &str) -> Self {
        let mut names = names();
        if let Some(name) = names.get(name) {
            return Self(name);
        }
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.insert(name);
        Self(name)
    }

    /// The event of this name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        names().get(name).copied().map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use crate::model::lifecycle::LifecycleEvent;

    use super::*;

    #[test]
    fn only_names_that_were_made_are_read() {
        let read = || serde_json::from_str::<LifecycleEvent>("\"WarmTheCache\"");
        assert!(read().is_err());
        let event = LifecycleEvent::Custom(CustomEvent::named("WarmTheCache"));
        assert_eq!(serde_json::to_string(&event).unwrap(), "\"WarmTheCache\"");
        assert_eq!(read().unwrap(), event);
        assert_eq!(
            CustomEvent::named("WarmTheCache"),
            CustomEvent::named("WarmTheCache")
        );
    }
}
