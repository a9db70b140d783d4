//! What is called for lifecycle events that no host carries out.

use serde::{Deserialize, Serialize};

use super::receiver::{CommandReceiver, Webhook};

/// What a function's name in the `Hooks` of an `AppSpec` stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hook {
    /// As the `AppSpec` has it; unique in the project.
    pub name: String,
    /// How it is called.
    pub via: HookKind,
}

/// How a hook is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookKind {
    /// A `POST` of what is to be checked, as JSON. It reports later how that ended.
    Webhook(Webhook),
    /// A program on this machine, with the same on its standard input. Its exit code says how it ended.
    Command(CommandReceiver),
    /// A function of AWS Lambda, which is invoked with what `CodeDeploy` gives hooks. It reports later how that ended.
    Lambda(LambdaHook),
}

/// A function of AWS Lambda.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LambdaHook {
    /// Its name or its ARN, maybe with a version or an alias; the hook's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The account that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}
