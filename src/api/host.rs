//! A host in words: the same ones on the command line and in the cockpit.

use std::time::Duration;

use super::snapshot::{HostState, HostStatus};
use super::view::View;
use crate::agent::facts::{Disk, Facts, HealthProblem, Installed};
use crate::model::deployment::DeploymentId;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::text::size;

/// What was read longer ago than this is shown with its age: every host is asked more often.
pub const OLD: Duration = Duration::from_secs(20);

/// A host of the project, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct HostView<'a> {
    /// As the documents list it.
    pub host: &'a Host,
    /// What is known of it, if it was asked.
    pub status: Option<&'a HostStatus>,
}

/// A line about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about; empty if it goes on with what the line above is about.
    pub label: &'static str,
    /// What it says.
    pub text: String,
    /// Whether it tells of something that is wrong.
    pub problem: bool,
}

impl View {
    /// A host of the project.
    pub fn host(&self, name: &Name) -> Option<HostView<'_>> {
        let host = self.project.host(name)?;
        Some(HostView {
            host,
            status: self.hosts.get(name),
        })
    }

    /// The hosts of the project, in the order of its documents.
    pub fn all_hosts(&self) -> impl Iterator<Item = HostView<'_>> {
        self.project.hosts.iter().map(|host| HostView {
            host,
            status: self.hosts.get(&host.name),
        })
    }
}

impl<'a> HostView<'a> {
    /// Its state.
    pub fn state(self) -> HostState {
        HostState::of(self.status)
    }

