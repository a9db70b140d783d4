//! What an agent knows about its host. It is read when somebody asks and kept nowhere, so that an agent without work
//! sleeps. Everything in it is data: bounded and made safe where it leaves a host, and again where it arrives.

mod health;
mod os_release;
mod read;

pub(super) use read::{Source, disk};

use serde::{Deserialize, Serialize};

use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;
use crate::text;

/// The longest text, in characters.
const LONGEST: usize = 300;

/// The end of the year 9999: later times are nonsense, and their sums would not fit.
const LATEST: Timestamp = Timestamp(253_402_300_799_999);

/// The most entries of a list.
const MOST: usize = 64;

/// A host as its agent sees it. What is not known is empty or absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// When this was read, by the host's clock.
    pub clock: Timestamp,
    /// The operating system.
    pub os: Os,
    /// The kernel's release.
    pub kernel: String,
    /// The machine's architecture, as the kernel names it.
    pub architecture: String,
    /// The host's own name for itself.
    pub hostname: String,
    /// Since when the host runs, by its clock.
    pub booted: Option<Timestamp>,
    /// Since when the agent runs, by the host's clock.
    pub started: Timestamp,
    /// The agent's resident memory in bytes.
    pub agent_memory: Option<u64>,
    /// The file system of the agent's root, and that of the installation root if it is another.
    pub disks: Vec<Disk>,
    /// What is installed for which deployment group.
    pub installed: Vec<Installed>,
    /// The executions that have not ended.
    pub running: Vec<Running>,
    /// How many entries of the lists were left out because there are too many.
    pub left_out: usize,
    /// What is wrong.
    pub problems: Vec<HealthProblem>,
}

/// An operating system, as its os-release file describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Os {
    /// `PRETTY_NAME`.
    pub name: String,
    /// `ID`.
    pub id: String,
    /// `VERSION_ID`.
    pub version: String,
}

/// A file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Disk {
    /// The folder it was asked for.
    pub path: String,
    /// Its size in bytes.
    pub total: u64,
    /// How many bytes of it can still be used without being root, as `df` says it.
    pub free: u64,
    /// How many files it can hold; zero if it has no such limit.
    pub files_total: u64,
    /// How many files can still be made.
    pub files_free: u64,
}

/// The revision that is installed for a deployment group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    /// The group's UUID.
    pub deployment_group_id: String,
    /// The deployment that installed it.
    pub deployment_id: DeploymentId,
    /// Whose it is; absent if an older agent installed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    /// The group's name; absent if an older agent installed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
    /// What is installed; absent if an older agent installed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// When its Install ended, by the host's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Timestamp>,
}

/// An execution that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// Its id.
    pub execution: ExecutionId,
    /// The deployment it belongs to.
    pub deployment_id: DeploymentId,
    /// Whose deployment it is.
    pub application_name: String,
    /// The deployment's group.
    pub deployment_group_name: String,
    /// The event that is running; none while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<LifecycleEvent>,
}

/// Something that is wrong with a host, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthProblem {
    /// What kind of problem, for programs.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// A file system is nearly full when it has less free than both of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeastFree {
    /// Percent of its size.
    pub percent: u64,
    /// Bytes: a large disk is not full with its last hundredth.
    pub bytes: u64,
}

impl LeastFree {
    /// Whether a file system has less.
    pub fn is_missed_by(self, disk: &Disk) -> bool {
        self.is_share_missed_by(disk.free, disk.total) && disk.free < self.bytes
    }

    /// Whether that many are less than the share of that total.
    pub fn is_share_missed_by(self, free: u64, total: u64) -> bool {
        total > 0 && u128::from(free) * 100 < u128::from(total) * u128::from(self.percent)
    }
}

impl Default for LeastFree {
    fn default() -> Self {
        Self {
            percent: 5,
            bytes: 5 << 30,
        }
    }
}

