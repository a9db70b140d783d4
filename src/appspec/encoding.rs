//! An `AppSpec`'s bytes as text: UTF-8, and UTF-16 that says so with a byte order mark, as YAML demands.

use std::borrow::Cow;

use super::{Finding, Position};

/// No `AppSpec` is larger than this; one that is would only keep the host busy.
pub const MAX_BYTES: usize = 4 << 20;

const REMEDY: &str = "save the file as UTF-8";

/// Decodes a file.
///
/// # Errors
///
/// `E02` with the byte and its line where it is neither UTF-8 nor marked UTF-16, or when it is too large.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Finding> {
    if bytes.len() > MAX_BYTES {
        let limit = MAX_BYTES >> 20;
        return Err(Finding::whole(
            "E02",
            format!("the AppSpec is larger than {limit} MiB, the most that is read"),
        ));
    }
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(foreign("UTF-32")),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        [0, _, ..] | [_, 0, ..] => Err(foreign("UTF-16 without a byte order mark")),
        _ => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| {
                let at = error.valid_up_to();
                let before = String::from_utf8_lossy(&bytes[..at]);
                let byte = bytes.get(at).copied().unwrap_or_default();
                let message = format!("byte {at} ({byte:#04x}) is not UTF-8; {REMEDY}");
                Finding::at("E02", end(&before), message)
            }),
    }
}

fn foreign(encoding: &str) -> Finding {
    let message = format!("this looks like {encoding}; {REMEDY}");
    Finding::at("E02", Position { line: 1, column: 1 }, message)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Finding> {
    // The mark is not part of the text, but of the file.
    const MARK: usize = 2;
    let mut text = String::with_capacity(bytes.len());
    let wrong = |text: &str, at: usize, what: &str| {
        let message = format!("byte {at} is {what} in UTF-16; {REMEDY}");
        Finding::at("E02", end(text), message)
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut at = MARK;
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let Ok(c) = decoded else {
            return Err(wrong(&text, at, "half a character"));
        };
        at += 2 * c.len_utf16();
        text.push(c);
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(wrong(&text, at, "an odd byte at the end"))
    }
}

/// The place behind a text.
fn end(text: &str) -> Position {
    let line = 1 + text.matches('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    let last = last.strip_prefix('\u{feff}').unwrap_or(last);
    Position {
        line,
        column: 1 + last.chars().count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_text_is_read_and_all_else_refused_with_its_place() {
        let units = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}é: 😀\r\n".encode_utf16().flat_map(unit).collect()
        };
        let (little, big) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
        assert_eq!(decode(&little).unwrap(), "é: 😀\r\n");
        assert_eq!(decode(&big).unwrap(), "é: 😀\r\n");
        assert_eq!(decode("\u{feff}é".as_bytes()).unwrap(), "\u{feff}é");
        assert_eq!(decode(b"").unwrap(), "");
        let utf32: Vec<u8> = "\u{feff}a"
            .chars()
            .flat_map(|c| (c as u32).to_le_bytes())
            .collect();
        for (bytes, expected) in [
            (
                &b"a: 1\nb: \xc3\xa9\xe9\n"[..],
                "E02 line 2, column 5: byte 10 (0xe9) is not UTF-8",
            ),
            (
                b"\xef\xbb\xbf\x80",
                "E02 line 1, column 1: byte 3 (0x80) is not UTF-8",
            ),
            (
                b"a\0:\0",
                "E02 line 1, column 1: this looks like UTF-16 without a byte order mark",
            ),
            (
                b"\0a\0:",
                "E02 line 1, column 1: this looks like UTF-16 without a byte order mark",
            ),
            (&utf32, "E02 line 1, column 1: this looks like UTF-32"),
            (
                b"\xff\xfea\0\x3d\xd8",
                "E02 line 1, column 2: byte 4 is half a character in UTF-16",
            ),
            (
                b"\xff\xfea\0\n",
                "E02 line 1, column 2: byte 4 is an odd byte at the end in UTF-16",
            ),
            (
                &vec![b'#'; MAX_BYTES + 1],
                "E02 the AppSpec is larger than 4 MiB",
            ),
        ] {
            let shown = decode(bytes).unwrap_err().to_string();
            assert!(shown.starts_with(expected), "{shown}");
        }
    }
}
