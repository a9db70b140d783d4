//! Numbers and names in sentences.

use crate::model::name::Name;

/// `1 instance`, `3 instances`.
pub(crate) fn instances(n: usize) -> String {
    if n == 1 {
        "1 instance".to_owned()
    } else {
        format!("{n} instances")
    }
}

/// `web-1, web-2 and 5 more`
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a Name>, most: usize) -> String {
    let names: Vec<&str> = names.into_iter().map(AsRef::as_ref).collect();
    let shown = names
        .iter()
        .take(most)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > most {
        format!("{shown} and {} more", names.len() - most)
    } else {
        shown
    }
}

/// Requests or errors a second: `0`, `4.2`, `812`, `12.3k`.
pub(crate) fn rate(rate: f64) -> String {
    match rate {
        r if r <= 0.0 => "0".to_owned(),
        r if r < 9.95 => format!("{r:.1}"),
        r if r < 9_999.5 => format!("{r:.0}"),
        r => format!("{:.1}k", r / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        assert_eq!(
            [0.0, 0.04, 4.23, 9.96, 812.4, 9_999.4, 12_345.0].map(rate),
            ["0", "0.0", "4.2", "10", "812", "9999", "12.3k"]
        );
    }
}
