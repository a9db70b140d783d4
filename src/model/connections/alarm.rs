//! Alarms: what is asked, and what of its answer is an alarm.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::secret::{SecretRef, TextOrSecret};

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmConnection {
    /// As `alarmConfiguration` of a group names it; unique in the project.
    pub name: String,
    /// Who knows its state.
    pub source: AlarmSource,
    /// Seconds from one poll to the next, at least 1; `settings.alarms.intervalSeconds` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
}

/// Who knows an alarm's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlarmSource {
    /// A Prometheus server.
    Prometheus(PrometheusAlarm),
    /// A URL: 2xx is well, 5xx is an alarm.
    Http(HttpAlarm),
    /// A command: 0 is well, 1 is an alarm, 2 is no data.
    Command(CommandAlarm),
    /// An alarm of Amazon `CloudWatch`, a metric alarm or a composite one.
    #[serde(rename = "cloudwatch")]
    CloudWatch(CloudWatchAlarm),
}

/// A Prometheus server: a query with a threshold, or an alert by its name. Exactly one of `query` and `alert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrometheusAlarm {
    /// Where it listens (`http://127.0.0.1:9090`); with a path if it is not at the root.
    pub address: String,
    /// A query whose value is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A value above this is an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Decimal>,
    /// A value below this is an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Decimal>,
    /// The name of an alerting rule: firing is an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// Header lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The secret that is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// A request with `GET`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpAlarm {
    /// Where to.
    pub url: String,
    /// Header lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The secret that is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// A command, run in the project's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandAlarm {
    /// The program and its arguments.
    pub run: Vec<String>,
    /// Secrets that it gets in its environment, by the names of variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
}

/// An alarm of Amazon `CloudWatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CloudWatchAlarm {
    /// As `CloudWatch` calls it; the connection's own name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
    /// The account that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A decimal, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(pub String);

impl Decimal {
    /// The number, if it is a finite one.
    pub fn number(&self) -> Option<f64> {
        let decimal = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let text = Some(self.0.as_str()).filter(|text| text.chars().all(decimal));
        text?.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// What a Prometheus server is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Question<'a> {
    /// The value of a query against a threshold.
    Query(&'a str, Threshold),
    /// Whether an alert of this name fires.
    Alert(&'a str),
}

/// What values are an alarm: those above the one limit or below the other. At least one is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The most that is well.
    pub above: Option<f64>,
    /// The least that is well.
    pub below: Option<f64>,
}

/// What is wrong with what a Prometheus server is to be asked, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// Neither a query nor an alert, or both.
    #[error("write either `query` with `above` or `below`, or `alert`")]
    Either,
    /// The query or the alert has no text.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// A query without a limit.
    #[error("a query needs a threshold: add `above` or `below`")]
    NoThreshold,
    /// A limit for an alert.
    #[error("an alert has its threshold in its rule: remove `{0}`")]
    Threshold(&'static str),
    /// A limit that is no finite number.
    #[error("`{0}` is no finite decimal: write a number such as 0.05")]
    Decimal(&'static str),
    /// Every value would be an alarm.
    #[error("`below` is larger than `above`: every value would be an alarm")]
    Crossed,
}

impl QuestionError {
    /// The field that is wrong, if it is one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Either => None,
            Self::NoThreshold => Some("query"),
            Self::Crossed => Some("below"),
            Self::Empty(field) | Self::Threshold(field) | Self::Decimal(field) => Some(field),
        }
    }
}

impl PrometheusAlarm {
    /// What it is asked.
    ///
    /// # Errors
    /// If the fields do not fit together, which is found when documents are read.
    pub fn question(&self) -> Result<Question<'_>, QuestionError> {
        let blank = |text: &str| text.trim().is_empty();
        match (&self.query, &self.alert) {
            (Some(query), None) if blank(query) => Err(QuestionError::Empty("query")),
            (None, Some(alert)) if blank(alert) => Err(QuestionError::Empty("alert")),
            (Some(query), None) => Ok(Question::Query(query, self.threshold()?)),
            (None, Some(alert)) => match (&self.above, &self.below) {
                (Some(_), _) => Err(QuestionError::Threshold("above")),
                (None, Some(_)) => Err(QuestionError::Threshold("below")),
                (None, None) => Ok(Question::Alert(alert)),
            },
            _ => Err(QuestionError::Either),
        }
    }

