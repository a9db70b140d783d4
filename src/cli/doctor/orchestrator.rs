//! The orchestrator, and what it knows of the hosts: whether they answer, their clocks, the versions of their agents. None is started
//! for it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Finding, counted};
use crate::api::client::{Client, ClientError};
use crate::api::host::HostView;
use crate::api::snapshot::{HostState, Ping};
use crate::api::view::View;
use crate::cli::context::{door_of, look as picture};
use crate::store::state;

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Looks at whoever orchestrates the project in a folder.
pub(super) async fn look(folder: &Path) -> Vec<Finding> {
    let (client, ping) = match answer(folder).await {
        Ok(found) => found,
        Err(finding) => return vec![finding],
    };
    let found = format!("version {}, process {}", ping.version, ping.pid);
    if ping.version != VERSION {
        let remedy = format!(
            "this is {VERSION}: end it with `kill {}`, and the next command begins one of this version",
            ping.pid
        );
        return vec![Finding::problem("orchestrator", found, remedy)];
    }
    match picture(&client).await {
        Ok(view) => {
            let mut findings = vec![running(found, &view)];
            findings.extend(hosts(&view));
            findings
        }
        Err(error) => vec![Finding::problem(
            "orchestrator",
            format!("{found}: {error:#}"),
            "its serve.log, where the state is, says more",
        )],
    }
}

/// Who answers at the project's doors; if nobody does, what that means.
async fn answer(folder: &Path) -> Result<(Client, Ping), Finding> {
    let trouble = |why: String| {
        let remedy = "`cutover serve` in a terminal says why it does not answer";
        Finding::problem("orchestrator", why, remedy)
    };
    let own = state::socket(folder).map_err(|error| trouble(error.to_string()))?;
    for door in door_of(folder).into_iter().chain([own]) {
        let client = Client::new(&door).map_err(|error| trouble(error.to_string()))?;
        match client.ping().await {
            Ok(ping) => return Ok((client, ping)),
            Err(ClientError::Connection { .. }) => {}
            Err(error) => return Err(trouble(error.to_string())),
        }
    }
    Err(Finding::warning(
        "orchestrator",
        "none runs, so nobody was asked how the hosts are",
        "the next command begins one; `cutover hosts` does, and asks them",
    ))
}

fn running(found: String, view: &View) -> Finding {
    match view.problems.len() {
        0 => Finding::ok("orchestrator", found),
        n => Finding::problem(
            "orchestrator",
            format!(
                "{found}, and goes by older documents: {} in the new ones",
                counted(n, "error")
            ),
            "`cutover check` says which",
        ),
    }
}

/// What is known of the hosts, the good ones together.
fn hosts(view: &View) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut good = Vec::new();
    for host in view.all_hosts() {
        let wrong = wrong(host);
        if wrong.is_empty() {
            good.push(host);
        }
        findings.extend(wrong);
    }
    if !good.is_empty() {
        let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
        for host in &good {
            *versions.entry(host.version()).or_default() += 1;
        }
        let versions = versions.keys().copied().collect::<Vec<_>>().join(", ");
        let offsets = good.iter().filter_map(|host| {
            let agent = host.status?.agent.as_ref()?;
            Some(agent.clock_offset?.unsigned_abs())
        });
        let clocks = offsets
            .max()
            .map(|most| format!(", clocks at most {most} ms off"));
        let found = format!(
            "{} of {} answer and are well, agents of version {versions}{}",
            good.len(),
            view.project.hosts.len(),
            clocks.unwrap_or_default()
        );
        findings.insert(0, Finding::ok("hosts", found));
    } else if findings.is_empty() {
        findings.push(Finding::ok("hosts", "the project has none"));
    }
    findings
}

/// What is wrong with a host.
fn wrong(host: HostView<'_>) -> Vec<Finding> {
    let check = format!("host {}", host.host.name);
    if host.state() == HostState::NotAsked {
        let remedy = "it is asked soon: look again in a moment";
        return vec![Finding::warning(check, "nobody has asked it yet", remedy)];
    }
    let silent = host.status.filter(|status| !status.reachable);
    if let Some(status) = silent {
        let why = status.problem.clone();
        let remedy = status.remedy.clone();
        return vec![Finding::problem(
            check,
            why.unwrap_or_else(|| "its agent does not answer".to_owned()),
            remedy.unwrap_or_else(|| {
                "see that the agent runs there and that its port can be reached".to_owned()
            }),
        )];
    }
    let problems = host.problems().into_iter();
    let mut findings: Vec<Finding> = problems
        .map(|one| Finding::warning(check.clone(), one.message, one.remedy))
        .collect();
    if host.version() != VERSION {
        findings.push(Finding::warning(
            check,
            format!(
                "its agent has version {}, this is {VERSION}",
                host.version()
            ),
            "install this version there when nothing is deployed to it",
        ));
    }
    findings
}
