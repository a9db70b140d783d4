//! Deployments in every state that an operator must recognise.

use super::sample::{self, Run};
use crate::engine::input::{Input, Report, What};
use crate::engine::ledger::Ledger;
use crate::engine::spec::{OnFailure, Update};
use crate::model::configuration::ZonalConfig;
use crate::model::deployment::{Creator, DeploymentStatus};
use crate::model::project::Project;

/// Twelve hosts in three zones.
pub(super) fn zoned_project() -> Project {
    let mut project = sample::project(12);
    for (place, host) in project.hosts.iter_mut().enumerate() {
        host.zone = Some(["a", "b", "c"][place % 3].to_owned());
    }
    project
}

/// A silent host, one that is tried again, one that was left out, one that was chosen, and all of it paused.
pub(super) fn paused() -> Run {
    let mut run = sample::rollout();
    let target = |name| sample::name(name);
    run.command(
        "ana",
        "",
        What::Retry {
            target: target("web-3"),
        },
    );
    run.walk("web-3", 2);
    run.command(
        "ana",
        "disk",
        What::Skip {
            target: target("web-9"),
        },
    );
    run.command(
        "ana",
        "",
        What::StartNext {
            target: target("web-12"),
        },
    );
    run.report("web-5", Report::Lost);
    run.wait(11_000);
    run.command("ben", "looking at the database", What::Pause);
    run.wait(9_000);
    run
}

/// Too many have failed, and it waits for somebody.
pub(super) fn held() -> Run {
    let project = sample::project(4);
    let ledger = sample::ledger(4);
    let at = sample::now(-20_000);
    let mut run = Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |spec| {
        spec.options.on_failure = OnFailure::Hold;
    });
    run.input(&Input::Admitted);
    run.walk("web-1", 7).walk("web-2", 4).fail("web-2");
    run
}

/// The first zone is done and watched.
pub(super) fn watching() -> Run {
    let project = zoned_project();
    let ledger = sample::ledger(12);
    let at = sample::now(-60_000);
    let mut run = Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |spec| {
        spec.configuration.zonal_config = Some(ZonalConfig {
            first_zone_monitor_duration_in_seconds: Some(600),
            monitor_duration_in_seconds: Some(300),
            minimum_healthy_hosts_per_zone: None,
        });
    });
    run.input(&Input::Admitted);
    for target in ["web-1", "web-10", "web-4", "web-7"] {
        run.walk(target, 7);
    }
    run
}

/// It has to wait before it begins.
pub(super) fn queued() -> Run {
    let project = sample::project(4);
    let ledger = sample::ledger(4);
    let at = sample::now(-20_000);
    let mut run = Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |_| {});
    run.input(&Input::Queued {
        message: "2 deployments run, and settings.limits.concurrentDeployments is 2".to_owned(),
    });
    run
}

/// A host that has joined the group gets its revision.
pub(super) fn launch() -> Run {
    let project = sample::project(4);
    let at = sample::now(-20_000);
    let mut run = Run::created(
        &project,
        sample::LIVE,
        "1.7.2",
        at,
        &Ledger::default(),
        |spec| {
            spec.creator = Creator::Autoscaling;
            spec.by = "cutover".to_owned();
            spec.targets
                .retain(|target| target.name.as_str() == "web-4");
        },
    );
    run.input(&Input::Admitted);
    run.walk("web-4", 3);
    run
}

/// Instances that were outdated after another deployment are brought up to date.
pub(super) fn update() -> Run {
    let project = sample::project(4);
    let ledger = sample::ledger(4);
    let at = sample::now(-20_000);
    let mut run = Run::created(&project, sample::LIVE, "1.7.2", at, &ledger, |spec| {
        spec.creator = Creator::CodeDeployAutoUpdate;
        spec.by = sample::BEFORE.to_owned();
        spec.updates = Some(Update {
            root: sample::id(sample::BEFORE),
            round: 1,
        });
    });
    run.input(&Input::Admitted);
    run.walk("web-1", 3);
    run
}

#[test]
fn the_states_are_what_they_are_called() {
    let paused = paused().deployment;
    assert!(paused.paused.is_some());
    assert_eq!(paused.target(&sample::name("web-3")).unwrap().attempt, 2);
    assert!(
        paused
            .target(&sample::name("web-5"))
            .unwrap()
            .silent_since
            .is_some()
    );
    assert!(held().deployment.held.is_some());
    assert!(watching().deployment.monitor_ends().is_some());
    assert_eq!(queued().deployment.status, DeploymentStatus::Queued);
    assert!(!launch().deployment.spec.takes_slot());
    assert!(update().deployment.spec.updates.is_some());
}
