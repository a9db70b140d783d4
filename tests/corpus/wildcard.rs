//! `*` in an expected text stands for anything.

/// Whether a text is what a pattern says.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

/// Whether a text contains what a pattern says.
pub fn contains(text: &str, pattern: &str) -> bool {
    matches(&format!("*{pattern}*"), text)
}
