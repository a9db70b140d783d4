//! Whether a function can be deployed: what its `AppSpec` says against what the project knows (operations.md §10).

use std::sync::PoisonError;

use super::command::{ApiError, Deploy};
use super::{Orchestrator, content, lock};
use crate::appspec::lambda;
use crate::engine::spec::TargetSpec;
use crate::engine::{Ledger, Spec};
use crate::model::connections::{
    AwsAccount, FunctionConnection, FunctionEndpoints, FunctionKind, Version, may_be_one,
};
use crate::model::deployment::{ErrorCode, InstanceHealth, RevisionHealth};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::Revision;
use crate::model::traffic::Side;

impl Orchestrator {
    /// What a revision asks of a function, with the version that gets the traffic by now.
    ///
    /// # Errors
    /// If nothing says where the function, or a version of it, is.
    pub(super) fn function(
        &self,
        project: &Project,
        deploy: &Deploy,
        ledger: &Ledger,
        revision: &Revision,
    ) -> Result<lambda::AppSpec, ApiError> {
        only_of_servers(deploy, "a function")?;
        let mut asked = content::function(&self.0.bundles, revision)?;
        let function = &mut asked.function;
        let connection = connection(project, function)?;
        self.alone(&deploy.group, function)?;
        let current = function
            .current_version
            .or_else(|| self.version_in_place(function, ledger));
        let Some(current) = current else {
            return Err(wrong(
                ErrorCode::InvalidLambdaConfiguration,
                &format!(
                    "the AppSpec names no CurrentVersion, and nothing was deployed to {} here before: write the version that its alias {} leads to",
                    function.name, function.alias
                ),
            ));
        };
        function.current_version = Some(current);
        if current == function.target_version {
            return Err(wrong(
                ErrorCode::InvalidLambdaConfiguration,
                &format!(
                    "version {current} of {} is what was deployed here last: publish a version and write its number as TargetVersion, or write as CurrentVersion which one its alias {} leads to now",
                    function.name, function.alias
                ),
            ));
        }
        match &connection.via {
            FunctionKind::Endpoints(endpoints) => {
                for version in [current, function.target_version] {
                    known(connection, endpoints, version)?;
                }
            }
            // Which versions there are is known there.
            FunctionKind::Lambda(_) => self.can_reach(project, connection)?,
        }
        Ok(asked)
    }

    /// Whether this program knows how to speak to whoever has the alias.
    fn can_reach(&self, project: &Project, known: &FunctionConnection) -> Result<(), ApiError> {
        let reached = self.0.traffic.reach(project, &known.name, &known.alias);
        reached.map_err(|why| ApiError::new("InvalidRevisionException", why))
    }

    /// Whether no other group moves the traffic of the same alias.
    fn alone(&self, group: &GroupKey, function: &lambda::Function) -> Result<(), ApiError> {
        let same = |spec: &Spec| {
            let theirs = spec.function.as_ref().map(|asked| &asked.function);
            theirs.is_some_and(|it| {
                it.alias == function.alias && may_be_one(&it.name, &function.name)
            })
        };
        match self.runs_elsewhere(group, same) {
            None => Ok(()),
            Some(other) => Err(ApiError::new(
                "DeploymentLimitExceededException",
                format!(
                    "{other} moves the traffic of the alias {} of {} just now: wait for it, or stop it",
                    function.alias, function.name
                ),
            )),
        }
    }

    /// The deployment of another group that runs and is about the same thing, with its group.
    pub(super) fn runs_elsewhere(
        &self,
        group: &GroupKey,
        same: impl Fn(&Spec) -> bool,
    ) -> Option<String> {
        let active = lock(&self.0.active);
        active.values().find_map(|handle| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            let other = !state.status.is_terminal() && state.group_key() != *group;
            let both = other && same(&state.spec);
            both.then(|| format!("{} in {}", state.id(), state.group_key()))
        })
    }

    /// The version that the group's last successful deployment gave the traffic, if it was of the same alias.
    fn version_in_place(&self, function: &lambda::Function, ledger: &Ledger) -> Option<u64> {
        let revision = ledger.target_revision.as_ref()?;
        let before = content::function(&self.0.bundles, revision).ok()?.function;
        let named = may_be_one(&before.name, &function.name);
        let same = named && before.alias == function.alias;
        same.then_some(before.target_version)
    }
}

