//! Text for people: made safe once where it comes in from outside, and times as they are read.

use crate::model::timestamp::Timestamp;

/// Makes text from outside harmless: no escape, control or bidirectional character of it reaches a terminal.
///
/// Control characters become their visible picture (`␛`), tabs become blanks, bidirectional and other invisible
/// formatting characters become `·`.
pub fn safe(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => harmless.push_str("    "),
            '\u{7f}' => harmless.push('\u{2421}'),
            c if (c as u32) < 0x20 => {
                harmless.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{b7}'));
            }
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' => harmless.push('\u{b7}'),
            c => harmless.push(c),
        }
    }
    harmless
}

/// `14:02:11`, in local time.
pub fn clock_time(at: Timestamp) -> String {
    local(at, "%H:%M:%S")
}

/// `2031-02-03 14:02:11`, in local time.
pub fn date_time(at: Timestamp) -> String {
    local(at, "%Y-%m-%d %H:%M:%S")
}

/// `10.2 MB`: a size in decimal units.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1000, unit + 1);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

fn local(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| String::new(),
        |time| {
            time.to_zoned(jiff::tz::TimeZone::system())
                .strftime(format)
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (10_249_999, "10.2 MB"),
            (812_000_000, "812.0 MB"),
            (10_737_418_240, "10.7 GB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn no_control_or_bidi_character_survives() {
        let nasty = "a\u{1b}[31mb\rc\u{202e}d\u{9b}e\u{200b}f\tg\0h\u{7f}";
        let harmless = safe(nasty);
        assert!(harmless.chars().all(|c| !c.is_control()));
        assert!(!harmless.contains('\u{202e}') && !harmless.contains('\u{200b}'));
        assert!(harmless.starts_with("a\u{241b}[31mb"));
    }
}
