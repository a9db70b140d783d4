//! operations.md §1 and §5: what is checked before a deployment is created, tokens, redeploying.

use cutover::api::command::{Command, Deploy};
use cutover::engine::spec::Options;
use cutover::model::deployment::Creator;
use cutover::model::group::{AutoRollbackConfiguration, GroupKey};
use serde_json::json;

use crate::lab::Lab;

/// §1.2: everything is wrong at first, and is put right one after the other.
#[test]
fn checks_come_in_the_order_of_the_specification() {
    let lab = Lab::up(1);
    lab.push("1.0", "2", None);
    let running = lab.ok(&["deploy", "shop", "production", "1.0"]);
    let group = |application: &str, group: &str| GroupKey {
        application: application.parse().unwrap(),
        group: group.parse().unwrap(),
    };
    let no_events = AutoRollbackConfiguration {
        enabled: true,
        events: Vec::new(),
    };
    let mut deploy = Deploy {
        target_instances: None,
        group: group("shp", "prodction"),
        revision: "9.9".to_owned(),
        configuration: Some("CodeDeployDefault.OneAtTime".parse().unwrap()),
        description: "x".repeat(257),
        options: Options {
            auto_rollback_configuration: Some(no_events),
            ..Options::default()
        },
        token: Some(String::new()),
        verify_artifact: false,
        creator: Creator::User,
        by: "ana".to_owned(),
        uid: None,
    };
    let refused = |deploy: &Deploy, code: &str, says: &str| {
        let error = lab.send(&Command::Deploy(deploy.clone())).unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(says), "{error}");
    };
    refused(
        &deploy,
        "ApplicationDoesNotExistException",
        "did you mean shop?",
    );
    deploy.group = group("shop", "prodction");
    let says = "did you mean production?";
    refused(&deploy, "DeploymentGroupDoesNotExistException", says);
    deploy.group = group("shop", "production");
    refused(&deploy, "DescriptionTooLongException", "256");
    deploy.description = "x".repeat(256);
    refused(
        &deploy,
        "RevisionDoesNotExistException",
        "cutover push shop",
    );
    deploy.revision = "1.0".to_owned();
    let says = "did you mean CodeDeployDefault.OneAtATime?";
    refused(&deploy, "DeploymentConfigDoesNotExistException", says);
    deploy.configuration = None;
    let says = "at least one event";
    refused(&deploy, "InvalidAutoRollbackConfigException", says);
    deploy.options.auto_rollback_configuration = None;
    refused(&deploy, "InvalidInputException", "1 to 128 characters");
    deploy.token = None;
    // §1.4: one active deployment a group.
    refused(&deploy, "DeploymentLimitExceededException", &running);
    assert_eq!(lab.list(&[]).len(), 1);
    lab.wait_for_end(&running);
    lab.send(&Command::Deploy(deploy)).unwrap();
}

#[test]
fn a_token_creates_one_deployment_however_often_it_is_sent() {
    let lab = Lab::up(1);
    lab.push("1.0", "0.3", None);
    lab.push("2.0", "0", None);
    let deploy = ["deploy", "shop", "production", "1.0", "--token", "ci-77"];
    let id = lab.ok(&deploy);
    assert_eq!(lab.ok(&deploy), id);
    lab.kill_orchestrator();
    assert_eq!(lab.ok(&deploy), id);
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    assert_eq!(lab.ok(&deploy), id);
    lab.kill_orchestrator();
    assert_eq!(lab.ok(&deploy), id);
    assert_eq!(lab.list(&[]).len(), 1);

    let output = lab.run(&["deploy", "shop", "production", "2.0", "--token", "ci-77"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&id) && said.contains("deploys 1.0"), "{said}");
    // Another group's token is another.
    let other = lab.ok(&["deploy", "shop", "staging", "1.0", "--token", "ci-77"]);
    assert_ne!(other, id);
}

