//! A project whose sources are servers of the test, and whoever orchestrates it.

use std::path::{Path, PathBuf};
use std::process::{Child, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::lab::{cutover, until};
use crate::server::Server;

pub const COMMIT: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";
pub const SECRET: &str = "ghp_aVeryLongSecretThatNobodyMaySee";

pub struct World {
    folder: tempfile::TempDir,
    /// Who is asked.
    pub server: Server,
    /// Where that leads to.
    pub elsewhere: Server,
    serve: Child,
}

impl World {
    /// The sources of the document have `{server}` for the address of the server.
    pub fn new(sources: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        std::fs::create_dir_all(project.join("applications/shop")).unwrap();
        let application = "applicationName: shop\ncomputePlatform: Server\n";
        std::fs::write(
            project.join("applications/shop/application.yaml"),
            application,
        )
        .unwrap();
        let token = project.join("token");
        std::fs::write(&token, SECRET).unwrap();
        private(&token);
        let (server, elsewhere) = (Server::start(), Server::start());
        let sources = sources.replace("{server}", &server.url(""));
        let text = format!(
            "name: demo\nhosts: []\nsettings: {{ stateDirectory: .state }}\nsecrets: {{ reader: {{ file: token }} }}\n\
             connections:\n  sources: {sources}\n"
        );
        std::fs::write(project.join("cutover.yaml"), text).unwrap();
        let mut command = cutover(folder.path());
        command.arg("--project").arg(&project).arg("serve");
        let log = std::fs::File::create(folder.path().join("serve.log")).unwrap();
        let serve = command.stderr(log).spawn().unwrap();
        let world = Self {
            folder,
            server,
            elsewhere,
            serve,
        };
        until("somebody orchestrates", || {
            std::fs::read_dir(world.folder.path().join("run/cutover"))
                .is_ok_and(|mut sockets| sockets.next().is_some())
        });
        world
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("project/.state")
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = cutover(self.folder.path());
        let project = self.folder.path().join("project");
        command.arg("--project").arg(project).args(arguments);
        command.output().unwrap()
    }

    /// What a push that works prints.
    pub fn push(&self, source: &str) -> String {
        let output = self.run(&["push", "shop", source]);
        assert!(output.status.success(), "{source}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a push that does not work says.
    pub fn refused(&self, source: &str) -> String {
        let output = self.run(&["push", "shop", source]);
        assert!(!output.status.success(), "{source}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The bundles that are kept, and whatever lies beside them.
    pub fn bundles(&self) -> Vec<String> {
        let found = std::fs::read_dir(self.state().join("bundles")).unwrap();
        let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// Whether anything that was kept has this in it.
    pub fn has_kept(&self, word: &str) -> bool {
        fn search(folder: &Path, word: &[u8]) -> bool {
            std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
                let path = entry.path();
                if path.is_dir() {
                    return search(&path, word);
                }
                let bytes = std::fs::read(&path).unwrap_or_default();
                bytes.windows(word.len()).any(|found| found == word)
            })
        }
        let log = std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap();
        log.contains(word) || search(&self.state(), word.as_bytes())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("serve.log"));
            eprintln!("== serve.log\n{}", log.unwrap_or_default());
        }
        let id = Pid::from_raw(self.serve.id().try_into().unwrap());
        kill(id, Signal::SIGKILL).unwrap();
        self.serve.wait().unwrap();
    }
}

fn private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(file, mode).unwrap();
}

/// An archive as servers of repositories make them, with one folder at its top.
pub fn archive(top: &str, file: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let mut add = |name: &str, text: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let path = format!("{top}/{name}");
        archive.append_data(&mut header, path, text).unwrap();
    };
    add(file, b"version: 0.0\nos: linux\n");
    add("app/version", b"1");
    archive.into_inner().unwrap().finish().unwrap()
}
