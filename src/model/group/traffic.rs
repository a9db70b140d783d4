//! Load balancers of a group. Names are keys that the project binds to connections.

use serde::{Deserialize, Serialize};

/// `LoadBalancerInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancerInfo {
    /// Classic load balancers, for servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elb_info_list: Vec<ElbInfo>,
    /// Target groups, for servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_group_info_list: Vec<TargetGroupInfo>,
    /// Two target groups that take turns, for container services. At most one pair.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_group_pair_info_list: Vec<TargetGroupPairInfo>,
}

impl LoadBalancerInfo {
    /// The names of its load balancers and target groups, without pairs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let classic = self.elb_info_list.iter().map(|info| info.name.as_str());
        let groups = self.target_group_info_list.iter();
        classic.chain(groups.map(|info| info.name.as_str()))
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.elb_info_list.is_empty()
            && self.target_group_info_list.is_empty()
            && self.target_group_pair_info_list.is_empty()
    }
}

/// `ELBInfo`: a classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElbInfo {
    /// Its name.
    pub name: String,
}

/// `TargetGroupInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetGroupInfo {
    /// Its name.
    pub name: String,
}

/// `TargetGroupPairInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetGroupPairInfo {
    /// Exactly two.
    pub target_groups: Vec<TargetGroupInfo>,
    /// Where production traffic comes in.
    pub prod_traffic_route: TrafficRoute,
    /// Where test traffic comes in, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_traffic_route: Option<TrafficRoute>,
}

impl TargetGroupPairInfo {
    /// Whether test traffic comes in somewhere.
    pub fn is_tested(&self) -> bool {
        let route = self.test_traffic_route.as_ref();
        route.is_some_and(|route| !route.listener_arns.is_empty())
    }
}

/// `TrafficRoute`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficRoute {
    /// One listener.
    pub listener_arns: Vec<String>,
}

/// `ECSService`: the container service that a group deploys to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EcsService {
    /// The cluster's name or ARN.
    pub cluster_name: String,
    /// The service's name or ARN.
    pub service_name: String,
}

impl EcsService {
    /// Its name alone, also where an ARN names it.
    pub fn short_name(&self) -> &str {
        let name = self.service_name.rsplit('/').next();
        name.unwrap_or(&self.service_name)
    }
}
