//! The one gate: every change of the world that a cockpit or a command line wants passes here.

use std::time::Duration;

use super::client::{Client, ClientError};
use super::command::{Answer, Command};
use super::locks;
use crate::model::name::Name;
use crate::model::s3::Destination;
use crate::store::documents::Problem;
use crate::store::documents::edit::{ChangeError, Changes};

/// How much confirmation a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Changes nothing that runs.
    Harmless,
    /// Changes what runs on hosts.
    Dangerous,
}

/// What the gate must know about a request besides the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Nothing may be changed.
    pub read_only: bool,
    /// How old the picture is that the person saw; `None` where no picture is involved.
    pub data_age: Option<Duration>,
    /// The person has confirmed this very command. On a command line, typing it is the confirmation.
    pub confirmed: bool,
    /// The environment whose lock this very command runs into, if there is one ([`locks`]).
    pub locked: Option<Name>,
}

/// Data older than this supports no dangerous decision.
pub const TOO_OLD: Duration = Duration::from_secs(10);

/// Why the gate is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The project or the session is read-only.
    #[error(
        "read-only: nothing can be changed (settings.readOnly in cutover.yaml, or --read-only)"
    )]
    ReadOnly,
    /// An environment is locked.
    #[error(
        "{0} is locked: `--unlock REASON` unlocks it for one command, and the action `unlock` of the cockpit for a while"
    )]
    Locked(Name),
    /// The picture is too old to decide on.
    #[error("what you see is more than 10 s old: wait until the connection is back")]
    Stale,
    /// Nobody confirmed it.
    #[error("this needs a confirmation")]
    Unconfirmed,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The gate was closed.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The orchestrator refused, or could not be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Why documents were not written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// The gate was closed.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// They can't be written as they are.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// How dangerous a command is.
pub fn danger(command: &Command) -> Danger {
    match command {
        Command::Push { .. }
        | Command::Fetch { .. }
        | Command::TestNotification { .. }
        | Command::Unlock { .. }
        | Command::Shutdown => Danger::Harmless,
        Command::Deploy(_)
        | Command::Control { .. }
        | Command::Rollback { .. }
        | Command::DeleteRevision { .. }
        | Command::ReportHook { .. }
        | Command::InviteHost { .. }
        | Command::RevokeHost { .. }
        | Command::InviteInstances { .. }
        | Command::RevokeToken { .. }
        | Command::RotateKey { .. }
        | Command::Freeze { .. }
        | Command::Thaw { .. }
        | Command::TerminateHosts { .. } => Danger::Dangerous,
    }
}

/// Whether the gate is open for a command.
///
/// # Errors
/// Why it is closed. Stopping without a rollback is the way out, and is never refused because the picture is old.
pub fn check(command: &Command, circumstances: &Circumstances) -> Result<(), Closed> {
    if circumstances.read_only {
        return Err(Closed::ReadOnly);
    }
    if danger(command) == Danger::Harmless {
        return Ok(());
    }
    if let Some(environment) = &circumstances.locked {
        return Err(Closed::Locked(environment.clone()));
    }
    if !circumstances.confirmed {
        return Err(Closed::Unconfirmed);
    }
    if !locks::is_way_out(command) && circumstances.data_age.is_some_and(|age| age > TOO_OLD) {
        return Err(Closed::Stale);
    }
    Ok(())
}

/// Sends a command through the gate. Nothing else in the program sends one.
///
/// # Errors
/// If the gate is closed, the orchestrator refuses, or it can't be reached.
pub async fn send(
    client: &Client,
    command: Command,
    circumstances: Circumstances,
) -> Result<Answer, Refused> {
    check(&command, &circumstances)?;
    Ok(client.command(&command).await?)
}

