//! AWS, against servers that speak its protocols on loopback. Credentials come from the environment, where tests can't put
//! them while they run: this program begins by starting itself again with an environment of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers fail the test"
)]
#![allow(dead_code, reason = "helpers of other tests are used in part")]

mod alarms;
mod aliases;
mod automatic;
#[path = "../traffic/backend.rs"]
mod backend;
mod balancers;
mod cloud;
mod credentials;
mod ecs;
mod enrol;
mod functions;
mod instances;
#[path = "../rollout/lab.rs"]
mod lab;
mod lambda;
#[path = "../traffic/load.rs"]
mod load;
#[path = "../traffic/program.rs"]
mod program;
mod project;
mod revisions;
mod rollouts;
mod scaling;
mod server;
mod services;
mod topics;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

/// Set once the environment is as tests want it.
const READY: &str = "CUTOVER_AWS_TESTS";

/// Servers take much memory: so many of them run side by side.
const SIDE_BY_SIDE: usize = 2;

fn main() -> ExitCode {
    if std::env::var_os(READY).is_none() {
        let home = tempfile::tempdir().unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(std::env::args_os().skip(1))
            .env(READY, "1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", home.path().join("config"))
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                home.path().join("credentials"),
            );
        for other in [
            "AWS_PROFILE",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_SESSION_TOKEN",
        ] {
            again.env_remove(other);
        }
        let status = again.status().unwrap();
        return ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1));
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    let trials = [
        alarms::trials(),
        automatic::trials(),
        aliases::trials(),
        functions::trials(),
        services::trials(),
        credentials::trials(),
        topics::trials(),
        balancers::trials(),
        revisions::trials(),
        instances::trials(),
        enrol::trials(),
        scaling::trials(),
        rollouts::trials(),
    ];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}

/// A test with a runtime of its own.
fn trial<F: Future<Output = ()> + 'static>(name: &str, test: fn() -> F) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.map_err(Failed::from)?.block_on(test());
        Ok(())
    })
}
