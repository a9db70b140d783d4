//! The loop of the linear mode: takes what comes, updates, and writes what is new.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;

use super::Plain;
use super::paper::{Paper, USUAL};
use crate::api::client::Client;
use crate::clock;
use crate::tui::action::Action;
use crate::tui::driver::{BATCH, Driver, Received, Signals, WAITING};
use crate::tui::effect::Effect;
use crate::tui::layers::told::{WAITS, told};
use crate::tui::message::Message;
use crate::tui::model::{Fetch, Link, Model, Outcome};
use crate::tui::source;
use crate::tui::update::{settle, take, update, wake};

/// The shortest time between two looks at what is new, where nobody waits for an answer.
const FRAME: Duration = Duration::from_millis(100);
/// The longest line that is taken.
const LONGEST: u64 = 4096;
/// How long answers are waited for once there is nothing more to read.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs the linear mode until it is left, or its input ends.
pub(in crate::tui) async fn drive(
    client: Option<Client>,
    model: &mut Model,
    bell: bool,
) -> color_eyre::Result<Outcome> {
    let mut signals = Signals::new()?;
    let (messages, inbox) = mpsc::channel(WAITING);
    let feed = client
        .clone()
        .map(|client| source::feed(client, messages.clone()));
    let mut session = Session {
        driver: Driver::new(client, messages),
        plain: Plain::default(),
        paper: Paper::new(io::stdout(), !model.theme.unicode),
        bell: bell && io::stdout().is_terminal(),
    };
    let (width, height) = super::BOUNDLESS;
    session.take(model, Message::Resized(width, height));
    let (ended, inbox) = session.turn(model, &mut signals, inbox).await;
    if let Some(feed) = feed {
        feed.abort();
    }
    session.driver.finish(inbox).await;
    match ended {
        // Whoever read it has gone.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        ended => ended?,
    }
    Ok(model.outcome.unwrap_or(Outcome::Signal))
}

/// What the loop holds.
struct Session {
    driver: Driver,
    plain: Plain,
    paper: Paper<io::Stdout>,
    bell: bool,
}

impl Session {
    async fn turn(
        &mut self,
        model: &mut Model,
        signals: &mut Signals,
        mut inbox: Receiver<Message>,
    ) -> (io::Result<()>, Receiver<Message>) {
        let mut lines = read();
        let mut told = Instant::now();
        let mut dirty = true;
        // When the input has ended, and answers are waited for.
        let mut ending: Option<Instant> = None;
        while !self.driver.is_done() {
            let now = clock::now();
            let beat = self
                .plain
                .due()
                .map_or(wake(model), |at| at.min(wake(model)));
            let beat = Instant::now() + beat.since(now);
            let frame = if dirty { told + FRAME } else { beat };
            tokio::select! {
                biased;
                received = signals.next() => match received {
                    Received::Suspend => suspend(),
                    Received::Interrupt if model.layers.is_empty() => {
                        self.take(model, Message::Act(Action::Quit));
                    }
                    Received::Interrupt | Received::End => self.take(model, Message::Terminated),
                },
                // What a line means depends on what was told: everything that is new comes before it.
                line = lines.recv(), if ending.is_none() && !dirty && is_ready(model) => match line {
                    Some(line) => {
                        let effects = self.plain.line(model, clock::now(), &line);
                        self.heed(model, effects);
                        told = Instant::now();
                        if let Err(error) = self.tell(model) {
                            return (Err(error), inbox);
                        }
                    }
                    None => ending = Some(Instant::now()),
                },
                () = tokio::time::sleep_until(frame) => {
                    if dirty {
                        dirty = false;
                        told = Instant::now();
                        if let Err(error) = self.tell(model) {
                            return (Err(error), inbox);
                        }
                        let over = |since: Instant| since.elapsed() > FAREWELL;
                        if ending.is_some_and(|since| self.driver.is_idle() || over(since)) {
                            self.take(model, Message::Terminated);
                        }
                        if ending.is_none() {
                            continue;
                        }
                    } else {
                        self.take(model, Message::Tick);
                    }
                }
                Some(message) = inbox.recv() => self.take_all(model, message, &mut inbox),
            }
            dirty = true;
        }
        (self.tell(model), inbox)
    }

    /// Writes what is new.
    fn tell(&mut self, model: &mut Model) -> io::Result<()> {
        let effects = self.plain.tell(model, clock::now());
        self.heed(model, effects);
        let columns = crossterm::terminal::size()
            .ok()
            .filter(|_| io::stdout().is_terminal());
        let columns = columns.map_or(USUAL, |(columns, _)| usize::from(columns));
        let lines = self.plain.take();
        self.paper.write(lines, columns)?;
        for _ in self.driver.take_calls() {
            if self.bell {
                self.paper.ring()?;
            }
        }
        Ok(())
    }

    fn take(&mut self, model: &mut Model, message: Message) {
        let effects = update(model, clock::now(), message);
        self.heed(model, effects);
    }

    /// Takes this message and those behind it, and makes the model whole again once for all of them.
    fn take_all(&mut self, model: &mut Model, first: Message, inbox: &mut Receiver<Message>) {
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(message) = next {
            self.plain.hear(model, &message);
            let effects = take(model, clock::now(), message);
            self.plain.heard(model);
            self.heed(model, effects);
            let goes_on = !self.driver.is_done() && begun.elapsed() < BATCH;
            next = goes_on.then(|| inbox.try_recv().ok()).flatten();
        }
        let effects = settle(model);
        self.heed(model, effects);
    }

    /// Does what updates ask for. What a terminal would copy is written.
    fn heed(&mut self, model: &mut Model, effects: Vec<Effect>) {
        let (copies, others): (Vec<_>, Vec<_>) = effects
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Copy(_)));
        for copy in copies {
            if let Effect::Copy(text) = copy {
                self.plain.copy(&text);
            }
        }
        self.driver.heed(model, others);
    }
}

/// Whether a line means what it would mean to who sees the picture: before that is there, and while a deployment is on its
/// way, the next one waits.
fn is_ready(model: &Model) -> bool {
    let fetches = matches!(model.fetch, Some(Fetch::Running(_)));
    // What a form has asked for comes before what is typed after it.
    let waits = told(model).is_some_and(|told| told.mark == WAITS);
    (model.view.is_some() && !fetches && !waits) || matches!(model.link, Link::Lost { .. })
}

/// The lines of the standard input.
fn read() -> Receiver<String> {
    let (lines, read) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || pass(&lines));
    read
}

fn pass(lines: &Sender<String>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            // What can't be read has ended.
            Ok(0) | Err(_) => return,
        }
        // The rest of one that is too long is no answer to anything.
        if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') {
            let _rest = input.skip_until(b'\n');
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Stops until somebody lets it go on. The terminal is as it always was.
fn suspend() {
    if let Err(error) = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP) {
        tracing::warn!(%error, "it can't be suspended");
    }
}
