//! The same for AppSpecs of Lambda and ECS, and what tells them from each other and from those of servers.

use cutover::appspec::{ecs, lambda};

use super::*;

/// Their part of the corpus.
pub const FOLDERS: [&str; 5] = [
    "lambda/accepted",
    "lambda/rejected",
    "ecs/accepted",
    "ecs/rejected",
    "mixed",
];

#[test]
fn appspecs_of_functions_are_read_or_refused() {
    let platform = ["--platform", "lambda"];
    check("lambda/accepted", &platform, Some(true));
    check("lambda/rejected", &platform, Some(false));
}

#[test]
fn appspecs_of_services_are_read_or_refused() {
    let platform = ["--platform", "ecs"];
    check("ecs/accepted", &platform, Some(true));
    check("ecs/rejected", &platform, Some(false));
}

#[test]
fn the_content_says_which_platform_is_meant() {
    check("mixed", &[], None);
    let platform = |path: &str| {
        let output = validate(&[path, "--output", "json"], &corpus());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        json["computePlatform"].clone()
    };
    assert_eq!(platform("lambda/accepted/whole.json"), "Lambda");
    assert_eq!(platform("ecs/accepted/whole.yaml"), "ECS");
    assert_eq!(platform("accepted/minimal.yml"), "Server");
    assert_eq!(platform("revisions/both-names"), "Server");
    assert_eq!(platform("mixed/ecs-folder"), "ECS");
    assert_eq!(platform("mixed/no-type.yml"), Value::Null);
}

#[test]
fn findings_name_their_field_and_the_error_of_the_deployment() {
    let folder = corpus();
    let (code, printed, _) = text(&validate(&["lambda/rejected/same-version.yml"], &folder));
    assert_eq!(code, Some(1));
    assert_eq!(
        printed,
        "lambda/rejected/same-version.yml:9:24: error: resources[0].InvoicePrinter.properties.targetversion: the traffic is to go from version 42 to the same; publish a version and write its number [L08]\n\
         lambda/rejected/same-version.yml: 1 error, no warnings\n"
    );
    let code = |path: &str| {
        let output = validate(&[path, "--output", "json"], &folder);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        json["errors"][0]["errorCode"].clone()
    };
    let same = code("lambda/rejected/same-version.yml");
    assert_eq!(same, "INVALID_LAMBDA_CONFIGURATION");
    assert_eq!(code("lambda/rejected/type.yml"), "INVALID_REVISION");
    assert_eq!(code("ecs/rejected/port.yml"), "INVALID_REVISION");
    assert_eq!(code("rejected/os-capital.yml"), Value::Null);
    let (_, printed, _) = text(&validate(&["--explain", "l08"], &folder));
    assert!(
        printed.contains(" A deployment that meets it ends with INVALID_LAMBDA_CONFIGURATION.\n"),
        "{printed}"
    );
    let (_, printed, _) = text(&validate(&["ecs/accepted/minimal.yml"], &folder));
    let complete = "ecs/accepted/minimal.yml: no errors, no warnings\n";
    assert_eq!(printed, complete);
}

#[test]
fn an_appspec_of_another_platform_is_told_so() {
    let folder = corpus();
    let files = [
        ("Server", "accepted/minimal.yml"),
        ("Lambda", "lambda/accepted/whole.yml"),
        ("ECS", "ecs/accepted/whole.json"),
        ("ECS", "mixed/ecs-folder"),
    ];
    for (found, path) in files {
        for (wanted, option) in [("Server", "server"), ("Lambda", "lambda"), ("ECS", "ecs")] {
            if found == wanted {
                continue;
            }
            let args = [path, "--platform", option];
            let (code, printed, _) = text(&validate(&args, &folder));
            assert_eq!(code, Some(1), "{args:?}");
            let said = format!(
                "this is an AppSpec for {found}, and the application's compute platform is {wanted}; "
            );
            assert!(printed.contains(&said), "{args:?}: {printed}");
            assert!(printed.contains(" [L07]\n"), "{args:?}: {printed}");
            let output = validate(&[&args[..], &["--output", "json"]].concat(), &folder);
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(json["errors"].as_array().unwrap().len(), 1, "{args:?}");
            assert_eq!(json["errors"][0]["errorCode"], "INVALID_REVISION");
        }
    }
}

