//! Masking: where a secret's value stands in some text, `[secret NAME]` stands instead.
//!
//! Found are the value, each of its lines, and both in Base64 (at any place of what was encoded) and percent-encoded. Other
//! disguises are not: whoever can run a script with a secret can print it in one of their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Secret;

/// What is shorter, in bytes, is not masked: it would be found everywhere, and would tell what it is by being missing.
pub const SHORTEST: usize = 6;

/// The widths in which programs break long Base64 into lines.
const WIDTHS: [usize; 2] = [76, 64];

/// The alphabets of Base64.
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What is to be found, and what is shown instead. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mask(Arc<Table>);

#[derive(Default)]
struct Table {
    /// The longest first.
    patterns: Vec<Pattern>,
    /// Whether a pattern begins with this byte.
    begins: Vec<bool>,
}

struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    shown: Arc<str>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: BTreeSet<&str> = self.patterns.iter().map(|one| &*one.shown).collect();
        f.debug_set().entries(shown).finish()
    }
}

impl Mask {
    /// A mask for these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut table = Table {
            patterns: Vec::new(),
            begins: vec![false; 256],
        };
        for secret in secrets {
            let shown: Arc<str> = secret.to_string().into();
            for bytes in disguises(secret.expose()) {
                let first = bytes.first().copied().unwrap_or_default();
                table.begins[usize::from(first)] = true;
                let shown = Arc::clone(&shown);
                table.patterns.push(Pattern { bytes, shown });
            }
        }
        let longest = |one: &Pattern| std::cmp::Reverse(one.bytes.len());
        table.patterns.sort_by_key(longest);
        Self(Arc::new(table))
    }

    /// Whether there is nothing to be found.
    pub fn is_empty(&self) -> bool {
        self.0.patterns.is_empty()
    }

    /// The length in bytes of the longest that can be found; 0 if there is nothing.
    pub fn longest(&self) -> usize {
        self.0.patterns.first().map_or(0, |one| one.bytes.len())
    }

    /// The text with everything masked that is found; nothing if there is nothing to be found in it.
    pub fn bytes(&self, text: &[u8]) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let mut masked: Option<Vec<u8>> = None;
        let (mut at, mut kept) = (0, 0);
        while let Some(first) = text.get(at) {
            let found = self.0.begins[usize::from(*first)]
                .then(|| self.at(&text[at..]))
                .flatten();
            let Some(pattern) = found else {
                at += 1;
                continue;
            };
            let masked = masked.get_or_insert_default();
            masked.extend_from_slice(&text[kept..at]);
            masked.extend_from_slice(pattern.shown.as_bytes());
            at += pattern.bytes.len();
            kept = at;
        }
        if let Some(masked) = &mut masked {
            masked.extend_from_slice(&text[kept..]);
        }
        masked
    }

    /// The text with everything masked that is found.
    pub fn text(&self, text: &str) -> String {
        match self.bytes(text.as_bytes()) {
            // Patterns are whole characters, and so is what stands instead.
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text.to_owned(),
        }
    }

    fn at(&self, text: &[u8]) -> Option<&Pattern> {
        let mut all = self.0.patterns.iter();
        all.find(|one| text.starts_with(&one.bytes))
    }
}

/// Everything that a value is looked for as, each once.
fn disguises(value: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all = Vec::new();
    let mut add = |bytes: Zeroizing<Vec<u8>>| {
        if !all.contains(&bytes) {
            all.push(bytes);
        }
    };
    let lines = value.split('\n').map(|line| line.trim_end_matches('\r'));
    for text in lines.chain([value]) {
        if text.len() < SHORTEST {
            continue;
        }
        let bytes = text.as_bytes();
        add(Zeroizing::new(bytes.to_vec()));
        for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
            // RFC 3986, and as forms are sent.
            add(escaped(bytes, b"-._~", digits, false));
            add(escaped(bytes, b"-._*", digits, true));
        }
        for alphabet in [STANDARD, FOR_URLS] {
            for offset in 0..3 {
                add(base64(bytes, offset, alphabet));
            }
        }
        let whole = base64(bytes, 0, STANDARD);
        for width in WIDTHS.iter().filter(|width| whole.len() > **width) {
            let pieces = whole.chunks(*width).filter(|one| one.len() >= SHORTEST);
            pieces.for_each(|piece| add(Zeroizing::new(piece.to_vec())));
        }
    }
    all
}

