//! Where somebody has been: the screens below the one that is seen, and the way back and forward.

use super::model::Pane;
use crate::model::address::Address;

/// Places that are remembered.
const KEPT: usize = 50;

/// A screen below another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Below {
    /// Where it was left.
    pub at: Address,
    /// The pane by which it was entered.
    pub base: Pane,
}

/// The places that somebody has been at.
#[derive(Debug)]
pub(crate) struct Trail {
    /// The screens below, the topmost last.
    pub below: Vec<Below>,
    /// The pane by which the screen that is seen was entered: further out lies another screen.
    pub base: Pane,
    /// Every place, in the order of the visits.
    visited: Vec<Address>,
    /// Which of them is seen.
    at: usize,
    /// The one that was seen before that.
    last: Option<Address>,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            below: Vec::new(),
            base: Pane::Applications,
            visited: Vec::new(),
            at: 0,
            last: None,
        }
    }
}

impl Trail {
    /// Remembers where somebody is now. What lay ahead is forgotten when they go another way.
    pub(crate) fn record(&mut self, here: &Address) {
        let Some(seen) = self.visited.get_mut(self.at) else {
            self.visited.push(here.clone());
            return;
        };
        if seen == here {
            return;
        }
        // A cursor that moves in such a list goes nowhere.
        if seen.list().is_some() && seen.list() == here.list() {
            *seen = here.clone();
            return;
        }
        self.last = Some(seen.clone());
        self.visited.truncate(self.at + 1);
        self.visited.push(here.clone());
        let over = self.visited.len().saturating_sub(KEPT);
        self.visited.drain(..over);
        self.at = self.visited.len() - 1;
    }

    /// Whether nobody has been anywhere yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.visited.is_empty()
    }

    /// The place before this one, or after it.
    pub(crate) fn beside(&self, forward: bool) -> Option<&Address> {
        let at = if forward {
            self.at + 1
        } else {
            self.at.checked_sub(1)?
        };
        self.visited.get(at)
    }

    /// Goes to the place before this one, or after it.
    pub(crate) fn step(&mut self, forward: bool) -> Option<Address> {
        let place = self.beside(forward)?.clone();
        self.last = self.visited.get(self.at).cloned();
        self.at = if forward { self.at + 1 } else { self.at - 1 };
        Some(place)
    }

    /// The place that was seen last.
    pub(crate) fn last(&self) -> Option<&Address> {
        self.last.as_ref()
    }

    /// Forgets a place that is there no more, which somebody was about to go to in this direction: they stay.
    pub(crate) fn forget(&mut self, place: &Address, forward: bool) {
        let before = self.visited.iter().take(self.at).filter(|p| *p == place);
        self.at -= before.count();
        if forward {
            self.at = self.at.saturating_sub(1);
        }
        self.visited.retain(|visited| visited != place);
        self.at = self.at.min(self.visited.len().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn back_forward_and_another_way() {
        let mut trail = Trail::default();
        for place in ["home", "shop", "shop", "d-7F3KQ21XB"] {
            trail.record(&address(place));
        }
        assert_eq!(trail.last(), Some(&address("shop")));
        assert_eq!(trail.step(false), Some(address("shop")));
        assert_eq!(trail.step(false), Some(address("home")));
        assert_eq!(trail.step(false), None);
        assert_eq!(trail.last(), Some(&address("shop")));
        assert_eq!(trail.step(true), Some(address("shop")));
        trail.record(&address("shop"));
        trail.record(&address("hosts"));
        trail.record(&address("hosts/web-1"));
        assert_eq!(trail.step(true), None, "what lay ahead is forgotten");
        assert_eq!(trail.step(false), Some(address("shop")));
        assert_eq!(trail.beside(true), Some(&address("hosts/web-1")));
    }

    #[test]
    fn it_has_an_end_and_forgets_what_is_gone() {
        let mut trail = Trail::default();
        for n in 0..80 {
            trail.record(&address(&format!("app-{n}")));
        }
        assert_eq!(trail.visited.len(), KEPT);
        assert_eq!(trail.beside(false), Some(&address("app-78")));
        let gone = trail.step(false).unwrap();
        trail.forget(&gone, false);
        assert_eq!(trail.beside(false), Some(&address("app-77")));
    }
}
