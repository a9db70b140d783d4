//! Where every choice of a run comes from: byte tapes, one a concern, so that a failure can be shrunk by cutting them.

use std::fmt::Write as _;

/// What a choice is about. Each has a tape of its own, so that one more draw here does not reshuffle the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reel {
    /// How large the world is and what may go wrong in it.
    Shape,
    /// What becomes of messages.
    Network,
    /// What scripts do and how long they take.
    Scripts,
    /// What becomes of writes.
    Disk,
    /// What operators press.
    Operators,
    /// When something is killed or cut off.
    Faults,
    /// What clocks show.
    Clocks,
    /// When alarms go off.
    Alarms,
    /// What becomes of load balancers and of what they are asked.
    Traffic,
    /// What approvals are demanded, and when there are freezes.
    Gates,
    /// Which groups have a function, and what becomes of its versions and hooks.
    Functions,
    /// Which groups have a container service, and what becomes of its tasks.
    Services,
}

/// How many tapes there are.
pub const REELS: usize = 12;

/// The tapes' names, in their order.
pub const NAMES: [&str; REELS] = [
    "shape",
    "network",
    "scripts",
    "disk",
    "operators",
    "faults",
    "clocks",
    "alarms",
    "traffic",
    "gates",
    "functions",
    "services",
];

/// The choices of a run: drawn from a seed, or read from bytes that were kept. A tape that has run out reads as zeros,
/// and zero is always the tamest choice.
#[derive(Clone, Debug)]
pub struct Tape {
    reels: [Source; REELS],
}

/// The bytes of every tape of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub [Vec<u8>; REELS]);

#[derive(Clone, Debug)]
enum Source {
    Random {
        state: u64,
        buffer: u64,
        left: u8,
        kept: Option<Vec<u8>>,
    },
    Kept {
        bytes: Vec<u8>,
        at: usize,
    },
}

impl Tape {
    /// Draws everything from a seed.
    pub fn seeded(seed: u64) -> Self {
        Self::random(seed, false)
    }

    /// Draws everything from a seed and keeps what was drawn.
    pub fn recording(seed: u64) -> Self {
        Self::random(seed, true)
    }

    fn random(seed: u64, keep: bool) -> Self {
        let mut state = seed ^ 0x6a09_e667_f3bc_c909;
        Self {
            reels: std::array::from_fn(|_| Source::Random {
                state: split_mix(&mut state),
                buffer: 0,
                left: 0,
                kept: keep.then(Vec::new),
            }),
        }
    }

    /// Reads what was kept.
    pub fn kept(bytes: Bytes) -> Self {
        Self {
            reels: bytes.0.map(|bytes| Source::Kept { bytes, at: 0 }),
        }
    }

    /// What was drawn so far: all of it for a recording tape, what was read of a kept one.
    pub fn bytes(self) -> Bytes {
        Bytes(self.reels.map(|source| match source {
            Source::Random { kept, .. } => kept.unwrap_or_default(),
            Source::Kept { mut bytes, at } => {
                bytes.truncate(at);
                bytes
            }
        }))
    }

    /// A number that uses all its bits.
    pub fn draw(&mut self, reel: Reel) -> u16 {
        match &mut self.reels[reel as usize] {
            Source::Random {
                state,
                buffer,
                left,
                kept,
            } => {
                if *left == 0 {
                    *buffer = split_mix(state);
                    *left = 4;
                }
                let [low, high, ..] = buffer.to_le_bytes();
                *buffer >>= 16;
                *left -= 1;
                if let Some(kept) = kept {
                    kept.extend([low, high]);
                }
                u16::from_le_bytes([low, high])
            }
            Source::Kept { bytes, at } => {
                let value = match bytes.get(*at..*at + 2) {
                    Some(pair) => u16::from_le_bytes([pair[0], pair[1]]),
                    None => 0,
                };
                *at = (*at + 2).min(bytes.len());
                value
            }
        }
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, reel: Reel, n: u32) -> u32 {
        let drawn = u64::from(self.draw(reel));
        u32::try_from((drawn * u64::from(n)) >> 16).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, reel: Reel, low: i64, high: i64) -> i64 {
        let drawn = i64::from(self.draw(reel));
        low + ((drawn * (high - low + 1)) >> 16)
    }

