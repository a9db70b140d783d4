//! Processes as `/proc` shows them: telling one from a later one with the same number, and ending a group of them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};
use tokio::time::{sleep, timeout};

use super::core::{Orphan, Process};

/// How often a group that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

impl Process {
    /// Describes a child that was just started.
    pub fn of(pid: i32, boot: &str) -> Self {
        Self {
            pid,
            start: stat(pid).map(|stat| stat.start),
            boot: boot.to_owned(),
        }
    }

    /// Whether it is this process that runs now under its number.
    pub fn lives(&self, boot: &str) -> bool {
        self.boot == boot
            && stat(self.pid).is_some_and(|stat| stat.alive && Some(stat.start) == self.start)
    }
}

/// What identifies this run of the kernel.
///
/// # Errors
///
/// When `/proc` does not say.
pub fn boot_id() -> io::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// Ends what is left of a script whose agent died: its process group if that is known, and else whatever carries its
/// mark. A process that merely has the same number is left alone.
pub async fn end_orphan(orphan: &Orphan, boot: &str, grace: Duration) {
    let Orphan { mark, process } = orphan;
    let groups = match process {
        // The host has started anew since: nothing is left.
        Some(process) if process.boot != boot => Vec::new(),
        Some(process) if is_group_of(process, mark) => vec![process.pid],
        Some(_) => Vec::new(),
        None => groups_with(mark),
    };
    for group in groups {
        end_group(group, grace).await;
    }
}

/// Asks a process group to end, and kills it if it has not done so within the grace time.
pub async fn end_group(group: i32, grace: Duration) {
    if signal(group, Signal::SIGTERM).await == Err(Errno::ESRCH) {
        return;
    }
    if timeout(grace, group_gone(group)).await.is_err() {
        // It may have ended in this very moment.
        let _ = signal(group, Signal::SIGKILL).await;
    }
}

/// Sends a signal to a process group. What an agent that is not root started through sudo can only be reached through
/// sudo.
async fn signal(group: i32, signal: Signal) -> Result<(), Errno> {
    let sent = killpg(Pid::from_raw(group), signal);
    let foreign = members(group).any(|pid| !is_own(pid));
    if sent == Err(Errno::EPERM) || foreign && !geteuid().is_root() {
        let sudo = tokio::process::Command::new("sudo")
            .args(["--non-interactive", "kill", "-s"])
            .arg(signal.as_str().trim_start_matches("SIG"))
            .arg("--")
            .arg(format!("-{group}"))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
        if !sudo.await.is_ok_and(|status| status.success()) {
            tracing::warn!(
                group,
                "a script's process group cannot be ended: it is another user's, and sudo refuses"
            );
        }
    }
    sent
}

fn is_own(pid: i32) -> bool {
    let metadata = fs::metadata(format!("/proc/{pid}"));
    metadata.is_ok_and(|metadata| metadata.uid() == geteuid().as_raw())
}

/// Waits until no process of the group is left. There is no event for that when the processes are not ours.
async fn group_gone(group: i32) {
    while members(group).next().is_some() {
        sleep(LOOK).await;
    }
}

/// Whether the process's group still is the one that the script was started in.
pub fn is_group_of(process: &Process, mark: &str) -> bool {
    match stat(process.pid) {
        Some(leader) => leader.group == process.pid && Some(leader.start) == process.start,
        // The leader has ended; its number is not used again while others are in its group.
        None => members(process.pid).any(|pid| carries(pid, mark)),
    }
}

fn groups_with(mark: &str) -> Vec<i32> {
    let mut groups: Vec<_> = processes()
        .filter(|pid| carries(*pid, mark))
        .filter_map(|pid| Some(stat(pid)?.group))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Whether a living process is in the group.
pub fn group_lives(group: i32) -> bool {
    members(group).next().is_some()
}

/// The living processes of a group.
fn members(group: i32) -> impl Iterator<Item = i32> {
    processes().filter(move |pid| stat(*pid).is_some_and(|stat| stat.group == group && stat.alive))
}

/// Whether the process was started with this mark in its environment.
fn carries(pid: i32, mark: &str) -> bool {
    let wanted = format!("{}={mark}", super::hooks::MARK);
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
        environ
            .split(|byte| *byte == 0)
            .any(|entry| entry == wanted.as_bytes())
    })
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

