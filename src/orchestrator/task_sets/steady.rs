//! What each host of a replacement is asked for, and what its answers come to: whether its tasks are well, may still get well, or
//! do not any more. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Failure;
use crate::agent::protocol::{TaskSetOrder, TaskSetState, TaskState, TaskStatus};
use crate::engine::Deployment;
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ErrorCode;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::model::task_set::Task;
use crate::model::timestamp::Short;
use crate::model::traffic::Side;

/// A task that ended so often by itself before it was well does not get well any more.
const ATTEMPTS: u32 = 3;

/// What each host of the replacement of a deployment is asked for.
///
/// # Errors
/// If nothing says what it is.
pub fn orders(deployment: &Deployment) -> Result<Vec<(Name, TaskSetOrder)>, Failure> {
    let nothing = || {
        let why = "nothing says what the tasks of the replacement are".to_owned();
        (ErrorCode::EcsUpdateError, why)
    };
    let set = deployment.task_sets(Side::Green).pop();
    let set = set.ok_or_else(nothing)?;
    let definition = set.definition.as_ref().ok_or_else(nothing)?;
    let service = deployment.targets.first().ok_or_else(nothing)?;
    // Servers are known by their ports, whether their tasks are there or not.
    let others = deployment.task_sets(Side::Blue).into_iter();
    let others: Vec<Task> = others.flat_map(|other| other.tasks).collect();
    let avoided = |host: &Name| {
        let theirs = others.iter().filter(|task| task.host == *host);
        let theirs = theirs.filter(|_| !deliberate(Bug::PortsOfOthersGiven));
        theirs.map(|task| task.endpoint.port).collect()
    };
    let order = |(host, count): &(Name, u32)| {
        let order = TaskSetOrder {
            service: service.name.to_string(),
            task_definition: set.task_definition.clone(),
            definition: definition.clone(),
            count: *count,
            avoid: avoided(host),
        };
        (host.clone(), order)
    };
    Ok(set.hosts.iter().map(order).collect())
}

/// How far the tasks on one host have come, by the looks at them so far.
#[derive(Clone, Debug)]
pub struct Progress {
    host: Name,
    /// What the tasks are.
    definition: String,
    count: usize,
    /// How long they may take.
    long: Duration,
    /// How often each had ended by itself at the first look: whoever tries again begins to count again.
    before: Option<BTreeMap<u32, u32>>,
    /// What was wrong at the last look.
    pub last: Option<String>,
}

impl Progress {
    /// Nobody has looked yet.
    pub fn new(host: Name, order: &TaskSetOrder) -> Self {
        Self {
            host,
            definition: order.task_definition.clone(),
            count: usize::try_from(order.count).unwrap_or(usize::MAX),
            long: Duration::from_secs(u64::from(order.definition.start_seconds)),
            before: None,
            last: None,
        }
    }

    /// The host.
    pub fn host(&self) -> &Name {
        &self.host
    }

    /// How long they may take.
    pub fn long(&self) -> Duration {
        self.long
    }

    /// The tasks, which serve at the host's address, if all of them are well; why waiting is no use, if it is none.
    pub fn look(
        &mut self,
        state: &TaskSetState,
        address: &str,
    ) -> Option<Result<Vec<Task>, Failure>> {
        self.last = trouble(state);
        let before = self.before.get_or_insert_with(|| restarts(state));
        if let Some(why) = hopeless(state, before) {
            let why = format!("{} on {}: {why}", self.definition, self.host);
            return Some(Err((ErrorCode::CustomerApplicationUnhealthy, why)));
        }
        let all = state.tasks.len() == self.count;
        let task = |task: &TaskState| Task {
            host: self.host.clone(),
            endpoint: Endpoint {
                host: address.to_owned(),
                port: task.port,
            },
        };
        let well = all && state.tasks.iter().all(is_well);
        well.then(|| Ok(state.tasks.iter().map(task).collect()))
    }

