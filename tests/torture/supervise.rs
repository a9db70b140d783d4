//! A process that is started again whenever it is killed.

use std::collections::VecDeque;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// How long anything may take before the test fails. The machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Where a process is to kill itself: a place and how many times it comes there.
pub type Place = (&'static str, u32);

pub struct Process {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
}

struct Shared {
    name: String,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    /// Where the next starts are to kill themselves, one after the other.
    next: VecDeque<Place>,
    /// Where this one is.
    armed: Option<Place>,
    /// Whether the test has killed this one.
    shot: bool,
    /// No further start.
    over: bool,
    starts: u32,
    /// The places at which it has killed itself.
    fired: Vec<Place>,
    kills: u32,
    /// It ended by itself, which it never should.
    gone: Option<String>,
}

impl Process {
    /// Starts a process and keeps it going. A place makes its first start kill itself there.
    pub fn start(
        name: &str,
        first: Option<Place>,
        command: impl Fn() -> Command + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            command: Box::new(command),
            state: Mutex::new(State {
                next: first.into_iter().collect(),
                ..State::default()
            }),
            changed: Condvar::new(),
        });
        let kept = Arc::clone(&shared);
        let keeper = std::thread::spawn(move || kept.keep());
        let process = Self {
            shared,
            keeper: Some(keeper),
        };
        process.wait("it starts", |state| state.starts > 0);
        process
    }

    /// Kills it; it is started again at once.
    pub fn kill(&self) {
        let mut state = self.shared.lock();
        state.shoot();
    }

    /// Kills it and waits until the next one has been started. That one and those after it kill themselves at these
    /// places, each at one.
    pub fn restart(&self, places: &[Place]) {
        let starts = {
            let mut state = self.shared.lock();
            state.next = places.iter().copied().collect();
            state.shoot();
            state.starts
        };
        self.wait("it starts again", |state| state.starts > starts);
    }

    /// Waits until it has killed itself at this place and runs again.
    pub fn wait_fired(&self, place: Place) {
        let what = format!("it kills itself at {} for the {}. time", place.0, place.1);
        self.wait(&what, |state| {
            state.fired.contains(&place) && state.child.is_some()
        });
    }

    /// Sends a signal that does not end it.
    pub fn signal(&self, signal: Signal) {
        let state = self.shared.lock();
        if let Some(child) = &state.child {
            kill(pid(child), signal).unwrap();
        }
    }

    /// How often it was killed, by the test or by itself.
    pub fn kills(&self) -> u32 {
        self.shared.lock().kills
    }

    /// Kills it for good.
    pub fn end(&mut self) {
        {
            let mut state = self.shared.lock();
            state.over = true;
            state.shoot();
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.join().unwrap();
        }
        if !std::thread::panicking() {
            let state = self.shared.lock();
            assert_eq!(state.gone, None, "{} ended by itself", self.shared.name);
        }
    }

    fn wait(&self, what: &str, wanted: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !wanted(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            let name = &self.shared.name;
            assert!(!left.is_zero(), "{name}: waited in vain until {what}");
            assert_eq!(state.gone, None, "{name} ended by itself");
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.keeper.is_some() {
            self.end();
        }
    }
}

impl State {
    fn shoot(&mut self) {
        if let Some(child) = &mut self.child {
            self.shot = true;
            // It may have killed itself in this very moment; the keeper will see.
            let _ = child.kill();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) {
        loop {
            let pid = {
                let mut state = self.lock();
                if state.over || state.gone.is_some() {
                    return;
                }
                let mut command = (self.command)();
                state.armed = state.next.pop_front();
                if let Some((place, count)) = state.armed {
                    command.env("CUTOVER_CRASH_AT", format!("{place}:{count}"));
                }
                let child = command.spawn().unwrap();
                let pid = pid(&child);
                state.child = Some(child);
                state.shot = false;
                state.starts += 1;
                pid
            };
            self.changed.notify_all();
            // Waits without the lock, and without making the number free for others.
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(pid), flags).is_err() {}
            self.lock().bury();
            self.changed.notify_all();
        }
    }
}

impl State {
    fn bury(&mut self) {
        use std::os::unix::process::ExitStatusExt as _;
        let Some(mut child) = self.child.take() else {
            return;
        };
        let status = child.wait().unwrap();
        let killed = status.signal() == Some(Signal::SIGKILL as i32);
        if !killed {
            self.gone = Some(status.to_string());
            return;
        }
        self.kills += 1;
        let armed = self.armed.take();
        if !self.shot {
            self.fired.extend(armed);
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}
