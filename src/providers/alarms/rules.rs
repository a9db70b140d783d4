//! An alert of a Prometheus server by its name, told from the rules that the server evaluates: an alert that no rule defines
//! never fires, and must not pass for one that is well.

use serde::Deserialize;

use super::prometheus::Server;
use super::value::{Labels, named};
use super::{AlarmError, Answer};
use crate::model::alarm::AlarmState;
use crate::model::yaml::nearest;

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// `inactive`, `pending` or `firing`; recording rules have none.
    #[serde(default)]
    state: String,
    /// `ok`, `err`, or `unknown` before the first evaluation.
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    labels: Labels,
    state: String,
    #[serde(default)]
    value: String,
}

/// Asks once. Several rules may have the name: any of them fires for all.
///
/// # Errors
/// If the server does not answer, has no such rule, or can't evaluate it.
pub(super) async fn read(server: &Server<'_>, alert: &str) -> Result<Answer, AlarmError> {
    let (rules, _) = server
        .get::<Rules>("/api/v1/rules", &[("type", "alert")])
        .await?;
    let all: Vec<Rule> = rules
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .filter(|rule| rule.kind == "alerting")
        .collect();
    let ours: Vec<&Rule> = all.iter().filter(|rule| rule.name == alert).collect();
    if ours.is_empty() {
        let help = nearest(alert, all.iter().map(|rule| &rule.name));
        let help = help.map_or_else(String::new, |help| format!(", {help}"));
        let reason = format!("no alerting rule is called {alert}{help}");
        return Err(server.unclear(reason));
    }
    judge(alert, &ours).map_err(|reason| server.unclear(reason))
}

/// What rules of one name mean, or why they mean nothing.
fn judge(name: &str, rules: &[&Rule]) -> Result<Answer, String> {
    let in_state = |state: &'static str| {
        let alerts = rules.iter().flat_map(|rule| &rule.alerts);
        alerts.filter(move |alert| alert.state == state)
    };
    if let Some(worst) = in_state("firing").next() {
        let mut labels = worst.labels.clone();
        labels.remove("alertname");
        let others = match in_state("firing").count() - 1 {
            0 => String::new(),
            others => format!(", and {others} more"),
        };
        return Ok(Answer {
            state: AlarmState::Alarm,
            value: plain(&worst.value),
            message: format!("{name}{} fires{others}", named(&labels)),
        });
    }
    let answer = |state, message: String| {
        Ok(Answer {
            state,
            value: None,
            message,
        })
    };
    if rules.iter().any(|rule| rule.state == "firing") {
        return answer(AlarmState::Alarm, format!("{name} fires"));
    }
    if let Some(broken) = rules.iter().find(|rule| rule.health == "err") {
        let reason = &broken.last_error;
        return Err(format!("the rule {name} can't be evaluated: {reason}"));
    }
    if rules.iter().any(|rule| rule.health == "unknown") {
        let message = format!("{name} has not been evaluated yet");
        return answer(AlarmState::InsufficientData, message);
    }
    let pending = in_state("pending").count() > 0;
    let state = if pending {
        "pending, which is not firing yet"
    } else {
        "inactive"
    };
    answer(AlarmState::Ok, format!("{name} is {state}"))
}

/// Rules write their values with an exponent (`1e+00`); shown is the number.
fn plain(text: &str) -> Option<String> {
    let number = text.parse::<f64>().ok();
    let number = number.map(super::value::short);
    number.or_else(|| Some(text.to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_rule_that_can_not_be_evaluated_is_no_good_news() {
        let broken = rule(
            r#"{"name": "A", "type": "alerting", "state": "inactive", "health": "err", "lastError": "many-to-many"}"#,
        );
        let fine =
            rule(r#"{"name": "A", "type": "alerting", "state": "inactive", "health": "ok"}"#);
        let new =
            rule(r#"{"name": "A", "type": "alerting", "state": "inactive", "health": "unknown"}"#);
        let reason = judge("A", &[&fine, &broken]).err();
        assert_eq!(
            reason.as_deref(),
            Some("the rule A can't be evaluated: many-to-many")
        );
        let state = |rules: &[&Rule]| judge("A", rules).ok().map(|answer| answer.state);
        assert_eq!(state(&[&fine]), Some(AlarmState::Ok));
        assert_eq!(state(&[&fine, &new]), Some(AlarmState::InsufficientData));
    }

    #[test]
    fn any_that_fires_fires_for_all() {
        let broken =
            rule(r#"{"name": "A", "type": "alerting", "state": "inactive", "health": "err"}"#);
        let fires = rule(
            r#"{"name": "A", "type": "alerting", "state": "firing", "health": "ok", "alerts": [
                {"labels": {"alertname": "A", "host": "w1"}, "state": "pending", "value": "2e-01"},
                {"labels": {"alertname": "A", "host": "w2"}, "state": "firing", "value": "3e-01"}]}"#,
        );
        let answer = judge("A", &[&broken, &fires]).ok().unwrap();
        assert_eq!(answer.state, AlarmState::Alarm);
        assert_eq!(answer.value.as_deref(), Some("0.3"));
        assert_eq!(answer.message, "A{host=\"w2\"} fires");
    }
}