#[test]
fn a_platform_is_asked_for_where_it_makes_sense() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir_all(at("empty")).unwrap();
    fs::write(at("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let status = Command::new("tar")
        .args(["-czf", "bundle.tar.gz", "appspec.yml"])
        .current_dir(scratch.path())
        .status();
    assert!(status.unwrap().success());
    for (args, expected) in [
        (&["bundle.tar.gz", "--platform", "server"][..], 0),
        (&["bundle.tar.gz", "--platform", "ecs"], 2),
        (&[".", "--platform", "server"], 0),
        (&["empty", "--platform", "lambda"], 1),
        (&["--explain", "L01", "--platform", "lambda"], 2),
        (&[".", "--platform", "mainframe"], 2),
    ] {
        let (code, printed, said) = text(&validate(args, scratch.path()));
        assert_eq!(code, Some(expected), "{args:?}: {printed}{said}");
    }
    let (_, printed, _) = text(&validate(
        &["empty", "--platform", "lambda"],
        scratch.path(),
    ));
    assert!(
        printed.contains("there is no appspec.yml") && printed.contains(" [E17]\n"),
        "{printed}"
    );
}

#[test]
fn the_documentations_examples_are_those_of_their_platform() {
    let text = documentation("appspec-lambda-ecs.md");
    let examples = |language: &str| -> Vec<String> {
        let fence = format!("```{language}\n");
        let parts = text.split(&fence).skip(1);
        parts
            .filter_map(|rest| rest.split("```").next())
            .map(str::to_owned)
            .collect()
    };
    let (yaml, json) = (examples("yaml"), examples("json"));
    let [function, service] = yaml.as_slice() else {
        panic!("{} examples in YAML", yaml.len());
    };
    let [other] = json.as_slice() else {
        panic!("{} examples in JSON", json.len());
    };
    let function = lambda::review(function);
    assert_eq!((function.errors, function.warnings), (vec![], vec![]));
    for service in [service, other] {
        let service = ecs::review(service);
        assert_eq!((service.errors, service.warnings), (vec![], vec![]));
    }
    let events = [LifecycleEvent::LAMBDA.as_slice(), &LifecycleEvent::ECS].concat();
    for event in events {
        assert!(text.contains(&format!("`{event}`")), "{event}");
    }
}

#[test]
fn large_ones_are_read_in_time() {
    let fill = |open: &str, item: &str, close: &str| {
        let room = MAX_BYTES / 4 - open.len() - close.len();
        format!("{open}{}{close}", item.repeat(room / item.len()))
    };
    let numbered = |open: &str, item: fn(usize) -> String| {
        let items: String = (0..40_000).map(item).collect();
        format!("{open}{items}")
    };
    let properties = "Resources:\n  - a:\n      Type: AWS::ECS::Service\n      Properties:\n";
    let strategy = format!("{properties}        CapacityProviderStrategy:\n");
    let started = Instant::now();
    for large in [
        fill("Hooks:\n", "  - AfterInstall: a\n", ""),
        fill("Hooks: [", "{Unheard: a}, ", "]\n"),
        fill("Hooks: [{AfterInstall: ", "a", "}]\n"),
        fill("Hooks: [{AfterInstall: \"", "a:", "\"}]\n"),
        fill("Resources: [", "{a: {}}, ", "]\n"),
        fill(
            &strategy,
            "          - {Base: 1, CapacityProvider: a}\n",
            "",
        ),
        numbered(properties, |number| format!("        key{number}: v\n")),
        numbered("Resources:\n", |number| {
            format!("  - {{a{number}: {{}}}}\n")
        }),
        numbered("Hooks:\n", |number| format!("  AfterInstal{number}: a\n")),
    ] {
        let errors = ecs::review(&large).errors.len() + lambda::review(&large).errors.len();
        assert!(errors > 0);
    }
    // Many times of what an unoptimised build takes, and far from what one that grows with the square would.
    assert!(
        started.elapsed() < Duration::from_mins(2),
        "{:?}",
        started.elapsed()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_anywhere_is_read_or_refused(
        resources in any_value(), resource in any_value(), properties in any_value(), inner in any_value(),
        hooks in any_value(),
    ) {
        let typed = json!([{"a": {"Type": "AWS::ECS::Service", "Properties": properties}}]);
        let deep = json!([{"a": {"Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": inner.clone(), "LoadBalancerInfo": inner.clone(), "PlatformVersion": inner.clone(),
            "NetworkConfiguration": {"AwsvpcConfiguration": inner.clone()},
            "CapacityProviderStrategy": [inner],
        }}}]);
        for resources in [resources, json!([{"a": resource}]), typed, deep] {
            let document = json!({"version": 0.0, "Resources": resources, "Hooks": hooks}).to_string();
            for text in [document.clone(), document.replace("AWS::ECS::Service", "AWS::Lambda::Function")] {
                let (function, service) = (lambda::review(&text), ecs::review(&text));
                prop_assert!(function.appspec.is_some() || !function.errors.is_empty());
                prop_assert!(service.appspec.is_some() || !service.errors.is_empty());
                for finding in function.errors.iter().chain(&service.errors) {
                    prop_assert!(catalogue::find(finding.id).is_some(), "{finding}");
                    prop_assert!(finding.id.starts_with('L'), "{finding}");
                }
            }
        }
    }
}
