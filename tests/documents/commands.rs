//! The commands that change documents, the real program.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The starter project, with a folder of its own for everything that the program keeps.
struct Starter {
    folder: TempDir,
}

impl Starter {
    fn new() -> Self {
        let starter = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let project = starter.project();
        let made = starter
            .command(&["init", project.to_str().unwrap()])
            .output();
        assert!(made.unwrap().status.success());
        let root = starter.read("cutover.yaml");
        let hosts = "hosts:
  - name: web-1
    address: http://127.0.0.1:7301
    tags: { role: web, stage: production }
  - name: web-2
    address: http://127.0.0.1:7302
    tags: { role: web, stage: production }
";
        let root = root.replace("hosts: []\n", hosts);
        std::fs::write(starter.project().join("cutover.yaml"), root).unwrap();
        starter
    }

    fn project(&self) -> std::path::PathBuf {
        self.folder.path().join("project")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        let own = self.folder.path();
        command
            .env_remove("CUTOVER_READ_ONLY")
            .env_remove("VISUAL")
            .env_remove("EDITOR")
            .env("HOME", own)
            .env("XDG_STATE_HOME", own.join("state"))
            .env("XDG_RUNTIME_DIR", own)
            .env("TMPDIR", own)
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let project = self.project();
        let mut command = self.command(&["--project", project.to_str().unwrap()]);
        command.args(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.project().join(path)).unwrap()
    }
}

const PRODUCTION: &str = "applications/shop/production.yaml";

