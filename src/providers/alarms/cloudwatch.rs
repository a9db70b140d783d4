//! An alarm of Amazon `CloudWatch`, which knows its state by itself.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use tokio::time::timeout;

use super::{AlarmError, Answer, DEADLINE};
use crate::model::alarm::AlarmState;
use crate::model::connections::CloudWatchAlarm;
use crate::providers::aws::{Accounts, Kind, Trouble};

/// What the request needs.
const PERMISSION: &str = "cloudwatch:DescribeAlarms";

/// Asks once. The alarm has this name unless it is given one.
///
/// # Errors
/// If there is no such alarm, or AWS does not say.
pub(super) async fn read(
    accounts: &Accounts,
    alarm: &CloudWatchAlarm,
    name: &str,
) -> Result<Answer, AlarmError> {
    let account = alarm.account.as_deref();
    let name = alarm.alarm.as_deref().unwrap_or(name);
    let asked = timeout(DEADLINE, ask(accounts, account, name)).await;
    let asked = asked.unwrap_or_else(|_| Err(Trouble::late(DEADLINE)));
    let who = || accounts.label("CloudWatch", account);
    match asked {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(AlarmError::Unclear {
            who: who(),
            reason: format!(
                "it has no alarm {name}: correct `alarm`, or the `region` of the account"
            ),
        }),
        Err(trouble) => {
            accounts.renew(&trouble).await;
            Err(error(who(), trouble))
        }
    }
}

async fn ask(
    accounts: &Accounts,
    account: Option<&str>,
    name: &str,
) -> Result<Option<Answer>, Trouble> {
    let session = accounts.session(account, None).await?;
    let asked = Client::new(&session)
        .describe_alarms()
        .alarm_names(name)
        // Composite ones are left out unless they are asked for.
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .send()
        .await;
    let answer = asked.map_err(|error| Trouble::of(&error, PERMISSION))?;
    let metric = answer.metric_alarms().iter().map(|alarm| {
        let states = (alarm.state_value(), alarm.state_reason());
        (alarm.alarm_name(), states)
    });
    let composite = answer.composite_alarms().iter().map(|alarm| {
        let states = (alarm.state_value(), alarm.state_reason());
        (alarm.alarm_name(), states)
    });
    let mut all = metric.chain(composite);
    let Some((_, (state, reason))) = all.find(|(found, _)| *found == Some(name)) else {
        return Ok(None);
    };
    let message = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let state = match state {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Alarm,
        Some(StateValue::InsufficientData) => AlarmState::InsufficientData,
        other => {
            let said = other.map_or("nothing", StateValue::as_str);
            let reason =
                format!("{name} is {said}, which is neither OK, ALARM nor INSUFFICIENT_DATA");
            return Err(Trouble::refused(reason));
        }
    };
    Ok(Some(Answer {
        state,
        value: None,
        message: format!("{name} is {}{message}", state.name()),
    }))
}

fn error(who: String, trouble: Trouble) -> AlarmError {
    let reason = trouble.reason;
    match trouble.kind {
        Kind::Unreachable => AlarmError::Unreachable { who, reason },
        Kind::Busy => AlarmError::Refused {
            who,
            reason: format!("{reason}; with a longer `intervalSeconds` it is asked less often"),
        },
        Kind::Credentials | Kind::Refused => AlarmError::Refused { who, reason },
    }
}
