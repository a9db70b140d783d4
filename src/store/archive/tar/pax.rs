//! The pax extension: records `length key=value` that say what a header has no room for.

use super::super::member::Time;

/// What an extension says that matters here. Times of access, names of owners, attributes of other systems and comments
/// do not.
#[derive(Clone, Debug, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub user: Option<i64>,
    pub group: Option<i64>,
    pub modified: Option<Time>,
    pub sparse: Sparse,
}

/// GNU's way to tell of holes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    pub name: Option<Vec<u8>>,
    /// Of the format.
    pub version: (Option<u64>, Option<u64>),
    pub size: Option<u64>,
    /// Offsets and lengths in turns.
    pub map: Vec<u64>,
}

impl Sparse {
    /// Whether anything was said.
    pub fn is_there(&self) -> bool {
        self.name.is_some()
            || self.version != (None, None)
            || self.size.is_some()
            || !self.map.is_empty()
    }
}

impl Pax {
    /// Reads an extension.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence that begins with its name.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, String> {
        let mut pax = Self::default();
        while !bytes.is_empty() {
            let (record, rest) = split(bytes)
                .ok_or("is an extension with a record that is not what its length says")?;
            let (key, value) = record;
            pax.set(key, value).ok_or_else(|| {
                let key = String::from_utf8_lossy(key);
                format!("is an extension with a bad or a second value of {key:?}")
            })?;
            bytes = rest;
        }
        Ok(pax)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => once(&mut self.path, Some(value.to_owned())),
            b"linkpath" => once(&mut self.link, Some(value.to_owned())),
            b"size" => once(&mut self.size, unsigned(value)),
            b"uid" => once(
                &mut self.user,
                unsigned(value).and_then(|id| i64::try_from(id).ok()),
            ),
            b"gid" => once(
                &mut self.group,
                unsigned(value).and_then(|id| i64::try_from(id).ok()),
            ),
            b"mtime" => once(&mut self.modified, time(value)),
            b"GNU.sparse.name" => once(&mut self.sparse.name, Some(value.to_owned())),
            b"GNU.sparse.major" => once(&mut self.sparse.version.0, unsigned(value)),
            b"GNU.sparse.minor" => once(&mut self.sparse.version.1, unsigned(value)),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                once(&mut self.sparse.size, unsigned(value))
            }
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                // In turns, so that a number always knows what it is.
                let offset = key.ends_with(b"offset");
                if offset != self.sparse.map.len().is_multiple_of(2) {
                    return None;
                }
                self.sparse.map.push(unsigned(value)?);
                Some(())
            }
            b"GNU.sparse.map" if self.sparse.map.is_empty() => {
                let numbers = value.split(|byte| *byte == b',').map(unsigned);
                self.sparse.map = numbers.collect::<Option<_>>()?;
                Some(())
            }
            b"GNU.sparse.numblocks" => unsigned(value).map(|_| ()),
            key if key.starts_with(b"GNU.sparse.") => None,
            _ => Some(()),
        }
    }

    /// Whether it says what only one entry can have.
    pub fn is_about_one_file(&self) -> bool {
        self.path.is_some() || self.link.is_some() || self.size.is_some() || self.sparse.is_there()
    }

    /// This, and where it says nothing, what was said before.
    pub fn over(self, before: &Self) -> Self {
        Self {
            user: self.user.or(before.user),
            group: self.group.or(before.group),
            modified: self.modified.or(before.modified),
            ..self
        }
    }
}

/// Sets a value that was not there.
fn once<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    place.is_none().then_some(())?;
    *place = Some(value?);
    Some(())
}

/// The first record's key and value, and what follows it.
#[expect(clippy::type_complexity, reason = "a pair and a rest")]
fn split(bytes: &[u8]) -> Option<((&[u8], &[u8]), &[u8])> {
    let blank = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(unsigned(&bytes[..blank])?).ok()?;
    let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    (!key.is_empty()).then_some(((key, value), &bytes[length..]))
}

/// Decimal digits, and nothing else.
pub(super) fn unsigned(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `-12.5`: seconds with a decimal fraction.
fn time(text: &[u8]) -> Option<Time> {
    const DIGITS: usize = 9;
    let negative = text.starts_with(b"-");
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let seconds = i64::try_from(unsigned(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0'));
    let nanoseconds = digits
        .take(DIGITS)
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Some(match (negative, nanoseconds) {
        (false, _) => Time {
            seconds,
            nanoseconds,
        },
        (true, 0) => Time {
            seconds: -seconds,
            nanoseconds,
        },
        // Half a second before -1 is -2 and a half.
        (true, _) => Time {
            seconds: -seconds - 1,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_what_their_length_says() {
        let pax = Pax::parse(b"12 path=a\nb\n20 mtime=1700000000\n").unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a\nb"[..]));
        let time = pax.modified.unwrap();
        assert_eq!((time.seconds, time.nanoseconds), (1_700_000_000, 0));
        for bad in [
            &b"9 path=a\nb\n"[..],
            b"999 path=a\n",
            b"0 \n",
            b"+9 path=a\n",
            b"9 path=a\n9 path=b\n",
            b"11 size=-1\n",
            b"7 path\n",
            b"5 =a\n",
            b"path=a\n",
            b"99999999999999999999 path=a\n",
        ] {
            assert!(Pax::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn times_may_be_before_the_epoch() {
        let read = |text: &str| time(text.as_bytes()).map(|t| (t.seconds, t.nanoseconds));
        assert_eq!(read("12.5"), Some((12, 500_000_000)));
        assert_eq!(read("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(read("-1"), Some((-1, 0)));
        assert_eq!(read("1.1234567891"), Some((1, 123_456_789)));
        assert_eq!(read("1."), Some((1, 0)));
        for bad in ["", "a", "1.x", "1e3", "--1", "99999999999999999999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
