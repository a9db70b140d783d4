//! What a plain scalar means: YAML 1.2, core schema.

/// The meaning of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text,
}

/// Tells what a plain scalar means. `yes`, `on` and `12:30` are text; a whole number beyond 64 bits is a float.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    integer(text)
        .or_else(|| float(text))
        .unwrap_or(Scalar::Text)
}

fn integer(text: &str) -> Option<Scalar> {
    let digits = |text: &str, radix| {
        let good = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        good.then(|| u64::from_str_radix(text, radix).ok())
            .flatten()
            .map(Scalar::Unsigned)
    };
    if let Some(rest) = text.strip_prefix("0o") {
        return digits(rest, 8);
    }
    if let Some(rest) = text.strip_prefix("0x") {
        return digits(rest, 16);
    }
    if let Some(rest) = text.strip_prefix('-') {
        let good = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        return good
            .then(|| text.parse().ok())
            .flatten()
            .map(Scalar::Signed);
    }
    digits(text.strip_prefix('+').unwrap_or(text), 10)
}

fn float(text: &str) -> Option<Scalar> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(rest, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Some(Scalar::Float(f64::INFINITY * sign));
    }
    let starts_well = rest.starts_with(|c: char| c.is_ascii_digit())
        || rest
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    // Rust reads the core schema's decimal floats and nothing else that starts with a digit.
    starts_well
        .then(|| text.parse().ok())
        .flatten()
        .map(Scalar::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema() {
        for (text, expected) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("null", Scalar::Null),
            ("true", Scalar::Bool(true)),
            ("FALSE", Scalar::Bool(false)),
            ("yes", Scalar::Text),
            ("on", Scalar::Text),
            ("0", Scalar::Unsigned(0)),
            ("0644", Scalar::Unsigned(644)),
            ("+12", Scalar::Unsigned(12)),
            ("-12", Scalar::Signed(-12)),
            ("0o644", Scalar::Unsigned(0o644)),
            ("0xfF", Scalar::Unsigned(255)),
            ("0x", Scalar::Text),
            ("0b1", Scalar::Text),
            ("1_000", Scalar::Text),
            ("0.0", Scalar::Float(0.0)),
            (".5", Scalar::Float(0.5)),
            ("1.", Scalar::Float(1.0)),
            ("1e3", Scalar::Float(1000.0)),
            ("-.inf", Scalar::Float(f64::NEG_INFINITY)),
            (".", Scalar::Text),
            ("-", Scalar::Text),
            ("1.8.0", Scalar::Text),
            ("12:30", Scalar::Text),
            ("inf", Scalar::Text),
            ("nan", Scalar::Text),
            ("18446744073709551615", Scalar::Unsigned(u64::MAX)),
            (
                "18446744073709551616",
                Scalar::Float(18_446_744_073_709_551_616.0),
            ),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
