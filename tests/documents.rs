//! Reading a project: everything that is wrong with it is found, with its place, and nothing is half loaded.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

#[path = "documents/access.rs"]
mod access;
#[path = "documents/aws.rs"]
mod aws;
#[path = "documents/commands.rs"]
mod commands;
#[path = "documents/connections.rs"]
mod connections;
#[path = "documents/doctor.rs"]
mod doctor;
#[path = "documents/edits.rs"]
mod edits;
#[path = "documents/environments.rs"]
mod environments;
#[path = "documents/fleets.rs"]
mod fleets;

use std::fs;
use std::path::Path;

use cutover::store::documents::{self, Loaded, Problem};
use tempfile::TempDir;

const PROJECT: &str = "\
name: demo
hosts:
  - name: web-1
    address: http://127.0.0.1:7301/
    tags: { role: web }
";
const APPLICATION: &str = "applicationName: shop\ncomputePlatform: Server\n";
const GROUP: &str = "\
applicationName: shop
deploymentGroupName: production
ec2TagFilters: [{ Key: role, Value: web, Type: KEY_AND_VALUE }]
";

/// A project of these files, on top of one without problems.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sound = [
        ("cutover.yaml", PROJECT),
        ("applications/shop/application.yaml", APPLICATION),
        ("applications/shop/production.yaml", GROUP),
    ];
    for (file, text) in sound.iter().chain(files) {
        write(folder.path(), file, text);
    }
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn errors(files: &[(&str, &str)]) -> Vec<String> {
    lines(&documents::load(project(files).path()).unwrap_err())
}

fn loaded(files: &[(&str, &str)]) -> Loaded {
    documents::load(project(files).path()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn a_sound_project_is_loaded() {
    let Loaded { project, notes } = loaded(&[(
        "configurations/Half.json",
        r#"{"minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 50}}"#,
    )]);
    assert_eq!(notes, []);
    assert_eq!(project.name.as_str(), "demo");
    assert_eq!(project.hosts[0].address, "http://127.0.0.1:7301");
    let platform = cutover::model::application::ComputePlatform::Server;
    let all = project.configurations.values();
    let names: Vec<&str> = all
        .filter(|it| it.compute_platform == platform)
        .map(|it| it.deployment_config_name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "CodeDeployDefault.AllAtOnce",
            "CodeDeployDefault.HalfAtATime",
            "CodeDeployDefault.OneAtATime",
            "Half",
        ]
    );
    let group = &project.groups[0];
    assert_eq!(
        group.deployment_config_name.as_str(),
        "CodeDeployDefault.OneAtATime"
    );
    assert_eq!(project.members(group).count(), 1);
}

#[test]
fn ids_of_groups_depend_on_names_only() {
    let id = |files: &[(&str, &str)]| loaded(files).project.groups[0].deployment_group_id.clone();
    let first = id(&[]).unwrap();
    assert_eq!(first, "af8fcc95-8500-52cb-920d-3f3c834c1fbf");
    assert_eq!(id(&[("unrelated.txt", "x")]), Some(first.clone()));
    let renamed = PROJECT.replace("demo", "other");
    assert_ne!(id(&[("cutover.yaml", &renamed)]), Some(first));
    let given = format!("{GROUP}deploymentGroupId: 11111111-2222-3333-4444-555555555555\n");
    assert_eq!(
        id(&[("applications/shop/production.yaml", &given)]).as_deref(),
        Some("11111111-2222-3333-4444-555555555555")
    );
}

#[test]
fn names_come_from_folder_and_file_if_the_document_has_none() {
    let Loaded { project, .. } = loaded(&[
        (
            "applications/shop/application.yaml",
            "# a server application\n",
        ),
        (
            "applications/shop/production.yaml",
            "ec2TagFilters: [{ Key: role }]\n",
        ),
    ]);
    assert_eq!(project.groups[0].application_name.as_str(), "shop");
    assert_eq!(
        project.groups[0].deployment_group_name.as_str(),
        "production"
    );
    assert!(project.applications.contains_key("shop"));
}

#[test]
fn what_codedeploy_prints_is_read_with_notes() {
    let folder = project(&[
        (
            "applications/shop/staging.json",
            r#"{
    "deploymentGroupInfo": {
        "applicationName": "shop",
        "deploymentGroupName": "staging",
        "deploymentGroupId": "11111111-2222-3333-4444-555555555555",
        "onPremisesInstanceTagFilters": [{"Key": "role", "Type": "KEY_ONLY"}],
        "computePlatform": "Server",
        "lastSuccessfulDeployment": {"deploymentId": "d-A1B2C3D4E"},
        "targetRevision": {"revisionType": "S3"}
    }
}
"#,
        ),
        (
            "applications/shop/application.yaml",
            "application: { applicationName: shop, createTime: 1.5 }\n",
        ),
    ]);
    let loaded = documents::load(folder.path()).unwrap();
    assert_eq!(
        lines(&loaded.notes),
        [
            "applications/shop/application.yaml:1:14: note: application: the answer's wrapper is set aside",
            "applications/shop/application.yaml:1:51: note: createTime: only CodeDeploy's answers have this field; it is set aside",
            "applications/shop/staging.json:2:28: note: deploymentGroupInfo: the answer's wrapper is set aside",
            "applications/shop/staging.json:7:28: note: computePlatform: only CodeDeploy's answers have this field; it is set aside",
            "applications/shop/staging.json:8:37: note: lastSuccessfulDeployment: only CodeDeploy's answers have this field; it is set aside",
            "applications/shop/staging.json:9:27: note: targetRevision: only CodeDeploy's answers have this field; it is set aside",
        ]
    );
    assert_eq!(loaded.project.groups.len(), 2);
}

