//! As whom scripts run, with what environment, and what they inherit.

use std::fs;
use std::os::fd::AsRawFd;
use std::process::Command;

use cutover::agent::protocol::OutputSource::{Agent, Stdout};
use cutover::model::diagnostics::LifecycleErrorCode as Code;
use cutover::model::lifecycle::LifecycleEvent as E;
use nix::unistd::{Uid, User, chown};

use crate::support::{Host, needs_root, order, set_mode};

/// A user that every host has, and that is not the agent's.
const OTHER: &str = "daemon";

#[tokio::test]
async fn runas_is_like_su() {
    needs_root();
    let host = Host::started().await;
    set_mode(&host, 0o755);
    let user = User::from_name(OTHER).unwrap().unwrap();
    let script =
        "id -u; id -g; id -Gn; echo $HOME $USER $LOGNAME $SHELL $DEPLOYMENT_ID; pwd; umask\n";
    // With and without an interpreter, and with a sudo that changes nothing for root.
    for (number, script) in (1..).zip([format!("#!/bin/sh\n{script}"), script.to_owned()]) {
        let more = format!("      runas: {OTHER}\n      sudo: true\n");
        let run = host.script(number, E::BeforeInstall, &more, script).await;
        run.succeeded();
        let groups = Command::new("id").args(["-Gn", OTHER]).output().unwrap();
        let groups = String::from_utf8(groups.stdout).unwrap();
        let home = format!(
            "{} {OTHER} {OTHER} {} d-00000000{number}",
            user.dir.display(),
            user.shell.display()
        );
        assert_eq!(
            run.lines(Stdout),
            [
                user.uid.to_string().as_str(),
                user.gid.to_string().as_str(),
                groups.trim(),
                home.as_str(),
                "/",
                "0022"
            ]
        );
    }
}

#[tokio::test]
async fn what_another_user_cannot_reach_is_said() {
    needs_root();
    let host = Host::started().await;
    set_mode(&host, 0o700);
    let more = format!("      runas: {OTHER}\n");
    let run = host.script(1, E::BeforeInstall, &more, "#!/bin/sh\n").await;
    let diagnostics = run.diagnostics(E::BeforeInstall);
    assert_eq!(diagnostics.error_code, Code::ScriptFailed);
    let expected = format!("{OTHER} may not enter {}", host.scratch.path().display());
    assert!(diagnostics.message.contains(&expected), "{diagnostics:?}");

    set_mode(&host, 0o755);
    let spec = crate::support::hook(E::BeforeInstall, &more);
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", "#!/bin/sh\n", 0o700),
    ];
    let revision = host.push("2", &members).await;
    let run = host.run(&order(2, &revision)).await;
    let message = run.diagnostics(E::BeforeInstall).message;
    assert!(message.contains("may not read and execute"), "{message}");
    assert!(message.contains("mode 0700"), "{message}");
}

#[tokio::test]
async fn a_script_may_have_variables_of_its_own() {
    let host = Host::started().await;
    let more = "      environment: {GREETING: 'a  b', HOME: /elsewhere}\n";
    let script = "#!/bin/sh\necho \"$GREETING\" $HOME $LIFECYCLE_EVENT\n";
    let run = host.script(1, E::BeforeInstall, more, script).await;
    run.succeeded();
    assert_eq!(run.lines(Stdout), ["a  b /elsewhere BeforeInstall"]);
}

