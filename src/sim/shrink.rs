//! Makes a failing run small: cuts its tapes as long as the same invariant still does not hold. Fewer hosts, calmer worlds
//! and earlier ends come by themselves, since zeros are the tamest choices.

use std::rc::Rc;

use super::cast::Cast;
use super::shape::Setting;
use super::tape::{Bytes, REELS, Tape};
use super::watch::Invariant;
use super::world::{Care, Outcome, run};

/// At most so many runs are spent on making one smaller.
const RUNS: u32 = 6_000;

/// And at most so many steps of all of them.
const STEPS: u64 = 40_000_000;

struct Shrinking<'a> {
    cast: &'a Rc<Cast>,
    setting: Setting,
    care: Care,
    invariant: Invariant,
    best: Bytes,
    size: (usize, u64, usize),
    runs: u32,
    steps: u64,
}

/// The smallest run found in which the same invariant does not hold.
pub fn shrink(
    cast: &Rc<Cast>,
    bytes: Bytes,
    setting: Setting,
    care: Care,
    invariant: Invariant,
) -> Bytes {
    let mut shrinking = Shrinking {
        cast,
        setting,
        care,
        invariant,
        best: Bytes::default(),
        size: (usize::MAX, u64::MAX, usize::MAX),
        runs: 0,
        steps: 0,
    };
    // Two runs that differ are no one run that fails: such a failure stays as it is.
    if !shrinking.accepts(bytes.clone()) {
        return bytes;
    }
    loop {
        let before = shrinking.size;
        shrinking.cut_ends();
        shrinking.tame_shape();
        shrinking.blocks(true);
        shrinking.blocks(false);
        if shrinking.size == before || shrinking.spent() {
            return shrinking.best;
        }
    }
}

impl Shrinking<'_> {
    fn spent(&self) -> bool {
        self.runs >= RUNS || self.steps >= STEPS
    }

    /// Keeps the bytes if they fail in the same way, and are no larger.
    fn accepts(&mut self, bytes: Bytes) -> bool {
        if self.spent() {
            return false;
        }
        self.runs += 1;
        let outcome = run(self.cast, Tape::kept(bytes), self.setting, self.care);
        self.steps += outcome.steps;
        let size = size(&outcome);
        let fails = outcome
            .violation
            .is_some_and(|violation| violation.invariant == self.invariant);
        if fails && size < self.size {
            self.size = size;
            self.best = outcome.bytes;
            return true;
        }
        false
    }

    fn cut_ends(&mut self) {
        for reel in 0..REELS {
            let mut keep = 0;
            loop {
                let length = self.best.0[reel].len();
                if keep >= length {
                    break;
                }
                let mut bytes = self.best.clone();
                bytes.0[reel].truncate(keep);
                if self.accepts(bytes) {
                    break;
                }
                // Twice as near to the end each time.
                keep = length - (length - keep) / 2;
                if length - keep < 4 {
                    break;
                }
            }
        }
    }

    fn tame_shape(&mut self) {
        for at in (0..self.best.0[0].len()).step_by(2) {
            for halves in [16, 4, 1] {
                let mut bytes = self.best.clone();
                let Some(pair) = bytes.0[0].get_mut(at..at + 2) else {
                    break;
                };
                let value = u16::from_le_bytes([pair[0], pair[1]]);
                if value == 0 {
                    break;
                }
                let smaller = value.checked_shr(halves).unwrap_or(0);
                pair.copy_from_slice(&smaller.to_le_bytes());
                if self.accepts(bytes) {
                    break;
                }
            }
        }
    }

    /// Zeroes, or takes out, ever smaller blocks.
    fn blocks(&mut self, zero: bool) {
        for reel in 1..REELS {
            let mut block = (self.best.0[reel].len() / 2).next_power_of_two().max(2);
            while block >= 2 && !self.spent() {
                let mut at = 0;
                while at < self.best.0[reel].len() {
                    let mut bytes = self.best.clone();
                    let tape = &mut bytes.0[reel];
                    let end = (at + block).min(tape.len());
                    if zero {
                        tape[at..end].fill(0);
                    } else {
                        tape.drain(at..end);
                    }
                    let changed = bytes != self.best;
                    if !(changed && self.accepts(bytes)) || zero {
                        at += block;
                    }
                }
                block /= 2;
            }
        }
    }
}

fn size(outcome: &Outcome) -> (usize, u64, usize) {
    let busy = outcome
        .bytes
        .0
        .iter()
        .flatten()
        .filter(|byte| **byte != 0)
        .count();
    (outcome.shape.hosts, outcome.steps, busy)
}
