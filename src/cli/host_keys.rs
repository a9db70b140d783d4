//! `cutover hosts invite`, `revoke` and `rotate`: who may be a host of the project, and by what key.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::bail;

use super::Exit;
use super::context::{Context, UsageError, look};
use super::print::say;
use crate::api::client::Client;
use crate::api::command::{Answer, Command};
use crate::api::invitation;
use crate::clock;
use crate::identity::OwnKey;
use crate::identity::authority::Authority;
use crate::identity::hosts::KnownHosts;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::store::state::State;

/// How often it is looked whether a host has joined.
const LOOK: Duration = Duration::from_millis(500);

/// Whether to stay until the host has joined.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Waiting {
    /// Stay until the host has joined, also where nobody watches; at a terminal that is usual
    #[arg(long, conflicts_with = "no_wait")]
    wait: bool,
    /// Do not wait until the host has joined
    #[arg(long)]
    no_wait: bool,
}

/// By what a host joins.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Joining {
    /// Let it join by a certificate of this authority (PEM) for its name, or for that of its address, instead of a token
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
}

impl Joining {
    fn authority(&self) -> Result<Option<Authority>, UsageError> {
        let Some(path) = &self.authority else {
            return Ok(None);
        };
        let wrong =
            |error: &dyn std::fmt::Display| UsageError(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        text.parse().map(Some).map_err(|error| wrong(&error))
    }
}

/// Lets a host join, and says what to do on it.
pub(super) async fn invite(
    name: &Name,
    replace_key: bool,
    (joining, waiting): (&Joining, Waiting),
    context: &Context,
) -> color_eyre::Result<Exit> {
    let authority = joining.authority()?;
    let client = context.connect().await?;
    let command = Command::InviteHost {
        host: name.clone(),
        replace_key,
        authority,
        by: super::context::user(),
    };
    let asked = clock::now();
    let answer = context.send(&client, command).await?;
    let Answer::Invited {
        address,
        pass,
        orchestrator,
        until,
        ..
    } = answer
    else {
        bail!("an unexpected answer");
    };
    let minutes = until.since(asked).as_secs().div_ceil(60);
    let join = invitation::command(name, &address, &pass);
    say(format_args!(
        "{name} may join within {minutes} minutes. On {name}, as root:\n\n  \
         {join}\n\n\
         With --systemd it starts there as a service; without, start `cutover agent` then.\n\
         It shows the key of this orchestrator: {}",
        orchestrator.fingerprint()
    ));
    if waiting.wait || !waiting.no_wait && stdout().is_terminal() {
        return joined(name, &client, asked, until).await;
    }
    Ok(Exit::Succeeded)
}

/// Waits until the host has joined.
async fn joined(
    name: &Name,
    client: &Client,
    asked: Timestamp,
    until: Timestamp,
) -> color_eyre::Result<Exit> {
    say(format_args!(
        "waiting for {name} (Ctrl-C only ends the waiting)"
    ));
    let mut told = None;
    while clock::now() < until {
        let view = look(client).await?;
        let status = view.host(name).and_then(|host| host.status.cloned());
        if let Some(status) = status.filter(|status| status.checked > asked) {
            let agent = status.agent.filter(|agent| agent.read > asked);
            if let Some(key) = agent.and_then(|agent| agent.key) {
                say(format_args!(
                    "{name} has joined; its key is {}",
                    key.fingerprint()
                ));
                return Ok(Exit::Succeeded);
            }
            // Whoever is there instead is worth a word.
            let odd = status.problem.filter(|problem| problem.contains("invited"));
            if odd.is_some() && odd != told {
                told.clone_from(&odd);
                say(crate::text::safe(&odd.unwrap_or_default()));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("{name} has not joined in time: `cutover hosts invite {name}` gives it another token");
}

/// Knows a host's key no more.
pub(super) async fn revoke(name: &Name, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let host = name.clone();
    context.send(&client, Command::RevokeHost { host }).await?;
    say(format_args!(
        "{name} is known no more: `cutover hosts invite {name}` lets it join again"
    ));
    Ok(Exit::Succeeded)
}

/// Gives hosts another key each, or the orchestrator, if none is named: this one, or one of its own making.
pub(super) async fn rotate(
    names: &[Name],
    certificate: Option<&Path>,
    context: &Context,
) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    if let Some(file) = certificate {
        // A key goes through no door and into no trail.
        let pem = std::fs::read_to_string(file)
            .map_err(|error| UsageError(format!("{}: {error}", file.display())))?;
        let state = context.state()?;
        is_state_of(&state, client.ping().await?.pid)?;
        OwnKey::offer(&state.key(), &pem)?;
    }
    if names.is_empty() {
        rotate_one(None, &client, context).await?;
        super::host_tokens::warn_of_former_key(&client).await?;
    }
    for name in names {
        rotate_one(Some(name.clone()), &client, context).await?;
    }
    Ok(Exit::Succeeded)
}

/// Whoever comes in by the door of another user's orchestrator may have a state directory of its own for the same project.
fn is_state_of(state: &State, orchestrator: u32) -> Result<(), UsageError> {
    let holder = std::fs::read_to_string(state.directory.join("lock"));
    if holder.is_ok_and(|pid| pid.trim() == orchestrator.to_string()) {
        return Ok(());
    }
    Err(UsageError(format!(
        "the orchestrator (process {orchestrator}) does not work in {}: give it a key as the user whose it is, or set \
         settings.stateDirectory in cutover.yaml so that both find the same directory",
        state.directory.display()
    )))
}

async fn rotate_one(
    host: Option<Name>,
    client: &Client,
    context: &Context,
) -> color_eyre::Result<()> {
    let whose = host.as_ref().map_or("the orchestrator", Name::as_str);
    let whose = whose.to_owned();
    let of_host = host.is_some();
    let answer = context.send(client, Command::RotateKey { host }).await?;
    let Answer::Rotated { key, waits_for } = answer else {
        bail!("an unexpected answer");
    };
    let key = key.fingerprint();
    if waits_for.is_empty() {
        say(format_args!("{whose} has the key {key} now"));
        return Ok(());
    }
    let waits_for: Vec<String> = waits_for.into_iter().collect();
    let waits_for = waits_for.join(", ");
    if of_host {
        say(format_args!(
            "{whose} will have the key {key}, as soon as the orchestrator of {waits_for} knows it, which {whose} obeys too\n             (`cutover agent forget` on {whose} if that is gone for good)"
        ));
    } else {
        say(format_args!(
            "{whose} will have the key {key}, as soon as every host knows it: {waits_for}\n             (`cutover hosts revoke` those that are gone for good; invitations that are open are used or run out)"
        ));
    }
    Ok(())
}

/// Knows the key of a host no more that is no host any more, if it had one, and takes back an invitation that is open.
pub(super) async fn forget(name: &Name, context: &Context) -> color_eyre::Result<()> {
    // Most projects need no orchestrator to be started for that.
    let known = KnownHosts::open(context.state()?.hosts())?;
    if known.has(name) {
        let had_key = known.key(name).is_some();
        let client = context.connect().await?;
        let host = name.clone();
        context.send(&client, Command::RevokeHost { host }).await?;
        say(if had_key {
            "its key is known no more"
        } else {
            "its invitation holds no more"
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{State, is_state_of};

    #[test]
    fn a_key_is_given_where_the_orchestrator_looks_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State {
            project: folder.path().to_owned(),
            directory: folder.path().to_owned(),
            socket: folder.path().join("socket"),
        };
        let refused = is_state_of(&state, 7).unwrap_err().to_string();
        assert!(refused.contains("settings.stateDirectory"), "{refused}");
        std::fs::write(folder.path().join("lock"), "7\n").unwrap();
        is_state_of(&state, 7).unwrap();
        assert!(is_state_of(&state, 8).is_err());
    }
}
