//! What is asked of Elastic Load Balancing, and its refusals in words.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{Action, TargetDescription};

use super::groups::{Id, Kind, Target, targets};
use crate::model::connections::Arn;
use crate::model::deployment::ErrorCode;
use crate::providers::aws::{Accounts, Kind as Trouble, Trouble as Reason};
use crate::providers::traffic::TrafficError;
use crate::providers::traffic::patience::Patience;

/// Elastic Load Balancing, in one account and region.
#[derive(Debug)]
pub(super) struct Api {
    label: String,
    accounts: Accounts,
    account: Option<String>,
    region: Option<String>,
    /// For those whose deployment ends with an error of AWS's: how long what may pass is waited for.
    patience: Option<Patience>,
}

/// A target group as it is found by its name.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub name: String,
    pub arn: String,
    /// The load balancers that lead to it.
    pub balancers: Vec<String>,
}

/// Sends a request of the client, and answers what came; what did not is told in words.
macro_rules! ask {
    ($api:expr, $permission:literal, $client:ident => $request:expr) => {{
        let $client = $api.client().await?;
        match $request.send().await {
            Ok(answer) => {
                $api.is_well();
                answer
            }
            Err(error) => {
                let reason = Reason::of(&error, concat!("elasticloadbalancing:", $permission));
                return Err($api.error(reason).await);
            }
        }
    }};
}

impl Api {
    /// The connection of this name.
    pub fn new(
        name: &str,
        accounts: Accounts,
        account: Option<String>,
        region: Option<String>,
    ) -> Self {
        Self {
            label: accounts.label(&format!("ELB {name}"), account.as_deref()),
            accounts,
            account,
            region,
            patience: None,
        }
    }

    /// The listener of a service. What is refused there ends a deployment with an error of its own.
    pub fn of_service(
        label: String,
        accounts: Accounts,
        account: Option<String>,
        region: Option<String>,
    ) -> Self {
        Self {
            label,
            accounts,
            account,
            region,
            patience: Some(Patience::default()),
        }
    }

    fn is_well(&self) {
        if let Some(patience) = &self.patience {
            patience.renew();
        }
    }

    async fn client(&self) -> Result<Client, TrafficError> {
        let (account, region) = (self.account.as_deref(), self.region.as_deref());
        match self.accounts.session(account, region).await {
            Ok(session) => Ok(Client::new(&session)),
            Err(reason) => Err(self.error(reason).await),
        }
    }

