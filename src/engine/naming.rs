//! What people call the parts of a deployment, which depends on what is deployed.

use super::spec::Spec;
use crate::model::traffic::Side;

impl Spec {
    /// What stands over its targets: `Instance`, `Function`, `Service`.
    pub fn target_heading(&self) -> &'static str {
        match (&self.function, &self.service) {
            (Some(_), _) => "Function",
            (_, Some(_)) => "Service",
            _ => "Instance",
        }
    }

    /// What a route leads to on one side: `original`, `version 7`.
    pub fn side_label(&self, side: Side) -> String {
        let versions = self.versions();
        match (versions, side) {
            (None, side) => match self.definition(side) {
                Some(definition) => format!("{} {definition}", side.label()),
                None => side.label().to_owned(),
            },
            (Some((current, _)), Side::Blue) => format!("version {current}"),
            (Some((_, target)), Side::Green) => format!("version {target}"),
        }
    }

    /// The same within a sentence: `the original`, `version 7`.
    pub fn side_named(&self, side: Side) -> String {
        let label = self.side_label(side);
        match &self.function {
            Some(_) => label,
            None => format!("the {label}"),
        }
    }

    /// The task definition of a side, if it is known.
    fn definition(&self, side: Side) -> Option<&str> {
        let sets = self.task_sets.as_ref()?;
        let set = match side {
            Side::Blue => sets.original.as_ref()?,
            Side::Green => &sets.replacement,
        };
        Some(&set.task_definition)
    }

    /// How it deploys: `in-place`, `blue/green`, `live: version 7 to 8`, `checkout:7 to checkout:8`.
    pub fn style_label(&self) -> String {
        let definitions = (self.definition(Side::Blue), self.definition(Side::Green));
        match (&self.function, self.versions()) {
            _ if definitions.1.is_some() => match definitions {
                (Some(blue), Some(green)) if self.goes_back() => format!("{green} back to {blue}"),
                (Some(blue), Some(green)) => format!("{blue} to {green}"),
                (_, green) => format!("to {}", green.unwrap_or_default()),
            },
            (Some(asked), Some((current, target))) => {
                let alias = &asked.function.alias;
                if self.goes_back() {
                    format!("{alias}: version {target} back to {current}")
                } else {
                    format!("{alias}: version {current} to {target}")
                }
            }
            _ => self
                .group
                .deployment_style
                .deployment_type
                .label()
                .to_owned(),
        }
    }

    /// Whether load balancers, or what is like them, give traffic to what it deploys.
    pub fn has_routes(&self) -> bool {
        !self.is_on_hosts() || !self.group.load_balancers().is_empty()
    }

    /// The version that had the traffic, and the one that is to get it.
    fn versions(&self) -> Option<(u64, u64)> {
        let function = &self.function.as_ref()?.function;
        Some((function.current_version?, function.target_version))
    }
}
