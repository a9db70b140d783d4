//! The operator's own commands that test and reload.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// So much of what it says is told.
const LONGEST: usize = 2000;

/// Runs a command to its end. If it fails: what it said.
pub async fn run(command: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    let run = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let shown = command.join(" ");
    let output = match timeout(PATIENCE, run).await {
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            return Err(format!("{shown} did not end within {seconds} s"));
        }
        Ok(Err(error)) => return Err(format!("{shown} cannot be run: {error}")),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let said: String = said.trim().chars().take(LONGEST).collect();
    Err(format!("{shown}: {}: {said}", output.status))
}
