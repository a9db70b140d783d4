//! Spans of time in narrow columns.

use std::time::Duration;

/// A span in at most four cells: `3s`, `59s`, `12m`, `9h`, `3d`.
pub(crate) fn tiny(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fit_four_cells() {
        let tiny = |seconds| tiny(Duration::from_secs(seconds));
        assert_eq!(
            [tiny(0), tiny(59), tiny(61), tiny(7300), tiny(90_000)],
            ["0s", "59s", "1m", "2h", "1d"]
        );
    }
}
