//! What the lab's fleet runs: a question of the orchestrator on standard input, the answer on standard output
//! (docs/fleets.md).

use std::collections::BTreeSet;
use std::io::Read as _;

use color_eyre::eyre::WrapErr as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::Exit;
use crate::cli::print::say;
use crate::lab::Fleet;

#[derive(Deserialize)]
struct Provision {
    token: String,
    count: usize,
}

#[derive(Deserialize)]
struct Terminate {
    hosts: Vec<Host>,
}

#[derive(Deserialize)]
struct Host {
    name: String,
}

/// Makes the hosts that are asked for, and names them.
pub(super) async fn provision(fleet: &mut Fleet) -> color_eyre::Result<Exit> {
    let asked: Provision = question()?;
    let hosts = fleet.provision(&asked.token, asked.count).await?;
    say(serde_json::json!({ "hosts": hosts }));
    Ok(Exit::Succeeded)
}

/// Ends the hosts that are named.
pub(super) async fn terminate(fleet: &mut Fleet) -> color_eyre::Result<Exit> {
    let asked: Terminate = question()?;
    let names: BTreeSet<String> = asked.hosts.into_iter().map(|host| host.name).collect();
    fleet.terminate(&names).await?;
    Ok(Exit::Succeeded)
}

fn question<T: DeserializeOwned>() -> color_eyre::Result<T> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.wrap_err("the question can't be read")?;
    serde_json::from_str(&text).wrap_err("this is no question that fleets are asked")
}
