//! The one thing of JSON that is not YAML: a character beyond the first 65536, escaped as two halves (`\\ud83d\\ude00`).

use serde::de::IgnoredAny;

/// The document with harmless escapes of the same length in place of such pairs, so that the YAML parser reads it and
/// every position stays. `None` if there are no pairs, or it is not JSON: elsewhere the same letters may be plain text.
pub(super) fn without_surrogates(text: &str) -> Option<String> {
    const PAIR: usize = "\\ud83d\\ude00".len();
    let mut rewritten = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text.get(at..)?.find('\\') {
        at += found;
        if is_pair(text.as_bytes().get(at..at + PAIR).unwrap_or_default()) {
            rewritten.push_str(text.get(copied..at)?);
            rewritten.push_str(r"\u0020\u0020");
            at += PAIR;
            copied = at;
        } else {
            // What is escaped is no beginning of an escape itself.
            at += 1 + text.get(at + 1..)?.chars().next().map_or(0, char::len_utf8);
        }
    }
    if copied == 0 || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    rewritten.push_str(text.get(copied..)?);
    Some(rewritten)
}

/// The text of a string as a JSON document writes it.
pub(super) fn text(written: &str) -> Option<String> {
    written
        .starts_with('"')
        .then(|| serde_json::from_str(written).ok())
        .flatten()
}

fn is_pair(escapes: &[u8]) -> bool {
    let Some((first, second)) = escapes.split_at_checked(6) else {
        return false;
    };
    is_half(first, b"89abAB") && is_half(second, b"cdefCDEF")
}

fn is_half(escape: &[u8], third: &[u8]) -> bool {
    match escape {
        [b'\\', b'u', b'd' | b'D', digit, rest @ ..] => {
            third.contains(digit) && rest.len() == 2 && rest.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}
