//! AWS JSON 1.1, as far as one operation needs it (api.md §1).

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::super::command::ApiError;
use crate::clock;
use crate::model::deployment::DeploymentId;
use crate::orchestrator::hooks::report::HookStatus;

/// The one operation.
const TARGET: &str = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";

/// Of requests and answers.
const JSON: &str = "application/x-amz-json-1.1";

/// Of what is asked for and not served.
const UNKNOWN: &str = "UnknownOperationException";

/// What a hook says.
#[derive(Debug)]
pub(super) struct Said {
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// What it was called with.
    pub ticket: String,
    /// How it ended.
    pub status: HookStatus,
}

/// The members of a request. What else is in it is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    deployment_id: Option<String>,
    lifecycle_event_hook_execution_id: Option<String>,
    status: Option<String>,
}

/// Whether a request is for the one operation.
pub(super) fn operation(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let unknown = |message: String| Err(ApiError::new(UNKNOWN, message));
    if method != Method::POST || path != "/" {
        return unknown(format!(
            "there is nothing at {method} {path}: hooks report with POST /"
        ));
    }
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    if target != Some(TARGET.as_bytes()) {
        return unknown(format!("nothing but {TARGET} is served here"));
    }
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(JSON.as_bytes())) {
        return unknown(format!("the body has to be {JSON}"));
    }
    Ok(())
}

impl Said {
    /// Reads a request's body.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let refuse = |code: &str, message: &str| ApiError::new(code, message);
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| refuse("SerializationException", &error.to_string()))?;
        let id = body.deployment_id.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| {
            let message =
                "deploymentId is missing: it is DeploymentId of what the hook was called with";
            refuse("DeploymentIdRequiredException", message)
        })?;
        let deployment: DeploymentId = id
            .parse()
            .map_err(|error| refuse("InvalidDeploymentIdException", &format!("{error}")))?;
        let ticket = body.lifecycle_event_hook_execution_id;
        let ticket = ticket.filter(|id| !id.is_empty()).ok_or_else(|| {
            let message = "lifecycleEventHookExecutionId is missing: it is LifecycleEventHookExecutionId of what the hook was called with";
            refuse("InvalidLifecycleEventHookExecutionIdException", message)
        })?;
        let status = match body.status.as_deref() {
            Some("Succeeded") => HookStatus::Succeeded,
            Some("Failed") => HookStatus::Failed,
            _ => {
                let message = "a hook reports the status Succeeded or Failed";
                let code = "InvalidLifecycleEventHookExecutionStatusException";
                return Err(refuse(code, message));
            }
        };
        Ok(Self {
            deployment,
            ticket,
            status,
        })
    }
}

/// What a hook is told: its id again, or why not.
pub(super) struct Told(pub Result<String, ApiError>);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let always = [
            ("content-type", JSON.to_owned()),
            ("x-amzn-requestid", clock::unique()),
        ];
        match self.0 {
            Ok(ticket) => {
                let body = json!({ "lifecycleEventHookExecutionId": ticket });
                (always, body.to_string()).into_response()
            }
            Err(error) => {
                let (status, code) = on_the_wire(&error);
                let body = json!({ "__type": code, "message": error.message });
                let kind = [("x-amzn-errortype", code.to_owned())];
                (status, always, kind, body.to_string()).into_response()
            }
        }
    }
}

/// Every error of theirs is a 400, and ours a 500.
fn on_the_wire(error: &ApiError) -> (StatusCode, &str) {
    match error.code.as_str() {
        "InternalError" => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
        code => (StatusCode::BAD_REQUEST, code),
    }
}
