//! Carries a case out.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cutover::agent::config::{Config, File};
use cutover::agent::protocol::Order;
use cutover::model::application::ComputePlatform;
use cutover::model::custom_event::CustomEvent;
use cutover::model::deployment::ExecutionId;
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::revision::Revision as Pushed;
use cutover::store::bundles::Bundles;
use serde_json::Value as Json;
use serde_yaml::{Mapping, Value};

use crate::bundle;
use crate::case::{self, Case, Deployment, Expect, Revision};
use crate::check::{self, Outcome};
use crate::entry::Listing;
use crate::own::{Folder, deployment_id};
use crate::support::{Host, order};
use crate::tree;

/// What the folder beside the host's root holds, which nobody may touch.
const OUTSIDE: &str = "precious: precious\nfolder/kept: kept\n";

/// The deployment group's id, unless a deployment says otherwise.
const GROUP: &str = "production-group";

/// Carries a case out and says what is not as expected.
///
/// # Errors
///
/// Everything that is not as expected; of a pending case, that all is.
pub fn run(case: &Case) -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err(
            "the corpus needs root, because owners and users are part of it: sudo tests/run"
                .to_owned(),
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let problems = runtime
        .block_on(carry_out(case))
        .unwrap_or_else(|error| vec![error]);
    match (&case.pending, problems.is_empty()) {
        (None, true) | (Some(_), false) => Ok(()),
        (Some(reason), true) => Err(format!("it passes now; take its pending away: {reason}")),
        (None, false) => Err(format!("\n  {}", problems.join("\n  "))),
    }
}

/// Where a destination would be if the host's root were forgotten.
const REAL: [&str; 3] = ["/", "/srv", "/opt"];

/// The names in these folders of the machine itself.
fn real_names() -> Vec<PathBuf> {
    let entries = REAL.iter().filter_map(|folder| fs::read_dir(folder).ok());
    let names = entries
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// A host on which deployments follow each other.
struct Stage {
    host: Host,
    real: Vec<PathBuf>,
    outside: Listing,
    revisions: HashMap<String, Revision>,
    last: Option<Pushed>,
    next: u32,
    attempts: HashMap<u32, u32>,
}

async fn carry_out(case: &Case) -> Result<Vec<String>, String> {
    let mut host = Host::new();
    set_up(&mut host.config, &case.agent)?;
    let show = |path: PathBuf| path.display().to_string();
    let scratch = host
        .scratch
        .path()
        .canonicalize()
        .map_err(|error| error.to_string())?;
    let (trace, outside, root) = (
        show(scratch.join("trace")),
        show(scratch.join("outside")),
        show(scratch.join("root")),
    );
    let (agent, scratch) = (show(scratch.join("agent")), show(scratch));
    let names = [
        ("$TRACE", trace.as_str()),
        ("$OUTSIDE", &outside),
        ("$ROOT", &root),
        ("$AGENT", &agent),
        ("$SCRATCH", &scratch),
    ];
    let read = |mapping: &Mapping| {
        let mut value = Value::Mapping(mapping.clone());
        case::fill_in(&mut value, &names);
        value
    };
    let revisions = serde_yaml::from_value(read(&case.revisions))
        .map_err(|error| format!("its revisions cannot be read: {error}"))?;
    // Scripts of other users come here as well.
    let open = |path: &str, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let prepare = || -> std::io::Result<()> {
        open(&scratch, 0o755)?;
        fs::write(&trace, "")?;
        open(&trace, 0o666)?;
        fs::create_dir(&root)?;
        fs::create_dir(&outside)?;
        let precious: Listing = serde_yaml::from_str(OUTSIDE).map_err(std::io::Error::other)?;
        tree::lay_out(Path::new(&outside), &precious)
    };
    prepare().map_err(|error| format!("preparing the host: {error}"))?;
    host.start().await;
    let mut stage = Stage {
        outside: listing(Path::new(&outside))?,
        real: real_names(),
        host,
        revisions,
        last: None,
        next: 1,
        attempts: HashMap::new(),
    };
    let mut problems = Vec::new();
    for (index, mapping) in case.deployments.iter().enumerate() {
        let prefix = if case.deployments.len() > 1 {
            format!("deployment {}: ", index + 1)
        } else {
            String::new()
        };
        let found = match serde_yaml::from_value::<Deployment>(read(mapping)) {
            Ok(deployment) => stage
                .deploy(&deployment)
                .await
                .unwrap_or_else(|error| vec![error]),
            Err(error) => vec![format!("it cannot be read: {error}")],
        };
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("{prefix}{problem}")),
        );
    }
    for file in &case.processes {
        stage.end_process(file);
    }
    stage.host.shut_down().await;
    Ok(problems)
}

