//! What happened: lines for people, and a file that the cockpit replays.

use std::fmt::Write as _;

use super::disk::{Disk, Line, Place};
use super::shape::Millis;
use crate::engine::event::Event;
use crate::engine::ledger::LedgerEvent;
use crate::model::group::{DeploymentGroup, GroupKey};
use crate::model::project::Project;

/// The lines of one run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// One happening each.
    pub lines: Vec<String>,
}

impl Trace {
    /// Adds a line with its time.
    pub fn tell(&mut self, now: Millis, what: &str) {
        let mut line = String::with_capacity(what.len() + 12);
        let (seconds, millis) = (now / 1_000, now % 1_000);
        let _infallible = write!(line, "{seconds:>6}.{millis:03} {what}");
        self.lines.push(line);
    }
}

/// An entry of the journal in words.
pub(super) fn words(line: &Line) -> String {
    match line {
        Line::Deployment(number, record) => {
            let what = match &record.event {
                Event::Created { spec, plan } => format!(
                    "created: {} to {} instances of {}, {} stages{}",
                    spec.revision.label,
                    spec.targets.len(),
                    spec.group.deployment_group_name,
                    plan.stages.len(),
                    plan.impossible
                        .as_ref()
                        .map(|error| format!(", impossible: {}", error.message))
                        .unwrap_or_default(),
                ),
                other => format!("{other:?}"),
            };
            format!("journal  deployment {number} #{} {what}", record.seq)
        }
        Line::Group(group, record) => {
            let what = match &record.event {
                LedgerEvent::Opened { deployment, .. } => format!("opened by {deployment}"),
                LedgerEvent::Joining { deployment, .. } => format!("joined by {deployment}"),
                LedgerEvent::Leaving { deployment, .. } => format!("left by {deployment}"),
                LedgerEvent::Watched { watched } => format!("watches {}", watched.from),
                LedgerEvent::Provisioned { hosts } => format!("{} provisioned", hosts.len()),
                LedgerEvent::Terminated { hosts } => format!("{} terminated", hosts.len()),
                LedgerEvent::Suspending { deployment, .. } => {
                    format!("processes suspended for {deployment}")
                }
                LedgerEvent::Resumed { deployment } => {
                    format!("processes resumed after {deployment}")
                }
                LedgerEvent::Closed {
                    deployment, status, ..
                } => format!("closed by {deployment}: {status}"),
            };
            format!("journal  g{group} #{} {what}", record.seq)
        }
    }
}

/// A run's journal as a file that a cockpit can replay: JSON, one line an entry, in the order of time.
///
/// # Errors
/// If an entry can't be written as JSON.
pub fn replay(project: &Project, disk: &Disk) -> serde_json::Result<String> {
    let header = serde_json::json!({"cutover": "replay", "version": 1, "project": project});
    let mut text = header.to_string();
    text.push('\n');
    for place in &disk.order {
        let line = match *place {
            Place::Deployment(number, at) => serde_json::json!({
                "deployment": super::cast::Cast::deployment(number),
                "record": disk.deployments[number][at],
            }),
            Place::Group(group, at) => {
                let key: Option<GroupKey> = project.groups.get(group).map(DeploymentGroup::key);
                serde_json::json!({"group": key, "ledger": disk.ledgers[group][at]})
            }
        };
        text.push_str(&line.to_string());
        text.push('\n');
    }
    Ok(text)
}