    /// True once in so many times as `per_ten_thousand` says. Draws in any case.
    pub fn chance(&mut self, reel: Reel, per_ten_thousand: u32) -> bool {
        let drawn = u32::from(self.draw(reel));
        drawn >= 65_536 - per_ten_thousand.min(10_000) * 6_553 / 1_000
    }

    /// A time of this mean, mostly shorter and now and then much longer, in milliseconds.
    pub fn wait(&mut self, reel: Reel, mean: i64) -> i64 {
        // Quantiles of the exponential distribution, in sixteenths of its mean.
        const QUANTILES: [i64; 16] = [0, 1, 2, 3, 4, 6, 7, 9, 11, 13, 16, 19, 22, 27, 33, 55];
        let drawn = self.draw(reel);
        mean * QUANTILES[usize::from(drawn >> 12)] / 16
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Bytes {
    /// All bytes together.
    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Whether nothing was drawn at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tapes as text, one a line: `name: hexadecimal digits`. Zeros at the end are left out: they read as zeros.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, bytes) in NAMES.iter().zip(&self.0) {
            let end = bytes
                .iter()
                .rposition(|&byte| byte != 0)
                .map_or(0, |at| at + 1);
            let hex = bytes[..end].iter().fold(String::new(), |mut hex, byte| {
                let _infallible = write!(hex, "{byte:02x}");
                hex
            });
            let _infallible = writeln!(text, "{name}: {hex}");
        }
        text
    }

    /// The tapes in what [`Bytes::to_text`] printed. Lines that begin with `#` say something to people.
    ///
    /// # Errors
    /// Which line is none of it.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let mut bytes = Self::default();
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hex) = line
                .split_once(':')
                .ok_or_else(|| format!("{line:?} is no tape: write `name: hexadecimal digits`"))?;
            let reel = NAMES
                .iter()
                .position(|known| *known == name)
                .ok_or_else(|| format!("{name:?} is none of {}", NAMES.join(", ")))?;
            bytes.0[reel] = read_hex(hex.trim()).ok_or_else(|| {
                format!("the tape {name} holds something that is not hexadecimal")
            })?;
        }
        Ok(bytes)
    }
}

fn read_hex(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_reads_the_same() {
        let mut recording = Tape::recording(7);
        let drawn: Vec<u16> = (0..9).map(|_| recording.draw(Reel::Disk)).collect();
        let mut seeded = Tape::seeded(7);
        let again: Vec<u16> = (0..9).map(|_| seeded.draw(Reel::Disk)).collect();
        assert_eq!(drawn, again);
        let text = recording.bytes().to_text();
        let mut kept = Tape::kept(Bytes::from_text(&text).unwrap());
        let read: Vec<u16> = (0..9).map(|_| kept.draw(Reel::Disk)).collect();
        assert_eq!(drawn, read);
        assert_eq!(kept.draw(Reel::Disk), 0, "it has run out");
    }

    #[test]
    fn zero_is_tame_and_draws_stay_in_range() {
        let mut none = Tape::kept(Bytes::default());
        assert!(!none.chance(Reel::Faults, 9_999));
        assert_eq!(none.below(Reel::Shape, 10), 0);
        assert_eq!(none.wait(Reel::Network, 1_000), 0);
        let mut tape = Tape::seeded(1);
        let mut hits = 0;
        for _ in 0..10_000 {
            assert!(tape.below(Reel::Shape, 3) < 3);
            assert!((-5..=5).contains(&tape.between(Reel::Shape, -5, 5)));
            hits += u32::from(tape.chance(Reel::Faults, 1_000));
        }
        assert!((800..1_200).contains(&hits), "{hits}");
    }
}
