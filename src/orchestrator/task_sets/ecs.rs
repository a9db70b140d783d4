//! Task sets that AWS ECS keeps: the replacement is made there and looked at until it is steady, and what has lost the traffic is
//! deleted.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::super::Orchestrator;
use super::super::services::groups_of;
use super::Failure;
use crate::engine::Deployment;
use crate::model::connections::{EcsKeeper, ServiceKind};
use crate::model::deployment::ErrorCode;
use crate::model::group::EcsService;
use crate::model::task_set::{TaskSet, TaskSetId};
use crate::model::timestamp::Short;
use crate::providers::services::{self, Door, Listener, Order, Place, ServiceError, Standing};

/// For how long what may pass is waited for before a deployment is given up that has made nothing yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long a task set has to be missing before that is believed: ECS may not name at once what it has just made.
const MISSING: Duration = Duration::from_secs(30);

/// How soon ECS is asked again, at first.
const SOON: Duration = Duration::from_millis(500);

/// How soon it is asked again later.
const LATER: Duration = Duration::from_secs(8);

/// How soon it is asked again how a task set is.
const LOOK: Duration = Duration::from_secs(2);

impl Orchestrator {
    /// Has ECS make the replacement, unless it has, and waits until it is steady.
    pub(super) async fn until_steady_at_ecs(
        &self,
        deployment: &Deployment,
        set: &TaskSet,
        stopped: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        let (keeper, at) = self.keeper(&set.service)?;
        let accounts = self.0.services.accounts();
        let mut stopped = pin!(stopped);
        let standing = insist(|| services::look(accounts, &at)).await?;
        if standing.find(&set.id).is_none() {
            let make = self.make(deployment, set, (&keeper, &at), &standing, stopped.as_mut());
            Box::pin(make).await?;
        }
        let long = deployment.spec.limits.provisioning();
        let mut last = None;
        let steady = timeout(long, Box::pin(self.until_it_is_steady(set, &at, &mut last)));
        let steady = or_stopped(stopped, steady).await?;
        steady.unwrap_or_else(|_| {
            let last = last.unwrap_or_else(|| "ECS does not say how it is".to_owned());
            Err((
                of_too_few(&last),
                format!(
                    "the task set of {} was not steady within {} (provisioningSeconds): {last}",
                    set.task_definition,
                    Short(long)
                ),
            ))
        })
    }

    /// Where the project says that a service is.
    fn keeper(&self, service: &EcsService) -> Result<(EcsKeeper, Place), Failure> {
        let (project, _) = self.0.documents.current();
        let (name, cluster) = (&service.service_name, &service.cluster_name);
        let known = project.connections.service(name, cluster);
        match known.map(|known| &known.via) {
            Some(ServiceKind::Ecs(keeper)) => Ok((keeper.clone(), place(service, keeper))),
            _ => Err((
                ErrorCode::InvalidEcsService,
                format!(
                    "`connections.services` of cutover.yaml no longer says that {name} in the cluster {cluster} is at AWS ECS"
                ),
            )),
        }
    }

