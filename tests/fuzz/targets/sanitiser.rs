//! Text from outside: whatever it is, what a terminal gets of it has no control, escape or bidirectional character, and no
//! secret that it is searched for.

use cutover::model::secret::Secret;
use cutover::model::secret::mask::{Mask, SHORTEST};
use cutover::text::safe;
use zeroize::Zeroizing;

use crate::engine::Target;

pub static TARGET: Target = Target {
    name: "sanitiser",
    seeds: || {
        let texts = [
            "plain text\nsecond line",
            "\u{1b}]0;title\u{7}\u{1b}[2J",
            "a\tb\rc\u{202e}d\u{2066}e\u{9b}31m",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    examine,
};

/// Whether it makes a terminal do something, or hides what is written.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn examine(bytes: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let shown = safe(&text);
    if let Some(harm) = shown.chars().find(|c| is_harmful(*c)) {
        return Err(format!("{harm:?} is in {shown:?}"));
    }
    if safe(&shown) != shown {
        return Err(format!("{shown:?} is changed again"));
    }
    masked(&text)?;
    let changed = text
        .chars()
        .filter(|c| safe(c.encode_utf8(&mut [0; 4])) != c.to_string());
    let kinds: std::collections::BTreeSet<_> = changed.take(3).collect();
    Ok(format!(
        "{kinds:?} {}",
        shown.len().checked_ilog2().unwrap_or(0).min(12)
    ))
}

/// A part of the text as a secret: it is nowhere in what is masked.
fn masked(text: &str) -> Result<(), String> {
    let letters = text.chars().count();
    let (from, length) = (letters / 3, 2 + letters % 61);
    let value: String = text.chars().skip(from).take(length).collect();
    let mark = "[secret S]";
    let secret = Secret::new("S", Zeroizing::new(value.clone()));
    let hides = Mask::new([&secret]);
    let masked = hides.text(text);
    let lines = value.lines().map(|line| line.trim_end_matches('\r'));
    for part in lines.chain([value.as_str()]) {
        if part.len() >= SHORTEST && masked.split(mark).any(|piece| piece.contains(part)) {
            return Err(format!("{part:?} is in {masked:?}"));
        }
    }
    if value.len() >= SHORTEST && masked == text {
        return Err(format!("{value:?} is not masked in {text:?}"));
    }
    Ok(())
}
