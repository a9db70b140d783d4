//! Webhooks: a `POST` of the notification's JSON, with a token and a signature where they are wanted.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::AUTHORIZATION;
use sha2::Sha256;

use super::post::send;
use super::{Answer, Notifier};
use crate::model::connections::Webhook;
use crate::model::notification::Message;
use crate::providers::secrets::{Shown, header};

/// Says who sent it: `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
const SIGNATURE: &str = "X-Cutover-Signature";

impl Notifier {
    pub(super) async fn webhook(
        &self,
        webhook: &Webhook,
        message: &Message,
    ) -> Result<Answer, String> {
        let mut shown = Shown::default();
        let url = self.address(&webhook.url, &mut shown).await?;
        let mut request = self.request(&url, message)?;
        if let Some(token) = &webhook.token {
            let token = shown.add(self.secrets.read(token).await)?;
            request = request.header(AUTHORIZATION, header(&token, "Bearer ")?);
        }
        if let Some(secret) = &webhook.secret {
            let secret = shown.add(self.secrets.read(secret).await)?;
            request = request.header(SIGNATURE, signature(secret.expose(), &message.body)?);
        }
        Ok(send(request.body(message.body.clone()), &shown.mask()).await)
    }
}

fn signature(secret: &str, body: &str) -> Result<String, String> {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| "the key can't be used".to_owned())?;
    code.update(body.as_bytes());
    let digits = code.finalize().into_bytes();
    let digits: Vec<String> = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256={}", digits.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_signature_is_what_everybody_computes() {
        assert_eq!(
            signature("Jefe", "what do ya want for nothing?").unwrap(),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
