//! A Prometheus server: the value of an instant query against a threshold, or an alert by its name ([`rules`]).
//!
//! A query may find many series: the worst decides. One that finds none is no data, never well.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::value::{Element, Labels};
use super::{AlarmError, Answer, ask, first_line, rules};
use crate::model::alarm::AlarmState;
use crate::model::connections::{PrometheusAlarm, Question, Threshold};
use crate::providers::secrets::Secrets;

/// How long Prometheus may work on a query before it gives up and says so: a little less than we wait.
const PATIENCE: &str = "4s";

/// Asks once.
///
/// # Errors
/// If it does not answer, refuses the query, has no such alert, or can't evaluate it.
pub(super) async fn read(
    http: &reqwest::Client,
    secrets: &Secrets,
    alarm: &PrometheusAlarm,
) -> Result<Answer, AlarmError> {
    let server = Server {
        http,
        secrets,
        alarm,
        address: alarm.address.trim_end_matches('/'),
    };
    let question = alarm.question().map_err(|wrong| AlarmError::Refused {
        who: server.name(),
        reason: wrong.to_string(),
    })?;
    match question {
        Question::Alert(alert) => rules::read(&server, alert).await,
        Question::Query(query, threshold) => {
            let asked = [("query", query), ("timeout", PATIENCE)];
            let (data, warnings) = server.get::<Data>("/api/v1/query", &asked).await?;
            let mut answer = judge(elements(data, &server)?, threshold);
            if let Some(warning) = warnings.first() {
                answer.message.push_str("; Prometheus warns: ");
                answer.message.push_str(warning);
            }
            Ok(answer)
        }
    }
}

/// A Prometheus server.
pub(super) struct Server<'a> {
    http: &'a reqwest::Client,
    secrets: &'a Secrets,
    alarm: &'a PrometheusAlarm,
    address: &'a str,
}

/// Every answer of its API.
#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

impl Server<'_> {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        format!("Prometheus at {}", self.address)
    }

    /// What it was asked tells no state.
    pub fn unclear(&self, reason: impl Into<String>) -> AlarmError {
        AlarmError::Unclear {
            who: self.name(),
            reason: reason.into(),
        }
    }

    /// Asks, and takes the data of the answer with its warnings.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(T, Vec<String>), AlarmError> {
        let request = self.http.get(format!("{}{path}", self.address));
        let (headers, token) = (&self.alarm.headers, self.alarm.token.as_ref());
        let signed = self.secrets.sign(request.query(query), headers, token);
        let (request, shown) = signed.await.map_err(AlarmError::Secret)?;
        let mask = shown.mask();
        let (status, body) = ask(request, &self.name()).await?;
        let body = mask.bytes(&body).unwrap_or(body);
        // What is wrong comes first: an error has no data.
        match serde_json::from_slice::<Envelope<IgnoredAny>>(&body) {
            Ok(envelope) if envelope.status == "error" => {
                return Err(AlarmError::Refused {
                    who: self.name(),
                    reason: envelope.error.unwrap_or_else(|| status.to_string()),
                });
            }
            Ok(_) => {}
            Err(_) => {
                let said = first_line(&body, &mask);
                let hint = "is that the address of a Prometheus server?";
                return Err(self.unclear(format!("{status} {said:?}: {hint}")));
            }
        }
        let envelope: Envelope<T> =
            serde_json::from_slice(&body).map_err(|error| self.unclear(error.to_string()))?;
        let data = envelope.data.ok_or_else(|| self.unclear("no data"))?;
        Ok((data, envelope.warnings))
    }
}

/// The answer to a query.
#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "camelCase")]
enum Data {
    Vector(Vec<Series>),
    Scalar((f64, String)),
    Matrix(IgnoredAny),
    String(IgnoredAny),
}

#[derive(Deserialize)]
struct Series {
    metric: Labels,
    /// When, and what. A histogram has something else.
    value: Option<(f64, String)>,
}

fn elements(data: Data, server: &Server<'_>) -> Result<Vec<Element>, AlarmError> {
    let series = match data {
        Data::Vector(series) => series,
        Data::Scalar(value) => vec![Series {
            metric: Labels::new(),
            value: Some(value),
        }],
        Data::Matrix(_) => {
            let remedy =
                "a range of values, where one is needed: wrap the query, as in max_over_time(…)";
            return Err(server.unclear(remedy));
        }
        Data::String(_) => return Err(server.unclear("a text, where a number is needed")),
    };
    let read = series.into_iter().map(|one| {
        let Some((_, text)) = one.value else {
            let remedy = "a histogram, where a number is needed: try histogram_quantile(…)";
            return Err(server.unclear(remedy));
        };
        let number = text
            .parse()
            .map_err(|_| server.unclear(format!("{text:?}, which is no number")))?;
        Ok(Element {
            labels: one.metric,
            text,
            number,
        })
    });
    read.collect()
}

