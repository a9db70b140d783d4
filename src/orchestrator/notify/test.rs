//! A test notification, sent at once and once: `cutover notifications test`.

use serde_json::json;

use super::super::Orchestrator;
use super::super::command::{Answer, ApiError};
use crate::clock;
use crate::model::notification::Message;
use crate::model::yaml::nearest;
use crate::providers::notify::Answer as Said;

impl Orchestrator {
    /// Sends a receiver a test notification, and says what came back.
    pub(in super::super) async fn test_receiver(&self, name: &str) -> Result<Answer, ApiError> {
        let (project, _) = self.0.documents.current();
        let Some(receiver) = project.connections.receiver(name) else {
            let known = project.connections.receivers.iter().map(|one| &one.name);
            let help = nearest(name, known)
                .unwrap_or_else(|| "connections.receivers of cutover.yaml defines them".to_owned());
            return Err(ApiError::new(
                "InvalidTriggerConfigException",
                format!("there is no receiver {name}: {help}"),
            ));
        };
        let id = clock::unique();
        let sentence = format!(
            "{}: a test of the receiver {name}. Nothing has happened.",
            project.name
        );
        let body = json!({
            "schema": 1,
            "id": id,
            "region": "local",
            "accountId": project.name,
            "eventTriggerName": "test",
            "message": sentence,
        });
        let message = Message {
            id,
            event: "Test".to_owned(),
            body: body.to_string(),
            sentence,
        };
        let said = self.0.outbox.notifier.send(receiver, &message).await;
        Ok(Answer::Notified {
            taken: matches!(said, Said::Taken(_)),
            answer: said.words().to_owned(),
        })
    }
}
