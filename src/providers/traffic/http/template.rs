//! Text with placeholders, and how what they stand for is written where they stand.

use std::fmt::Write as _;

use crate::model::endpoint::Endpoint;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Server,
    Endpoint,
    Host,
    Port,
    Weight,
}

const ALL: [(&str, Placeholder); 5] = [
    ("server", Placeholder::Server),
    ("endpoint", Placeholder::Endpoint),
    ("host", Placeholder::Host),
    ("port", Placeholder::Port),
    ("weight", Placeholder::Weight),
];

/// What placeholders stand for, in one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub(super) server: &'a str,
    pub(super) endpoint: &'a Endpoint,
    pub(super) weight: u32,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    Plain,
    /// As in a URL behind its host, or in a form.
    Percent,
    /// As inside the quotes of a JSON string.
    Json,
    /// As the host of a URL: an IPv6 address in brackets.
    Authority,
}

/// Text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

impl Template {
    /// Reads text. Letters in braces are a placeholder; any other brace is a brace, as in JSON.
    ///
    /// # Errors
    /// If there is no such placeholder.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find('{') {
            let (before, braced) = rest.split_at(begin);
            let inner = braced.get(1..).unwrap_or_default();
            let letters = inner.find(|c: char| !c.is_ascii_alphabetic());
            let word = letters.and_then(|end| inner.get(..end)).unwrap_or_default();
            let is_closed = inner.get(word.len()..).is_some_and(|r| r.starts_with('}'));
            pieces.push(Piece::Text(before.to_owned()));
            if word.is_empty() || !is_closed {
                pieces.push(Piece::Text("{".to_owned()));
                rest = inner;
                continue;
            }
            let known = ALL.iter().find(|(name, _)| *name == word);
            let (_, placeholder) = known.ok_or_else(|| {
                format!(
                    "there is no placeholder {{{word}}}: there are {{server}}, {{endpoint}}, {{host}}, {{port}} and {{weight}}"
                )
            })?;
            pieces.push(Piece::Placeholder(*placeholder));
            rest = inner.get(word.len() + 1..).unwrap_or_default();
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// Whether a placeholder is in it.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Placeholder(placeholder))
    }

    /// Whether it is another one for each server.
    pub(super) fn is_by_server(&self) -> bool {
        self.0.iter().any(|p| matches!(p, Piece::Placeholder(_)))
    }

    /// The text with its values.
    pub(super) fn fill(&self, values: Values<'_>, escape: Escape) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Placeholder(placeholder) => {
                    let value = match placeholder {
                        Placeholder::Server => values.server.to_owned(),
                        Placeholder::Endpoint => values.endpoint.to_string(),
                        Placeholder::Host => values.endpoint.host.clone(),
                        Placeholder::Port => values.endpoint.port.to_string(),
                        Placeholder::Weight => values.weight.to_string(),
                    };
                    match escape {
                        Escape::Plain => text.push_str(&value),
                        Escape::Percent => percent_encode(&value, b"-._~", &mut text),
                        Escape::Authority => {
                            let bare = *placeholder == Placeholder::Host && value.contains(':');
                            let value = if bare { format!("[{value}]") } else { value };
                            percent_encode(&value, b"-._~:[]", &mut text);
                        }
                        Escape::Json => {
                            let quoted = serde_json::Value::from(value).to_string();
                            let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
                            text.push_str(inner.unwrap_or_default());
                        }
                    }
                }
            }
        }
        text
    }
}

fn percent_encode(value: &str, plain: &[u8], into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _infallible = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, escape: Escape) -> String {
        let endpoint = Endpoint::parse("[::1]:8080").unwrap();
        let values = Values {
            server: "web+1@a",
            endpoint: &endpoint,
            weight: 7,
        };
        Template::parse(text).unwrap().fill(values, escape)
    }

    #[test]
    fn values_are_written_as_their_place_wants_them() {
        assert_eq!(
            fill("{server}/{endpoint}?w={weight}", Escape::Percent),
            "web%2B1%40a/%5B%3A%3A1%5D%3A8080?w=7"
        );
        assert_eq!(fill("{host}:{port}", Escape::Authority), "[::1]:8080");
        assert_eq!(fill("{endpoint}", Escape::Authority), "[::1]:8080");
        assert_eq!(
            fill(r#"{"s":"{server}","w":{weight},"o":{}}"#, Escape::Json),
            r#"{"s":"web+1@a","w":7,"o":{}}"#
        );
        assert_eq!(fill("{server", Escape::Plain), "{server");
        assert_eq!(fill("a{", Escape::Plain), "a{");
    }

    #[test]
    fn a_hostile_value_stays_inside_its_string() {
        let endpoint = Endpoint {
            host: "a\"},\\\n/?#".to_owned(),
            port: 1,
        };
        let values = Values {
            server: "w",
            endpoint: &endpoint,
            weight: 0,
        };
        let template = Template::parse(r#"{"host":"{host}"}"#).unwrap();
        let body: serde_json::Value =
            serde_json::from_str(&template.fill(values, Escape::Json)).unwrap();
        assert_eq!(body["host"], endpoint.host);
        let url = Template::parse("http://{host}/").unwrap();
        let url = url.fill(values, Escape::Authority);
        assert!(reqwest::Url::parse(&url).is_err(), "{url}");
        let url = Template::parse("{host}").unwrap();
        assert_eq!(
            url.fill(values, Escape::Percent),
            "a%22%7D%2C%5C%0A%2F%3F%23"
        );
    }

    #[test]
    fn a_placeholder_that_is_none_is_named() {
        let error = Template::parse("/{sever}").unwrap_err();
        assert!(
            error.contains("{sever}") && error.contains("{server}"),
            "{error}"
        );
    }
}