/// What values mean: the one that is farthest beyond the threshold, or nearest to it, decides.
fn judge(elements: Vec<Element>, threshold: Threshold) -> Answer {
    let all = elements.len();
    let numbers: Vec<Element> = elements
        .into_iter()
        .filter(|element| !element.number.is_nan())
        .collect();
    let nothing = all - numbers.len();
    let excess = |element: &Element| threshold.excess(element.number);
    let beyond = numbers.iter().filter(|one| excess(one) > 0.0).count();
    let worst = numbers.into_iter().reduce(|worst, one| {
        if excess(&one) > excess(&worst) {
            one
        } else {
            worst
        }
    });
    let Some(worst) = worst else {
        let message = match all {
            0 => "the query finds nothing",
            1 => "the value is NaN: is there anything to divide by?",
            _ => "every value is NaN: is there anything to divide by?",
        };
        return Answer {
            state: AlarmState::InsufficientData,
            value: (all > 0).then(|| "NaN".to_owned()),
            message: message.to_owned(),
        };
    };
    let shown = worst.shown(threshold);
    let mut message = match (beyond, all) {
        (0, 1) => format!("{shown} is not {threshold}"),
        (0, _) => format!("{shown}, the worst of {all} series, is not {threshold}"),
        (_, 1) => format!("{shown} is {threshold}"),
        (1, _) => format!("{shown} is {threshold}, the only one of {all} series"),
        _ => format!("{shown} is {threshold}, the worst of {beyond} among {all} series"),
    };
    if worst.number.is_infinite() {
        message.push_str("; a division by zero?");
    }
    if nothing > 0 {
        message = format!("{message}; {nothing} of {all} are NaN");
    }
    Answer {
        state: if beyond > 0 {
            AlarmState::Alarm
        } else {
            AlarmState::Ok
        },
        value: Some(worst.text),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOVE: Threshold = Threshold {
        above: Some(0.05),
        below: None,
    };

    /// State, value and message of these values, each of a host of its own.
    fn judged(values: &[&str], threshold: Threshold) -> (AlarmState, Option<String>, String) {
        let elements = values.iter().zip(1..).map(|(text, number)| Element {
            labels: [("host".to_owned(), format!("web-{number}"))].into(),
            text: (*text).to_owned(),
            number: text.parse().unwrap(),
        });
        let answer = judge(elements.collect(), threshold);
        (answer.state, answer.value, answer.message)
    }

    #[test]
    fn the_worst_decides_and_is_named() {
        let (state, value, message) = judged(&["0.01", "0.2", "0.1"], ABOVE);
        assert_eq!((state, value.as_deref()), (AlarmState::Alarm, Some("0.2")));
        let named = "0.2 for {host=\"web-2\"} is above 0.05, the worst of 2 among 3 series";
        assert_eq!(message, named);
        let (state, _, message) = judged(&["0.01", "0.04"], ABOVE);
        assert_eq!(state, AlarmState::Ok);
        let named = "0.04 for {host=\"web-2\"}, the worst of 2 series, is not above 0.05";
        assert_eq!(message, named);
        let below = Threshold {
            above: None,
            below: Some(1.0),
        };
        let (state, value, _) = judged(&["3", "0", "2"], below);
        assert_eq!((state, value.as_deref()), (AlarmState::Alarm, Some("0")));
    }

    #[test]
    fn nothing_and_not_a_number_are_no_data() {
        for values in [&[][..], &["NaN"], &["NaN", "NaN"]] {
            assert_eq!(judged(values, ABOVE).0, AlarmState::InsufficientData);
        }
        let (state, _, message) = judged(&["NaN", "0.01"], ABOVE);
        assert_eq!(state, AlarmState::Ok);
        assert!(message.ends_with("; 1 of 2 are NaN"), "{message}");
        assert_eq!(judged(&["NaN", "0.06"], ABOVE).0, AlarmState::Alarm);
    }

    #[test]
    fn infinity_counts_as_the_value_that_it_is() {
        let (state, value, message) = judged(&["+Inf"], ABOVE);
        assert_eq!((state, value.as_deref()), (AlarmState::Alarm, Some("+Inf")));
        let named = "+Inf for {host=\"web-1\"} is above 0.05; a division by zero?";
        assert_eq!(message, named);
        assert_eq!(judged(&["-Inf"], ABOVE).0, AlarmState::Ok);
    }
}
