//! Alarms: what is asked, and what of its answer is an alarm.

use serde::{Deserialize, Serialize};

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmConnection {
    /// As `alarmConfiguration` of a group names it; unique in the project.
    pub name: String,
    /// Who knows its state.
    pub source: AlarmSource,
}

/// Who knows an alarm's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AlarmSource {
    /// A Prometheus server: a query with a threshold, or an alert by its name. Exactly one of `query` and `alert`.
    Prometheus {
        /// Where it listens (`http://127.0.0.1:9090`).
        address: String,
        /// A query whose value is compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        query: Option<String>,
        /// A value above this is an alarm. Decimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        above: Option<String>,
        /// A value below this is an alarm. Decimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<String>,
        /// The name of an alerting rule: firing is an alarm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<String>,
    },
    /// A request: a status of 2xx is well, 503 or any other answer that came is an alarm.
    Http {
        /// Where to.
        url: String,
    },
    /// A command: 0 is well, 1 is an alarm, anything else is unreadable.
    Command {
        /// The program and its arguments.
        run: Vec<String>,
    },
}
