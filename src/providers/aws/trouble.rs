//! Why AWS did not do what it was asked, in a sentence that says what to do.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody answered, or not in time.
    Unreachable,
    /// It was asked too often, or has trouble of its own: later it may answer.
    Busy,
    /// There are no credentials, or they are not accepted any more: once they are renewed it answers.
    Credentials,
    /// It refused, and will again.
    Refused,
}

/// What kind of trouble there is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub kind: Kind,
    /// What went wrong, and the remedy.
    pub reason: String,
    /// AWS's own word for it.
    pub code: String,
}

impl Trouble {
    /// It is refused, for a reason of our own.
    pub fn refused(reason: String) -> Self {
        Self {
            kind: Kind::Refused,
            reason,
            code: String::new(),
        }
    }

    /// No answer came within this time.
    pub fn late(patience: Duration) -> Self {
        Self {
            kind: Kind::Unreachable,
            reason: format!(
                "not within {} s: can it be reached from here, and does the account have credentials?",
                patience.as_secs()
            ),
            code: String::new(),
        }
    }

    /// What an answer of the SDK means. `permission` is what the request needs.
    pub fn of<E>(error: &SdkError<E, HttpResponse>, permission: &str) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(answer) = error else {
            return Self::before_an_answer(error);
        };
        let status = answer.raw().status().as_u16();
        let code = answer.err().code().unwrap_or_default();
        let said = answer.err().message().unwrap_or_default();
        Self::said(status, code, said, permission)
    }

    /// Whether a permission is missing.
    pub fn is_denied(&self) -> bool {
        matches!(family(&self.code, 0), Family::Denied)
    }

    /// Whether it was asked too often.
    pub fn is_throttled(&self) -> bool {
        matches!(family(&self.code, 0), Family::Throttled)
    }

    /// Whether there may be no more of what was asked for.
    pub fn is_limit(&self) -> bool {
        let known = [
            "LimitExceeded",
            "LimitExceededException",
            "AttributeLimitExceededException",
            "ServiceQuotaExceededException",
        ];
        // As Elastic Load Balancing says it of everything; who asks too often is told so, too.
        let many = self.code.starts_with("TooMany") && !self.is_throttled();
        many || known.contains(&self.code.as_str())
    }

    /// What an answer of this status means, with a code and words of AWS's own.
    pub(super) fn said(status: u16, code: &str, said: &str, permission: &str) -> Self {
        let words = match (code, said) {
            ("", "") => format!("status {status}"),
            (code, "") => format!("{code} (status {status})"),
            ("", said) => format!("status {status}: {said}"),
            (code, said) => format!("{code}: {said}"),
        };
        let (kind, remedy) = match family(code, status) {
            Family::Expired => (
                Kind::Credentials,
                "its credentials have expired: renew them where they come from, as with `aws sso login`".to_owned(),
            ),
            Family::Unknown => (
                Kind::Credentials,
                "its credentials are not valid: check the account's `profile`, or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
            ),
            Family::Denied => (
                Kind::Refused,
                format!("access is denied: let its user or role have {permission}"),
            ),
            Family::Throttled => (
                Kind::Busy,
                "it is asked too often, and asked again later".to_owned(),
            ),
            Family::Broken => (Kind::Busy, "it is asked again later".to_owned()),
            Family::Other => (Kind::Refused, String::new()),
        };
        let reason = match remedy.as_str() {
            "" => words,
            remedy => format!("{remedy} ({words})"),
        };
        Self {
            kind,
            reason,
            code: code.to_owned(),
        }
    }

    /// Nothing was answered, or what can't be read.
    pub(super) fn before_an_answer(error: &(dyn Error + 'static)) -> Self {
        let chain = chain(error);
        let words = |from: usize| {
            let mut words: Vec<String> = Vec::new();
            for one in chain.iter().skip(from) {
                let one = one.to_string();
                // Some repeat what caused them.
                if !words.iter().any(|before| before.contains(&one)) {
                    words.push(one);
                }
            }
            words.join(": ")
        };
        let credentials = chain
            .iter()
            .position(|one| one.downcast_ref::<CredentialsError>().is_some());
        let (kind, reason) = match credentials {
            Some(at) => (
                Kind::Credentials,
                format!(
                    "it has no credentials: give the account a `profile` in `connections.aws`, set AWS_PROFILE, or renew them, as with `aws sso login` ({})",
                    words(at)
                ),
            ),
            None => (Kind::Unreachable, words(0)),
        };
        Self {
            kind,
            reason,
            code: String::new(),
        }
    }
}

/// An error and what caused it, the innermost last.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut chain = vec![error];
    let mut here = error;
    while let Some(cause) = here.source() {
        chain.push(cause);
        here = cause;
    }
    chain
}

/// Errors that have the same remedy.
enum Family {
    Expired,
    Unknown,
    Denied,
    Throttled,
    Broken,
    Other,
}

/// Every service has words of its own for the same thing.
fn family(code: &str, status: u16) -> Family {
    match code {
        // Auto Scaling has something else to do with the group first.
        "ScalingActivityInProgress"
        | "ScalingActivityInProgressFault"
        | "ResourceContention"
        | "ResourceContentionFault" => Family::Broken,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            Family::Expired
        }
        "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidToken"
        | "AuthFailure" => Family::Unknown,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "UnauthorizedOperation"
        | "OperationNotPermitted" => Family::Denied,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "Throttled"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "KMSThrottling"
        | "SlowDown" => Family::Throttled,
        _ if status == 429 => Family::Throttled,
        _ if status >= 500 => Family::Broken,
        _ => Family::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_says_what_to_do() {
        let said = |status, code, message| {
            let trouble = Trouble::said(status, code, message, "sns:Publish");
            (trouble.kind, trouble.reason)
        };
        let (kind, reason) = said(403, "ExpiredToken", "The security token is expired");
        assert_eq!(kind, Kind::Credentials);
        assert_eq!(
            reason,
            "its credentials have expired: renew them where they come from, as with `aws sso login` (ExpiredToken: The security token is expired)"
        );
        assert_eq!(
            said(403, "AuthorizationError", ""),
            (
                Kind::Refused,
                "access is denied: let its user or role have sns:Publish (AuthorizationError (status 403))".to_owned()
            )
        );
        assert_eq!(said(400, "Throttling", "Rate exceeded").0, Kind::Busy);
        assert_eq!(said(429, "", "").0, Kind::Busy);
        assert_eq!(said(400, "ScalingActivityInProgress", "").0, Kind::Busy);
        for (code, limit) in [
            ("LimitExceeded", true),
            ("LimitExceededException", true),
            ("TooManyTargets", true),
            ("TooManyRequestsException", false),
            ("InvalidParameterException", false),
        ] {
            let trouble = Trouble::said(400, code, "", "sns:Publish");
            assert_eq!(trouble.is_limit(), limit, "{code}");
        }
        assert_eq!(
            said(503, "", ""),
            (
                Kind::Busy,
                "it is asked again later (status 503)".to_owned()
            )
        );
        assert_eq!(
            said(403, "UnrecognizedClientException", "").0,
            Kind::Credentials
        );
        assert_eq!(
            said(404, "NotFound", "Topic does not exist"),
            (Kind::Refused, "NotFound: Topic does not exist".to_owned())
        );
    }
}
