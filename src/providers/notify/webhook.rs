//! Webhooks: a `POST` of the notification's JSON, with a token and a signature where they are wanted.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::post::send;
use super::{Answer, Notifier};
use crate::model::connections::Webhook;
use crate::model::notification::Message;

/// Says who sent it: `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
const SIGNATURE: &str = "X-Cutover-Signature";

impl Notifier {
    pub(super) async fn webhook(
        &self,
        webhook: &Webhook,
        message: &Message,
    ) -> Result<Answer, String> {
        let read = |file: &Option<_>| {
            file.as_deref()
                .map(|file| self.first_line(file))
                .transpose()
        };
        let token = read(&webhook.token_file)?;
        let secret = read(&webhook.secret_file)?;
        let mut request = self.request(&webhook.url, message)?;
        if let Some(token) = &token {
            request = request.bearer_auth(token);
        }
        if let Some(secret) = &secret {
            request = request.header(SIGNATURE, signature(secret, &message.body)?);
        }
        let secrets: Vec<&str> = [&token, &secret]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        Ok(send(request.body(message.body.clone()), &secrets).await)
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
