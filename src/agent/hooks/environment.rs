//! The environment of a script: a few of the agent's own variables, the script's own, and those that `CodeDeploy`
//! promises.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::Path;

use super::user::Account;
use crate::agent::protocol::Order;
use crate::appspec::server::RESERVED_VARIABLES;
use crate::model::group::DeploymentType;
use crate::model::lifecycle::LifecycleEvent;

/// The variable by which a script can be found after its agent died.
pub const MARK: &str = "CUTOVER_SCRIPT";

/// Where programs are looked for if the agent's own environment does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the agent hands on from its own environment.
const INHERITED: [&str; 5] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

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
    /// Whether the agent hands on all that it has.
    pub inherit: bool,
    /// Tells this script from all others.
    pub mark: &'a str,
}

/// What the agent hands on to a program that runs as this user: a few variables of its own or all, and those of a login.
pub fn handed_on(account: &Account, all: bool) -> BTreeMap<OsString, OsString> {
    let mut variables = BTreeMap::from([("PATH".into(), PATH.into())]);
    variables.extend(env::vars_os().filter(|(name, _)| hands_on(name, all)));
    variables.extend(account.variables());
    variables
}

/// Variables that load other code into a program are never handed on.
fn hands_on(name: &OsString, all: bool) -> bool {
    let name = name.to_string_lossy();
    INHERITED.contains(&name.as_ref())
        || all && !name.starts_with("LD_") && !RESERVED_VARIABLES.contains(&name.as_ref())
}

impl Environment<'_> {
    /// All variables of a script that runs as this user and has these of its own.
    pub fn variables(
        &self,
        account: &Account,
        own: &[(String, String)],
    ) -> BTreeMap<OsString, OsString> {
        let mut variables = handed_on(account, self.inherit);
        let own = own
            .iter()
            .filter(|(name, _)| !RESERVED_VARIABLES.contains(&name.as_str()));
        variables.extend(own.map(|(name, value)| (name.into(), value.into())));
        variables.extend(self.promised());
        variables
    }

    fn promised(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let order = self.order;
        let deployment_type = match order.deployment_type {
            DeploymentType::InPlace => "IN_PLACE",
            DeploymentType::BlueGreen => "BLUE_GREEN",
        };
        let group = order.deployment_group_name.as_str();
        let mut promised: Vec<(&str, OsString)> = vec![
            ("APPLICATION_NAME", order.application_name.as_str().into()),
            ("DEPLOYMENT_ID", order.deployment_id.as_str().into()),
            ("DEPLOYMENT_GROUP_NAME", group.into()),
            (
                "DEPLOYMENT_GROUP_ID",
                order.deployment_group_id.as_str().into(),
            ),
            ("LIFECYCLE_EVENT", self.event.name().into()),
            ("DEPLOYMENT_CREATOR", order.creator.name().into()),
            ("DEPLOYMENT_TYPE", deployment_type.into()),
            ("BUNDLE_DIR", self.bundle.into()),
            (MARK, self.mark.into()),
        ];
        promised.extend(self.install_root.map(|root| ("INSTALL_ROOT", root.into())));
        promised
            .into_iter()
            .map(|(name, value)| (name.into(), value))
    }
}