/// What an agent's configuration file would say.
fn set_up(config: &mut Config, settings: &Mapping) -> Result<(), String> {
    if settings.is_empty() {
        return Ok(());
    }
    let text = serde_yaml::to_string(settings).map_err(|error| error.to_string())?;
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    fs::write(file.path(), text).map_err(|error| error.to_string())?;
    let settings = File::read(file.path()).map_err(|error| error.to_string())?;
    settings.apply(config);
    Ok(())
}

fn listing(folder: &Path) -> Result<Listing, String> {
    tree::read(folder).map_err(|error| format!("reading {}: {error}", folder.display()))
}

impl Stage {
    async fn deploy(&mut self, deployment: &Deployment) -> Result<Vec<String>, String> {
        let root = self.host.path("root");
        let lay_out = |folder: &Path, listing| {
            tree::lay_out(folder, listing).map_err(|error| format!("preparing: {error}"))
        };
        lay_out(&root, &deployment.before)?;
        lay_out(&self.host.config.root, &deployment.before_agent)?;
        if deployment.restart {
            self.host.shut_down().await;
            self.host.start().await;
        }
        let pushed = match self.push(deployment).await {
            Err(message) if deployment.expect.refused.is_some() => {
                return Ok(refused(&deployment.expect, &message));
            }
            pushed => pushed?,
        };
        let number = deployment.number.unwrap_or(self.next);
        self.next = self.next.max(number) + 1;
        let attempt = self.attempts.entry(number).or_insert(0);
        *attempt += 1;
        let json = ordered(deployment, number, &pushed)?;
        let name = "web-1".parse().map_err(|error| format!("{error:?}"))?;
        let deployment_id = deployment_id(number)
            .parse()
            .map_err(|error| format!("{error}"))?;
        let id = ExecutionId::new(&deployment_id, &name, 0, *attempt);
        self.last = Some(pushed);
        fs::write(self.host.path("trace"), "").map_err(|error| error.to_string())?;

        let before = listing(&root)?;
        let answer = self.host.put(&id, &json).await;
        if !answer.status().is_success() {
            let text = answer.text().await.map_err(|error| error.to_string())?;
            return Ok(refused(&deployment.expect, &text));
        }
        let order: Order = serde_json::from_value(json).map_err(|error| error.to_string())?;
        let state: cutover::agent::protocol::ExecutionState =
            answer.json().await.map_err(|error| error.to_string())?;
        self.host.renew(&id).await;
        let run = self.host.finish(&id, &order, state.accepted_seq - 1).await;
        let after = listing(&root)?;
        let trace =
            fs::read_to_string(self.host.path("trace")).map_err(|error| error.to_string())?;
        let folder = Folder {
            root: self.host.config.root.clone(),
            group: order.deployment_group_id.clone(),
        };
        let outcome = Outcome {
            run: &run,
            number,
            folder: &folder,
            before: &before,
            after: &after,
            trace: &trace,
        };
        let mut problems = check::check(&deployment.expect, &outcome);
        if deployment.expect.refused.is_some() {
            problems.push("the order was taken".to_owned());
        }
        problems.extend(self.nothing_outside()?);
        Ok(problems)
    }