    /// Their time is over.
    pub fn too_late(&self) -> Failure {
        let trouble = self.last.as_deref();
        let trouble = trouble.unwrap_or("its agent does not answer");
        (
            ErrorCode::CustomerApplicationUnhealthy,
            format!(
                "not every task of {} on {} was well within {} (startSeconds): {trouble}",
                self.definition,
                self.host,
                Short(self.long)
            ),
        )
    }
}

fn is_well(task: &TaskState) -> bool {
    task.status == TaskStatus::Running && (task.healthy || deliberate(Bug::RunningIsWell))
}

fn trouble(state: &TaskSetState) -> Option<String> {
    let unwell = state.tasks.iter().find(|task| !is_well(task));
    let unwell = unwell?;
    let why = unwell.trouble.as_deref().unwrap_or("it is not well yet");
    Some(format!("task {}: {why}", unwell.number))
}

/// How often each task had ended by itself.
fn restarts(state: &TaskSetState) -> BTreeMap<u32, u32> {
    let tasks = state.tasks.iter();
    tasks.map(|task| (task.number, task.restarts)).collect()
}

/// Why waiting is no use.
fn hopeless(state: &TaskSetState, before: &BTreeMap<u32, u32>) -> Option<String> {
    let mut tasks = state.tasks.iter();
    let since = |task: &TaskState| {
        let former = before.get(&task.number).copied().unwrap_or(0);
        task.restarts.saturating_sub(former)
    };
    let task = tasks.find(|task| since(task) >= ATTEMPTS && !is_well(task))?;
    let why = task.trouble.as_deref().unwrap_or("it says nothing");
    Some(format!(
        "task {} has ended by itself {} times: {why}",
        task.number, task.restarts
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::timestamp::Timestamp;

    fn progress(count: u32) -> Progress {
        let definition = json!({ "run": ["serve"], "port": "8100-8199", "startSeconds": 20 });
        let order = json!({
            "service": "shop",
            "taskDefinition": "shop:1",
            "definition": definition,
            "count": count,
        });
        let order = serde_json::from_value(order).unwrap();
        Progress::new("web-1".parse().unwrap(), &order)
    }

    /// Tasks with these ports, each well or not, and how often it has ended by itself.
    fn state(tasks: &[(u16, bool, u32)]) -> TaskSetState {
        let task = |(number, (port, healthy, restarts)): (u32, &(u16, bool, u32))| TaskState {
            number,
            port: *port,
            status: TaskStatus::Running,
            healthy: *healthy,
            restarts: *restarts,
            since: Timestamp(0),
            trouble: None,
        };
        TaskSetState {
            id: "d-AAAAAAAAA".parse().unwrap(),
            service: "shop".to_owned(),
            task_definition: "shop:1".to_owned(),
            tasks: (1..).zip(tasks).map(task).collect(),
        }
    }

    #[test]
    fn a_host_is_steady_when_all_of_its_tasks_are_well() {
        let mut progress = progress(2);
        assert!(progress.look(&state(&[(8100, true, 0)]), "a").is_none());
        let one = state(&[(8100, true, 0), (8101, false, 0)]);
        assert!(progress.look(&one, "a").is_none());
        let (code, why) = progress.too_late();
        assert_eq!(code, ErrorCode::CustomerApplicationUnhealthy);
        assert!(why.contains("task 2"), "{why}");
        let both = state(&[(8100, true, 0), (8101, true, 0)]);
        let tasks = progress.look(&both, "a").unwrap().unwrap();
        let ports: Vec<u16> = tasks.iter().map(|task| task.endpoint.port).collect();
        assert_eq!(ports, [8100, 8101]);
    }

    #[test]
    fn a_task_is_given_up_that_ends_three_times_from_the_first_look_on() {
        let mut progress = progress(1);
        for restarts in [5, 7] {
            let ended = state(&[(8100, false, restarts)]);
            assert!(progress.look(&ended, "a").is_none());
        }
        let (code, why) = progress
            .look(&state(&[(8100, false, 8)]), "a")
            .unwrap()
            .unwrap_err();
        assert_eq!(code, ErrorCode::CustomerApplicationUnhealthy);
        assert!(why.contains("8 times"), "{why}");
    }
}
