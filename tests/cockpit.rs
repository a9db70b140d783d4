//! The real cockpit on a real fleet, in a pseudo-terminal: driven by keys, read by a terminal's parser.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

#[cfg(test)]
#[path = "cockpit/checkout.rs"]
mod checkout;
#[cfg(test)]
#[path = "cockpit/documents.rs"]
mod documents;
#[cfg(test)]
#[path = "cockpit/environments.rs"]
mod environments;
#[cfg(test)]
#[path = "cockpit/fleet.rs"]
mod fleet;
#[cfg(test)]
#[path = "cockpit/looks.rs"]
mod looks;
#[cfg(test)]
#[path = "cockpit/mouse.rs"]
mod mouse;
#[cfg(test)]
#[path = "cockpit/newcomer.rs"]
mod newcomer;
#[cfg(test)]
#[path = "cockpit/output.rs"]
mod output;
#[cfg(test)]
#[path = "cockpit/plain.rs"]
mod plain;
#[cfg(test)]
#[path = "cockpit/terminal.rs"]
mod terminal;
#[cfg(test)]
#[path = "cockpit/thumbs.rs"]
mod thumbs;

use terminal::{Terminal, in_colour, live};

#[test]
fn a_rollout_is_watched_stopped_and_left() {
    let mut terminal = Terminal::lab(&[]);
    terminal.wait_for("InProgress");
    assert!(terminal.coloured());
    terminal.press("s");
    terminal.wait_for("Stop d-");
    // Before the dialog listens, its key is not drawn in colour, and does nothing.
    terminal.wait("a live key", |screen| live(screen, "y  stop"));
    terminal.press("y");
    terminal.wait_for("MANUAL_STOP");
    terminal.leave();
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
}

#[test]
fn without_colour_none_is_sent_and_a_signal_gives_the_terminal_back() {
    let mut terminal = Terminal::lab(&[("NO_COLOR", "1")]);
    terminal.wait_for("Instance");
    terminal.press("?");
    terminal.wait_for("Everywhere");
    assert!(!terminal.coloured());
    let process = i32::try_from(terminal.child.process_id().unwrap()).unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(process),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    terminal.wait("the cursor", |screen| !screen.hide_cursor());
    terminal.ended();
}

/// Suspended from outside, the cockpit gives the terminal back; continued, it takes it again and goes on.
#[test]
fn a_cockpit_can_be_suspended_and_continued() {
    use nix::sys::signal::Signal;
    let mut terminal = Terminal::lab(&[]);
    terminal.wait_for("Instance");
    let process = i32::try_from(terminal.child.process_id().unwrap()).unwrap();
    let send =
        |signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), signal).unwrap();
    send(Signal::SIGTSTP);
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    // Nor does it have the mouse reported to the shell.
    let reports =
        |screen: &vt100::Screen| screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
    terminal.wait("no reports of the mouse", |screen| !reports(screen));
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        stat.rsplit_once(')')
            .unwrap()
            .1
            .trim_start()
            .starts_with('T')
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !stopped() {
        assert!(std::time::Instant::now() < deadline, "it does not stop");
    }
    send(Signal::SIGCONT);
    terminal.wait("the cockpit's screen", |screen| {
        screen.alternate_screen() && screen.contents().contains("Instance") && reports(screen)
    });
    terminal.press("?");
    terminal.wait_for("Everywhere");
}

/// What the lab is for: a rollout is watched to its end, the broken revision is deployed, understood and rolled back.
#[test]
fn a_broken_revision_is_understood_and_rolled_back() {
    let mut terminal = Terminal::whole_lab();
    terminal.wait_for("Succeeded   1.0.0");
    terminal.press("d");
    terminal.wait_for("Deploy which revision to shop/production?");
    terminal.press("broken");
    terminal.press("\r");
    terminal.wait("a live key", |screen| live(screen, "y  deploy"));
    terminal.press("y");
    terminal.wait_for("HEALTH_CONSTRAINTS");
    terminal.press("n");
    terminal.wait_for("refused the connection");
    assert!(terminal.text().contains("hooks/validate.sh"));
    terminal.press("b");
    terminal.wait_for("Deploys the revision before");
    terminal.wait("a live key", |screen| live(screen, "y  roll back"));
    terminal.press("y");
    terminal.wait("the rollback's end", |screen| {
        screen.contents().matches("Succeeded   1.0.0").count() == 2
    });
    let folder = terminal.folder();
    terminal.leave();
    assert_eq!(processes(&folder), Vec::<String>::new());
}

