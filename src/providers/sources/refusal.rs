//! What it means that somebody does not send an archive, and what to do about it.

use reqwest::{Response, StatusCode};

use super::SourceError;
use crate::clock;
use crate::model::secret::SecretRef;

/// Of whom what was asked for, and how.
pub(super) struct Asked<'a> {
    pub who: &'a str,
    pub what: &'a str,
    /// The token that was sent along.
    pub token: Option<&'a SecretRef>,
}

/// Where tokens are given.
const PLACE: &str = "below connections.sources of cutover.yaml";

pub(super) fn refusal(asked: &Asked<'_>, response: &Response) -> SourceError {
    let Asked { who, what, token } = asked;
    let status = response.status();
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.trim());
    let spent = header("x-ratelimit-remaining") == Some("0") || header("retry-after").is_some();
    match (status, token) {
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::FORBIDDEN, _) if limited(status, spent) => {
            let until = header("x-ratelimit-reset").and_then(|at| at.parse().ok());
            let wait = header("retry-after").and_then(|wait| wait.parse().ok());
            let when = when(wait, until, clock::now().0);
            let known = match token {
                Some(_) => String::new(),
                None => format!(", or give it a token {PLACE}: who has one may ask more often"),
            };
            SourceError::NotNow(format!(
                "{who} takes no more requests for now ({status}): try again {when}{known}"
            ))
        }
        (StatusCode::UNAUTHORIZED, Some(token)) => SourceError::Refused(format!(
            "{who} does not take the token {token} ({status}): it has expired or was revoked, so put a new one where `secrets` of cutover.yaml keeps it"
        )),
        (StatusCode::FORBIDDEN, Some(token)) => SourceError::Refused(format!(
            "the token {token} may not read {what} ({status} of {who}): let it read the repository's contents, and authorize it where single sign-on is asked for"
        )),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => SourceError::Refused(format!(
            "{who} does not give {what} to everybody ({status}): give it a token {PLACE}"
        )),
        (StatusCode::NOT_FOUND | StatusCode::GONE, Some(token)) => SourceError::Missing(format!(
            "{who} has not got {what}, or hides it from the token {token} ({status}): check how it is written, and what the token may read"
        )),
        (StatusCode::NOT_FOUND | StatusCode::GONE, None) => SourceError::Missing(format!(
            "{who} has not got {what}, or hides it ({status}): check how it is written, and give it a token {PLACE} if it is private"
        )),
        _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            SourceError::NotNow(format!(
                "{who} can't serve it at the moment ({status}): try again"
            ))
        }
        _ => SourceError::Refused(format!(
            "{who} answers {status} to who asks for {what}: check how it is written"
        )),
    }
}

/// Whether it is a matter of how often, and not of who asks.
fn limited(status: StatusCode, spent: bool) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || spent
}

/// In how long, as far as it says so: after so many seconds, or at a time in seconds since the epoch. `now` is in milliseconds.
fn when(wait: Option<i64>, until: Option<i64>, now: i64) -> String {
    let left = until.map(|until| until.saturating_sub(now / 1000));
    match wait.or(left) {
        Some(seconds @ 1..120) => format!("in {seconds} s"),
        Some(seconds @ 120..) => format!("in {} minutes", (seconds + 59) / 60),
        _ => "later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_when_it_ends() {
        assert_eq!(when(Some(60), Some(10_000), 0), "in 60 s");
        assert_eq!(when(None, Some(10_000), 9_000_000), "in 17 minutes");
        assert_eq!(when(None, Some(10_000), 10_000_000), "later");
        assert_eq!(when(None, None, 0), "later");
    }
}