struct Stat {
    parent: i32,
    group: i32,
    start: u64,
    alive: bool,
}

/// The interesting fields of `/proc/PID/stat`.
fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may itself hold any character.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        alive: !matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// The living children of a process.
pub fn children(parent: i32) -> impl Iterator<Item = i32> {
    processes()
        .filter(move |pid| stat(*pid).is_some_and(|stat| stat.parent == parent && stat.alive))
}

/// What a process calls itself: its command line, which programs such as nginx write over.
pub fn title(pid: i32) -> Option<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = words.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    Some(words.collect::<Vec<_>>().join(" ").trim().to_owned())
}

/// How long a process has been there, to a few hundredths of a second.
pub fn age(pid: i32) -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
    let start = Duration::from_secs(stat(pid)?.start) / u32::try_from(ticks).ok()?;
    Duration::try_from_secs_f64(uptime).ok()?.checked_sub(start)
}

/// The living processes that were started with this mark in their environment.
pub fn with_mark(mark: &str) -> Vec<i32> {
    processes()
        .filter(|pid| carries(*pid, mark) && stat(*pid).is_some_and(|stat| stat.alive))
        .collect()
}

/// The processes, other than this one, that hold a pipe open, wherever they are by now.
pub fn holding(pipes: &[u64]) -> Vec<i32> {
    let own = std::process::id();
    let wanted: Vec<_> = pipes
        .iter()
        .map(|number| format!("pipe:[{number}]"))
        .collect();
    let holds = |pid: &i32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd"));
        let mut links = files.into_iter().flatten().flatten();
        links.any(|file| {
            fs::read_link(file.path())
                .is_ok_and(|link| wanted.iter().any(|name| link.as_os_str() == name.as_str()))
        })
    };
    processes()
        .filter(|pid| u32::try_from(*pid) != Ok(own) && holds(pid))
        .collect()
}

/// Names processes, for people.
pub fn describe(pids: Vec<i32>) -> String {
    let mut names: Vec<_> = pids
        .into_iter()
        .filter_map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            Some(format!("{} (process {pid})", name.trim()))
        })
        .collect();
    names.truncate(5);
    if names.is_empty() {
        return "a program that cannot be seen from here".to_owned();
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;

    const GRACE: Duration = Duration::from_secs(5);

    fn sleeper(mark: &str) -> std::process::Child {
        std::process::Command::new("sleep")
            .arg("1000")
            .env(super::super::hooks::MARK, mark)
            .process_group(0)
            .spawn()
            .unwrap()
    }

    fn orphan(process: Option<&Process>, mark: &str) -> Orphan {
        Orphan {
            mark: mark.to_owned(),
            process: process.cloned(),
        }
    }

    #[tokio::test]
    async fn an_orphan_is_ended_and_a_reused_number_is_not() {
        let boot = boot_id().unwrap();
        // Of this test's run only: others may run on this host at the same time.
        let mark = crate::clock::unique();
        let mut child = sleeper(&mark);
        let pid = i32::try_from(child.id()).unwrap();
        let process = Process::of(pid, &boot);
        let other = Process {
            start: process.start.map(|start| start - 1),
            ..process.clone()
        };
        end_orphan(&orphan(Some(&other), &mark), &boot, GRACE).await;
        assert!(
            child.try_wait().unwrap().is_none(),
            "another process had this number"
        );
        let earlier = Process {
            boot: "earlier".to_owned(),
            ..process.clone()
        };
        end_orphan(&orphan(Some(&earlier), &mark), &boot, GRACE).await;
        assert!(
            child.try_wait().unwrap().is_none(),
            "the host has started anew"
        );
        end_orphan(&orphan(Some(&process), &mark), &boot, GRACE).await;
        assert!(!child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn a_script_of_unknown_number_is_found_by_its_mark() {
        let boot = boot_id().unwrap();
        let mark = crate::clock::unique();
        let mut child = sleeper(&mark);
        // The child may still be between fork and the program that it becomes.
        let pid = i32::try_from(child.id()).unwrap();
        while !carries(pid, &mark) {
            sleep(LOOK).await;
        }
        end_orphan(&orphan(None, &mark), &boot, GRACE).await;
        assert!(!child.wait().unwrap().success());
    }
}