#[test]
fn every_problem_of_every_document_is_found() {
    let found = errors(&[
        (
            "cutover.yaml",
            "name: demo\nhosts:\n  - { name: a, address: \"http://10.0.0.1\" }\n  - { name: a, address: \"http://localhost:1\", tag: {} }\n",
        ),
        (
            "applications/shop/production.yaml",
            "deploymentGroupName: production\nec2TagFilter: []\ndeploymentStyle: { deploymentType: INPLACE }\n",
        ),
        ("applications/shop/broken.yaml", "a: [1\n"),
        (
            "configurations/Half.yaml",
            "minimumHealthyHosts: { type: FLEET_PERCENT, value: 100 }\n",
        ),
        (
            "configurations/CodeDeployDefault.Mine.yaml",
            "minimumHealthyHosts: { type: HOST_COUNT, value: 1 }\n",
        ),
        (
            "configurations/Most.yaml",
            "minimumHealthyHosts: { type: MOST_CONCURRENCY, value: 1 }\n",
        ),
        (
            "configurations/Zones.yaml",
            "minimumHealthyHosts: { type: HOST_COUNT, value: 1 }\nzonalConfig:\n  minimumHealthyHostsPerZone: { type: FLEET_PERCENT, value: 100 }\n",
        ),
        (
            "configurations/Zonal.yaml",
            "minimumHealthyHosts: { type: HOST_COUNT, value: 1 }\nzonalConfig: { monitorDurationInSecond: -1 }\n",
        ),
        (
            "configurations/Functions.yaml",
            "computePlatform: Lambda\nzonalConfig: {}\n",
        ),
    ]);
    let broken = "applications/shop/broken.yaml:2:1: error: not valid YAML";
    assert!(found[0].starts_with(broken), "{}", found[0]);
    assert_eq!(
        found[1..],
        [
            "applications/shop/production.yaml:2:1: error: unknown field \"ec2TagFilter\" (did you mean \"ec2TagFilters\"?)",
            "applications/shop/production.yaml:3:36: error: deploymentStyle.deploymentType: expected one of IN_PLACE, BLUE_GREEN, found \"INPLACE\" (did you mean \"IN_PLACE\"?)",
            "configurations/CodeDeployDefault.Mine.yaml:1:1: error: deploymentConfigName: only predefined configurations start with CodeDeployDefault. (InvalidDeploymentConfigNameException)",
            "configurations/Functions.yaml:2:14: error: zonalConfig: zones are for Server, not for Lambda (InvalidZonalDeploymentConfigurationException)",
            "configurations/Half.yaml:1:52: error: minimumHealthyHosts.value: a percentage of the fleet is 0 to 99 (InvalidMinimumHealthyHostValueException)",
            "configurations/Most.yaml:1:30: error: minimumHealthyHosts.type: only predefined configurations use MOST_CONCURRENCY (InvalidMinimumHealthyHostValueException)",
            "configurations/Zonal.yaml:2:16: error: zonalConfig: unknown field \"monitorDurationInSecond\" (did you mean \"monitorDurationInSeconds\"?)",
            "configurations/Zones.yaml:3:61: error: zonalConfig.minimumHealthyHostsPerZone.value: a percentage of the fleet is 0 to 99 (InvalidZonalDeploymentConfigurationException)",
            "cutover.yaml:4:47: error: hosts[1]: unknown field \"tag\" (did you mean \"tags\"?)",
        ]
    );
}

