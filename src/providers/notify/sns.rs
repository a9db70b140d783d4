//! A topic of Amazon SNS: the notification's JSON is the message, as it is the body of a webhook's request. What headers say
//! there, attributes say here, so that subscriptions can filter.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use tokio::time::timeout;

use super::{Answer, Notifier, short};
use crate::model::connections::{Arn, SnsTopic};
use crate::model::notification::Message;
use crate::model::secret::mask::Mask;
use crate::providers::aws::{Accounts, Kind, Trouble};

/// What the request needs.
const PERMISSION: &str = "sns:Publish";

/// Messages of one group arrive in their order, at a topic that keeps one.
const GROUP: &str = "cutover";

impl Notifier {
    pub(super) async fn sns(&self, topic: &SnsTopic, message: &Message) -> Answer {
        let account = topic.account.as_deref();
        let sent = timeout(self.deadline, publish(&self.accounts, topic, message)).await;
        let trouble = match sent.unwrap_or_else(|_| Err(Trouble::late(self.deadline))) {
            Ok(id) => return Answer::Taken(format!("message {id}")),
            Err(trouble) => trouble,
        };
        self.accounts.renew(&trouble).await;
        let who = self.accounts.label("SNS", account);
        let words = format!("{who}: {}", trouble.reason);
        let words = short(words.as_bytes(), &Mask::default());
        match trouble.kind {
            Kind::Refused => Answer::Refused(words),
            Kind::Unreachable | Kind::Busy | Kind::Credentials => Answer::not_now(words),
        }
    }
}

/// Publishes it, and answers what SNS calls it.
async fn publish(
    accounts: &Accounts,
    topic: &SnsTopic,
    message: &Message,
) -> Result<String, Trouble> {
    let arn = &topic.topic_arn;
    let region = Arn::parse(arn).map(|arn| arn.region);
    let session = accounts.session(topic.account.as_deref(), region).await?;
    let mut request = Client::new(&session)
        .publish()
        .topic_arn(arn)
        .message(&message.body);
    for (name, value) in [("event", &message.event), ("delivery", &message.id)] {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()
            .map_err(|error| Trouble::refused(error.to_string()))?;
        request = request.message_attributes(name, value);
    }
    if arn.strip_suffix(".fifo").is_some() {
        request = request
            .message_group_id(GROUP)
            .message_deduplication_id(&message.id);
    }
    let sent = request.send().await;
    let sent = sent.map_err(|error| Trouble::of(&error, PERMISSION))?;
    Ok(sent.message_id.unwrap_or_default())
}
