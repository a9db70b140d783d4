//! The command line of AWS, as a hook in a shell script calls it.

use std::process::{Command, Output};

use crate::program::find;
use crate::world::{Call, World, id};

fn aws(world: &World, call: &Call, status: &str) -> Output {
    let program = find(
        "aws",
        "python3 -m venv target/tools && target/tools/bin/pip install awscli==1.44.5",
    );
    Command::new(program)
        .args(["deploy", "put-lifecycle-event-hook-execution-status"])
        .args(["--deployment-id", &call.deployment])
        .args(["--lifecycle-event-hook-execution-id", &call.ticket])
        .args(["--status", status, "--output", "json"])
        .env("AWS_ENDPOINT_URL_CODEDEPLOY", &call.report_to)
        .env("AWS_ACCESS_KEY_ID", "anything")
        .env("AWS_SECRET_ACCESS_KEY", "anything")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // Nothing of the person who runs the tests.
        .env("HOME", world.project())
        .env_remove("AWS_PROFILE")
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .output()
        .unwrap()
}

#[test]
fn the_command_line_of_aws_reports_with_nothing_but_another_address() {
    let world = World::usual(&[0]);
    let call = world.called(&id(0));
    world.until_event(&id(0), "InProgress");
    let refused = aws(&world, &call, "Skipped");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("(InvalidLifecycleEventHookExecutionStatusException)"),
        "{said}"
    );
    assert_eq!(world.event(&id(0)), "InProgress");

    let taken = aws(&world, &call, "Succeeded");
    assert!(taken.status.success(), "{taken:?}");
    let answer: serde_json::Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert_eq!(answer["lifecycleEventHookExecutionId"], call.ticket);
    assert_eq!(world.event(&id(0)), "Succeeded");

    let again = aws(&world, &call, "Succeeded");
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(
        said.contains("(LifecycleEventAlreadyCompletedException)"),
        "{said}"
    );
}