#[test]
fn hosts_are_checked() {
    let found = errors(&[(
        "cutover.yaml",
        "name: demo\nhosts:\n  - { name: a, address: \"http://10.0.0.1\" }\n  - { name: a, address: \"http://localhost:1\" }\n  - { name: b, address: \"http://localhost:1/\", tags: { role: web } }\n",
    )]);
    assert_eq!(
        found,
        [
            "cutover.yaml:3:25: error: hosts[0].address: \"10.0.0.1\" is not the loopback, where alone agents are spoken to plainly: write https://, and `cutover hosts invite` lets the host join",
            "cutover.yaml:4:13: error: hosts[1].name: hosts[0] has the name a already",
            "cutover.yaml:5:25: error: hosts[2].address: hosts[1] has this address already",
        ]
    );
}

#[test]
fn references_and_names_are_checked() {
    let id = "deploymentGroupId: 11111111-2222-3333-4444-555555555555\n";
    let production = format!("{GROUP}deploymentConfigName: CodeDeployDefault.OneAtTime\n{id}");
    let copy = format!("{GROUP}{id}");
    let found = errors(&[
        ("applications/shop/production.yaml", &production),
        ("applications/shop/copy.yaml", &copy),
        (
            "applications/shop/odd.yaml",
            "deploymentGroupId: ../../etc\nec2TagFilters: [{Key: role}]\n",
        ),
        (
            "applications/lonely/production.yaml",
            "ec2TagFilters: [{Key: role}]\n",
        ),
        (
            "applications/shop/twice.json",
            "{\"ec2TagFilters\": [{\"Key\": \"role\"}]}",
        ),
        (
            "applications/shop/twice.yaml",
            "ec2TagFilters: [{Key: role}]\n",
        ),
        ("applications/shop/rules.yaml", "ec2TagFilters: [{}]\n"),
    ]);
    assert_eq!(
        found,
        [
            "applications/lonely/application.yaml:1:1: error: missing: it says the computePlatform of the application",
            "applications/shop/copy.yaml:2:22: error: deploymentGroupName: \"production\" is kept in the file of \"copy\" (rename the file, or change the field)",
            "applications/shop/odd.yaml:1:20: error: deploymentGroupId: an id is a UUID such as 1f0c8f5e-7f0a-5b8e-9c39-3f5f2a6f8d11",
            "applications/shop/production.yaml:4:23: error: deploymentConfigName: there is no configuration CodeDeployDefault.OneAtTime (DeploymentConfigDoesNotExistException) (did you mean \"CodeDeployDefault.OneAtATime\"?)",
            "applications/shop/production.yaml:5:20: error: deploymentGroupId: shop/production has this id already",
            "applications/shop/rules.yaml:1:16: warning: ec2TagFilters: the group selects no host of cutover.yaml",
            "applications/shop/rules.yaml:1:17: error: ec2TagFilters[0]: a tag filter needs Key, Value or both (InvalidEC2TagException)",
            "applications/shop/twice.yaml:1:1: error: there is a second document of this name, as .json",
        ]
    );
}

