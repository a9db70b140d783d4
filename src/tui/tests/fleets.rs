//! A blue/green deployment between hosts that fleets provision: that they come and go is no change to warn of.

use super::Cockpit;
use super::sample::{self, Run};
use super::sides::{self, END_WAIT, WAITS};
use crate::api::feed::FeedItem;
use crate::engine::input::{Input, Told};
use crate::engine::plan::Stage;
use crate::engine::spec::Provision;
use crate::model::group::Selection;
use crate::model::host::{Host, Provisioned, copied_group};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::project::Project;

/// `web-1` to `web-4`, each of a deployment's fleet: two of the one before, two of this one.
fn hosts() -> Vec<Host> {
    let mut hosts = sample::project(4).hosts;
    for (place, host) in hosts.iter_mut().enumerate() {
        let deployment = sample::id(if place < 2 {
            sample::BEFORE
        } else {
            sample::LIVE
        });
        host.tags.clear();
        host.provisioned = Some(Provisioned {
            fleet: "pool".to_owned(),
            auto_scaling_group: copied_group(&sample::production(), &deployment),
            deployment,
        });
    }
    hosts
}

fn project(hosts: &[Host]) -> Project {
    Project {
        hosts: hosts.to_vec(),
        ..sample::project(0)
    }
}

/// The fleet is asked for the replacement.
fn asked() -> Run {
    let mut run = sides::made(|spec| {
        spec.targets.truncate(2);
        for target in &mut spec.targets {
            target.fleet = Some("pool".to_owned());
        }
        let of = |deployment: &str| {
            let deployment = sample::id(deployment);
            Selection::auto_scaling_group(copied_group(&sample::production(), &deployment))
        };
        let sides = spec.sides.as_mut().unwrap();
        sides.original = of(sample::BEFORE);
        sides.replacement = of(sample::LIVE);
        spec.provision = Some(Provision {
            account: None,
            fleet: "pool".to_owned(),
            count: 2,
        });
        spec.configuration.traffic_routing_config = None;
    });
    run.input(&Input::Admitted);
    assert!(matches!(
        run.deployment.current_stage(),
        Some(Stage::Provision { .. })
    ));
    run
}

/// What the cockpit warns of when the project has these hosts.
fn warned(run: &Run, hosts: &[Host], silent: Option<&str>) -> String {
    let mut cockpit = Cockpit::with(sample::snapshot(project(&hosts[..1]), &run.deployment));
    cockpit.at(run.now());
    cockpit.wait(0);
    WAITS.told(&mut cockpit, sample::LIVE);
    cockpit.tell(FeedItem::Project {
        project: Box::new(project(hosts)),
        problems: Vec::new(),
    });
    if let Some(name) = silent {
        cockpit.tell(sides::host(name, false));
    }
    cockpit.model.changes.found.join("\n")
}

#[test]
fn hosts_that_come_and_go_by_their_fleet_are_no_change() {
    let hosts = hosts();
    let mut run = asked();
    // They are in the project a moment before the deployment knows them, and their agents need a while.
    assert_eq!(warned(&run, &hosts, Some("web-3")), "");
    run.input(&Input::Fleet(Told::Provisioned(hosts[2..].to_vec())));
    assert_eq!(warned(&run, &hosts, Some("web-3")), "");
    run.input(&Input::Fleet(Told::Report));
    sides::all(&mut run, &LifecycleEvent::REPLACEMENT);

    assert_eq!(warned(&run, &hosts, None), "");
    assert_eq!(
        warned(&run, &hosts, Some("web-3")),
        "no answer from web-3 (replacement)"
    );
    assert_eq!(
        warned(&run, &hosts[..3], None),
        "no longer in the project: web-4 (replacement)"
    );
    assert_eq!(
        warned(&run, &hosts[1..], None),
        "no longer in the project: web-1 (original)"
    );

    run.command("ana", "", sides::REROUTE);
    sides::all(&mut run, &LifecycleEvent::ALLOW);
    sides::all(&mut run, &LifecycleEvent::BLOCK);
    run.command("ana", "", END_WAIT);
    assert!(matches!(
        run.deployment.current_stage(),
        Some(Stage::Terminate { .. })
    ));
    // Their agents end, and they leave the project a moment before the deployment has ended.
    assert_eq!(warned(&run, &hosts, Some("web-1")), "");
    assert_eq!(warned(&run, &hosts[2..], None), "");
    assert_eq!(
        warned(&run, &hosts[2..3], None),
        "no longer in the project: web-4 (replacement)"
    );
}
