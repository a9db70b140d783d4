//! Numbers and names in sentences.

use std::fmt::Display;

/// `web-1`, `web-1 and web-2`, `web-1, web-2 and 5 others`: at most three of `total` names.
pub(super) fn names<N: Display>(names: impl IntoIterator<Item = N>, total: usize) -> String {
    let mut shown: Vec<String> = names
        .into_iter()
        .take(3)
        .map(|name| name.to_string())
        .collect();
    // "1 other" takes no less room than a name, so three names mean three.
    if total > 3 {
        shown.truncate(2);
    }
    let others = total.saturating_sub(shown.len());
    if others > 0 {
        shown.push(format!("{others} others"));
    }
    match shown.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `1 instance`, `3 instances`.
pub(super) fn instances(n: u32) -> String {
    counted(n, "instance")
}

/// `1 host`, `3 hosts`.
pub(super) fn counted(n: u32, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

/// The first if there is one of them, the second if there are more.
pub(super) fn verb<'a>(n: u32, one: &'a str, more: &'a str) -> &'a str {
    if n == 1 { one } else { more }
}