#[test]
fn what_is_not_supported_yet_loads_with_a_warning() {
    let selected = "ec2TagFilters: [{Key: role}]\n";
    let blue = format!(
        "{selected}deploymentStyle: {{deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL}}\n"
    );
    let traffic =
        format!("{selected}deploymentStyle: {{deploymentOption: WITH_TRAFFIC_CONTROL}}\n");
    let loaded = loaded(&[
        ("applications/shop/blue.yaml", &blue),
        ("applications/shop/traffic.yaml", &traffic),
        ("applications/shop/nobody.yaml", "ec2TagFilters: []\n"),
        ("applications/shop/other.yml", selected),
        ("applications/fn/application.yaml", "computePlatform: ECS\n"),
        (
            "applications/fn/live.yaml",
            "deploymentConfigName: Canary\n",
        ),
        (
            "configurations/Canary.yaml",
            "computePlatform: ECS\ntrafficRoutingConfig: {type: AllAtOnce}\n",
        ),
    ]);
    assert_eq!(
        lines(&loaded.notes),
        [
            "applications/fn/live.yaml:1:1: warning: applicationName: a group for ECS is not supported yet: deployments to it are refused",
            "applications/shop/blue.yaml:2:18: warning: deploymentStyle: WITH_TRAFFIC_CONTROL, and no load balancer is named: deployments to the group are refused (MISSING_ELB_INFORMATION)",
            "applications/shop/nobody.yaml:1:16: warning: ec2TagFilters: the group selects no host of cutover.yaml",
            "applications/shop/other.yml:1:1: warning: not read: documents are named .yaml or .json",
            "applications/shop/traffic.yaml:2:18: warning: deploymentStyle: WITH_TRAFFIC_CONTROL, and no load balancer is named: deployments to the group are refused (MISSING_ELB_INFORMATION)",
        ]
    );
}

#[test]
fn each_platform_has_its_own_fields_in_a_configuration() {
    let found = errors(&[
        ("configurations/A.yaml", "computePlatform: Server\n"),
        ("configurations/B.yaml", "computePlatform: ECS\n"),
        (
            "configurations/C.yaml",
            "computePlatform: Lambda\nminimumHealthyHosts: {type: HOST_COUNT, value: 1}\ntrafficRoutingConfig: {type: AllAtOnce}\n",
        ),
    ]);
    assert_eq!(
        found,
        [
            "configurations/A.yaml:1:1: error: minimumHealthyHosts: how many instances stay healthy is missing (InvalidMinimumHealthyHostValueException)",
            "configurations/B.yaml:1:1: error: trafficRoutingConfig: how traffic shifts is missing: ECS needs it (InvalidTrafficRoutingConfigurationException)",
            "configurations/C.yaml:2:22: error: minimumHealthyHosts: a minimum is for Server, not for Lambda (InvalidMinimumHealthyHostValueException)",
        ]
    );
}

#[test]
fn a_wrong_configuration_is_reported_once() {
    let group = format!("{GROUP}deploymentConfigName: Half\n");
    let found = errors(&[
        ("applications/shop/production.yaml", &group),
        ("configurations/Half.yaml", "minimumHealthyHosts: {}\n"),
    ]);
    assert_eq!(
        found,
        [
            "applications/shop/production.yaml:4:23: error: deploymentConfigName: the configuration Half can't be used; see its own document",
            "configurations/Half.yaml:1:22: error: minimumHealthyHosts: the field \"type\" is missing",
        ]
    );
}

#[test]
fn settings_do_not_need_the_rest() {
    let folder = project(&[
        ("cutover.yaml", "name: demo\nsettings: { readOnly: true }\n"),
        ("applications/shop/production.yaml", "nonsense: [\n"),
    ]);
    assert!(documents::load(folder.path()).is_err());
    assert!(documents::settings(folder.path()).unwrap().read_only);
}

#[test]
fn unreadable_text_is_named() {
    let folder = project(&[]);
    fs::write(folder.path().join("cutover.yaml"), b"name: demo\n# \xff\n").unwrap();
    let found = documents::settings(folder.path()).unwrap_err();
    assert_eq!(lines(&found), ["cutover.yaml:2:1: error: not UTF-8 text"]);
}