/// The one target of a function's deployment (domain.md §9).
pub(crate) fn target(asked: &lambda::AppSpec) -> Result<TargetSpec, ApiError> {
    let name = asked.function.short_name();
    let name: Name = name.parse().map_err(|error| {
        ApiError::new(
            "InvalidRevisionException",
            format!("{name:?} is no function's name: {error}"),
        )
    })?;
    Ok(only_target(name))
}

/// The target of a deployment that is to no hosts: nothing is known of it before.
pub fn only_target(name: Name) -> TargetSpec {
    TargetSpec {
        name,
        zone: None,
        side: Some(Side::Green),
        fleet: None,
        instance_health: InstanceHealth::Unhealthy,
        revision_health: RevisionHealth::Unknown,
    }
}

fn connection<'a>(
    project: &'a Project,
    function: &lambda::Function,
) -> Result<&'a FunctionConnection, ApiError> {
    let (name, alias) = (&function.name, &function.alias);
    let all = &project.connections;
    all.function(name, alias).ok_or_else(|| {
        let others = all.functions.iter().filter(|one| one.name == *name);
        let others: Vec<&str> = others.map(|one| one.alias.as_str()).collect();
        let message = if others.is_empty() {
            format!(
                "nothing says where the function {name} is: `connections.functions` of cutover.yaml does{}",
                at_lambda(&all.aws, function)
            )
        } else {
            format!(
                "{name} has no alias {alias} in `connections.functions` of cutover.yaml, only {}",
                others.join(", ")
            )
        };
        wrong(ErrorCode::InvalidLambdaFunction, &message)
    })
}

/// What to write of a function that may be in one of these accounts.
fn at_lambda(accounts: &[AwsAccount], function: &lambda::Function) -> String {
    let account = match accounts {
        [] => return String::new(),
        [_] => "{}".to_owned(),
        [first, ..] => format!("{{ account: {} }}", first.name),
    };
    format!(
        ". If it is at AWS Lambda, write `{{ name: '{}', alias: {}, via: {{ lambda: {account} }} }}` there",
        function.name, function.alias
    )
}

fn known(
    connection: &FunctionConnection,
    endpoints: &FunctionEndpoints,
    version: u64,
) -> Result<(), ApiError> {
    if endpoints.versions.contains_key(&Version(version)) {
        return Ok(());
    }
    Err(wrong(
        ErrorCode::InvalidLambdaFunction,
        &format!(
            "version {version} of {} has no address: add it to the `versions` of its alias {} in `connections.functions` of cutover.yaml",
            connection.name, connection.alias
        ),
    ))
}

/// Settings that mean something on hosts alone (operations.md §1.2).
pub(super) fn only_of_servers(deploy: &Deploy, what: &str) -> Result<(), ApiError> {
    let options = &deploy.options;
    let misplaced = [
        (
            options.ignore_application_stop_failures,
            "InvalidIgnoreApplicationStopFailuresValueException",
            "ignoreApplicationStopFailures",
        ),
        (
            options.update_outdated_instances_only,
            "InvalidUpdateOutdatedInstancesOnlyValueException",
            "updateOutdatedInstancesOnly",
        ),
        (
            deploy.target_instances.is_some(),
            "InvalidTargetInstancesException",
            "targetInstances",
        ),
    ];
    match misplaced.into_iter().find(|(given, ..)| *given) {
        None => Ok(()),
        Some((_, error, name)) => Err(ApiError::new(
            error,
            format!("{name} is for Server alone: {what} has no instances"),
        )),
    }
}

fn wrong(code: ErrorCode, message: &str) -> ApiError {
    ApiError::new(
        "InvalidRevisionException",
        format!("{message} ({})", code.name()),
    )
}
