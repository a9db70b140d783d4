//! Fleets in `cutover.yaml`, and groups that copy them.

use super::{GROUP, PROJECT, errors, lines, loaded};

const FLEETS: &str = "\
connections:
  fleets:
    - name: pool
      provider:
        command: { provision: [./make], terminate: [./end] }
    - name: cells
      timeoutSeconds: 5
      provider:
        http: { provision: 'https://cells.example/make', terminate: 'https://cells.example/end', token: t }
secrets: { t: { file: t } }
";

const COPIES: &str = "\
autoScalingGroups: [pool]
deploymentStyle: { deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }
blueGreenDeploymentConfiguration:
  greenFleetProvisioningOption: { action: COPY_AUTO_SCALING_GROUP }
";

/// The notes about a group of a project with these fleets, but for those about load balancers.
fn notes(group: &str) -> Vec<String> {
    let (project, group) = (format!("{PROJECT}{FLEETS}"), format!("{GROUP}{group}"));
    let files = [
        ("cutover.yaml", &*project),
        ("applications/shop/production.yaml", &group),
    ];
    let mut notes = lines(&loaded(&files).notes);
    notes.retain(|note| !note.contains("MISSING_ELB_INFORMATION"));
    notes
}

#[test]
fn what_is_documented_is_read() {
    let text = include_str!("../../docs/fleets.md");
    let mut blocks = text.split("```yaml\n").skip(1);
    let mut block = || blocks.next().unwrap().split("```").next().unwrap();
    let (project, group) = (
        format!("{PROJECT}{}", block()),
        format!("{GROUP}{}", block()),
    );
    let read = loaded(&[
        ("cutover.yaml", &project),
        ("applications/shop/production.yaml", &group),
    ]);
    let group = &read.project.groups[0];
    assert!(group.copies_fleet());
    let fleet = read.project.connections.fleet(group.fleet().unwrap());
    assert_eq!(fleet.unwrap().timeout_seconds, 600);
}

#[test]
fn what_is_wrong_with_a_fleet_names_the_place() {
    let broken = [
        ("provision: [./make]", "provision: []"),
        ("'https://cells.example/end'", "cells"),
        ("timeoutSeconds: 5", "timeoutSeconds: 0"),
        ("token: t", "tokens: t"),
        ("name: cells", "name: pool"),
    ];
    let found = broken.map(|(right, wrong)| {
        let text = format!("{PROJECT}{}", FLEETS.replacen(right, wrong, 1));
        let found = errors(&[("cutover.yaml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.into_iter().next().unwrap()
    });
    assert_eq!(
        found,
        [
            "cutover.yaml:10:31: error: connections.fleets[0].provider.command.provision: a command needs a program",
            "cutover.yaml:14:69: error: connections.fleets[1].provider.http.terminate: this is no address: write one such as https://chat.example/hooks/7",
            "cutover.yaml:12:23: error: connections.fleets[1].timeoutSeconds: at least 1 second",
            "cutover.yaml:14:98: error: connections.fleets[1].provider: unknown field \"tokens\" (did you mean \"token\"?)",
            "cutover.yaml:11:13: error: connections.fleets[1].name: fleets[0] has the name pool already",
        ]
    );
}

#[test]
fn nobody_writes_that_a_host_was_provisioned() {
    let wrong = PROJECT.replace(
        "tags:",
        "provisioned: { fleet: pool, deployment: d-AAAAAAAAA, autoScalingGroup: x }\n    tags:",
    );
    let found = errors(&[("cutover.yaml", &wrong)]);
    assert!(
        found
            .iter()
            .any(|line| line.contains("hosts[0].provisioned: this is what the program knows")),
        "{found:?}"
    );
}

#[test]
fn a_group_that_copies_no_fleet_that_there_is_is_a_warning() {
    assert_eq!(notes(COPIES), [""; 0]);
    let misnamed = notes(&COPIES.replace("[pool]", "[pools]"));
    assert_eq!(
        misnamed,
        [
            "applications/shop/production.yaml:4:20: warning: autoScalingGroups: no fleet of `connections` in cutover.yaml is called pools: deployments to the group are refused (did you mean \"pool\"?)"
        ]
    );
    let several = notes(&COPIES.replace("[pool]", "[pool, cells]"));
    assert!(several[0].contains("copies the one fleet"), "{several:?}");
    let of_no_use = notes("autoScalingGroups: [pool]\n");
    assert!(
        of_no_use[0].contains("Auto Scaling groups select no host"),
        "{of_no_use:?}"
    );
    let terminates =
        "  terminateBlueInstancesOnDeploymentSuccess: { action: TERMINATE }\n".to_owned();
    let kept = notes(&(COPIES.to_owned() + &terminates));
    assert!(
        kept[0].contains("they are not terminated, but kept out of traffic: web-1"),
        "{kept:?}"
    );
    // Once a fleet has provisioned them, its tags need to select nobody.
    let nobody = GROUP.replace("Value: web", "Value: none");
    let project = format!("{PROJECT}{FLEETS}");
    let group = format!("{nobody}{COPIES}");
    let files = [
        ("cutover.yaml", &*project),
        ("applications/shop/production.yaml", &group),
    ];
    let notes = lines(&loaded(&files).notes);
    assert!(!notes.iter().any(|note| note.contains("selects no host")));
}
