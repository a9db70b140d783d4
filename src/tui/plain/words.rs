//! Runs of a screen as a sentence: columns become parts of a list.

use crate::tui::paint::Run;
use crate::tui::theme::Role;

/// Some runs as a text.
pub(super) fn words(runs: &[Run]) -> String {
    let text: String = runs.iter().map(|(_, text)| text.as_str()).collect();
    tidy(&text)
}

/// What can be chosen in a row, each with its key.
pub(super) fn choices(runs: &[Run]) -> impl Iterator<Item = String> {
    let apart = |_: &Run, (role, _): &Run| *role != Role::Key;
    runs.chunk_by(apart).map(choice)
}

/// A key and what it does.
fn choice(runs: &[Run]) -> String {
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
    use crate::tui::paint::run;

    #[test]
    fn each_key_of_a_row_is_told_alone() {
        let row = [
            run(Role::Key, "v"),
            run(Role::Muted, "  step by step"),
            run(Role::Muted, "   "),
            run(Role::Key, "?"),
            run(Role::Muted, "  as a command"),
        ];
        let told: Vec<String> = choices(&row).collect();
        assert_eq!(told, ["v: step by step", "?: as a command"]);
        let plain = [run(Role::Text, "n, or an empty line, cancels")];
        assert_eq!(choices(&plain).count(), 1);
    }

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
