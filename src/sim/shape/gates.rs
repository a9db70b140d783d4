//! What keeps deployments from going on: approvals that are demanded, and freezes.

use super::super::tape::{Reel, Tape};
use super::Millis;
use crate::model::approval::{Demanded, Step};

/// What people demand and order.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// How many approvals the steps of each group wait for.
    pub approvals: [Demanded; 2],
    /// A freeze comes, or ends, in ten-thousandths a look; 0: there are none.
    pub freezes: u32,
    /// Time between looks.
    pub interval: Millis,
}

impl Gates {
    /// What the tape says: their own, so that what was drawn before there were any stays as it was.
    pub fn draw(tape: &mut Tape) -> Self {
        let some = tape.below(Reel::Gates, 4) == 3;
        let freezes = 1 + tape.below(Reel::Gates, 3_000);
        Self {
            freezes: if some { freezes } else { 0 },
            interval: tape.between(Reel::Gates, 1_000, 30_000),
            approvals: [demanded(tape), demanded(tape)],
        }
    }
}

/// Mostly nothing, else one or two people, before one step or both.
fn demanded(tape: &mut Tape) -> Demanded {
    let mut demanded = Demanded::new();
    let before = tape.below(Reel::Gates, 12);
    let count = 1 + tape.below(Reel::Gates, 2);
    if matches!(before, 1 | 3) {
        demanded.insert(Step::Start, count);
    }
    if matches!(before, 2 | 3) {
        demanded.insert(Step::Reroute, count);
    }
    demanded
}
