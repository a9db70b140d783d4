//! Who did not come into service in time, and why not. Pure.

use std::collections::BTreeMap;

use super::route::Route;
use crate::model::name::Name;

/// Targets that were late, by where that was: a host leaves all of its load balancers again, a task set the one listener alone.
#[derive(Debug, Default)]
pub struct Late(BTreeMap<Option<String>, BTreeMap<Name, String>>);

impl Late {
    /// Those that were late at a route, or as hosts at any load balancer, and why.
    pub fn at(&mut self, route: Option<&Route>) -> &mut BTreeMap<Name, String> {
        let place = route.map(|route| route.gate().to_string());
        self.0.entry(place).or_default()
    }

    /// Another attempt has its own time.
    pub fn forgive(&mut self, target: &Name) {
        for late in self.0.values_mut() {
            late.remove(target);
        }
    }
}