#[test]
fn the_fingerprint_changes_with_the_documents_only() {
    let folder = project(&[]);
    let before = documents::fingerprint(folder.path());
    write(folder.path(), "revisions/a/file", "x");
    write(folder.path(), "applications/shop/.production.yaml.swp", "x");
    assert_eq!(documents::fingerprint(folder.path()), before);
    write(
        folder.path(),
        "applications/shop/production.yaml",
        "# longer than it was, or shorter\n",
    );
    let edited = documents::fingerprint(folder.path());
    assert_ne!(edited, before);
    write(folder.path(), "configurations/New.yaml", "");
    assert_ne!(documents::fingerprint(folder.path()), edited);
}

#[test]
fn the_nearest_project_upwards_is_found() {
    let folder = project(&[]);
    let inside = folder.path().join("applications/shop");
    assert_eq!(documents::find(&inside).as_deref(), Some(folder.path()));
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(documents::find(elsewhere.path()), None);
}

#[test]
fn zones_are_kept() {
    let loaded = loaded(&[(
        "configurations/Zones.yaml",
        "minimumHealthyHosts: { type: HOST_COUNT, value: 1 }\nzonalConfig:\n  monitorDurationInSeconds: 600\n  firstZoneMonitorDurationInSeconds: 1800\n  minimumHealthyHostsPerZone: { type: FLEET_PERCENT, value: 50 }\n",
    )]);
    let zones = loaded.project.configurations["Zones"].zonal_config.unwrap();
    assert_eq!(zones.monitor_duration_in_seconds, Some(600));
    assert_eq!(zones.first_zone_monitor_duration_in_seconds, Some(1800));
    assert_eq!(zones.minimum_healthy_hosts_per_zone.unwrap().value, 50);
}

#[test]
fn zones_are_not_for_blue_green() {
    let group = format!(
        "{GROUP}deploymentConfigName: Zones\ndeploymentStyle: {{ deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }}\n"
    );
    let found = errors(&[
        ("applications/shop/production.yaml", &group),
        (
            "configurations/Zones.yaml",
            "minimumHealthyHosts: { type: HOST_COUNT, value: 1 }\nzonalConfig: {}\n",
        ),
    ]);
    let error = "applications/shop/production.yaml:4:23: error: deploymentConfigName: Zones goes zone by zone, which blue/green does not (InvalidZonalDeploymentConfigurationException)";
    assert!(found.iter().any(|line| line == error), "{found:#?}");
}

#[test]
fn the_nearest_right_name_is_suggested() {
    let loaded = loaded(&[(
        "applications/shop/slip.yaml",
        "ec2TagSet:\n  ec2TagSetList:\n    - - { Key: role }\n      - { Key: rola, Value: web }\n    - - { Key: unlike }\n      - { Value: web }\n",
    )]);
    assert_eq!(
        lines(&loaded.notes),
        [
            "applications/shop/slip.yaml:4:16: warning: ec2TagSet.ec2TagSetList[0][1].Key: no host of cutover.yaml has the tag rola (did you mean \"role\"?)",
            "applications/shop/slip.yaml:5:16: warning: ec2TagSet.ec2TagSetList[1][0].Key: no host of cutover.yaml has the tag unlike",
        ]
    );
    let found = errors(&[
        (
            "applications/shop/production.yaml",
            "autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILED] }\noutdatedInstancesStrategy: IGNORED\n",
        ),
        (
            "applications/shop/application.yaml",
            "computePlatform: server\n",
        ),
        ("cutover.yaml", "name: demo\nsetings: {}\n"),
    ]);
    for (place, help) in [
        ("production.yaml:1:54", "\"DEPLOYMENT_FAILURE\""),
        ("production.yaml:2:28", "\"IGNORE\""),
        ("application.yaml:1:18", "\"Server\""),
        ("cutover.yaml:2:1", "\"settings\""),
    ] {
        let line = found.iter().find(|line| line.contains(place));
        assert!(
            line.is_some_and(|line| line.contains(&format!("did you mean {help}?"))),
            "{place}: {found:#?}"
        );
    }
}
