//! The clipboard of the desktop that this machine shows, for terminals that copy nothing when they are asked to. Over SSH the desktop
//! is elsewhere, and only the terminal reaches it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// A program that takes the text to be copied, with what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clipboard {
    /// Its name.
    pub program: &'static str,
    arguments: &'static [&'static str],
}

/// Every one that is known, with the variable of the desktop that it needs.
const KNOWN: &[(Option<&str>, Clipboard)] = &[
    (Some("WAYLAND_DISPLAY"), Clipboard::new("wl-copy", &[])),
    (
        Some("DISPLAY"),
        Clipboard::new("xclip", &["-selection", "clipboard"]),
    ),
    (
        Some("DISPLAY"),
        Clipboard::new("xsel", &["--clipboard", "--input"]),
    ),
    #[cfg(target_os = "macos")]
    (None, Clipboard::new("pbcopy", &[])),
];

impl Clipboard {
    const fn new(program: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { program, arguments }
    }

    /// The one that goes with this environment, which `variable` reads, and that is installed.
    pub(crate) fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        if set("SSH_CONNECTION") || set("SSH_TTY") {
            return None;
        }
        let folders = variable("PATH")?;
        let installed = |program: &str| {
            let mut folders = std::env::split_paths(&folders);
            folders.any(|folder| folder.join(program).is_file())
        };
        let fitting = |(desktop, _): &&(Option<&str>, Self)| desktop.is_none_or(set);
        let mut fitting = KNOWN.iter().filter(fitting).map(|(_, known)| *known);
        fitting.find(|known| installed(known.program))
    }

    /// Copies a text.
    ///
    /// # Errors
    /// Why not, with the program's name.
    pub(crate) async fn copy(self, text: &str) -> Result<(), String> {
        let failed = |reason: String| format!("{} copied nothing: {reason}", self.program);
        let copied = async {
            // It goes on behind, to hand the text on: nothing of ours may be held by it, and the terminal is not its.
            let mut child = Command::new(self.program)
                .args(self.arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()?;
            let written = match child.stdin.take() {
                Some(mut to) => to.write_all(text.as_bytes()).await,
                None => Ok(()),
            };
            let status = child.wait().await?;
            Ok::<_, std::io::Error>((status, written))
        };
        match timeout(PATIENCE, copied).await {
            Ok(Ok((status, _))) if !status.success() => {
                Err(failed(format!("it ended with {status}")))
            }
            Ok(Ok((_, Err(error))) | Err(error)) => Err(failed(error.to_string())),
            Ok(Ok((_, Ok(())))) => Ok(()),
            Err(_) => Err(failed(format!(
                "it took longer than {} s",
                PATIENCE.as_secs()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_desktop_that_is_seen_if_it_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let found = |set: &[&str]| {
            let found = Clipboard::find(|name| match name {
                "PATH" => Some(path.clone()),
                _ => set.contains(&name).then(|| ":0".to_owned()),
            });
            found.map(|clipboard| clipboard.program)
        };
        assert_eq!(found(&["DISPLAY"]), None, "nothing is installed");
        for program in ["wl-copy", "xsel"] {
            std::fs::write(folder.path().join(program), "").unwrap();
        }
        assert_eq!(found(&["DISPLAY"]), Some("xsel"));
        assert_eq!(found(&["DISPLAY", "WAYLAND_DISPLAY"]), Some("wl-copy"));
        assert_eq!(found(&["DISPLAY", "SSH_CONNECTION"]), None);
    }

    #[tokio::test]
    async fn what_can_t_copy_says_so() {
        let missing = Clipboard::new("cutover-has-no-such-program", &[]);
        let refused = missing.copy("x").await.unwrap_err();
        assert!(refused.starts_with("cutover-has-no-such-program copied nothing: "));
        let fails = Clipboard::new("false", &[]);
        assert!(
            fails
                .copy("x")
                .await
                .unwrap_err()
                .contains("exit status: 1")
        );
        // Whether it reads what it is given or not.
        let takes = Clipboard::new("cat", &[]);
        assert_eq!(takes.copy(&"x".repeat(1 << 20)).await, Ok(()));
    }
}