/// Everything is handed on if the host says so, but for what loads code into programs and what the agent promises.
#[tokio::test]
async fn the_whole_environment_is_an_option() {
    let mut host = Host::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .env("SITE", "here")
        .env("LD_LIBRARY_PATH", "/nowhere")
        .env("BUNDLE_BUCKET", "none");
    fs::write(host.path("agent.yml"), "inherit_environment: true\n").unwrap();
    // A descriptor that whoever started the agent forgot to close.
    let leak = fs::File::create(host.path("leak")).unwrap();
    nix::fcntl::fcntl(
        &leak,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    host.start_binary_by(command).await;
    // No pipe of the shell's own is open while it is looked at.
    let script = "#!/bin/sh\nenv | grep -E '^(SITE|LD_|BUNDLE_BUCKET)'\n\
        f=$(mktemp)\nls -l /proc/$$/fd > \"$f\"\ngrep -o '[0-9]* -> .*' \"$f\"\nrm \"$f\"\n";
    let run = host.script(1, E::BeforeInstall, "", script).await;
    run.succeeded();
    let text = run.text(Stdout);
    assert!(text.starts_with("SITE=here\n"), "{text}");
    assert!(
        !text.contains("LD_") && !text.contains("BUNDLE_BUCKET"),
        "{text}"
    );
    let leaked = format!("{} -> ", leak.as_raw_fd());
    assert!(!text.contains("/leak"), "{leaked}: {text}");
    assert!(text.contains("0 -> /dev/null"), "{text}");
    // The shell itself opens the script.
    let open: Vec<_> = text.lines().filter(|line| line.contains(" -> ")).collect();
    assert!(
        open.iter()
            .all(|line| line.starts_with(['0', '1', '2']) || line.ends_with("/run.sh")),
        "{open:?}"
    );
    drop(leak);
}

/// An agent that is not root says what it cannot do, and does through sudo what it may.
#[tokio::test]
async fn an_agent_that_is_not_root() {
    needs_root();
    assert!(
        std::path::Path::new("/usr/bin/sudo").exists(),
        "the program sudo is missing: apt-get install sudo"
    );
    let mut host = Host::new();
    set_mode(&host, 0o755);
    let nobody = User::from_name("nobody").unwrap().unwrap();
    for folder in ["agent", "root", "sudoers"] {
        fs::create_dir(host.path(folder)).unwrap();
    }
    for folder in ["agent", "root", "."] {
        chown(&host.path(folder), Some(nobody.uid), Some(nobody.gid)).unwrap();
    }
    let rule = format!("nobody ALL=({OTHER},root) NOPASSWD: ALL\n");
    fs::write(host.path("sudoers/test"), rule).unwrap();
    chown(&host.path("sudoers"), Some(Uid::from_raw(0)), None).unwrap();
    // The rule holds for this agent only: nobody else sees the folder in the place of the system's.
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c"])
        .arg("mount --bind \"$0\" /etc/sudoers.d && exec setpriv --reuid nobody --regid nogroup --clear-groups \"$@\"")
        .arg(host.path("sudoers"))
        .arg(env!("CARGO_BIN_EXE_cutover"));
    host.start_binary_by(command).await;

    let more = format!("      runas: {OTHER}\n");
    let run = host.script(1, E::BeforeInstall, &more, "#!/bin/sh\n").await;
    let diagnostics = run.diagnostics(E::BeforeInstall);
    assert_eq!(diagnostics.error_code, Code::ScriptFailed);
    assert!(
        diagnostics
            .message
            .contains("the agent runs as nobody, which cannot become daemon"),
        "{diagnostics:?}"
    );

    let script = "#!/bin/sh\necho $(id -un) $HOME $LIFECYCLE_EVENT $GREETING\n";
    for (number, user, home) in [(2, Some(OTHER), "/usr/sbin"), (3, None, "/root")] {
        let runas = user.map_or(String::new(), |user| format!("      runas: {user}\n"));
        let more = format!("{runas}      sudo: true\n      environment: {{GREETING: hello}}\n");
        let run = host.script(number, E::BeforeInstall, &more, script).await;
        run.succeeded();
        let user = user.unwrap_or("root");
        assert_eq!(
            run.lines(Stdout),
            [format!("{user} {home} BeforeInstall hello")]
        );
    }

    // What is another user's is ended through sudo as well.
    let pid = host.path("pid");
    let script = format!("#!/bin/sh\necho $$ > {}\nsleep 1000\n", pid.display());
    let run = host
        .script(
            4,
            E::BeforeInstall,
            "      sudo: true\n      timeout: 1\n",
            script,
        )
        .await;
    assert_eq!(
        run.diagnostics(E::BeforeInstall).error_code,
        Code::ScriptTimedOut
    );
    let pid = fs::read_to_string(pid).unwrap();
    let gone = !std::path::Path::new(&format!("/proc/{}", pid.trim())).exists();
    assert!(gone, "{}", run.text(Agent));
}