#[test]
fn a_bundle_that_hosts_would_refuse_is_refused_before_anything_is_created() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    let path = lab.revision("bad", "0", None);
    let appspec = "version: 0.0\nos: beos\n";
    std::fs::write(path.join("appspec.yml"), appspec).unwrap();
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "bad"]);
    let refused = |label: &str| {
        let all = ["deploy", "shop", "production", label, "--verify-artifact"];
        let output = lab.run(&all);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused("bad");
    assert!(said.contains("beos"), "{said}");
    let (id, code) = lab.deploy(&["production", "1.0", "--verify-artifact"]);
    assert_eq!(code, 0);

    let digest = lab.show(&id)["deploymentInfo"]["revision"]["digest"].clone();
    let bundle = lab
        .folder()
        .join(".state/bundles")
        .join(digest.as_str().unwrap());
    let whole = std::fs::read(&bundle).unwrap();
    std::fs::remove_file(&bundle).unwrap();
    std::fs::write(&bundle, &whole[..whole.len() - 1]).unwrap();
    assert!(refused("1.0").contains("damaged"));
    std::fs::remove_file(&bundle).unwrap();
    assert!(refused("1.0").contains("push it again"));
    assert_eq!(lab.list(&[]).len(), 1);
}

/// domain.md §12: `updateOutdatedInstancesOnly`.
#[test]
fn only_outdated_instances_are_deployed_to_where_that_is_asked() {
    let lab = Lab::up(2);
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", None);
    let only = "--update-outdated-instances-only";
    assert_eq!(lab.deploy(&["staging", "1.0"]).1, 0);
    let before = lab.trace("web-1").len();
    let (id, code) = lab.deploy(&["staging", "1.0", only]);
    assert_eq!(code, 0);
    let shown = lab.show(&id);
    let info = &shown["deploymentInfo"];
    assert_eq!(info["status"], "Succeeded");
    let counts = info["deploymentOverview"].as_object().unwrap();
    assert!(counts.values().all(|count| count == 0), "{counts:?}");
    assert_eq!(info["updateOutdatedInstancesOnly"], true);
    let says = "nothing to do: all 2 instances have 1.0 already";
    assert_eq!(info["deploymentStatusMessages"], json!([says]));
    assert!(lab.ok(&["show", &id]).contains(says));
    assert_eq!(lab.trace("web-1").len(), before);

    let (id, _) = lab.deploy(&["staging", "2.0", only]);
    assert_eq!(lab.show(&id)["targets"].as_array().unwrap().len(), 2);
}

#[test]
fn the_same_is_deployed_again_with_its_options() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", None);
    let options = [
        "--config",
        "CodeDeployDefault.AllAtOnce",
        "--ignore-application-stop-failures",
        "--file-exists-behavior",
        "retain",
        "--auto-rollback",
        "failure,stop",
        "--on-failure",
        "hold",
        "--rollback-attempted-only",
    ];
    let (first, _) = lab.deploy(&[&["production", "1.0"], &options[..]].concat());
    let (last, _) = lab.deploy(&["production", "2.0", "--auto-rollback", "off"]);
    let fields = |id: &str| {
        let info = lab.show(id)["deploymentInfo"].clone();
        [
            "revision",
            "deploymentConfigName",
            "ignoreApplicationStopFailures",
            "fileExistsBehavior",
            "autoRollbackConfiguration",
            "onFailure",
            "rollbackTargets",
        ]
        .map(|field| info[field].clone())
    };
    assert_eq!(
        fields(&first)[1..],
        [
            json!("CodeDeployDefault.AllAtOnce"),
            json!(true),
            json!("RETAIN"),
            json!({
                "enabled": true,
                "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]
            }),
            json!("hold"),
            json!("attempted"),
        ]
    );
    let off = &fields(&last)[4];
    assert_eq!(*off, json!({ "enabled": false, "events": [] }));

    let again = lab.ok(&["redeploy", "shop", "production", "--wait"]);
    assert_eq!(fields(&again), fields(&last));
    let before = lab.trace("web-1").len();
    let again = lab.ok(&["redeploy", &first, "--wait"]);
    assert_eq!(fields(&again), fields(&first));
    assert_eq!(lab.show(&again)["deploymentInfo"]["creator"], "user");
    // §5: everything is performed again, ApplicationStop of the revision before included.
    assert_eq!(lab.trace("web-1").len(), before + 5);
    for (wrong, remedy) in [
        (&["shop", "staging"][..], "has never been deployed to"),
        (&["shop", "producton"], "did you mean \"shop/production\"?"),
        (&["shop"], "or give APP GROUP"),
    ] {
        let unknown = lab.run(&[&["redeploy"], wrong].concat());
        assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
        let told = String::from_utf8(unknown.stderr).unwrap();
        assert!(told.contains(remedy), "{told}");
    }
}
