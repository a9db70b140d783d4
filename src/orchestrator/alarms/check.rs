//! Whether the alarms of a deployment can be watched, before it is created.

use crate::model::group::{AlarmConfiguration, GroupKey};
use crate::model::project::Project;
use crate::orchestrator::checks::unknown;
use crate::orchestrator::command::ApiError;

/// Whether a configuration makes sense, and the project says who knows each of its alarms (operations.md §1.2). One whose
/// failures are ignored may name what nobody knows: that is one that can't be read.
pub(in crate::orchestrator) fn check(
    project: &Project,
    group: &GroupKey,
    configuration: &AlarmConfiguration,
) -> Result<(), ApiError> {
    let wrong = |message| Err(ApiError::new("InvalidAlarmConfigException", message));
    if let Some((_, fault)) = configuration.faults().into_iter().next() {
        return wrong(format!("the alarms of this deployment: {fault}"));
    }
    if !configuration.enabled || configuration.ignore_poll_alarm_failure {
        return Ok(());
    }
    let known = &project.connections.alarms;
    for name in configuration.alarms.iter().map(|alarm| &alarm.name) {
        if project.connections.alarm(name).is_none() {
            let nearest = unknown("alarm", name, known.iter().map(|one| one.name.as_str()));
            return wrong(format!(
                "{group} can't be watched: {nearest}. `connections.alarms` of cutover.yaml says what the names stand for; `--alarms off` deploys without any"
            ));
        }
    }
    Ok(())
}
