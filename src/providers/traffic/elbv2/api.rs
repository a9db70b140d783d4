//! What is asked of Elastic Load Balancing, and its refusals in words.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{Action, TargetDescription};

use super::groups::{Id, Kind, Target, targets};
use crate::model::connections::Arn;
use crate::providers::aws::{Accounts, Kind as Trouble, Trouble as Reason};
use crate::providers::traffic::TrafficError;

/// Elastic Load Balancing, in one account and region.
#[derive(Debug)]
pub(super) struct Api {
    label: String,
    accounts: Accounts,
    account: Option<String>,
    region: Option<String>,
}

/// Sends a request of the client, and answers what came; what did not is told in words.
macro_rules! ask {
    ($api:expr, $permission:literal, $client:ident => $request:expr) => {{
        let $client = $api.client().await?;
        match $request.send().await {
            Ok(answer) => answer,
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
        let Reason { kind, reason, .. } = reason;
        match kind {
            Trouble::Refused => TrafficError::Refused { balancer, reason },
            Trouble::Unreachable | Trouble::Busy | Trouble::Credentials => {
                TrafficError::Unreachable { balancer, reason }
            }
        }
    }

    /// A refusal of our own.
    pub fn no(&self, reason: String) -> TrafficError {
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

fn is_rule(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.resource.starts_with("listener-rule/"))
}

fn described((id, port): &Id) -> TargetDescription {
    let port = i32::from(*port);
    TargetDescription::builder().id(id).port(port).build()
}
