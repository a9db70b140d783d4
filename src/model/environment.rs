//! Environments: what deployment groups stand in, and which of them are locked until somebody says why not. A lock is a catch
//! against mistakes; who may do what is `access`.

use serde::{Deserialize, Serialize};

/// The longest that an environment may stay unlocked, in minutes: a day.
pub const LONGEST: u32 = 24 * 60;

/// One of `environments` of `cutover.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// Whether people depend on it: what moves its traffic asks for its name.
    #[serde(default)]
    pub production: bool,
    /// Whether its groups are changed only after somebody has unlocked it; as `production` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// How many minutes a cockpit keeps it unlocked, from 1 to [`LONGEST`].
    #[serde(default = "a_quarter_of_an_hour")]
    pub unlock_minutes: u32,
}

fn a_quarter_of_an_hour() -> u32 {
    15
}

impl Environment {
    /// Whether its groups are changed only after somebody has unlocked it.
    pub fn is_locked(&self) -> bool {
        self.locked.unwrap_or(self.production)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Environment {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn production_is_locked_unless_it_says_otherwise() {
        assert!(read(r#"{"production": true}"#).is_locked());
        assert!(!read("{}").is_locked());
        assert!(!read(r#"{"production": true, "locked": false}"#).is_locked());
        assert!(read(r#"{"locked": true}"#).is_locked());
        assert_eq!(read("{}").unlock_minutes, 15);
    }
}
