//! The os-release file: shell assignments, of which only quoting is interpreted.

use super::Os;

/// What the file says.
pub(super) fn parse(text: &str) -> Os {
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.trim().split_once('='))
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| unquote(value.trim()))
            .next_back()
            .unwrap_or_default()
    };
    let name = value("PRETTY_NAME");
    Os {
        name: if name.is_empty() { value("NAME") } else { name },
        id: value("ID"),
        version: value("VERSION_ID"),
    }
}

/// The value without its quotes.
fn unquote(value: &str) -> String {
    let quoted = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    if let Some(literal) = quoted('\'') {
        return literal.to_owned();
    }
    let mut plain = String::new();
    let mut chars = quoted('"').unwrap_or(value).chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_are_understood() {
        let os = parse(
            "# a comment\nNAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Say \\\"hi\\\" 12\"\nID=debian\nVERSION_ID='12'\n",
        );
        assert_eq!(os.name, "Say \"hi\" 12");
        assert_eq!((os.id.as_str(), os.version.as_str()), ("debian", "12"));
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(parse("NAME=Void\n").name, "Void");
        assert_eq!(parse("\"=\n=\nNAME"), Os::default());
    }
}