    /// Has ECS make the replacement. What it takes the place of is deleted before: only one task set may be in a target group.
    async fn make(
        &self,
        deployment: &Deployment,
        set: &TaskSet,
        (keeper, at): (&EcsKeeper, &Place),
        standing: &Standing,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), Failure> {
        let accounts = self.0.services.accounts();
        let nothing = || {
            let why = "nothing says what its target groups and listeners are".to_owned();
            (ErrorCode::MissingElbInformation, why)
        };
        let pair = deployment.spec.group.target_group_pair();
        let pair = pair.ok_or_else(nothing)?;
        let listener = Listener {
            service: set.service.clone(),
            arn: pair
                .prod_traffic_route
                .listener_arns
                .first()
                .cloned()
                .ok_or_else(nothing)?,
            groups: groups_of(pair),
            production: true,
        };
        let asked = deployment.spec.service.as_ref().ok_or_else(nothing)?;
        let sets = deployment.spec.task_sets.as_deref().ok_or_else(nothing)?;
        let left = fits(standing, sets.original.as_ref(), &sets.left)?;
        let original = standing.serving(sets.original.as_ref().map(|set| &set.id));
        let original = original.map(|original| {
            let group = original.target_group.as_deref();
            group.unwrap_or("that it does not have")
        });
        let door = Door::of(accounts, at, &listener);
        let group = insist(|| door.room(original, &set.target_group)).await?;
        for set in left {
            let trouble = timeout(
                deployment.spec.limits.provisioning(),
                Box::pin(self.delete_at_ecs(set)),
            );
            let trouble = or_stopped(stopped.as_mut(), trouble).await?;
            let trouble = trouble.unwrap_or_else(|_| {
                Err("what a former deployment left behind is not gone yet".to_owned())
            });
            trouble.map_err(|why| (ErrorCode::EcsUpdateError, why))?;
        }
        let order = Order {
            id: deployment.id(),
            asked: &asked.service,
            target_group: &group,
            launch_type: keeper.launch_type,
        };
        insist(|| services::create(accounts, at, order)).await
    }

    /// `last` is what was known at the last look.
    async fn until_it_is_steady(
        &self,
        set: &TaskSet,
        at: &Place,
        last: &mut Option<String>,
    ) -> Result<(), Failure> {
        let (mut again, mut absence) = (Again::new(), Absence::default());
        loop {
            match services::look(self.0.services.accounts(), at).await {
                Ok(standing) => {
                    again = Again::new();
                    let found = standing.find(&set.id);
                    if absence.is_believed(found.is_none(), Instant::now()) {
                        let why = format!(
                            "the task set of {} was deleted before it was steady: deploy again",
                            set.task_definition
                        );
                        return Err((ErrorCode::EcsUpdateError, why));
                    }
                    if found.is_some_and(|found| found.steady) {
                        return Ok(());
                    }
                    let said = standing.said.as_deref().unwrap_or("it says nothing");
                    *last = Some(match found.map(|found| found.running) {
                        Some((running, desired)) => {
                            format!("{running} of {desired} tasks run ({said})")
                        }
                        None => format!("ECS does not name it ({said})"),
                    });
                    sleep(LOOK).await;
                }
                Err(error) if error.is_passing => {
                    *last = Some(error.message);
                    again.wait().await;
                }
                Err(error) => return Err((error.code, error.message)),
            }
        }
    }

    /// Has ECS delete a task set, and waits until it is gone, however often ECS has to be asked.
    pub(super) async fn delete_at_ecs(&self, set: &TaskSet) -> Result<(), String> {
        let (_, at) = self.keeper(&set.service).map_err(|(_, why)| why)?;
        let accounts = self.0.services.accounts();
        let (mut again, mut ending) = (Again::new(), Ending::default());
        loop {
            let done = match services::look(accounts, &at).await {
                Ok(standing) => {
                    let found = standing.find(&set.id);
                    match (ending.next(found.is_some(), Instant::now()), found) {
                        (Next::Over, _) => return Ok(()),
                        (Next::Tell, Some(found)) => {
                            let told = services::delete(accounts, &at, &found.arn).await;
                            ending.told = told.is_ok();
                            told
                        }
                        (Next::Tell | Next::Wait, _) => Ok(()),
                    }
                }
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => {
                    again = Again::new();
                    sleep(LOOK).await;
                }
                Err(error) if error.is_passing => again.wait().await,
                Err(error) => return Err(error.message),
            }
        }
    }
}

/// Where a service is that this keeps.
pub(in super::super) fn place(service: &EcsService, keeper: &EcsKeeper) -> Place {
    Place {
        account: keeper.account.clone(),
        service: service.clone(),
    }
}

