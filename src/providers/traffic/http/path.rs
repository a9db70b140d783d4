//! A path through JSON: `state`, `peers.0.state`, `/peers/0/state`, `peers.name={server}.state`.

use serde_json::Value;

use super::template::{Escape, Template, Values};

/// A path, step by step.
#[derive(Clone, Debug)]
pub(super) struct Path {
    text: String,
    steps: Vec<Template>,
}

/// What is at the end of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found<'a> {
    Value(&'a Value),
    /// Nothing of the server's name is there.
    NoServer,
}

impl Path {
    /// Reads a path: a JSON pointer if it begins with `/`, else keys and indices with dots between them.
    ///
    /// # Errors
    /// If it has a placeholder that is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let steps: Vec<String> = match text.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(|step| step.replace("~1", "/").replace("~0", "~"))
                .collect(),
            None => text.split('.').map(str::to_owned).collect(),
        };
        if steps.iter().any(String::is_empty) {
            return Err(format!(
                "{text:?} is no path: write keys with dots between them, as in checks.http.ok, or a JSON pointer"
            ));
        }
        let steps = steps.iter().map(|step| Template::parse(step));
        Ok(Self {
            text: text.to_owned(),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    /// Follows it.
    ///
    /// # Errors
    /// If the answer has nothing there, with the path.
    pub(super) fn find<'a>(
        &self,
        answer: &'a Value,
        values: Values<'_>,
    ) -> Result<Found<'a>, String> {
        let mut at = answer;
        for template in &self.steps {
            let step = template.fill(values, Escape::Plain);
            match next(at, &step) {
                Some(value) => at = value,
                None if template.is_by_server() => return Ok(Found::NoServer),
                None => return Err(format!("nothing is at {} (no {step:?})", self.text)),
            }
        }
        Ok(Found::Value(at))
    }

    /// As the document has it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn next<'a>(at: &'a Value, step: &str) -> Option<&'a Value> {
    match at {
        Value::Object(fields) => fields.get(step),
        Value::Array(elements) => match step.split_once('=') {
            Some((key, wanted)) => elements
                .iter()
                .find(|e| e.get(key).and_then(word).is_some_and(|w| w == wanted)),
            None => elements.get(step.parse::<usize>().ok()?),
        },
        _ => None,
    }
}

/// A text, a number or a truth value as a word.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::Endpoint;

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let answer = serde_json::json!({
            "servers": { "w.1": { "a/b": 3 } },
            "peers": [ { "name": "other" }, { "name": "w.1", "up": true } ],
        });
        let endpoint = Endpoint::parse("127.0.0.1:1").unwrap();
        let values = Values {
            server: "w.1",
            endpoint: &endpoint,
            weight: 0,
        };
        let find = |text: &str| Path::parse(text).unwrap().find(&answer, values);
        let three = serde_json::json!(3);
        assert_eq!(find("/servers/{server}/a~1b"), Ok(Found::Value(&three)));
        assert_eq!(find("servers.{server}.a/b"), Ok(Found::Value(&three)));
        let truth = serde_json::json!(true);
        assert_eq!(find("peers.name={server}.up"), Ok(Found::Value(&truth)));
        assert_eq!(find("peers.1.up"), Ok(Found::Value(&truth)));
        assert_eq!(find("peers.name={host}.up"), Ok(Found::NoServer));
        let error = find("peers.1.down").unwrap_err();
        assert!(error.contains("peers.1.down"), "{error}");
        for text in ["", ".", "a..b", "/", "{sever}"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}