    async fn error(&self, reason: Reason) -> TrafficError {
        self.accounts.renew(&reason).await;
        let balancer = self.label.clone();
        if let Some(patience) = &self.patience {
            let is_over = patience.is_over();
            match code(&reason) {
                Some(code) if is_over || reason.kind == Trouble::Refused => {
                    return self.fatal(code, reason.reason);
                }
                _ => {}
            }
        }
        let Reason { kind, reason, .. } = reason;
        match kind {
            Trouble::Refused => TrafficError::Refused { balancer, reason },
            Trouble::Unreachable | Trouble::Busy | Trouble::Credentials => {
                TrafficError::Unreachable { balancer, reason }
            }
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

    /// A refusal of our own.
    pub fn no(&self, reason: String) -> TrafficError {
        if self.patience.is_some() {
            return self.fatal(ErrorCode::ElasticLoadBalancingInvalid, reason);
        }
        TrafficError::Refused {
            balancer: self.label.clone(),
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

    /// What identifies the targets of these groups.
    pub async fn kind(&self, groups: &[String]) -> Result<Kind, TrafficError> {
        let asked = Some(groups.to_vec());
        let answer = ask!(self, "DescribeTargetGroups", client =>
            client.describe_target_groups().set_target_group_arns(asked));
        let kinds = answer.target_groups().iter();
        let kinds: Result<Vec<Kind>, String> =
            kinds.map(|group| Kind::read(group.target_type())).collect();
        match kinds.map_err(|reason| self.no(reason))?.as_slice() {
            [] => Err(self.no("it has no such target group: correct the ARN".to_owned())),
            [kind, others @ ..] if others.iter().all(|other| other == kind) => Ok(*kind),
            _ => Err(self.no(
                "one target group has instances for targets and the other addresses: let both be of one type".to_owned(),
            )),
        }
    }

    /// The target groups of these names, in their order.
    pub async fn named(&self, names: &[String]) -> Result<Vec<Found>, TrafficError> {
        let client = self.client().await?;
        let asked = client.describe_target_groups();
        let answer = match asked.set_names(Some(names.to_vec())).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let reason = Reason::of(&error, "elasticloadbalancing:DescribeTargetGroups");
                if reason.code == "TargetGroupNotFound" {
                    return Err(self.nowhere(&names.join(", or no ")));
                }
                return Err(self.error(reason).await);
            }
        };
        self.is_well();
        let found = |name: &String| {
            let mut groups = answer.target_groups().iter();
            let group = groups.find(|group| group.target_group_name() == Some(name))?;
            Some(Found {
                name: name.clone(),
                arn: group.target_group_arn()?.to_owned(),
                balancers: group.load_balancer_arns().to_vec(),
            })
        };
        let all = names.iter();
        let all = all.map(|name| found(name).ok_or_else(|| self.nowhere(name)));
        all.collect()
    }

    fn nowhere(&self, name: &str) -> TrafficError {
        self.no(format!(
            "there is no target group {name}: create it, or correct `targetGroups` of the group"
        ))
    }

    /// The targets of a group.
    pub async fn targets(&self, group: &str) -> Result<BTreeMap<Id, Target>, TrafficError> {
        let answer = ask!(self, "DescribeTargetHealth", client =>
            client.describe_target_health().target_group_arn(group));
        Ok(targets(answer.target_health_descriptions()))
    }

    /// Lets targets in.
    pub async fn register(&self, group: &str, these: &[Id]) -> Result<(), TrafficError> {
        let these = Some(these.iter().map(described).collect());
        ask!(self, "RegisterTargets", client =>
            client.register_targets().target_group_arn(group).set_targets(these));
        Ok(())
    }

    /// Lets targets drain, and leave.
    pub async fn deregister(&self, group: &str, these: &[Id]) -> Result<(), TrafficError> {
        let these = Some(these.iter().map(described).collect());
        ask!(self, "DeregisterTargets", client =>
            client.deregister_targets().target_group_arn(group).set_targets(these));
        Ok(())
    }

    /// The actions of a listener, or of a rule.
    pub async fn actions(&self, arn: &str) -> Result<Vec<Action>, TrafficError> {
        let found = if is_rule(arn) {
            let answer = ask!(self, "DescribeRules", client =>
                client.describe_rules().rule_arns(arn));
            let rule = answer.rules.unwrap_or_default().pop();
            rule.and_then(|rule| rule.actions)
        } else {
            let answer = ask!(self, "DescribeListeners", client =>
                client.describe_listeners().listener_arns(arn));
            let listener = answer.listeners.unwrap_or_default().pop();
            listener.and_then(|listener| listener.default_actions)
        };
        found.ok_or_else(|| self.no(format!("there is no {arn}: correct `listener`")))
    }

    /// Gives a listener or a rule other actions.
    pub async fn set_actions(&self, arn: &str, actions: Vec<Action>) -> Result<(), TrafficError> {
        let actions = Some(actions);
        if is_rule(arn) {
            ask!(self, "ModifyRule", client =>
                client.modify_rule().rule_arn(arn).set_actions(actions));
        } else {
            ask!(self, "ModifyListener", client =>
                client.modify_listener().listener_arn(arn).set_default_actions(actions));
        }
        Ok(())
    }
}

/// The error of a deployment that can't go on for this (operations.md §10).
fn code(reason: &Reason) -> Option<ErrorCode> {
    match reason.kind {
        Trouble::Unreachable => None,
        Trouble::Busy => reason.is_throttled().then_some(ErrorCode::Throttled),
        Trouble::Credentials => Some(ErrorCode::IamRolePermissions),
        // What was never sent is refused for what its account says.
        Trouble::Refused if reason.code.is_empty() || reason.is_denied() => {
            Some(ErrorCode::IamRolePermissions)
        }
        Trouble::Refused if reason.is_limit() => Some(ErrorCode::ResourceLimitExceeded),
        Trouble::Refused => Some(ErrorCode::ElasticLoadBalancingInvalid),
    }
}

fn is_rule(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.resource.starts_with("listener-rule/"))
}

fn described((id, port): &Id) -> TargetDescription {
    let port = i32::from(*port);
    TargetDescription::builder().id(id).port(port).build()
}