/// What former deployments have left at ECS and is in the way, if the service stands as the deployment takes it to stand.
fn fits<'a>(
    standing: &Standing,
    original: Option<&TaskSet>,
    left: &'a [TaskSet],
) -> Result<Vec<&'a TaskSet>, Failure> {
    let original = original.map(|original| &original.id);
    let serving = standing.serving(original).map(|serving| &serving.id);
    if serving != original {
        let named = serving.map_or("none".to_owned(), ToString::to_string);
        let why = format!(
            "its primary task set is {named}, and was another when this deployment was created: deploy again"
        );
        return Err((ErrorCode::EcsUpdateError, why));
    }
    let is_left = |id: &TaskSetId| left.iter().any(|set| set.id == *id);
    let others = || standing.sets.iter().filter(|set| Some(&set.id) != serving);
    // What somebody has deleted goes by itself.
    if let Some(stranger) = others().find(|set| !set.leaves && !is_left(&set.id)) {
        let why = format!(
            "the service has the task set {}, which is not its primary one, and no deployment of this group made it: delete it there, or make it the primary one if it has the traffic",
            stranger.id
        );
        return Err((ErrorCode::InvalidEcsService, why));
    }
    let there = |set: &&TaskSet| others().any(|other| other.id == set.id);
    Ok(left.iter().filter(there).collect())
}

/// Asks until it is answered, or what may pass has not passed for long.
async fn insist<T, F: Future<Output = Result<T, ServiceError>>>(
    ask: impl Fn() -> F,
) -> Result<T, Failure> {
    let late = Instant::now() + PATIENCE;
    let mut again = Again::new();
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.is_passing && Instant::now() < late => again.wait().await,
            Err(error) => return Err((error.code, error.message)),
        }
    }
}

/// What comes of it, unless the deployment is stopped first.
async fn or_stopped<T>(
    stopped: Pin<&mut impl Future<Output = ()>>,
    done: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        done = done => Ok(done),
        () = stopped => {
            let why = "it was not steady yet when the deployment was stopped".to_owned();
            Err((ErrorCode::CustomerApplicationUnhealthy, why))
        }
    }
}

/// The error of a deployment whose tasks do not all run, by what ECS has said last: the account may have no more of them, or it is
/// theirs.
fn of_too_few(said: &str) -> ErrorCode {
    if said.contains("reached the limit") {
        ErrorCode::ResourceLimitExceeded
    } else {
        ErrorCode::CustomerApplicationUnhealthy
    }
}

/// Since when something is not there at every look.
#[derive(Debug, Default)]
struct Absence(Option<Instant>);

impl Absence {
    /// Whether it is gone, if it is `missing` now.
    fn is_believed(&mut self, missing: bool, now: Instant) -> bool {
        if !missing {
            self.0 = None;
            return false;
        }
        now - *self.0.get_or_insert(now) >= MISSING
    }
}

/// How far the end of a task set has come.
#[derive(Debug, Default)]
struct Ending {
    /// Whether ECS was told to delete it, and it is certain that it was there.
    told: bool,
    absence: Absence,
}

/// What there is to do next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// It is gone.
    Over,
    /// ECS is to delete it.
    Tell,
    /// It is looked at again.
    Wait,
}

impl Ending {
    fn next(&mut self, there: bool, now: Instant) -> Next {
        let gone = self.absence.is_believed(!there, now);
        match there {
            true if self.told => Next::Wait,
            true => Next::Tell,
            false if self.told || gone => Next::Over,
            false => Next::Wait,
        }
    }
}

/// How long to wait before ECS is asked again: longer each time.
struct Again(Duration);

impl Again {
    fn new() -> Self {
        Self(SOON)
    }