/// `kill -9` of the cockpit leaves the rollout to itself, and the next cockpit finds it; `kill -9` of the orchestrator is
/// followed by another, with the cockpit open.
#[test]
fn a_killed_cockpit_and_a_killed_orchestrator_are_followed_by_carrying_on() {
    let mut first = Terminal::whole_lab();
    first.wait_for("InProgress");
    first.child.kill().unwrap();
    first.ended();
    let folder = first.folder();
    let lock = folder.join(".state/lock");
    let orchestrator = || -> i32 {
        std::fs::read_to_string(&lock)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    };
    let killed = orchestrator();

    let mut second = first.again().at_shop();
    second.wait_for("InProgress");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(killed),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    second.wait_for("Succeeded   1.0.0");
    assert_ne!(orchestrator(), killed);
    second.leave();
    assert_eq!(processes(&folder), Vec::<String>::new());
}

/// What a host is and what runs on it is a key away.
#[test]
fn hosts_are_shown_with_their_system_and_what_is_installed() {
    let release = std::fs::read_to_string("/etc/os-release").unwrap();
    let system = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap()
        .trim_matches('"');
    // A narrow column may break it.
    let word = system.split(' ').next().unwrap();
    let mut terminal = Terminal::lab(&[]);
    terminal.wait_for("Succeeded   1.0.0");
    terminal.press("H");
    terminal.wait_for("6 hosts");
    terminal.wait("the system", |screen| {
        let text = screen.contents();
        text.contains(&format!("system     {word}")) && text.contains("shop/production 1.0.0")
    });
    assert!(in_colour(terminal.screen().screen(), "\u{2714} ok"));
    terminal.press("/web-2\r");
    terminal.wait_for("/web-2 1 of 6");
    terminal.press("\r");
    terminal.wait("the instance", |screen| {
        let text = screen.contents();
        text.contains("\u{276f} web-2") && !text.contains("1 of 6")
    });
    terminal.leave();
}

/// A rollout is paused with a reason, goes on when it is told to, and leaves an instance out; then it is recorded and
/// replayed.
#[test]
fn a_rollout_is_paused_resumed_and_leaves_an_instance_out_and_is_replayed() {
    let mut terminal = Terminal::whole_lab();
    terminal.wait_for("InProgress");
    terminal.press("p");
    terminal.wait_for("Pause d-");
    terminal.wait("a live key", |screen| live(screen, "y  pause"));
    terminal.press("wlooking around\r");
    terminal.wait_for("why: looking around");
    terminal.press("y");
    terminal.wait_for("(looking around)");
    terminal.wait("a rest", |screen| {
        let text = screen.contents();
        text.contains("nothing until resumed") && !text.contains("\u{25b8} InProgress")
    });
    terminal.press("\tG");
    terminal.wait_for("\u{276f} web-8");
    terminal.press("S");
    terminal.wait_for("Leave web-8 out");
    assert!(terminal.text().contains("can be healthy, more than"));
    terminal.wait("a live key", |screen| live(screen, "y  leave out"));
    terminal.press("y");
    terminal.wait_for("left out by");
    assert!(terminal.text().contains("paused"));
    terminal.press("p");
    terminal.wait("a live key", |screen| live(screen, "y  resume"));
    terminal.press("y");
    terminal.wait_for("Succeeded   1.0.0");
    assert!(terminal.text().contains("left out by"));
    terminal.leave();

    let folder = terminal.folder();
    let cutover = |arguments: &[&str]| terminal.cutover(arguments);
    let list = String::from_utf8(cutover(&["list", "deployments"]).stdout).unwrap();
    let of_shop = list.lines().find(|line| line.contains("shop/production"));
    let id = of_shop.and_then(|line| line.split_whitespace().next());
    let recording = folder.parent().unwrap().join("recording");
    let exported = cutover(&["export", id.unwrap_or_else(|| panic!("{list}"))]);
    assert!(exported.status.success());
    std::fs::write(&recording, exported.stdout).unwrap();

    let mut replay = terminal.replay(&recording);
    replay.wait_for("REPLAY");
    replay.press(">");
    replay.wait_for("Succeeded   1.0.0");
    replay.press("\u{1b}");
    replay.press(",,");
    replay.wait_for("InProgress");
    replay.press("s");
    replay.wait_for("stop: this is a replay");
    replay.press("q");
    assert!(replay.ended().success());

    let text = std::fs::read_to_string(&recording).unwrap();
    let torn: Vec<&str> = text.lines().take(3).collect();
    std::fs::write(&recording, format!("{}\n{{\"deploy", torn.join("\n"))).unwrap();
    let refused = cutover(&["replay", recording.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("recording:4: column "), "{said}");
}

/// Command lines that name the lab's folder.
fn processes(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|command| String::from_utf8_lossy(&command).replace('\0', " "))
        .filter(|command| command.contains(folder.to_str().unwrap()))
        .collect()
}
