//! The deployment configurations: what each means, who uses it, and what it does there.

use super::{Cockpit, sample};
use crate::api::configuration::effect;
use crate::model::configuration::{
    DeploymentConfiguration, MinimumHealthyHosts, MinimumHealthyHostsType, ZonalConfig,
};
use crate::model::name::Name;
use crate::tui::model::Pane;
use crate::tui::screens::{Screen, here};

const HALF: &str = "CodeDeployDefault.HalfAtATime";

/// The sample, with a predefined configuration that one more group uses.
fn cockpit() -> Cockpit {
    let mut project = sample::project(12);
    let half: Name = sample::name(HALF);
    let configuration = DeploymentConfiguration {
        deployment_config_name: half.clone(),
        minimum_healthy_hosts: Some(MinimumHealthyHosts {
            kind: MinimumHealthyHostsType::FleetPercent,
            value: 50,
        }),
        ..sample::configuration(3)
    };
    project.configurations.insert(half.clone(), configuration);
    project.groups[1].deployment_config_name = sample::name("FewAtATime");
    let group = &mut project.groups[2];
    assert_eq!(group.key().to_string(), "shop/staging");
    group.deployment_config_name = half;
    let rollout = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(project, &rollout.deployment));
    cockpit.resize(200, 60);
    cockpit.keys("0 : c o n f i g u r a t i o n s enter");
    cockpit
}

fn place(cockpit: &Cockpit) -> String {
    here(&cockpit.model).to_string()
}

#[test]
fn each_is_told_with_what_it_does_where_it_is_used() {
    let mut cockpit = cockpit();
    assert_eq!(cockpit.model.screen, Screen::Configurations);
    assert_eq!(place(&cockpit), "configurations/FewAtATime");
    let screen = cockpit.screen();
    for told in [
        "2 configurations",
        "healthy",
        "all but 3",
        "12 hosts, 3 at a time, at least 9 healthy",
        "a document of this project",
    ] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    cockpit.keys("j");
    let screen = cockpit.screen();
    for told in [
        "at least 50 % of the hosts",
        "no host is in it now",
        "predefined: it can't be changed",
    ] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    cockpit.resize(80, 24);
    assert!(cockpit.screen().contains("no host is in it now"));
    // A name that is too long keeps its end, which tells it from others.
    cockpit.resize(44, 20);
    let screen = cockpit.screen();
    assert!(
        screen.contains("\u{22ef}ployDefault.HalfAtATime"),
        "{screen}"
    );
    cockpit.resize(80, 24);
    // Enter goes to the group, and back leads to the same row.
    cockpit.keys("enter");
    assert_eq!(place(&cockpit), "shop/staging");
    assert_eq!(cockpit.model.focus, Pane::Deployments);
    cockpit.keys("esc");
    assert_eq!(place(&cockpit), format!("configurations/{HALF}"));
    // A cursor that moves goes nowhere, so that one step leads home.
    cockpit.keys("k esc");
    assert_eq!(cockpit.model.screen, Screen::Home);
}

#[test]
fn by_zone_it_is_told_how_many_at_a_time_a_zone_allows() {
    let mut project = sample::project(12);
    for (place, host) in project.hosts.iter_mut().enumerate() {
        host.zone = (place < 10).then(|| if place < 8 { "a" } else { "b" }.to_owned());
    }
    let group = project.groups[1].clone();
    let told = |most, per_zone| {
        let kind = MinimumHealthyHostsType::HostCount;
        let configuration = DeploymentConfiguration {
            zonal_config: Some(ZonalConfig {
                minimum_healthy_hosts_per_zone: Some(MinimumHealthyHosts {
                    kind,
                    value: per_zone,
                }),
                first_zone_monitor_duration_in_seconds: None,
                monitor_duration_in_seconds: None,
            }),
            ..sample::configuration(most)
        };
        effect(&project, &group, &configuration)
    };
    let zones = "12 hosts in 3 zones, at most";
    assert_eq!(told(3, 1), format!("{zones} 3 at a time, zone by zone"));
    assert_eq!(told(9, 1), format!("{zones} 7 at a time, zone by zone"));
    let refused = "12 hosts: nothing can be deployed, as none of the 2";
    assert_eq!(told(3, 2), format!("{refused} without a zone may be down"));
}

#[test]
fn they_are_narrowed_and_sorted_and_one_has_an_address() {
    let mut cockpit = cockpit();
    cockpit.keys("/ o r i g i n : p r e d enter");
    assert_eq!(cockpit.model.configurations.shown(), 1);
    assert_eq!(place(&cockpit), format!("configurations/{HALF}"));
    cockpit.keys("esc");
    assert_eq!(cockpit.model.configurations.shown(), 2);
    cockpit.keys("O n a m e enter g");
    assert_eq!(place(&cockpit), format!("configurations/{HALF}"));
    cockpit.keys("0 : F e w A t A enter");
    assert_eq!(place(&cockpit), "configurations/FewAtATime");
    let wrong = "configurations/FewAtTime".parse().unwrap();
    let view = cockpit.model.view.as_ref().unwrap();
    let nowhere = view.find(&wrong).unwrap_err().to_string();
    let wanted = "there is no configuration FewAtTime: did you mean \"FewAtATime\"?";
    assert_eq!(nowhere, wanted);
}

#[test]
fn a_predefined_one_is_read_only_and_says_so() {
    use crate::tui::documents::selected;
    let mut cockpit = cockpit();
    let document = selected(&cockpit.model).unwrap().to_string();
    assert_eq!(document, "configuration FewAtATime");
    cockpit.keys("j");
    let why = selected(&cockpit.model).unwrap_err();
    let wanted = format!("{HALF} is predefined and can't be changed: I makes one of your own");
    assert_eq!(why, wanted);
}
