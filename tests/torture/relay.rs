//! A TCP relay between the orchestrator and an agent that can be switched while connections are open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They pass.
    Pass,
    /// They pass later.
    Delay(Duration),
    /// Every connection is cut, and new ones are cut at once.
    Refuse,
    /// Nothing passes, not even the end of a connection: both sides keep half-open ones.
    Silence,
    /// Nothing passes from the orchestrator to the agent.
    Deaf,
    /// Nothing passes from the agent to the orchestrator.
    Mute,
    /// A connection is cut after so many bytes more in either direction.
    CutAfter(usize),
    /// A connection gets stuck after so many bytes more to the agent, and stays open for ever.
    StickAfter(usize),
    /// A connection gets stuck as soon as this is to go to the agent, and stays open for ever.
    StickAt(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToAgent,
    FromAgent,
}

pub struct Relay {
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
    stuck: Arc<AtomicUsize>,
}

impl Relay {
    /// Listens, and connects each that comes to where the other end is at the moment.
    pub async fn start(listen: SocketAddr, to: watch::Receiver<SocketAddr>) -> Self {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, watched) = watch::channel(Mode::Pass);
        let stuck = Arc::default();
        tokio::spawn(accept(listener, to, watched, Arc::clone(&stuck)));
        Self {
            address,
            mode,
            stuck,
        }
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many connections have got stuck.
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Relaxed)
    }
}

/// Ends when the relay is dropped: its mode can no longer change.
async fn accept(
    listener: TcpListener,
    to: watch::Receiver<SocketAddr>,
    mut mode: watch::Receiver<Mode>,
    stuck: Arc<AtomicUsize>,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((near, _)) = accepted {
                let to = *to.borrow();
                tokio::spawn(connect(near, to, mode.clone(), Arc::clone(&stuck)));
            },
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

async fn connect(
    near: TcpStream,
    to: SocketAddr,
    mut mode: watch::Receiver<Mode>,
    stuck: Arc<AtomicUsize>,
) {
    // The far side is not reached either while nothing passes.
    let reachable = |mode: &Mode| !matches!(mode, Mode::Silence | Mode::Deaf | Mode::Mute);
    if mode.wait_for(reachable).await.is_err() {
        return;
    }
    // An agent that does not run: the connection is cut.
    let Ok(far) = TcpStream::connect(to).await else {
        return;
    };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let modes = mode.clone();
    let refused = async {
        let _relay_gone = mode.wait_for(|mode| *mode == Mode::Refuse).await.is_err();
    };
    tokio::select! {
        () = pump(near_in, far_out, Direction::ToAgent, modes.clone(), &stuck) => {}
        () = pump(far_in, near_out, Direction::FromAgent, modes, &stuck) => {}
        () = refused => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut mode: watch::Receiver<Mode>,
    stuck: &AtomicUsize,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut budget = None;
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let passes = |mode: &Mode| match mode {
            Mode::Silence => false,
            Mode::Deaf => direction != Direction::ToAgent,
            Mode::Mute => direction != Direction::FromAgent,
            _ => true,
        };
        let Ok(now) = mode.wait_for(passes).await.map(|mode| *mode) else {
            return;
        };
        let mut bytes = &buffer[..read];
        match now {
            Mode::Delay(time) => tokio::time::sleep(time).await,
            Mode::CutAfter(limit) => {
                let left = budget.get_or_insert(limit);
                bytes = &bytes[..read.min(*left)];
                *left -= bytes.len();
            }
            Mode::StickAfter(limit) if direction == Direction::ToAgent => {
                let left = budget.get_or_insert(limit);
                let passing = read.min(*left);
                *left -= passing;
                if passing < read {
                    let _broken = to.write_all(&bytes[..passing]).await;
                    stick(stuck).await;
                }
            }
            Mode::StickAt(text)
                if bytes
                    .windows(text.len())
                    .any(|found| found == text.as_bytes()) =>
            {
                stick(stuck).await;
            }
            _ => budget = None,
        }
        if to.write_all(bytes).await.is_err() || bytes.len() < read || read == 0 {
            return;
        }
    }
}

async fn stick(stuck: &AtomicUsize) {
    stuck.fetch_add(1, Ordering::Relaxed);
    std::future::pending::<()>().await;
}
