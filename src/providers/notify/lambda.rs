//! A function of AWS Lambda that is a hook: it is invoked, and nobody waits for what it returns. It reports by itself.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use tokio::time::timeout;

use super::{Answer, Notifier, short};
use crate::model::connections::{Arn, LambdaHook};
use crate::model::notification::Message;
use crate::model::secret::mask::Mask;
use crate::providers::aws::{Accounts, Kind, Trouble};

/// What the request needs.
const PERMISSION: &str = "lambda:InvokeFunction";

impl Notifier {
    /// Invokes the function of this name, unless the hook has another.
    pub(super) async fn lambda(&self, name: &str, hook: &LambdaHook, message: &Message) -> Answer {
        let account = hook.account.as_deref();
        let function = hook.function.as_deref().unwrap_or(name);
        let asked = invoke(&self.accounts, account, function, message);
        let asked = timeout(self.deadline, asked).await;
        let trouble = match asked.unwrap_or_else(|_| Err(Trouble::late(self.deadline))) {
            Ok(()) => return Answer::Taken("invoked".to_owned()),
            Err(trouble) => trouble,
        };
        self.accounts.renew(&trouble).await;
        let service = format!("Lambda {function}");
        let who = self.accounts.label(&service, account);
        let words = format!("{who}: {}", trouble.reason);
        let words = short(words.as_bytes(), &Mask::default());
        match trouble.kind {
            Kind::Refused => Answer::Refused(words),
            Kind::Unreachable | Kind::Busy | Kind::Credentials => Answer::not_now(words),
        }
    }
}

async fn invoke(
    accounts: &Accounts,
    account: Option<&str>,
    function: &str,
    message: &Message,
) -> Result<(), Trouble> {
    let region = Arn::of(function, "lambda", "function:").map(|arn| arn.region);
    let session = accounts.session(account, region).await?;
    let asked = Client::new(&session)
        .invoke()
        .function_name(function)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(message.body.as_bytes()))
        .send()
        .await;
    let answer = asked.map_err(|error| Trouble::of(&error, PERMISSION))?;
    match answer.function_error() {
        None => Ok(()),
        Some(error) => Err(Trouble::refused(format!("the function failed: {error}"))),
    }
}
