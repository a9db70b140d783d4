//! Runs of a screen as a sentence: columns become parts of a list.

use crate::tui::paint::Run;

/// Some runs as a text.
pub(super) fn words(runs: &[Run]) -> String {
    let text: String = runs.iter().map(|(_, text)| text.as_str()).collect();
    tidy(&text)
}

/// A key and what it does.
pub(super) fn choice(runs: &[Run]) -> String {
    match runs {
        [(_, key), rest @ ..] if !rest.is_empty() => format!("{}: {}", tidy(key), words(rest)),
        runs => words(runs),
    }
}

/// A text whose columns were parted by blanks.
pub(super) fn tidy(text: &str) -> String {
    let parts = text.split("  ").map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let mut tidy = String::with_capacity(text.len());
    for part in parts {
        let joined = tidy.ends_with([',', ':', ';']) || part.starts_with(',');
        if !tidy.is_empty() {
            tidy.push_str(if joined { " " } else { ", " });
        }
        tidy.push_str(part);
    }
    tidy.replace(" , ", ", ").replace(" ,", ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_parts_of_a_list() {
        assert_eq!(tidy("  a   b c  "), "a, b c");
        assert_eq!(
            tidy("d-1 , shop / production , 1.8"),
            "d-1, shop / production, 1.8"
        );
        assert_eq!(tidy("web:   replacement  30 %"), "web: replacement, 30 %");
        assert_eq!(tidy(""), "");
    }
}
