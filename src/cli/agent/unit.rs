//! The agent as a service of systemd.

use std::fs;
use std::path::Path;
use std::process::Command;

use color_eyre::eyre::{WrapErr as _, bail};

use super::super::Exit;
use super::super::print::say;
use crate::agent::config::DEFAULT_FILE;

/// The unit, which names the program and its configuration where they usually are.
const UNIT: &str = include_str!("../../../assets/cutover-agent.service");

/// Where units of the administrator are.
const PLACE: &str = "/etc/systemd/system/cutover-agent.service";

/// What the unit calls the program.
const PROGRAM: &str = "/usr/local/bin/cutover agent";

/// Installs the unit and starts it, if systemd runs here.
pub(super) fn install(config: &Path) -> color_eyre::Result<Exit> {
    let program = std::env::current_exe().wrap_err("this program can't be found")?;
    let mut words = vec![program.display().to_string(), "agent".to_owned()];
    if config != Path::new(DEFAULT_FILE) {
        words.extend(["--config".to_owned(), config.display().to_string()]);
    }
    let command = words.join(" ");
    fs::write(PLACE, UNIT.replace(PROGRAM, &command))
        .wrap_err_with(|| format!("writing {PLACE}"))?;
    say(format_args!("wrote {PLACE}"));
    if !Path::new("/run/systemd/system").exists() {
        bail!(
            "systemd does not run here, so the agent was not started: start `{command}` yourself, or, where systemd runs, \
             `systemctl enable --now cutover-agent`"
        );
    }
    for arguments in [
        &["daemon-reload"][..],
        &["enable", "cutover-agent"],
        // One that runs already has to read its configuration again.
        &["restart", "cutover-agent"],
    ] {
        let ran = Command::new("systemctl").args(arguments).status();
        let ran = ran.wrap_err("systemctl can't be run")?;
        if !ran.success() {
            bail!("`systemctl {}` failed: {ran}", arguments.join(" "));
        }
    }
    say("the agent runs: `systemctl status cutover-agent`");
    Ok(Exit::Succeeded)
}
