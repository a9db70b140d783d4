//! What every command that talks to an orchestrator needs: the project, and a connection.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use color_eyre::eyre::{WrapErr as _, bail, eyre};

use crate::api::client::Client;
use crate::api::command::{Answer, ApiError, Command};
use crate::api::gate::{self, Circumstances, Refused};
use crate::api::locks;
use crate::api::snapshot::Ping;
use crate::api::view::View;
use crate::api::{client::ClientError, feed::FeedItem};
use crate::model::environment::Environment;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::s3::Destination;
use crate::model::yaml::nearest;
use crate::store::documents;
use crate::store::fence::{self, FenceError};
use crate::store::state::{self, State};

/// How long an orchestrator may take to start.
const START: Duration = Duration::from_secs(15);

/// How often a cockpit looks whether its orchestrator is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Wrong usage: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub String);

/// Options that hold for every command.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// Where the project is, if it was said.
    pub project: Option<PathBuf>,
    /// Refuse every change.
    pub read_only: bool,
    /// Why the environments are unlocked that a command runs into.
    pub unlock: Option<String>,
}

impl Context {
    /// The project's folder.
    pub fn folder(&self) -> color_eyre::Result<PathBuf> {
        let start = match &self.project {
            Some(folder) => folder.clone(),
            None => std::env::current_dir().wrap_err("the current folder can't be read")?,
        };
        documents::find(&start).ok_or_else(|| {
            let text = format!(
                "no cutover.yaml in {} or above: `cutover init` writes a project, `cutover lab` tries one",
                start.display()
            );
            UsageError(text).into()
        })
    }

