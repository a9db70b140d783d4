//! The environment of a script: a few of the agent's own variables, and those that `CodeDeploy` promises.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use crate::agent::protocol::Order;
use crate::model::group::DeploymentType;
use crate::model::lifecycle::LifecycleEvent;

/// The variable by which a script can be found after its agent died.
pub const MARK: &str = "CUTOVER_SCRIPT";

/// Where programs are looked for if the agent's own environment does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the agent hands on from its own environment.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

/// What a script's environment is made of.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// Describes the current deployment, also when an older revision's script runs.
    pub order: &'a Order,
    /// The event that runs.
    pub event: LifecycleEvent,
    /// The archive the script is in.
    pub bundle: &'a Path,
    /// Where the application's files are, if not where the `AppSpec` says.
    pub install_root: Option<&'a Path>,
    /// Tells this script from all others.
    pub mark: &'a str,
}

impl Environment<'_> {
    /// All variables.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let order = self.order;
        let mut variables = vec![("PATH", PATH.into()), ("HOME", "/".into())];
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((*name, env::var_os(name)?)));
        variables.extend(inherited);
        let deployment_type = match order.deployment_type {
            DeploymentType::InPlace => "IN_PLACE",
            DeploymentType::BlueGreen => "BLUE_GREEN",
        };
        variables.extend([
            ("APPLICATION_NAME", (&order.application_name).into()),
            ("DEPLOYMENT_ID", order.deployment_id.as_str().into()),
            (
                "DEPLOYMENT_GROUP_NAME",
                (&order.deployment_group_name).into(),
            ),
            (
                "DEPLOYMENT_GROUP_ID",
                order.deployment_group_id.as_str().into(),
            ),
            ("LIFECYCLE_EVENT", self.event.name().into()),
            ("DEPLOYMENT_CREATOR", order.creator.name().into()),
            ("DEPLOYMENT_TYPE", deployment_type.into()),
            ("BUNDLE_DIR", self.bundle.into()),
            (MARK, self.mark.into()),
        ]);
        variables.extend(self.install_root.map(|root| ("INSTALL_ROOT", root.into())));
        variables
    }
}
