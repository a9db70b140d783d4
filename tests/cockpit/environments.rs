//! A production environment: locked for cockpit and command line, unlocked with a reason, its name typed; and what a crash of
//! the cockpit leaves.

use crate::terminal::{Terminal, live};

impl Terminal {
    /// The group of `shop` stands in production.
    fn in_production(&self) {
        let file = self.folder().join("cutover.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let environments = "environments: { live: { production: true } }\n";
        std::fs::write(&file, format!("{text}{environments}")).unwrap();
        self.ok(&[
            "group",
            "edit",
            "shop",
            "production",
            "--set",
            "environment=live",
        ]);
    }
}

#[test]
fn production_is_unlocked_with_a_reason_and_takes_its_name() {
    let mut terminal = Terminal::lab(&[]);
    terminal.wait_for("Succeeded   1.0.0");
    terminal.in_production();
    terminal.wait_for("PRODUCTION live");
    let refused = terminal.cutover(&["deploy", "shop", "production", "1.1.0"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("live is locked: `--unlock REASON`"), "{said}");
    terminal.press("d");
    terminal.wait_for("deploy: live is locked: U unlocks it");
    terminal.press("U");
    terminal.wait_for("Unlock live?");
    terminal.press("INC-7\r");
    terminal.wait_for("unlocked 14:");
    terminal.press("d");
    terminal.wait_for("Deploy which revision to shop/production?");
    terminal.press("1.1.0\r");
    terminal.wait("a live key", |screen| live(screen, "y  deploy"));
    terminal.press("v");
    terminal.wait_for("1. at once: install: 2 instances");
    terminal.press("y");
    terminal.wait_for("Type live to deploy:");
    terminal.press("live\r");
    terminal.wait_for("1.1.0");
    terminal.wait_for("InProgress");
    terminal.press("U");
    terminal.wait_for("live is locked");
    // The way out is open all the same.
    let listed = terminal.json(&["list", "--group", "shop/production"]);
    let newest = listed["deployments"][0]["deploymentId"].as_str().unwrap();
    let stopped = terminal.cutover(&["stop", newest, "--no-rollback", "--wait"]);
    assert_eq!(stopped.status.code(), Some(3), "{stopped:?}");
    terminal.ok(&[
        "--unlock",
        "CI 7",
        "deploy",
        "shop",
        "production",
        "1.1.0",
        "--wait",
    ]);
    let trail = terminal.cutover(&["audit"]);
    let trail = String::from_utf8_lossy(&trail.stdout).into_owned();
    for entry in ["unlock live: INC-7", "unlock live: CI 7"] {
        assert!(trail.contains(entry), "{trail}");
    }
    terminal.leave();
}

#[test]
fn a_crash_gives_the_terminal_back_and_leaves_a_report() {
    for place in ["cockpit.key:1", "cockpit.feed:2"] {
        let mut terminal = Terminal::small_lab(&[("CUTOVER_FAIL_AT", place)]);
        if place.contains("key") {
            // Something of the picture, not the empty panes before it.
            terminal.wait_for("hosts 6/6");
            terminal.press("x");
        }
        assert_eq!(terminal.ended().exit_code(), 70, "{}", terminal.text());
        terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
        terminal.wait_for("What went before it is in");
        let crashes = terminal.started_in().join("cutover/crashes");
        let found: Vec<_> = std::fs::read_dir(&crashes).unwrap().flatten().collect();
        assert_eq!(found.len(), 1, "{found:?}");
        let report = std::fs::read_to_string(found[0].path()).unwrap();
        let name = place.split(':').next().unwrap();
        assert!(report.contains(&format!("{name} was to fail")), "{report}");
        assert!(report.contains(" resized 120x30\n"), "{report}");
        if place.contains("key") {
            assert!(report.contains(" feed: snapshot\n"), "{report}");
            assert!(report.contains(" key x\n"), "{report}");
        }
        assert!(report.contains("Backtrace:"), "{report}");
    }
}
