//! The action that forwards to two target groups, and their weights in it. Everything else of it stays as it is. Pure.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupTuple,
};

/// The actions of a listener or of a rule, and what two target groups weigh there.
pub(super) struct Forward {
    actions: Vec<Action>,
    /// Which of the actions forwards.
    at: usize,
    /// By group; 0 for one that is not mentioned.
    pub weights: Vec<u32>,
    /// Whether each group is mentioned: only then AWS looks after the health of its targets.
    pub named: Vec<bool>,
}

impl Forward {
    /// Reads the weights of these groups.
    ///
    /// # Errors
    /// If nothing forwards to them, or something forwards to others besides.
    pub fn read(actions: Vec<Action>, groups: &[String]) -> Result<Self, String> {
        let forwards = |action: &Action| action.r#type() == Some(&ActionTypeEnum::Forward);
        let found = actions.iter().enumerate().find(|(_, one)| forwards(one));
        let Some((at, action)) = found else {
            return Err(
                "its listener does not forward: let it forward to the target group of the original"
                    .to_owned(),
            );
        };
        let config = action.forward_config();
        let tuples = config.map(ForwardActionConfig::target_groups);
        let weighed = tuples.unwrap_or_default().iter().filter_map(|tuple| {
            let weight = tuple.weight().unwrap_or(1);
            Some((tuple.target_group_arn()?, u32::try_from(weight).ok()?))
        });
        let mut weighed: Vec<(&str, u32)> = weighed.collect();
        if weighed.is_empty() {
            weighed.extend(action.target_group_arn().map(|group| (group, 1)));
        }
        let ours = |arn: &str| groups.iter().any(|group| group == arn);
        if let Some((other, _)) = weighed.iter().find(|(arn, _)| !ours(arn)) {
            return Err(format!(
                "its listener forwards to {other}, which is neither side's: let it forward to those of the connection alone"
            ));
        }
        let weight = |group: &String| {
            let mut found = weighed.iter();
            found
                .find(|(arn, _)| arn == group)
                .map_or(0, |(_, weight)| *weight)
        };
        let weights = groups.iter().map(weight).collect();
        let is_named = |group: &String| weighed.iter().any(|(arn, _)| arn == group);
        let named = groups.iter().map(is_named).collect();
        Ok(Self {
            actions,
            at,
            weights,
            named,
        })
    }

    /// Whether weights come to the same shares.
    pub fn is(&self, weights: &[u32]) -> bool {
        let (now, then) = (sum(&self.weights), sum(weights));
        let mut both = self.weights.iter().zip(weights);
        now > 0 && both.all(|(a, b)| u64::from(*a) * then == u64::from(*b) * now)
    }

    /// The same actions with these weights, by group.
    pub fn with(mut self, groups: &[String], weights: &[u32]) -> Vec<Action> {
        for action in &mut self.actions {
            // What AWS does not tell can't be told to it.
            if let Some(oidc) = &mut action.authenticate_oidc_config {
                oidc.use_existing_client_secret = Some(true);
            }
        }
        if let Some(action) = self.actions.get_mut(self.at) {
            let tuples = groups.iter().zip(weights).map(|(group, weight)| {
                TargetGroupTuple::builder()
                    .target_group_arn(group)
                    .weight(i32::try_from(*weight).unwrap_or(i32::MAX))
                    .build()
            });
            let sticky = action.forward_config.take();
            let sticky = sticky.and_then(|config| config.target_group_stickiness_config);
            let config = ForwardActionConfig::builder()
                .set_target_groups(Some(tuples.collect()))
                .set_target_group_stickiness_config(sticky);
            action.forward_config = Some(config.build());
            // It names one group alone.
            action.target_group_arn = None;
        }
        self.actions
    }
}

fn sum(weights: &[u32]) -> u64 {
    weights.iter().copied().map(u64::from).sum()
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{
        AuthenticateOidcActionConfig, TargetGroupStickinessConfig,
    };

    use super::*;

    fn groups() -> Vec<String> {
        vec!["blue".to_owned(), "green".to_owned()]
    }

    fn forward(config: ForwardActionConfig) -> Action {
        Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .forward_config(config)
            .build()
    }

    fn tuple(arn: &str, weight: i32) -> TargetGroupTuple {
        let tuple = TargetGroupTuple::builder().target_group_arn(arn);
        tuple.weight(weight).build()
    }

    #[test]
    fn weights_are_read_however_the_listener_says_them() {
        let config = ForwardActionConfig::builder()
            .target_groups(tuple("green", 30))
            .target_groups(tuple("blue", 70));
        let read = Forward::read(vec![forward(config.build())], &groups());
        assert_eq!(read.ok().unwrap().weights, [70, 30]);
        let plain = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn("green")
            .build();
        let read = Forward::read(vec![plain], &groups()).ok().unwrap();
        assert_eq!(read.weights, [0, 1]);
        assert!(read.is(&[0, 100]) && !read.is(&[1, 99]) && !read.is(&[100, 0]));
        let other = ForwardActionConfig::builder().target_groups(tuple("red", 1));
        let read = Forward::read(vec![forward(other.build())], &groups());
        assert!(read.err().unwrap().contains("forwards to red"));
        assert!(Forward::read(Vec::new(), &groups()).is_err());
    }

    #[test]
    fn everything_but_the_weights_stays() {
        let sticky = TargetGroupStickinessConfig::builder().enabled(true).build();
        let config = ForwardActionConfig::builder()
            .target_groups(tuple("blue", 1))
            .target_group_stickiness_config(sticky.clone());
        let login = AuthenticateOidcActionConfig::builder()
            .client_id("shop")
            .build();
        let login = Action::builder()
            .r#type(ActionTypeEnum::AuthenticateOidc)
            .order(1)
            .authenticate_oidc_config(login)
            .build();
        let actions = vec![login, forward(config.build())];
        let read = Forward::read(actions, &groups()).ok().unwrap();
        let after = read.with(&groups(), &[90, 10]);
        let oidc = after[0].authenticate_oidc_config().unwrap();
        assert_eq!(oidc.use_existing_client_secret(), Some(true));
        assert_eq!(
            (oidc.client_id(), after[0].order()),
            (Some("shop"), Some(1))
        );
        let config = after[1].forward_config().unwrap();
        assert_eq!(
            config.target_groups(),
            [tuple("blue", 90), tuple("green", 10)]
        );
        assert_eq!(config.target_group_stickiness_config(), Some(&sticky));
        assert_eq!(after[1].target_group_arn(), None);
    }
}
