//! A `POST` of the question as JSON: 200 or 201 with the answer, 202 to be asked again later.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

use super::{ANSWER, FleetError, Question, first_line};
use crate::model::secret::SecretRef;
use crate::providers::secrets::Secrets;

/// Sends it once.
///
/// # Errors
/// If it does not answer, or answers that it will not, or not yet.
pub(super) async fn ask(
    http: &reqwest::Client,
    secrets: &Secrets,
    (url, token): (&str, Option<&SecretRef>),
    question: &Question,
    patience: Duration,
) -> Result<Vec<u8>, FleetError> {
    let mut request = http
        .post(url)
        .timeout(patience)
        .header(CONTENT_TYPE, "application/json")
        .body(question.body.clone());
    if let Some(token) = &question.token {
        request = request.header("Idempotency-Key", token);
    }
    let signed = secrets.sign(request, &BTreeMap::new(), token).await;
    let (request, shown) = signed.map_err(FleetError::Refused)?;
    let response = request
        .send()
        .await
        .map_err(|error| unanswered(url, error))?;
    let status = response.status();
    let mut said = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| unanswered(url, error))?;
        said.extend_from_slice(&chunk);
        if said.len() > ANSWER {
            let message = format!("{url} answered more than {ANSWER} bytes");
            return Err(FleetError::Refused(message));
        }
    }
    // Nobody is to be told what it may have repeated.
    let said = shown.mask().bytes(&said).unwrap_or(said);
    let why = first_line(&said);
    let colon = if why.is_empty() { "" } else { ": " };
    let words = format!("{url} answered {status}{colon}{why}");
    let later = [
        StatusCode::ACCEPTED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::CONFLICT,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if later.contains(&status) || status.is_server_error() {
        Err(FleetError::NotNow(words))
    } else if status.is_success() {
        Ok(said)
    } else {
        Err(FleetError::Refused(words))
    }
}

fn unanswered(url: &str, error: reqwest::Error) -> FleetError {
    if error.is_builder() {
        return FleetError::Refused(format!("{url} can't be asked: {error}"));
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    FleetError::NotNow(format!("{url} does not answer: {cause}"))
}