/// Percent-encoded, but for letters, digits and these.
fn escaped(bytes: &[u8], plain: &[u8], digits: &[u8; 16], plus: bool) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() * 3));
    for byte in bytes {
        match byte {
            b' ' if plus => text.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || plain.contains(byte) => text.push(*byte),
            byte => text.extend([
                b'%',
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 15)],
            ]),
        }
    }
    text
}

/// The characters of Base64 that depend on these bytes alone, if so many others (by three) were encoded before them.
fn base64(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Zeroizing<Vec<u8>> {
    let (first, end) = ((8 * offset).div_ceil(6), 8 * (offset + bytes.len()) / 6);
    let byte = |at: usize| {
        let byte = at.checked_sub(offset).and_then(|at| bytes.get(at));
        u16::from(byte.copied().unwrap_or_default())
    };
    let character = |index: usize| {
        let bit = 6 * index;
        let pair = byte(bit / 8) << 8 | byte(bit / 8 + 1);
        alphabet[usize::from(pair >> (10 - bit % 8) & 63)]
    };
    Zeroizing::new((first..end).map(character).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(value: &str) -> Mask {
        Mask::new([&Secret::new("DB", Zeroizing::new(value.to_owned()))])
    }

    #[test]
    fn a_value_is_masked_wherever_it_stands() {
        let mask = mask("hush hush+1");
        for (text, masked) in [
            ("hush hush+1", "[secret DB]"),
            ("a hush hush+1 b hush hush+1", "a [secret DB] b [secret DB]"),
            ("?p=hush%20hush%2b1&q", "?p=[secret DB]&q"),
            ("p=hush+hush%2B1", "p=[secret DB]"),
            ("hush hush+2", "hush hush+2"),
            ("", ""),
        ] {
            assert_eq!(mask.text(text), masked);
        }
        assert_eq!(mask.bytes(b"nothing"), None);
        assert_eq!(format!("{mask:?}"), "Mask({\"[secret DB]\"})");
    }

    #[test]
    fn base64_is_masked_whatever_is_encoded_with_it() {
        let value = "hush>hush?1";
        let mask = mask(value);
        let whole = |text: &str, alphabet| {
            let padded = text.to_owned() + ["", "\0\0", "\0"][text.len() % 3];
            String::from_utf8(base64(padded.as_bytes(), 0, alphabet).to_vec()).unwrap()
        };
        assert_eq!(whole("user:pass", STANDARD), "dXNlcjpwYXNz");
        for alphabet in [STANDARD, FOR_URLS] {
            for before in ["", "u:", "user:", "abc"] {
                for behind in ["", "\n", "@host"] {
                    let text = whole(&format!("{before}{value}{behind}"), alphabet);
                    let masked = mask.text(&text);
                    assert!(masked.contains("[secret DB]"), "{before} {behind} {masked}");
                    assert!(masked.len() <= text.len() + 11 - 12, "{masked}");
                }
            }
        }
        let long = "0123456789".repeat(30);
        let long_mask = Mask::new([&Secret::new("K", Zeroizing::new(long.clone()))]);
        for width in [76, 64, 1000] {
            for line in whole(&long, STANDARD).as_bytes().chunks(width) {
                let masked = long_mask.bytes(line).unwrap();
                assert_eq!(String::from_utf8_lossy(&masked), "[secret K]");
            }
        }
    }

    #[test]
    fn each_line_of_a_value_is_masked_and_nothing_short() {
        let lines = mask("-----BEGIN\r\nabc\nsecond line\n");
        let text = "x -----BEGIN y\nabc\nsecond line";
        assert_eq!(lines.text(text), "x [secret DB] y\nabc\n[secret DB]");
        assert!(Mask::default().is_empty());
        assert!(mask("12345").is_empty());
        assert!(!mask("123456").is_empty());
    }

    #[test]
    fn the_longest_is_masked_where_several_begin() {
        let of = |name: &str, value: &str| Secret::new(name, Zeroizing::new(value.to_owned()));
        let (short, long) = (of("S", "secret"), of("L", "secret-and-more"));
        let mask = Mask::new([&short, &long]);
        let masked = mask.text("secret-and-more secret-and");
        assert_eq!(masked, "[secret L] [secret S]-and");
        assert_eq!(mask.longest(), 20);
    }
}