    async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = LATER.min(self.0 * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::services::Standee;

    fn standee(id: &str, primary: bool) -> Standee {
        Standee {
            id: TaskSetId::from(id),
            arn: format!("arn:{id}"),
            task_definition: "shop:1".to_owned(),
            primary,
            leaves: false,
            target_group: Some("a".to_owned()),
            steady: true,
            running: (1, 1),
        }
    }

    fn set(id: &str) -> TaskSet {
        TaskSet {
            id: TaskSetId::from(id),
            service: EcsService {
                cluster_name: "main".to_owned(),
                service_name: "shop".to_owned(),
            },
            task_definition: "shop:1".to_owned(),
            definition: None,
            target_group: "a".to_owned(),
            hosts: Vec::new(),
            tasks: Vec::new(),
        }
    }

    #[test]
    fn only_what_former_deployments_left_makes_way() {
        let standing = |sets: &[(&str, bool)]| Standing {
            sets: sets
                .iter()
                .map(|(id, primary)| standee(id, *primary))
                .collect(),
            said: None,
        };
        let both = standing(&[("d-AAAAAAAAA", true), ("d-BBBBBBBBB", false)]);
        let (original, left) = (set("d-AAAAAAAAA"), [set("d-BBBBBBBBB"), set("d-GONEGONE0")]);
        let found = fits(&both, Some(&original), &left).unwrap();
        assert_eq!(found, [&left[0]]);
        let (code, why) = fits(&both, Some(&original), &[]).unwrap_err();
        assert_eq!(code, ErrorCode::InvalidEcsService);
        assert!(why.contains("d-BBBBBBBBB"), "{why}");
        let mut leaving = both.clone();
        leaving.sets[1].leaves = true;
        assert!(fits(&leaving, Some(&original), &[]).unwrap().is_empty());
        let (code, why) = fits(&both, None, &left).unwrap_err();
        assert_eq!(code, ErrorCode::EcsUpdateError);
        assert!(why.contains("deploy again"), "{why}");
        // Where ECS takes none for the primary one, what serves is in nobody's way, and goes for nobody.
        let nobody = standing(&[("d-AAAAAAAAA", false), ("d-BBBBBBBBB", false)]);
        let found = fits(&nobody, Some(&original), &left).unwrap();
        assert_eq!(found, [&left[0]]);
        let (code, why) = fits(&nobody, None, &left).unwrap_err();
        assert_eq!(code, ErrorCode::InvalidEcsService);
        assert!(why.contains("d-AAAAAAAAA"), "{why}");
        let nothing = fits(&standing(&[]), None, &left).unwrap();
        assert!(nothing.is_empty(), "{nothing:?}");
    }

    #[test]
    fn what_was_just_made_is_not_gone_for_not_being_named_yet() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut absence = Absence::default();
        assert!(!absence.is_believed(true, at(0)));
        assert!(!absence.is_believed(true, at(29)));
        // Seen once, it has to be missing anew.
        assert!(!absence.is_believed(false, at(30)));
        assert!(!absence.is_believed(true, at(32)));
        assert!(!absence.is_believed(true, at(61)));
        assert!(absence.is_believed(true, at(62)));

        // It is deleted if it turns up after all.
        let mut ending = Ending::default();
        assert_eq!(ending.next(false, at(0)), Next::Wait);
        assert_eq!(ending.next(true, at(10)), Next::Tell);
        ending.told = true;
        assert_eq!(ending.next(true, at(12)), Next::Wait);
        assert_eq!(ending.next(false, at(14)), Next::Over);
        let mut never = Ending::default();
        assert_eq!(never.next(false, at(0)), Next::Wait);
        assert_eq!(never.next(false, at(29)), Next::Wait);
        assert_eq!(never.next(false, at(30)), Next::Over);
    }

    #[tokio::test]
    async fn whoever_is_stopped_waits_for_nothing_more() {
        let mut stopped = pin!(std::future::ready(()));
        let never = std::future::pending::<()>();
        let (code, why) = or_stopped(stopped.as_mut(), never).await.unwrap_err();
        assert_eq!(code, ErrorCode::CustomerApplicationUnhealthy);
        assert!(why.contains("stopped"), "{why}");
        let going = pin!(std::future::pending());
        assert_eq!(or_stopped(going, async { 7 }).await, Ok(7));
    }

    #[test]
    fn a_quota_of_the_account_is_no_fault_of_the_tasks() {
        let full = "0 of 2 tasks run (service shop was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently)";
        assert_eq!(of_too_few(full), ErrorCode::ResourceLimitExceeded);
        let ill = "1 of 2 tasks run (it says nothing)";
        assert_eq!(of_too_few(ill), ErrorCode::CustomerApplicationUnhealthy);
    }
}
