//! Slack's incoming webhooks, and whoever takes the same form: a sentence.

use serde_json::json;

use super::post::send;
use super::{Answer, Notifier};
use crate::model::connections::Slack;
use crate::model::notification::Message;
use crate::providers::secrets::Shown;

impl Notifier {
    pub(super) async fn slack(&self, slack: &Slack, message: &Message) -> Result<Answer, String> {
        let mut shown = Shown::default();
        let url = self.address(&slack.url, &mut shown).await?;
        let body = json!({ "text": escaped(&message.sentence) }).to_string();
        Ok(send(self.request(&url, message)?.body(body), &shown.mask()).await)
    }
}

/// The three characters that mean something to Slack; nothing in a sentence becomes a link or calls a channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_sentence_is_a_command_to_slack() {
        assert_eq!(
            escaped("<!channel> failed && &lt;"),
            "&lt;!channel&gt; failed &amp;&amp; &amp;lt;"
        );
    }
}
