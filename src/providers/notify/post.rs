//! A `POST`, and what its answer means.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};

use super::{Answer, Notifier, short};
use crate::clock;
use crate::model::notification::Message;
use crate::model::secret::mask::Mask;

/// More of an answer is not read, in bytes.
const READ: usize = 1024;

impl Notifier {
    /// A request that carries JSON and says which message it is.
    pub(super) fn request(
        &self,
        url: &str,
        message: &Message,
    ) -> Result<reqwest::RequestBuilder, String> {
        let request = self
            .http()?
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", &message.id)
            .header("X-Cutover-Delivery", &message.id)
            .header("X-Cutover-Event", &message.event);
        Ok(request)
    }
}

/// Sends it. Nothing that is said of it holds what the mask hides.
pub(super) async fn send(request: reqwest::RequestBuilder, mask: &Mask) -> Answer {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failed(error),
    };
    let status = response.status();
    if status.is_success() {
        return Answer::Taken(status.to_string());
    }
    if status.is_redirection() {
        let place = response.headers().get(LOCATION);
        let place = place.map_or_else(String::new, |to| {
            format!(" to {}", short(to.as_bytes(), mask))
        });
        return Answer::Refused(format!(
            "{status}{place}: write the address that it answers at"
        ));
    }
    let wait = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| pause(value.to_str().ok()?, clock::now().0));
    let said = short(&beginning(response).await, mask);
    let words = match said.as_str() {
        "" => status.to_string(),
        said => format!("{status}: {said}"),
    };
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_client_error() && !later.contains(&status) {
        Answer::Refused(words)
    } else {
        Answer::NotNow { why: words, wait }
    }
}

/// An error without the address, which may be a secret.
fn failed(error: reqwest::Error) -> Answer {
    if error.is_builder() {
        return Answer::Refused("the address can't be used".to_owned());
    }
    if error.is_timeout() {
        return Answer::not_now("no answer in time");
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Answer::not_now(cause.to_string())
}

/// The beginning of what it says; what does not come in time is missing.
async fn beginning(response: reqwest::Response) -> Vec<u8> {
    let mut read = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(Ok(chunk)) = body.next().await {
        read.extend_from_slice(&chunk);
        if read.len() >= READ {
            read.truncate(READ);
            break;
        }
    }
    read
}

/// What `Retry-After` asks to wait: seconds, or until a date. `now` is in milliseconds since the epoch.
fn pause(value: &str, now: i64) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(value.trim())
        .ok()?;
    let left = date.as_millisecond().saturating_sub(now);
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(pause("90", 0), Some(Duration::from_secs(90)));
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        let then = 1_445_412_480_000;
        assert_eq!(pause(date, then - 5_000), Some(Duration::from_secs(5)));
        assert_eq!(pause(date, then + 5_000), Some(Duration::ZERO));
        assert_eq!(pause("soon", 0), None);
    }
}
