//! Spans of time as people type them: `90s`, `30m`, `2h`, `1h30m`, `3d`.

use std::str::FromStr;
use std::time::Duration;

/// A span of time, longer than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no span of time: write 90s, 30m, 2h, 1h30m or 3d");
        let mut seconds: u64 = 0;
        let mut number = String::new();
        for letter in text.chars() {
            if letter.is_ascii_digit() {
                number.push(letter);
                continue;
            }
            let unit = match letter {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86400,
                _ => return Err(wrong()),
            };
            let count: u64 = number.parse().map_err(|_| wrong())?;
            seconds = count
                .checked_mul(unit)
                .and_then(|more| seconds.checked_add(more))
                // A thousand years: sums with times stay in range.
                .filter(|all| *all < 31_536_000_000)
                .ok_or_else(wrong)?;
            number.clear();
        }
        if seconds == 0 || !number.is_empty() {
            return Err(wrong());
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_type_them() {
        let seconds = |text: &str| text.parse::<Span>().map(|span| span.0.as_secs()).ok();
        for (text, wanted) in [
            ("90s", 90),
            ("30m", 1800),
            ("2h", 7200),
            ("1h30m", 5400),
            ("3d", 259_200),
        ] {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        for wrong in [
            "",
            "0s",
            "2",
            "h",
            "2h3",
            "-1h",
            "1.5h",
            "2 h",
            "99999999999999999999d",
            "9999999999d",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