#[test]
fn a_group_is_created_shown_and_edited_with_its_comments() {
    let starter = Starter::new();
    let said = starter.ok(&[
        "group",
        "create",
        "shop",
        "staging",
        "--tag",
        "role=web",
        "--tag",
        "stage=production",
        "--config",
        "ThreeQuartersHealthy",
        "--auto-rollback",
        "failure,request",
    ]);
    assert_eq!(said, "wrote applications/shop/staging.yaml\n");
    assert_eq!(
        starter.read("applications/shop/staging.yaml"),
        "\
applicationName: shop
deploymentGroupName: staging
deploymentConfigName: ThreeQuartersHealthy
ec2TagSet:
  ec2TagSetList:
    - - { Key: role, Value: web, Type: KEY_AND_VALUE }
    - - { Key: stage, Value: production, Type: KEY_AND_VALUE }
autoRollbackConfiguration:
  enabled: true
  events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_REQUEST]
"
    );
    let shown = starter.ok(&["group", "show", "shop", "staging"]);
    assert!(shown.contains("hosts          web-1, web-2"), "{shown}");
    let json = starter.ok(&["group", "show", "shop", "staging", "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let group = &json["deploymentGroupInfo"];
    assert_eq!(group["deploymentConfigName"], "ThreeQuartersHealthy");

    let before = starter.read(PRODUCTION);
    starter.ok(&[
        "group",
        "edit",
        "shop",
        "production",
        "--config",
        "CodeDeployDefault.AllAtOnce",
        "--auto-rollback",
        "off",
        "--outdated",
        "ignore",
    ]);
    let expected = before
        .replace(
            "Name: CodeDeployDefault.OneAtATime",
            "Name: CodeDeployDefault.AllAtOnce",
        )
        .replace("enabled: true", "enabled: false")
        + "outdatedInstancesStrategy: IGNORE\n";
    assert_eq!(starter.read(PRODUCTION), expected);
    starter.ok(&[
        "group",
        "edit",
        "shop",
        "production",
        "--unset",
        "outdatedInstancesStrategy",
    ]);
    starter.ok(&[
        "group",
        "edit",
        "shop",
        "production",
        "--config",
        "CodeDeployDefault.OneAtATime",
        "--set",
        "autoRollbackConfiguration.enabled=true",
    ]);
    assert_eq!(starter.read(PRODUCTION), before);
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let starter = Starter::new();
    let before = starter.read(PRODUCTION);
    let said = starter.ok(&[
        "--read-only",
        "group",
        "edit",
        "shop",
        "production",
        "--config",
        "ThreeQuartersHealthy",
        "--dry-run",
    ]);
    let difference = "-deploymentConfigName: CodeDeployDefault.OneAtATime\n+deploymentConfigName: ThreeQuartersHealthy\n";
    assert!(said.contains(difference), "{said}");
    assert!(
        said.starts_with("--- a/applications/shop/production.yaml\n+++ b/"),
        "{said}"
    );
    assert_eq!(starter.read(PRODUCTION), before);
}

#[test]
fn what_is_wrong_or_read_only_is_refused() {
    let starter = Starter::new();
    let before = starter.read(PRODUCTION);
    let said = starter.refused(&[
        "group",
        "edit",
        "shop",
        "production",
        "--config",
        "ThreeQuarterHealthy",
    ]);
    assert!(said.contains("production.yaml:7:23: error"), "{said}");
    assert!(
        said.contains("did you mean \"ThreeQuartersHealthy\"?"),
        "{said}"
    );
    let said = starter.refused(&[
        "--read-only",
        "group",
        "edit",
        "shop",
        "production",
        "--outdated",
        "ignore",
    ]);
    assert!(said.contains("read-only"), "{said}");
    let said = starter.refused(&["group", "edit", "shop", "prodution", "--outdated", "ignore"]);
    assert!(said.contains("did you mean \"production\"?"), "{said}");
    let said = starter.refused(&["group", "create", "shop", "production"]);
    assert!(
        said.contains("DeploymentGroupAlreadyExistsException"),
        "{said}"
    );
    assert_eq!(starter.read(PRODUCTION), before);
    let document = starter
        .read("cutover.yaml")
        .replace("readOnly: false", "readOnly: true");
    std::fs::write(starter.project().join("cutover.yaml"), document).unwrap();
    let said = starter.refused(&["group", "delete", "shop", "production"]);
    assert!(said.contains("settings.readOnly"), "{said}");
}

#[test]
fn configurations_are_kept_as_long_as_a_group_uses_them() {
    let starter = Starter::new();
    starter.ok(&[
        "configuration",
        "create",
        "Careful",
        "--minimum-healthy",
        "90%",
    ]);
    assert_eq!(
        starter.read("configurations/Careful.yaml"),
        "deploymentConfigName: Careful\ncomputePlatform: Server\nminimumHealthyHosts: { type: FLEET_PERCENT, value: 90 }\n"
    );
    starter.ok(&[
        "configuration",
        "edit",
        "Careful",
        "--minimum-healthy",
        "1",
        "--monitor",
        "600",
        "--first-zone-monitor",
        "1800",
        "--per-zone",
        "50%",
    ]);
    let shown = starter.ok(&["configuration", "show", "Careful"]);
    assert!(
        shown.contains("zones          one after the other; the first is watched for 1800 s, the others for 600 s; healthy in each: at least 50 % of the hosts"),
        "{shown}"
    );
    assert_eq!(
        starter.read("configurations/Careful.yaml"),
        "\
deploymentConfigName: Careful
computePlatform: Server
minimumHealthyHosts: { type: HOST_COUNT, value: 1 }
zonalConfig:
  monitorDurationInSeconds: 600
  firstZoneMonitorDurationInSeconds: 1800
  minimumHealthyHostsPerZone: { type: FLEET_PERCENT, value: 50 }
"
    );
    starter.ok(&["group", "edit", "shop", "production", "--config", "Careful"]);
    let said = starter.refused(&["configuration", "delete", "Careful"]);
    assert!(said.contains("in use by shop/production"), "{said}");
    assert!(said.contains("DeploymentConfigInUseException"), "{said}");
    let said = starter.refused(&["configuration", "delete", "CodeDeployDefault.OneAtATime"]);
    assert!(said.contains("InvalidOperationException"), "{said}");
    let said = starter.ok(&["configuration", "delete", "Nobody"]);
    assert_eq!(
        said,
        "there is no configuration Nobody: nothing to delete\n"
    );
    let said = starter.ok(&["configuration", "delete", "ThreeQuartersHealthy"]);
    assert_eq!(said, "deleted configurations/ThreeQuartersHealthy.yaml\n");
    let said = starter.refused(&[
        "configuration",
        "create",
        "Wrong",
        "--minimum-healthy",
        "100%",
    ]);
    assert!(
        said.contains("InvalidMinimumHealthyHostValueException"),
        "{said}"
    );
    assert!(!starter.project().join("configurations/Wrong.yaml").exists());
}

#[test]
fn hosts_come_and_go_with_their_comments() {
    let starter = Starter::new();
    let before = starter.read("cutover.yaml");
    starter.ok(&[
        "hosts",
        "add",
        "web-3",
        "--address",
        "http://127.0.0.1:7303",
        "--tag",
        "role=web",
        "--zone",
        "b",
    ]);
    let added = "  - name: web-3\n    address: http://127.0.0.1:7303\n    tags: { role: web }\n    zone: b\n\nsettings:";
    let expected = before.replace("\nsettings:", added);
    assert_eq!(starter.read("cutover.yaml"), expected);
    starter.ok(&[
        "hosts",
        "edit",
        "web-3",
        "--tag",
        "stage=test",
        "--zone",
        "",
    ]);
    let expected = expected.replace(
        "tags: { role: web }\n    zone: b\n",
        "tags: { role: web, stage: test }\n",
    );
    assert_eq!(starter.read("cutover.yaml"), expected);
    let said = starter.refused(&["hosts", "add", "web-4", "--address", "http://10.0.0.1:1"]);
    assert!(said.contains("is not the loopback"), "{said}");
    let said = starter.refused(&["hosts", "remove", "web-5"]);
    assert!(said.contains("did you mean \"web-"), "{said}");
    starter.ok(&["hosts", "remove", "web-3"]);
    assert_eq!(starter.read("cutover.yaml"), before);
}

#[test]
fn the_editor_s_work_is_checked_shown_and_written() {
    let starter = Starter::new();
    let project = starter.project();
    let edit = |script: &str| {
        let mut command = starter.command(&["--project", project.to_str().unwrap()]);
        command
            .env("EDITOR", format!("sed -i '{script}'"))
            .args(["group", "edit", "shop", "production"])
            .output()
            .unwrap()
    };
    let before = starter.read(PRODUCTION);
    let output = edit("s/OneAtATime$/OneAtTime/");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("production.yaml:7:23"));
    assert_eq!(starter.read(PRODUCTION), before);
    let output = edit("s/OneAtATime$/AllAtOnce/");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("+deploymentConfigName: CodeDeployDefault.AllAtOnce"),
        "{said}"
    );
    assert!(
        said.ends_with("wrote applications/shop/production.yaml\n"),
        "{said}"
    );
    let output = edit("");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("nothing to write"));
    let said = starter.refused(&["group", "edit", "shop", "production"]);
    assert!(said.contains("set EDITOR"), "{said}");
}

#[test]
fn applications_are_created_and_shown() {
    let starter = Starter::new();
    let said = starter.ok(&["application", "create", "thumbs", "--platform", "Lambda"]);
    assert_eq!(said, "wrote applications/thumbs/application.yaml\n");
    assert_eq!(
        starter.read("applications/thumbs/application.yaml"),
        "applicationName: thumbs\ncomputePlatform: Lambda\n"
    );
    let json = starter.ok(&["application", "show", "thumbs", "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["application"]["computePlatform"], "Lambda");
    let said = starter.refused(&["application", "create", "thumbs"]);
    assert!(said.contains("ApplicationAlreadyExistsException"), "{said}");
    let said = starter.refused(&["application", "delete", "shop"]);
    assert!(said.contains("--with-groups"), "{said}");
    assert!(Path::new(&starter.project()).join(PRODUCTION).exists());
}
