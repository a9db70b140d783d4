//! What is asked of AWS Lambda, and its refusals in words.

use std::collections::HashMap;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, State};

use super::routing::Routing;
use crate::model::connections::{Arn, FunctionConnection, LambdaAlias, Version};
use crate::model::deployment::ErrorCode;
use crate::providers::aws::{Accounts, Kind, Trouble};
use crate::providers::traffic::TrafficError;
use crate::providers::traffic::patience::Patience;

/// Whether a version can be invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It can.
    Active,
    /// It will, and why not yet.
    Pending(String),
    /// It can't, and why not.
    Unfit(String),
    /// There is no such version.
    Missing,
}

impl Standing {
    /// What is wrong with one that is there, if something is.
    pub fn trouble(self) -> Option<String> {
        match self {
            Self::Active | Self::Missing => None,
            Self::Pending(why) | Self::Unfit(why) => Some(why),
        }
    }
}

/// One alias at AWS Lambda.
#[derive(Debug)]
pub(super) struct Api {
    label: String,
    function: String,
    alias: String,
    accounts: Accounts,
    account: Option<String>,
    region: Option<String>,
    patience: Patience,
}

/// Sends a request of the client, and answers what came, or why nothing did.
macro_rules! ask {
    ($api:expr, $permission:literal, $client:ident => $request:expr) => {{
        let $client = $api.client().await?;
        match $request.send().await {
            Ok(answer) => {
                $api.patience.renew();
                Ok(answer)
            }
            Err(error) => Err(Trouble::of(&error, concat!("lambda:", $permission))),
        }
    }};
}

impl Api {
    /// The alias of this connection.
    pub fn new(function: &FunctionConnection, at: &LambdaAlias, accounts: Accounts) -> Self {
        let (name, alias) = (function.short_name(), &function.alias);
        let service = format!("Lambda {name}:{alias}");
        let arn = Arn::of(&function.name, "lambda", "function:");
        Self {
            label: accounts.label(&service, at.account.as_deref()),
            region: arn.map(|arn| arn.region.to_owned()),
            function: function.name.clone(),
            alias: function.alias.clone(),
            account: at.account.clone(),
            patience: Patience::default(),
            accounts,
        }
    }

    async fn client(&self) -> Result<Client, TrafficError> {
        let (account, region) = (self.account.as_deref(), self.region.as_deref());
        match self.accounts.session(account, region).await {
            Ok(session) => Ok(Client::new(&session)),
            Err(trouble) => Err(self.error(trouble).await),
        }
    }

    /// Where the alias leads.
    pub async fn alias(&self) -> Result<Routing, TrafficError> {
        let (function, alias) = (&self.function, &self.alias);
        let asked = ask!(self, "GetAlias", client =>
            client.get_alias().function_name(function).name(alias));
        let answer = match asked {
            Ok(answer) => answer,
            Err(trouble) if is_missing(&trouble) => {
                let reason = format!(
                    "there is no alias {alias} of {function}: create it, or correct Name and Alias in the AppSpec and in `connections.functions`, or the account's `region` ({})",
                    trouble.reason
                );
                return Err(self.fatal(ErrorCode::InvalidLambdaFunction, reason));
            }
            Err(trouble) => return Err(self.error(trouble).await),
        };
        let routing = answer.routing_config();
        Ok(Routing::read(
            answer.function_version(),
            routing.and_then(AliasRoutingConfiguration::additional_version_weights),
            answer.revision_id(),
        ))
    }

    /// Lets the alias lead there, if it is still as that revision has it.
    pub async fn update(
        &self,
        routing: &Routing,
        revision: Option<&str>,
    ) -> Result<(), TrafficError> {
        let others = routing.others.iter();
        let others: HashMap<String, f64> =
            others.map(|(name, part)| (name.clone(), *part)).collect();
        // Without any, what was there before is taken out.
        let others =
            AliasRoutingConfiguration::builder().set_additional_version_weights(Some(others));
        let (function, alias) = (&self.function, &self.alias);
        let asked = ask!(self, "UpdateAlias", client => client
            .update_alias()
            .function_name(function)
            .name(alias)
            .function_version(&routing.main)
            .routing_config(others.build())
            .set_revision_id(revision.map(str::to_owned)));
        match asked {
            Ok(_) => Ok(()),
            Err(trouble) => Err(self.error(trouble).await),
        }
    }

    /// Whether a version can be invoked.
    pub async fn version(&self, version: Version) -> Result<Standing, TrafficError> {
        let function = &self.function;
        let asked = ask!(self, "GetFunctionConfiguration", client => client
            .get_function_configuration()
            .function_name(function)
            .qualifier(version.to_string()));
        let answer = match asked {
            Ok(answer) => answer,
            Err(trouble) if is_missing(&trouble) => return Ok(Standing::Missing),
            Err(trouble) => return Err(self.error(trouble).await),
        };
        let Some(state) = answer.state() else {
            return Ok(Standing::Active);
        };
        let why = || match answer.state_reason() {
            Some(reason) => format!("it is {}: {reason}", state.as_str()),
            None => format!("it is {}", state.as_str()),
        };
        Ok(match state {
            State::Active => Standing::Active,
            State::Pending => Standing::Pending(why()),
            _ => Standing::Unfit(why()),
        })
    }

    async fn error(&self, trouble: Trouble) -> TrafficError {
        self.accounts.renew(&trouble).await;
        let is_fatal = self.patience.is_over();
        let code = code(&trouble);
        let Trouble { kind, reason, .. } = trouble;
        match (kind, code) {
            (Kind::Refused, None) => self.not_yet(format!(
                "somebody else has changed the alias just now, and nothing of that is overwritten: it is looked at again ({reason})"
            )),
            (Kind::Refused, Some(code)) => self.fatal(code, reason),
            (_, Some(code)) if is_fatal => self.fatal(code, reason),
            _ => TrafficError::Unreachable {
                balancer: self.label.clone(),
                reason,
            },
        }
    }

    /// What ends a deployment that needs it now.
    pub fn fatal(&self, code: ErrorCode, reason: String) -> TrafficError {
        TrafficError::Fatal {
            balancer: self.label.clone(),
            code,
            reason,
        }
    }

    /// What is not done yet.
    pub fn not_yet(&self, reason: String) -> TrafficError {
        TrafficError::Unwell {
            balancer: self.label.clone(),
            reason,
        }
    }
}

fn is_missing(trouble: &Trouble) -> bool {
    trouble.code == "ResourceNotFoundException"
}

/// The error of a deployment that can't go on for this (operations.md §10); `None` for what another look may put right.
fn code(trouble: &Trouble) -> Option<ErrorCode> {
    match (trouble.kind, trouble.code.as_str()) {
        (_, "PreconditionFailedException" | "ResourceConflictException")
        | (Kind::Unreachable, _) => None,
        (Kind::Busy, _) => trouble.is_throttled().then_some(ErrorCode::Throttled),
        (Kind::Refused, "ResourceNotFoundException") => Some(ErrorCode::InvalidLambdaFunction),
        // What was never sent is refused for what its account says.
        (Kind::Credentials, _) | (Kind::Refused, "") => Some(ErrorCode::IamRolePermissions),
        (Kind::Refused, _) if trouble.is_denied() => Some(ErrorCode::IamRolePermissions),
        (Kind::Refused, _) => Some(ErrorCode::InvalidLambdaConfiguration),
    }
}