/// Sends a bundle in as a revision of an application, through the gate.
///
/// # Errors
/// If the gate is closed, the orchestrator refuses, or it can't be reached.
pub async fn upload(
    client: &Client,
    application: &Name,
    label: Option<&str>,
    to: Option<&Destination>,
    bundle: tokio::fs::File,
    circumstances: Circumstances,
) -> Result<Answer, Refused> {
    if circumstances.read_only {
        return Err(Closed::ReadOnly.into());
    }
    Ok(client.upload(application, label, to, bundle).await?)
}

/// Whether the gate is open for changes of documents. They are no command, and rest on no picture: whether somebody else was
/// faster is seen when they are written.
///
/// # Errors
/// Why it is closed.
pub fn check_writing(circumstances: &Circumstances) -> Result<(), Closed> {
    if circumstances.read_only {
        return Err(Closed::ReadOnly);
    }
    if !circumstances.confirmed {
        return Err(Closed::Unconfirmed);
    }
    Ok(())
}

/// Writes documents through the gate. Nothing else in the program changes those of a project. Answers what the project's problems
/// are afterwards.
///
/// # Errors
/// If the gate is closed, the project would get errors, somebody else was faster, or a file can't be written.
pub fn write(changes: &Changes, circumstances: &Circumstances) -> Result<Vec<Problem>, Unwritten> {
    check_writing(circumstances)?;
    Ok(changes.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::input::Command as Control;
    use crate::engine::input::What;

    const FRESH: Circumstances = Circumstances {
        read_only: false,
        data_age: Some(Duration::from_secs(1)),
        confirmed: true,
        locked: None,
    };

    fn stop() -> Command {
        Command::Control {
            deployment: "d-AAAAAAAAA".parse().unwrap(),
            control: Control::new(
                What::Stop {
                    auto_rollback: None,
                },
                "ana",
            ),
        }
    }

    fn pause() -> Command {
        Command::Control {
            deployment: "d-AAAAAAAAA".parse().unwrap(),
            control: Control::new(What::Pause, "ana"),
        }
    }

    fn rollback() -> Command {
        Command::Rollback {
            deployment: "d-AAAAAAAAA".parse().unwrap(),
            by: "ana".to_owned(),
            uid: None,
        }
    }

    #[test]
    fn what_is_dangerous_needs_a_confirmation() {
        let unconfirmed = Circumstances {
            confirmed: false,
            ..FRESH
        };
        for command in [stop(), pause(), rollback()] {
            assert_eq!(check(&command, &FRESH), Ok(()));
            assert_eq!(check(&command, &unconfirmed), Err(Closed::Unconfirmed));
        }
        assert_eq!(check(&Command::Shutdown, &unconfirmed), Ok(()));
    }

    #[test]
    fn only_the_way_out_is_open_on_an_old_picture() {
        let old = Circumstances {
            data_age: Some(TOO_OLD + Duration::from_secs(1)),
            ..FRESH
        };
        assert_eq!(check(&rollback(), &old), Err(Closed::Stale));
        assert_eq!(check(&pause(), &old), Err(Closed::Stale));
        assert_eq!(check(&stop(), &old), Ok(()));
    }

    #[test]
    fn documents_are_written_only_where_something_may_be_changed_and_was_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cutover.yaml");
        std::fs::write(&file, "name: shop\n").unwrap();
        let mut changes = Changes::of(folder.path());
        let path = std::path::Path::new("cutover.yaml");
        changes.write(path, "name: other\n".to_owned()).unwrap();
        let read_only = Circumstances {
            read_only: true,
            ..FRESH
        };
        let unconfirmed = Circumstances {
            confirmed: false,
            ..FRESH
        };
        for (circumstances, closed) in [
            (read_only, Closed::ReadOnly),
            (unconfirmed, Closed::Unconfirmed),
        ] {
            let refused = write(&changes, &circumstances).unwrap_err();
            assert_eq!(refused.to_string(), closed.to_string());
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "name: shop\n");
        }
        write(&changes, &FRESH).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "name: other\n");
    }
}
