//! A server that speaks AWS's protocols: ministack, or moto.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use cutover::model::connections::AwsAccount;
use cutover::providers::aws::Accounts;
use tempfile::TempDir;

use crate::program::{Program, find, free_port};

/// Where everything is: a confirmation of a subscription names no region, and means this one to the emulator.
pub const REGION: &str = "us-east-1";

/// What installs both.
const INSTALL: &str = "python3 -m venv target/tools && target/tools/bin/pip install ministack==1.5.33 cbor2==6.2.1 'moto[server]==5.2.5'";

/// It ends when this is dropped.
pub struct Server {
    pub folder: TempDir,
    port: u16,
    _program: Program,
}

impl Server {
    /// Starts a ministack: `CloudWatch`, SNS, S3 and STS.
    pub async fn ministack() -> Self {
        Self::start("ministack", "/_ministack/health", |command, port| {
            command
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", port.to_string());
        })
        .await
    }

    /// Starts a moto: load balancers.
    pub async fn moto() -> Self {
        Self::start("moto_server", "/moto-api/data.json", |command, port| {
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        })
        .await
    }

    async fn start(name: &str, ready: &str, with: impl Fn(&mut Command, u16)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new(find(name, INSTALL));
        command.env("TMPDIR", folder.path()).process_group(0);
        with(&mut command, port);
        let mut program = Program::start(command, folder.path());
        let url = format!("http://127.0.0.1:{port}{ready}");
        let http = reqwest::Client::new();
        let is_ready = async || {
            let answer = http.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        program.until("it is ready", is_ready).await;
        Self {
            folder,
            port,
            _program: program,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An account there.
    pub fn account(&self, name: &str) -> AwsAccount {
        account(name, &self.url())
    }

    /// The project's only account.
    pub fn accounts(&self) -> Accounts {
        let only = self.account("prod");
        Accounts::new(move || vec![only.clone()])
    }

    /// What the test's own clients are made of.
    pub async fn config(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(self.url())
            .load()
            .await
    }
}

/// An account whose services are all at one address.
pub fn account(name: &str, url: &str) -> AwsAccount {
    AwsAccount {
        name: name.to_owned(),
        region: Some(REGION.to_owned()),
        endpoint_url: Some(url.to_owned()),
        ..AwsAccount::default()
    }
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
