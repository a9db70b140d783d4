//! `LifecycleEventHookExecutionId`: what a hook is given, and has to show when it reports. Nobody else can make one up, and
//! nothing has to be remembered to know one again: it is the execution, sealed with a key of this project.

use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::model::deployment::ExecutionId;
use crate::store::kept::Kept;

/// So many bytes of the seal are written.
const BYTES: usize = 16;

/// Between the execution and its seal.
const SEPARATOR: char = '.';

/// The key that seals executions: two random UUIDs, 244 bits that nobody can guess.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Key(String);

/// Makes tickets, and knows its own again.
#[derive(Clone, Debug)]
pub struct Tickets(Hmac<Sha256>);

impl Tickets {
    /// With the key in this file, which is made if there is none.
    ///
    /// # Errors
    /// If it can neither be read nor be written.
    pub fn open(file: &Path) -> io::Result<Self> {
        let kept: Kept<Key> = Kept::open(file.to_path_buf())?;
        if kept.now().0.is_empty() {
            let halves = [Uuid::new_v4(), Uuid::new_v4()];
            kept.change(|key| key.0 = halves.map(|half| half.to_string()).concat())?;
        }
        let code = Hmac::new_from_slice(kept.now().0.as_bytes()).map_err(io::Error::other)?;
        Ok(Self(code))
    }

    /// The ticket of an execution.
    pub fn of(&self, execution: &ExecutionId) -> String {
        let seal = self.sealed(&execution.0).finalize().into_bytes();
        let seal = seal.iter().take(BYTES);
        let digits: Vec<String> = seal.map(|byte| format!("{byte:02x}")).collect();
        format!("{}{SEPARATOR}{}", execution.0, digits.concat())
    }

    /// The execution that a ticket is for; `None` if it was not made here.
    pub fn execution(&self, ticket: &str) -> Option<ExecutionId> {
        let (execution, digits) = ticket.rsplit_once(SEPARATOR)?;
        let seal = bytes(digits).filter(|seal| seal.len() == BYTES)?;
        let good = self.sealed(execution).verify_truncated_left(&seal);
        good.is_ok().then(|| ExecutionId(execution.into()))
    }

    fn sealed(&self, execution: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(execution.as_bytes())
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_known_again_by_whoever_has_the_key_and_no_other_is() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| Tickets::open(&folder.path().join(name)).unwrap();
        let execution = ExecutionId("d-AAAAAAAAA~thumbs~0~1".into());
        let tickets = open("hooks.json");
        let ticket = tickets.of(&execution);
        // Also after a restart.
        assert_eq!(open("hooks.json").execution(&ticket), Some(execution));
        assert_eq!(open("another.json").execution(&ticket), None);
        let (start, seal) = ticket.rsplit_once('.').unwrap();
        let other = ticket.replace("~1", "~2");
        for forged in [
            other,
            start.to_owned(),
            format!("{start}."),
            format!("{start}.{}", &seal[..2]),
            format!("{start}.{}", "g".repeat(32)),
            String::new(),
        ] {
            assert_eq!(tickets.execution(&forged), None, "{forged}");
        }
    }
}