impl HealthProblem {
    /// A problem of this kind.
    pub fn new(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl Facts {
    /// The same with long texts and lists cut, times within reason, and no character that a terminal would obey.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for running in &mut self.running {
            let mut id = running.execution.0.to_string();
            bound(&mut id);
            running.execution = ExecutionId(id.into());
        }
        let mut texts = vec![
            &mut self.os.name,
            &mut self.os.id,
            &mut self.os.version,
            &mut self.kernel,
            &mut self.architecture,
            &mut self.hostname,
        ];
        self.left_out = self
            .left_out
            .saturating_add(self.installed.len().saturating_sub(MOST))
            .saturating_add(self.running.len().saturating_sub(MOST));
        self.disks.truncate(MOST);
        self.installed.truncate(MOST);
        self.running.truncate(MOST);
        self.problems.truncate(MOST);
        texts.extend(self.disks.iter_mut().map(|disk| &mut disk.path));
        for installed in &mut self.installed {
            texts.push(&mut installed.deployment_group_id);
            texts.extend(&mut installed.application_name);
            texts.extend(&mut installed.deployment_group_name);
            texts.extend(installed.revision.as_mut().map(|r| &mut r.label));
        }
        for running in &mut self.running {
            texts.push(&mut running.application_name);
            texts.push(&mut running.deployment_group_name);
        }
        for problem in &mut self.problems {
            texts.extend([&mut problem.code, &mut problem.message, &mut problem.remedy]);
        }
        for text in texts {
            bound(text);
        }
        let times = [&mut self.clock, &mut self.started];
        let installed = self.installed.iter_mut();
        let times = times
            .into_iter()
            .chain(&mut self.booted)
            .chain(installed.filter_map(|installed| installed.installed.as_mut()));
        for time in times {
            bound_time(time);
        }
        self
    }

    /// Whether both say the same, but for numbers that are never still: the time, and memory and free space that moved
    /// little.
    pub fn resembles(&self, other: &Self) -> bool {
        let still = |facts: &Self| Self {
            clock: Timestamp::default(),
            agent_memory: None,
            disks: Vec::new(),
            // Their words hold such numbers.
            problems: facts
                .problems
                .iter()
                .map(|problem| HealthProblem::new(&problem.code, "", ""))
                .collect(),
            ..facts.clone()
        };
        let near = |a: u64, b: u64, step: u64| a.abs_diff(b) <= step;
        let disks = || {
            let pairs = self.disks.iter().zip(&other.disks);
            self.disks.len() == other.disks.len()
                && pairs.into_iter().all(|(a, b)| {
                    (&a.path, a.total, a.files_total) == (&b.path, b.total, b.files_total)
                        && near(a.free, b.free, a.total / 100)
                        && near(a.files_free, b.files_free, a.files_total / 100)
                })
        };
        let memory = || match (self.agent_memory, other.agent_memory) {
            (Some(a), Some(b)) => near(a, b, a / 4),
            (a, b) => a == b,
        };
        memory() && disks() && still(self) == still(other)
    }
}

/// Cuts a text of a host's and makes it safe. Nearly all are as they should be.
pub(crate) fn bound(text: &mut String) {
    if text.chars().nth(LONGEST).is_some() {
        *text = text.chars().take(LONGEST).collect();
    }
    if !text.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        *text = text::safe(text);
    }
}

/// Brings a time of a host's within reason.
pub(crate) fn bound_time(time: &mut Timestamp) {
    time.0 = time.0.clamp(0, LATEST.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_is_bounded_and_harmless() {
        let facts = Facts {
            hostname: "a\u{1b}[31mb\u{202e}".to_owned(),
            kernel: "x".repeat(10_000),
            booted: Some(Timestamp(i64::MIN)),
            started: Timestamp(i64::MAX),
            problems: vec![HealthProblem::new("X", "y\u{7}".repeat(9_000), ""); 1000],
            ..Facts::default()
        };
        let bounded = facts.bounded();
        assert_eq!(bounded.hostname, "a\u{241b}[31mb\u{b7}");
        assert_eq!(bounded.kernel.len(), LONGEST);
        assert_eq!(
            (bounded.booted, bounded.started),
            (Some(Timestamp(0)), LATEST)
        );
        assert_eq!(bounded.problems.len(), MOST);
        assert!(!bounded.problems[0].message.contains('\u{7}'));
        assert_eq!(bounded.clone().bounded(), bounded, "once is enough");
    }

    #[test]
    fn small_movements_are_no_news() {
        let facts = |free, memory| Facts {
            disks: vec![Disk {
                path: "/".to_owned(),
                total: 1000,
                free,
                ..Disk::default()
            }],
            agent_memory: Some(memory),
            clock: Timestamp(i64::try_from(memory).unwrap()),
            ..Facts::default()
        };
        assert!(facts(500, 1000).resembles(&facts(509, 1100)));
        assert!(!facts(500, 1000).resembles(&facts(511, 1000)));
        assert!(!facts(500, 1000).resembles(&facts(500, 2000)));
        let other = Facts {
            hostname: "b".to_owned(),
            ..facts(500, 1000)
        };
        assert!(!facts(500, 1000).resembles(&other));
    }

    /// An agent of another version may know more, or less.
    #[test]
    fn unknown_and_missing_fields_are_no_error() {
        let facts: Facts = serde_json::from_str(r#"{"kernel":"6.1","weather":"fine"}"#).unwrap();
        assert_eq!(facts.kernel, "6.1");
        assert_eq!(facts.booted, None);
    }
}
