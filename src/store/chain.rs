//! A log in which nothing can be changed unnoticed: each line holds the hash of everything up to it.
//!
//! ```text
//! <64 hex digits> <entry, any text without a line break>
//! ```
//!
//! The hash is SHA-256 over the former line's hash and the bytes of the entry as they are written; the first line follows
//! [`origin`]. Whoever writes down the newest hash elsewhere can prove later that the log up to it is the same; without
//! that, cutting off its end goes unnoticed. Pure: bytes in, bytes out.

use sha2::{Digest as _, Sha256};

use crate::model::revision::Digest;

/// Keeps the hashes of this log apart from all others.
const DOMAIN: &[u8] = b"cutover log 1\n";

/// A log without damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last; [`origin`] if there is none.
    pub newest: Digest,
}

/// The first line that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry} does not fit: {reason}")]
pub struct Broken {
    /// Counted from 1.
    pub entry: u64,
    /// In which way.
    pub reason: &'static str,
}

/// What the first line follows.
pub fn origin() -> Digest {
    Digest::from_bytes(&Sha256::digest(DOMAIN))
}

/// The hash of an entry that follows this one.
pub fn hash(former: &Digest, entry: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(former.as_str());
    hash.update(b" ");
    hash.update(entry);
    Digest::from_bytes(&hash.finalize())
}

/// The line of an entry, with its line break.
pub fn line(hash: &Digest, entry: &str) -> String {
    format!("{hash} {entry}\n")
}

/// A line's hash and entry; `None` if it is no such line.
pub fn split(line: &[u8]) -> Option<(Digest, &[u8])> {
    let (digits, entry) = line.split_at_checked(64)?;
    let hash = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((hash, entry.strip_prefix(b" ")?))
}

/// The whole lines of a log, and what follows the last line break: a line that was being written.
pub fn lines(log: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let end = log
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let (whole, rest) = log.split_at(end);
    let whole = whole.strip_suffix(b"\n");
    (
        whole.into_iter().flat_map(|all| all.split(|b| *b == b'\n')),
        rest,
    )
}

/// Proves a log, line by line.
///
/// # Errors
/// The first line that does not fit.
pub fn verify(log: &[u8]) -> Result<Sound, Broken> {
    verify_after(origin(), log)
}

/// Proves the part of a log that follows the entry with this hash.
///
/// # Errors
/// The first line that does not fit, counted from the part's first.
pub fn verify_after(former: Digest, log: &[u8]) -> Result<Sound, Broken> {
    let (lines, rest) = lines(log);
    let mut sound = Sound {
        entries: 0,
        newest: former,
    };
    for line in lines {
        let broken = |reason| Broken {
            entry: sound.entries + 1,
            reason,
        };
        let (told, entry) = split(line).ok_or_else(|| broken("it is no hash and an entry"))?;
        if told != hash(&sound.newest, entry) {
            return Err(broken(
                "its hash is another: it was changed, or one before it was taken out",
            ));
        }
        sound.newest = told;
        sound.entries += 1;
    }
    if rest.is_empty() {
        Ok(sound)
    } else {
        Err(Broken {
            entry: sound.entries + 1,
            reason: "its line is cut off",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[&str]) -> Vec<u8> {
        let mut newest = origin();
        let mut log = String::new();
        for entry in entries {
            newest = hash(&newest, entry.as_bytes());
            log.push_str(&line(&newest, entry));
        }
        log.into_bytes()
    }

    #[test]
    fn an_untouched_log_is_sound() {
        assert_eq!(verify(b"").unwrap().newest, origin());
        let sound = verify(&log(&["a", "", "{\"c\":1}"])).unwrap();
        assert_eq!(sound.entries, 3);
        assert_eq!(verify(&log(&["a"])).unwrap().newest.as_str().len(), 64);
    }

    #[test]
    fn a_log_may_be_proved_in_parts() {
        let whole = log(&["one", "two", "three"]);
        let middle = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let (head, tail) = whole.split_at(middle);
        let first = verify(head).unwrap();
        let rest = verify_after(first.newest, tail).unwrap();
        assert_eq!(rest.newest, verify(&whole).unwrap().newest);
        assert_eq!(verify_after(origin(), tail).unwrap_err().entry, 1);
    }

    #[test]
    fn every_changed_byte_is_noticed_at_its_entry() {
        let sound = log(&["one", "two", "three"]);
        let mut entry = 1;
        for at in 0..sound.len() {
            let mut changed = sound.clone();
            changed[at] ^= 1;
            let broken = verify(&changed).expect_err("a changed byte");
            assert_eq!(broken.entry, entry, "byte {at}");
            entry += u64::from(sound[at] == b'\n');
        }
    }

    #[test]
    fn what_is_taken_out_put_in_or_swapped_is_noticed() {
        let sound = log(&["one", "two", "three"]);
        let (lines, _) = lines(&sound);
        let lines: Vec<&[u8]> = lines.collect();
        let joined = |order: &[usize]| {
            let lines = order.iter().map(|&at| [lines[at], b"\n"].concat());
            lines.collect::<Vec<_>>().concat()
        };
        for (order, entry) in [
            (&[1, 2][..], 1),
            (&[0, 2], 2),
            (&[0, 2, 1], 2),
            (&[0, 0, 1, 2], 2),
        ] {
            assert_eq!(
                verify(&joined(order)).unwrap_err().entry,
                entry,
                "{order:?}"
            );
        }
        // Only whoever knows the newest hash notices that the end is missing.
        let short = verify(&joined(&[0, 1])).unwrap();
        assert_ne!(short.newest, verify(&sound).unwrap().newest);
        assert_eq!(verify(&sound[..sound.len() - 1]).unwrap_err().entry, 3);
    }
}