    /// What its agent said of it.
    pub fn facts(self) -> Option<&'a Facts> {
        self.status?.facts()
    }

    /// Everything that is wrong with it.
    pub fn problems(self) -> Vec<HealthProblem> {
        self.status.map_or_else(Vec::new, HostStatus::problems)
    }

    /// What is wrong with it, on a line; empty if nothing is.
    pub fn health(self) -> String {
        let problems = self.problems();
        let more = match problems.len() {
            0 | 1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let first = problems.into_iter().next();
        first.map_or_else(String::new, |first| format!("{}{more}", first.message))
    }

    /// Its operating system's name.
    pub fn os(self) -> &'a str {
        self.facts().map_or("", |facts| facts.os.name.as_str())
    }

    /// Its agent's version.
    pub fn version(self) -> &'a str {
        let agent = self.status.and_then(|status| status.agent.as_ref());
        agent.map_or("", |agent| agent.version.as_str())
    }

    /// How long it has been up at this time of ours, or had been when its agent answered last.
    pub fn uptime(self, at: Timestamp) -> Option<Duration> {
        let status = self.status?;
        let at = match &status.agent {
            Some(agent) if !status.reachable => agent.read,
            _ => at,
        };
        let booted = self.here(status.facts()?.booted?)?;
        Some(at.since(booted))
    }

    /// The file system of it that has the smallest share free.
    pub fn disk(self) -> Option<&'a Disk> {
        let share = |disk: &&Disk| disk.free.saturating_mul(1000) / disk.total.max(1);
        self.facts()?.disks.iter().min_by_key(share)
    }

    /// How old what its agent said is, if that is old.
    pub fn age(self, at: Timestamp) -> Option<Duration> {
        let read = self.status?.agent.as_ref()?.read;
        Some(at.since(read)).filter(|age| *age > OLD)
    }

    /// What is installed for each group, in a few words.
    pub fn installed(self) -> Vec<String> {
        let installed = self.facts().map_or(&[][..], |facts| &facts.installed);
        installed
            .iter()
            .map(|installed| format!("{} {}", group(installed), label(installed)))
            .collect()
    }

    /// The deployment to look at: the one that runs there, else the one that was installed last.
    pub fn deployment(self) -> Option<&'a DeploymentId> {
        let facts = self.facts()?;
        let running = facts.running.first().map(|running| &running.deployment_id);
        let latest = || {
            let latest = facts.installed.iter().max_by_key(|other| other.installed);
            latest.map(|installed| &installed.deployment_id)
        };
        running.or_else(latest)
    }

    /// Everything that is known of it, its state and problems first, at this time of ours. `clock` writes a time of day.
    pub fn lines(self, at: Timestamp, clock: fn(Timestamp) -> String) -> Vec<Line> {
        let mut lines = Lines::default();
        lines.say("state", self.standing(at, clock));
        for problem in self.problems() {
            lines.problem("problem", problem.message);
            lines.problem("remedy", problem.remedy);
        }
        let zone = self.host.zone.as_ref();
        let zone = zone.map_or_else(String::new, |zone| format!(", zone {zone}"));
        lines.say("address", format!("{}{zone}", self.host.address));
        if let Some(key) = self.status.and_then(|status| status.agent.as_ref()?.key) {
            lines.say("key", key.fingerprint());
        }
        let tags = self.host.all_tags().into_iter();
        let tags = tags.map(|(key, value)| format!("{key}={value}"));
        lines.say("tags", tags.collect::<Vec<_>>().join(" "));
        if let Some(from) = &self.host.provisioned {
            let text = format!("{}, provisioned for {}", from.fleet, from.deployment);
            lines.say("fleet", text);
        }
        if let Some(instance) = &self.host.instance {
            let group = instance.auto_scaling_group.as_ref();
            let group = group.map_or_else(String::new, |group| format!(", in service in {group}"));
            lines.say(
                "instance",
                format!("of the AWS account {}{group}", instance.account),
            );
        }
        match self.facts() {
            Some(facts) => self.told(facts, at, &mut lines),
            None if self.version().is_empty() => {}
            None => lines.say(
                "agent",
                format!("version {}, which reports no facts", self.version()),
            ),
        }
        lines.0
    }

    fn told(self, facts: &Facts, at: Timestamp, lines: &mut Lines) {
        for running in &facts.running {
            let event = running.event.map_or("waits", |event| event.name());
            lines.say(
                "running",
                format!(
                    "{}/{}  {}  {event}",
                    running.application_name, running.deployment_group_name, running.deployment_id
                ),
            );
        }
        for installed in &facts.installed {
            lines.say("installed", self.installation(installed, at));
        }
        if facts.installed.is_empty() {
            lines.say("installed", "nothing".to_owned());
        }
        if facts.left_out > 0 {
            lines.say("", format!("and {} more", facts.left_out));
        }
        lines.say(
            "system",
            words(&[&facts.os.name, &facts.kernel, &facts.architecture]),
        );
        lines.say("hostname", facts.hostname.clone());
        if let Some(up) = self.uptime(at) {
            lines.say("up", span(up));
        }
        for disk in &facts.disks {
            lines.say("disk", format!("{} ({})", free(disk), disk.path));
        }
        let memory = facts
            .agent_memory
            .map_or_else(String::new, |memory| format!(", uses {}", size(memory)));
        let started = self
            .here(facts.started)
            .map_or_else(String::new, |started| {
                format!(", started {} ago", span(at.since(started)))
            });
        lines.say(
            "agent",
            format!("version {}{started}{memory}", self.version()),
        );
    }

    /// Its state, since when, and how old the rest is.
    fn standing(self, at: Timestamp, clock: fn(Timestamp) -> String) -> String {
        let since = self.status.and_then(|status| status.since);
        let since = since.filter(|_| self.state().is_silent());
        let since = since.map_or_else(String::new, |since| {
            format!(" since {} ({})", clock(since), span(at.since(since)))
        });
        let read = self.status.and_then(|status| status.agent.as_ref());
        let age = read.map_or_else(String::new, |agent| {
            let rest = if self.state().is_silent() {
                ", the rest"
            } else {
                ","
            };
            format!("{rest} as of {}", clock(agent.read))
        });
        let old = self.age(at);
        let old = old.map_or_else(String::new, |age| format!(" ({} ago)", span(age)));
        format!("{}{since}{age}{old}", self.state().word())
    }

    /// A revision's line.
    fn installation(self, installed: &Installed, at: Timestamp) -> String {
        let digest = installed
            .revision
            .as_ref()
            .map(|revision| revision.digest.short());
        let age = installed
            .installed
            .and_then(|at| self.here(at))
            .map(|installed| format!("{} ago", span(at.since(installed))));
        let mut line = format!("{}  {}", group(installed), label(installed));
        for part in [
            digest,
            Some(installed.deployment_id.as_str()),
            age.as_deref(),
        ] {
            line.extend(part.into_iter().flat_map(|part| ["  ", part]));
        }
        line
    }

    /// A time of the host's clock by ours.
    fn here(self, theirs: Timestamp) -> Option<Timestamp> {
        let offset = self.status?.agent.as_ref()?.clock_offset.unwrap_or(0);
        theirs.0.checked_sub(offset).map(Timestamp)
    }
}

#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn say(&mut self, label: &'static str, text: String) {
        self.add(label, text, false);
    }

    fn problem(&mut self, label: &'static str, text: String) {
        self.add(label, text, true);
    }

    fn add(&mut self, label: &'static str, text: String, problem: bool) {
        if text.is_empty() {
            return;
        }
        // A label is written once for the lines it is about.
        let above = self.0.iter().rev().map(|line| line.label);
        let again = above.clone().find(|label| !label.is_empty()) == Some(label);
        self.0.push(Line {
            label: if again { "" } else { label },
            text,
            problem,
        });
    }
}

/// `12.3 GiB of 40.0 GiB free, 30 %`.
fn free(disk: &Disk) -> String {
    format!(
        "{} of {} free, {} %",
        size(disk.free),
        size(disk.total),
        u128::from(disk.free) * 100 / u128::from(disk.total.max(1))
    )
}

/// A span as people say it when it matters little: `40 s`, `12 min`, `30 h`, `5 days`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn words(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(", ")
}

fn group(installed: &Installed) -> String {
    match (
        &installed.application_name,
        &installed.deployment_group_name,
    ) {
        (Some(application), Some(group)) => format!("{application}/{group}"),
        _ => installed.deployment_group_id.clone(),
    }
}

fn label(installed: &Installed) -> &str {
    let revision = installed.revision.as_ref();
    revision.map_or("an unknown revision", |revision| revision.label.as_str())
}
