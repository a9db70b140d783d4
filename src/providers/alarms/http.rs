//! A URL: 2xx is well, 5xx is an alarm. Whatever else it answers says nothing of what is behind it (a page that has moved, a
//! path that is wrong, a missing login), so that the state can't be read; that nobody answers is told apart from that.

use super::{AlarmError, Answer, ask, first_line};
use crate::model::alarm::AlarmState;
use crate::model::connections::HttpAlarm;
use crate::providers::secrets::Secrets;

/// Asks once.
///
/// # Errors
/// If nobody answers, or the status is neither 2xx nor 5xx.
pub(super) async fn read(
    http: &reqwest::Client,
    secrets: &Secrets,
    alarm: &HttpAlarm,
) -> Result<Answer, AlarmError> {
    let request = http.get(&alarm.url);
    let signed = secrets.sign(request, &alarm.headers, alarm.token.as_ref());
    let (request, shown) = signed.await.map_err(AlarmError::Secret)?;
    let (status, body) = ask(request, &alarm.url).await?;
    let state = match status.as_u16() {
        200..300 => AlarmState::Ok,
        500.. => AlarmState::Alarm,
        _ => {
            let reason = format!("{status}, which is neither 2xx nor 5xx: is the URL right?");
            return Err(AlarmError::Unclear {
                who: alarm.url.clone(),
                reason,
            });
        }
    };
    let said = first_line(&body, &shown.mask());
    let message = if said.is_empty() {
        format!("{} answers {status}", alarm.url)
    } else {
        format!("{} answers {status}: {said}", alarm.url)
    };
    Ok(Answer {
        state,
        value: None,
        message,
    })
}