    /// Nothing was changed beside the host's root.
    fn nothing_outside(&self) -> Result<Option<String>, String> {
        let found = listing(&self.host.path("outside"))?;
        let lines = tree::differences(&self.outside, &found);
        let mut foreign = real_names();
        foreign.retain(|name| !self.real.contains(name));
        let entries = fs::read_dir(self.host.scratch.path()).map_err(|error| error.to_string())?;
        let known = ["agent", "bundles", "outside", "root", "trace"];
        let beside = entries.filter_map(|entry| Some(entry.ok()?.path()));
        foreign.extend(beside.filter(|path| {
            let name = path.file_name().unwrap_or_default();
            !known.iter().any(|known| name == *known)
        }));
        if lines.is_empty() && foreign.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!(
            "outside of the host's root: {foreign:?}\n      {}",
            lines.join("\n      ")
        )))
    }

    async fn push(&mut self, deployment: &Deployment) -> Result<Pushed, String> {
        let named = match &deployment.revision {
            Some(name) => {
                let revision = self.revisions.get(name);
                Some(
                    revision
                        .ok_or_else(|| format!("there is no revision {name}"))?
                        .clone(),
                )
            }
            None => None,
        };
        let Some(revision) = deployment.own_revision().or(named) else {
            return self
                .last
                .clone()
                .ok_or_else(|| "the first deployment has no revision".to_owned());
        };
        let bytes = bundle::pack(&revision)?;
        let digest = Bundles::digest(bytes.as_slice()).map_err(|error| error.to_string())?;
        let size = bytes.len() as u64;
        let url = format!("{}/v1/bundles/{digest}", self.host.address);
        let answer = self.host.client.put(url).body(bytes).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!(
                "the agent does not take the bundle: {}",
                answer.text().await.unwrap_or_default()
            ));
        }
        Ok(Pushed {
            digest,
            label: "revision".to_owned(),
            size,
        })
    }

    /// Ends the program whose process id is in a file of the host.
    fn end_process(&self, file: &str) {
        use nix::sys::signal::{Signal, kill};
        let pid = fs::read_to_string(self.host.installed(file)).ok();
        if let Some(pid) = pid.and_then(|pid| pid.trim().parse().ok()) {
            // It may have ended by itself.
            let _ = kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// The usual order, with what the deployment says otherwise.
fn ordered(deployment: &Deployment, number: u32, pushed: &Pushed) -> Result<Json, String> {
    let mut usual = order(number, pushed);
    usual.deployment_id = deployment_id(number)
        .parse()
        .map_err(|error| format!("{error}"))?;
    let group = deployment.group.as_deref().unwrap_or(GROUP);
    group.clone_into(&mut usual.deployment_group_id);
    // The agent knows the names of events that are not the platform's only if somebody has made them.
    for name in deployment
        .order
        .values()
        .filter_map(Json::as_array)
        .flatten()
    {
        let name = name.as_str().unwrap_or_default();
        if LifecycleEvent::from_name(name, ComputePlatform::Server).is_none() {
            CustomEvent::named(name);
        }
    }
    let Ok(Json::Object(mut json)) = serde_json::to_value(&usual) else {
        return Err("an order is no object".to_owned());
    };
    for (name, value) in &deployment.order {
        let known = json.contains_key(name)
            || ["appspecFilename", "possibleEvents"].contains(&name.as_str());
        if !known {
            return Err(format!("an order has no {name}"));
        }
        json.insert(name.clone(), value.clone());
    }
    Ok(Json::Object(json))
}

fn refused(expect: &Expect, message: &str) -> Vec<String> {
    match &expect.refused {
        Some(words) if message.contains(words) => Vec::new(),
        _ => vec![format!("the agent does not take it: {message}")],
    }
}
