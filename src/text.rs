//! Text for people: made safe once where it comes in from outside, and times and sizes as they are read.

pub mod table;

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

/// Whether a terminal of this environment, which `variable` reads, shows more than ASCII.
pub fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL")
        .or_else(|| set("LC_CTYPE"))
        .or_else(|| set("LANG"));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// `14:02:11`, in local time.
pub fn clock_time(at: Timestamp) -> String {
    local(at, "%H:%M:%S")
}

/// `2031-02-03 14:02:11`, in local time.
pub fn date_time(at: Timestamp) -> String {
    local(at, "%Y-%m-%d %H:%M:%S")
}

/// `2031-02-03 14:02:11Z`: the time for people in several places.
pub fn utc(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

/// `512 B`, `12.3 GiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let Some(unit) = bytes.checked_ilog2().map(|log| log / 10).filter(|u| *u > 0) else {
        return format!("{bytes} B");
    };
    // Tenths, rounded down: never more than there is.
    let tenths = (u128::from(bytes) * 10) >> (10 * unit);
    let name = UNITS[usize::try_from(unit - 1).unwrap_or(0)];
    format!("{}.{} {name}", tenths / 10, tenths % 10)
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
    fn sizes_read_well() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(13_300_000_000), "12.3 GiB");
        assert_eq!(size(u64::MAX), "15.9 EiB");
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