    fn threshold(&self) -> Result<Threshold, QuestionError> {
        let number = |field, limit: &Option<Decimal>| {
            let limit = limit.as_ref();
            let number = limit.map(|limit| limit.number().ok_or(QuestionError::Decimal(field)));
            number.transpose()
        };
        let above = number("above", &self.above)?;
        let below = number("below", &self.below)?;
        match (above, below) {
            (None, None) => Err(QuestionError::NoThreshold),
            (Some(above), Some(below)) if below > above => Err(QuestionError::Crossed),
            _ => Ok(Threshold { above, below }),
        }
    }
}

impl AlarmSource {
    /// What makes it an alarm, in a few words.
    pub fn threshold(&self) -> String {
        match self {
            Self::Prometheus(prometheus) => match prometheus.question() {
                Ok(Question::Query(_, threshold)) => threshold.to_string(),
                Ok(Question::Alert(alert)) => format!("{alert} fires"),
                Err(error) => error.to_string(),
            },
            Self::Http(_) => "answers 5xx".to_owned(),
            Self::Command(_) => "exit code 1".to_owned(),
            Self::CloudWatch(_) => "ALARM in CloudWatch".to_owned(),
        }
    }
}

impl Threshold {
    /// How far a value is beyond the limits; 0 or less is within them.
    pub fn excess(&self, value: f64) -> f64 {
        let above = self.above.map(|limit| value - limit);
        let below = self.below.map(|limit| limit - value);
        above
            .into_iter()
            .chain(below)
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.above, self.below) {
            (Some(above), None) => write!(f, "above {above}"),
            (None, Some(below)) => write!(f, "below {below}"),
            (Some(above), Some(below)) => write!(f, "below {below} or above {above}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prometheus(fields: &str) -> PrometheusAlarm {
        let text = format!("{{\"address\": \"http://127.0.0.1:9090\", {fields}}}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_question_is_a_query_with_a_threshold_or_an_alert() {
        let told = |fields: &str| prometheus(fields).question().unwrap_err().to_string();
        let either = "write either `query` with `above` or `below`, or `alert`";
        assert_eq!(told(r#""above": "1""#), either);
        assert_eq!(told(r#""query": "up", "alert": "Down""#), either);
        assert_eq!(told(r#""query": " ", "above": "1""#), "`query` is empty");
        assert_eq!(
            told(r#""query": "up""#),
            "a query needs a threshold: add `above` or `below`"
        );
        assert_eq!(
            told(r#""alert": "Down", "below": "1""#),
            "an alert has its threshold in its rule: remove `below`"
        );
        assert_eq!(
            told(r#""query": "up", "above": "1", "below": "2""#),
            "`below` is larger than `above`: every value would be an alarm"
        );
        for wrong in ["nan", "inf", "1e999", "", "5%", "0x10", "1,5", "infinity"] {
            let fields = format!(r#""query": "up", "below": "{wrong}""#);
            assert_eq!(
                told(&fields),
                "`below` is no finite decimal: write a number such as 0.05"
            );
        }
        let alert = prometheus(r#""alert": "Down""#);
        assert_eq!(alert.question(), Ok(Question::Alert("Down")));
        assert_eq!(AlarmSource::Prometheus(alert).threshold(), "Down fires");
    }

    #[test]
    fn the_excess_is_positive_beyond_a_limit_and_on_it_not() {
        let threshold = |above, below| Threshold { above, below };
        let beyond = |threshold: Threshold, value| threshold.excess(value) > 0.0;
        let most = threshold(Some(0.05), None);
        assert!(beyond(most, 0.050_001) && beyond(most, f64::INFINITY));
        assert!(!beyond(most, 0.05) && !beyond(most, f64::NEG_INFINITY));
        let band = threshold(Some(9.0), Some(1.0));
        assert!(beyond(band, 9.5) && beyond(band, 0.5) && beyond(band, f64::NEG_INFINITY));
        assert!(!beyond(band, 1.0) && !beyond(band, 5.0));
        assert_eq!(band.to_string(), "below 1 or above 9");
    }
}
