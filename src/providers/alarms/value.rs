//! Values as Prometheus writes them, and how they are shown.

use std::collections::BTreeMap;

use crate::model::connections::Threshold;

/// A series' labels, `__name__` among them.
pub(super) type Labels = BTreeMap<String, String>;

/// One value of a query's answer.
#[derive(Clone, Debug)]
pub(super) struct Element {
    /// Whose it is; empty if the query left no labels.
    pub labels: Labels,
    /// As Prometheus wrote it.
    pub text: String,
    /// Read.
    pub number: f64,
}

impl Element {
    /// The value short, unless rounding it would put it on the other side of the threshold; with its labels.
    pub fn shown(&self, threshold: Threshold) -> String {
        let short = short(self.number);
        let beyond = |number: f64| threshold.excess(number) > 0.0;
        let faithful = short
            .parse()
            .is_ok_and(|number| beyond(number) == beyond(self.number));
        let value = if faithful { &short } else { &self.text };
        match named(&self.labels) {
            labels if labels.is_empty() => value.clone(),
            labels => format!("{value} for {labels}"),
        }
    }
}

/// Four digits that matter.
pub(super) fn short(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e12).contains(&size) {
        return format!("{number:.3e}");
    }
    let decimals = [1000.0, 100.0, 10.0, 1.0, 0.1, 0.01, 0.001]
        .iter()
        .position(|least| size >= *least)
        .unwrap_or(7);
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Labels as Prometheus writes them: `name{label="value"}`.
pub(super) fn named(labels: &Labels) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    if pairs.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_never_on_the_wrong_side() {
        let shown = [
            0.0,
            0.052_631_578,
            0.2,
            1.0,
            -3.25,
            99.999,
            1234.56,
            5e13,
            1e-9,
            f64::INFINITY,
        ]
        .map(short);
        assert_eq!(
            shown,
            [
                "0", "0.05263", "0.2", "1", "-3.25", "100", "1235", "5.000e13", "1.000e-9", "+Inf"
            ]
        );
        let threshold = Threshold {
            above: Some(0.05),
            below: None,
        };
        let element = |text: &str| Element {
            labels: Labels::new(),
            text: text.to_owned(),
            number: text.parse().unwrap(),
        };
        assert_eq!(element("0.0500000001").shown(threshold), "0.0500000001");
        assert_eq!(element("0.0600000001").shown(threshold), "0.06");
    }

    #[test]
    fn labels_name_a_series() {
        let labels = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            named(&owned.collect())
        };
        assert_eq!(labels(&[]), "");
        assert_eq!(labels(&[("__name__", "up")]), "up");
        assert_eq!(
            labels(&[("__name__", "up"), ("job", "a\"b"), ("zone", "1")]),
            r#"up{job="a\"b",zone="1"}"#
        );
    }
}