    /// Where the project's state is.
    pub fn state(&self) -> color_eyre::Result<State> {
        let folder = self.folder()?;
        let settings = documents::settings(&folder).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            UsageError(lines.join("\n"))
        })?;
        Ok(State::of(&folder, settings.state_directory.as_deref())?)
    }

    /// A connection to the project's orchestrator, which is started in the background if none runs.
    pub async fn connect(&self) -> color_eyre::Result<Client> {
        let folder = self.folder()?;
        let door = door_of(&folder);
        if let Some(door) = &door {
            let client = Client::new(door)?;
            match client.ping().await {
                Ok(ping) => return fits(&ping).map(|()| client),
                Err(ClientError::Connection { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        // Documents with errors must not stand between an operator and a rollout that runs.
        let client = Client::new(&state::socket(&folder)?)?;
        let ping = match client.ping().await {
            Ok(ping) => ping,
            Err(ClientError::Connection { .. }) => {
                if let Some(door) = door {
                    may_orchestrate(&folder, &door)?;
                }
                start(&self.state()?, &client).await?
            }
            Err(other) => return Err(other.into()),
        };
        fits(&ping)?;
        Ok(client)
    }

    /// Sees to it, for as long as it is polled, that somebody orchestrates: an orchestrator that was killed is followed by
    /// the next, which takes its rollouts up.
    pub async fn keep_orchestrated(&self, client: &Client) {
        loop {
            tokio::time::sleep(LOOK).await;
            if matches!(client.ping().await, Err(ClientError::Connection { .. }))
                && let Err(error) = self.connect().await
            {
                // The cockpit shows that the connection is gone; the next look tries again.
                tracing::warn!(%error, "no orchestrator can be started");
            }
        }
    }

    /// Sends a command through the gate. Typing a command is its confirmation.
    pub async fn send(&self, client: &Client, command: Command) -> color_eyre::Result<Answer> {
        let locked = self.unlock(client, &command).await?;
        let circumstances = Circumstances {
            locked,
            ..self.circumstances()?
        };
        gate::send(client, command, circumstances)
            .await
            .map_err(explain)
    }

    /// Unlocks the environments that a command runs into, if a reason was given: for this command alone, and the audit trail
    /// has it first. Without a reason, answers one of them.
    async fn unlock(&self, client: &Client, command: &Command) -> color_eyre::Result<Option<Name>> {
        // The way out waits for no picture.
        if locks::is_free(command) {
            return Ok(None);
        }
        let project = documents::project(&self.folder()?);
        if project.is_ok_and(|project| !project.environments.values().any(Environment::is_locked)) {
            return Ok(None);
        }
        let locked = look(client).await?.locks(command);
        let Some(why) = &self.unlock else {
            return Ok(locked.into_iter().next());
        };
        for environment in locked {
            let unlock = Command::Unlock {
                environment,
                why: why.clone(),
                seconds: None,
                by: user(),
            };
            gate::send(client, unlock, self.circumstances()?)
                .await
                .map_err(explain)?;
        }
        Ok(None)
    }

    /// Sends a bundle in through the gate.
    pub async fn upload(
        &self,
        client: &Client,
        application: &Name,
        label: Option<&str>,
        to: Option<&Destination>,
        bundle: tokio::fs::File,
    ) -> color_eyre::Result<Answer> {
        let circumstances = self.circumstances()?;
        gate::upload(client, application, label, to, bundle, circumstances)
            .await
            .map_err(explain)
    }

    /// What the gate must know about what is typed: that is its confirmation.
    pub fn circumstances(&self) -> color_eyre::Result<Circumstances> {
        // A document with errors can be put right; its settings can't be asked then.
        let settings = documents::settings(&self.folder()?).unwrap_or_default();
        Ok(Circumstances {
            read_only: self.read_only || settings.read_only,
            data_age: None,
            confirmed: true,
            locked: None,
        })
    }
}

/// Where everybody knocks, if the project has such a door and its document can be read.
pub(super) fn door_of(folder: &Path) -> Option<PathBuf> {
    let project = documents::project(folder).ok()?;
    project.access.map(|access| access.door)
}

/// Refuses an orchestrator of another version.
fn fits(ping: &Ping) -> color_eyre::Result<()> {
    if ping.version != env!("CARGO_PKG_VERSION") {
        bail!(
            "version {} orchestrates this project, this is {}: end it with `kill {}` (what runs goes on with the next one)",
            ping.version,
            env!("CARGO_PKG_VERSION"),
            ping.pid
        );
    }
    Ok(())
}

/// Where several people knock at one door, only whoever owns the project's document starts an orchestrator: each of the
/// others would start one of their own.
fn may_orchestrate(folder: &Path, door: &Path) -> color_eyre::Result<()> {
    let document = folder.join(documents::PROJECT_DOCUMENT);
    let about = document
        .metadata()
        .wrap_err_with(|| document.display().to_string())?;
    let owner = std::os::unix::fs::MetadataExt::uid(&about);
    if owner == nix::unistd::getuid().as_raw() {
        return Ok(());
    }
    let owner = nix::unistd::User::from_uid(owner.into())
        .ok()
        .flatten()
        .map_or_else(|| format!("user {owner}"), |user| user.name);
    bail!(
        "nobody orchestrates this project at {}: {owner}, who owns {}, can start it with `cutover serve`",
        door.display(),
        document.display()
    )
}

/// A name that does not exist is wrong usage; everything else is a failure.
fn explain(refused: Refused) -> color_eyre::Report {
    match refused {
        Refused::Client(error) => usage(error),
        closed @ Refused::Closed(_) => UsageError(closed.to_string()).into(),
    }
}

/// The error for a deployment group that the project does not have.
pub(super) fn no_group(key: &GroupKey, view: &View) -> UsageError {
    let known = view
        .project
        .groups
        .iter()
        .map(|group| group.key().to_string());
    let help = nearest(&key.to_string(), known);
    let help = help.unwrap_or_else(|| "`cutover list groups` shows them".to_owned());
    UsageError(format!("there is no deployment group {key}: {help}"))
}

/// The report of a client's error.
pub(super) fn usage(error: ClientError) -> color_eyre::Report {
    match error {
        ClientError::Api(ApiError { code, message })
            if code.ends_with("DoesNotExistException")
                || (code.starts_with("Invalid") && !is_refusal(&code)) =>
        {
            UsageError(message).into()
        }
        other => other.into(),
    }
}

/// Asked rightly, and at the wrong time.
fn is_refusal(code: &str) -> bool {
    [
        "InvalidDeploymentStatusException",
        "InvalidOperationException",
    ]
    .contains(&code)
}

/// Starts an orchestrator in the background and waits until it answers.
async fn start(state: &State, client: &Client) -> color_eyre::Result<Ping> {
    // It would say so in its log alone.
    match fence::look(state) {
        Err(elsewhere @ FenceError::Elsewhere(_)) => {
            return Err(UsageError(elsewhere.to_string()).into());
        }
        looked => looked?,
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(state.log())
        .wrap_err_with(|| format!("{} can't be written", state.log().display()))?;
    let program = std::env::current_exe().wrap_err("this program can't be found")?;
    let mut child = tokio::process::Command::new(program)
        .arg("serve")
        .arg("--background")
        .arg("--project")
        .arg(&state.project)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own: Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()
        .wrap_err("the orchestrator can't be started")?;
    let deadline = tokio::time::Instant::now() + START;
    let mut ended = None;
    while tokio::time::Instant::now() < deadline {
        if let Ok(ping) = client.ping().await {
            return Ok(ping);
        }
        // It may have lost the race against another command's; that one answers soon. Otherwise its log says why.
        if let Some(status) = child.try_wait()? {
            let first = ended.get_or_insert_with(tokio::time::Instant::now);
            if first.elapsed() > Duration::from_secs(2) {
                bail!(
                    "the orchestrator ended at once ({status}):\n{}",
                    last_lines(&state.log())
                );
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(eyre!(
        "the orchestrator does not answer; its log is {}",
        state.log().display()
    ))
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// The picture as it is now.
pub(super) async fn look(client: &Client) -> color_eyre::Result<View> {
    use futures_util::StreamExt as _;
    let mut feed = client.feed().await?;
    match feed.next().await {
        Some(Ok(FeedItem::Snapshot(snapshot))) => Ok(View::from(*snapshot)),
        Some(Err(error)) => Err(error.into()),
        _ => Err(eyre!("the orchestrator sent no picture")),
    }
}

/// The user who gives commands, for the journal.
pub(super) fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .ok()
        .flatten()
        .map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name)
}
