//! Changes of texts: bytes, words, lines, nesting and numbers.

use std::collections::BTreeSet;

use crate::random::Random;

/// What is worth to be put anywhere.
const ODD: [&str; 44] = [
    "\0",
    "\u{1b}[31m",
    "\r",
    "\r\n",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "\u{a0}",
    "\u{ad}",
    "\u{61c}",
    "\u{200b}",
    "\u{200f}",
    "\u{202e}",
    "\u{2028}",
    "\u{2066}",
    "\u{feff}",
    "\u{fff9}",
    "\u{e0041}",
    "\u{1f600}",
    "é",
    "'",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ", ",
    "- ",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "|\n ",
    ">-\n ",
    "---\n",
    "...\n",
    "~",
];

/// Numbers at which something may end.
const NUMBERS: [&str; 18] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e309",
    "-0.0",
    "0.5",
    "0o17",
    "0x7f",
    "1_000",
    ".nan",
];

/// What opens something that can be nested.
const NESTED: [&str; 5] = ["[", "{a: ", "{\"a\":", "- ", "? "];

/// The words of a corpus.
pub struct Words(Vec<Vec<u8>>);

impl Words {
    /// Each once, in order.
    pub fn of(corpus: &[Vec<u8>]) -> Self {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./".contains(byte);
        let all = corpus
            .iter()
            .flat_map(|input| input.split(move |byte| !is_word(byte)));
        let words: BTreeSet<_> = all.filter(|word| (2..40).contains(&word.len())).collect();
        Self(words.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// One of these, changed.
    pub fn change(&self, pool: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
        let mut bytes = random.pick(pool).clone();
        for _ in 0..=random.below(5) {
            self.step(&mut bytes, pool, random);
        }
        bytes
    }

    fn step(&self, bytes: &mut Vec<u8>, pool: &[Vec<u8>], random: &mut Random) {
        let at = random.below(bytes.len() + 1);
        let most = 1 << random.below(8);
        let end = (at + 1 + random.below(most)).min(bytes.len());
        match random.below(14) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.insert(at, random.byte()),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 | 5 => drop(bytes.splice(at..at, random.pick(&ODD).bytes())),
            6 => {
                let (from, to) = word_at(bytes, at);
                bytes.splice(from..to, random.pick(&NUMBERS).bytes());
            }
            7 | 8 if !self.0.is_empty() => {
                let (from, to) = word_at(bytes, at);
                bytes.splice(from..to, random.pick(&self.0).iter().copied());
            }
            9 => {
                let other = random.pick(pool);
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            10 => lines(bytes, random),
            11 => {
                let times = 1 << random.below(12);
                let nested = random.pick(&NESTED).repeat(times);
                bytes.splice(at..at, nested.into_bytes());
            }
            12 => {
                // The same many times: a list, a long word.
                let part = bytes[at..end].repeat(1 << random.below(7));
                bytes.splice(at..at, part);
            }
            _ => drop(
                bytes.splice(
                    at..at,
                    self.0
                        .iter()
                        .skip(at % self.0.len().max(1))
                        .take(1)
                        .flatten()
                        .copied(),
                ),
            ),
        }
    }
}

/// The word around a place.
fn word_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let ends = |byte: &u8| !byte.is_ascii_alphanumeric();
    let from = bytes[..at]
        .iter()
        .rposition(ends)
        .map_or(0, |before| before + 1);
    let to = bytes[at..]
        .iter()
        .position(ends)
        .map_or(bytes.len(), |behind| at + behind);
    (from, to)
}

/// Takes a line away, doubles it, or moves it in or out.
fn lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let at = random.below(lines.len());
    match random.below(4) {
        0 => drop(lines.remove(at)),
        1 => {
            let line = lines[at].clone();
            let to = random.below(lines.len() + 1);
            lines.insert(to, line);
        }
        2 => drop(lines[at].splice(0..0, *b"  ")),
        _ if lines[at].starts_with(b"  ") => drop(lines[at].drain(..2)),
        _ => lines[at].push(b':'),
    }
    *bytes = lines.join(&b'\n');
}
