//! The one loop: takes what comes, updates, does what updates ask for, and draws at most once for all of it.

mod by_hand;

use std::future::pending;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::copy;
use super::effect::Effect;
use super::flight;
use super::message::Message;
use super::model::{Model, Outcome};
use super::sent::Unanswered;
use super::source;
use super::terminal::clipboard::Clipboard;
use super::terminal::outside::Outside;
use super::terminal::{self, Screen};
use super::update::{settle, take, update, wake};
use super::writing::{self, Manuscript};
use crate::api::client::Client;
use crate::api::command::Command;
use crate::api::gate::{self, Circumstances};
use crate::clock;

/// The shortest time between two frames of what comes by itself; the second over SSH, where a frame is traffic.
const FRAMES: (Duration, Duration) = (Duration::from_millis(33), Duration::from_millis(100));
/// The same where somebody has pressed a key, and waits for the answer.
const ANSWER: Duration = Duration::from_millis(4);
/// Messages that wait at most; a full channel makes their senders wait.
pub(super) const WAITING: usize = 1024;
/// How long messages are taken before somebody looks whether a key was pressed or a frame is due: a flood of them must stop
/// neither.
pub(super) const BATCH: Duration = Duration::from_millis(8);
/// How long the last commands may take to be answered when the cockpit ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// What the loop holds.
pub(super) struct Driver {
    /// The orchestrator; nobody in a replay.
    client: Option<Client>,
    messages: Sender<Message>,
    followers: Vec<JoinHandle<()>>,
    /// What comes to its end before the cockpit does: commands that are not answered yet, and files that are being written.
    tasks: Vec<JoinHandle<()>>,
    /// Previews that were asked for. Whoever has left needs none.
    previews: Vec<JoinHandle<()>>,
    /// What is to be written by hand, as soon as the terminal can be given away.
    manuscript: Option<Manuscript>,
    /// Who looks elsewhere is still to be called for these.
    calls: Vec<String>,
    /// What the terminal is still to be asked to copy, once it is ours: an editor's takes no commands of ours.
    copies: Vec<String>,
    done: bool,
}

/// Runs the cockpit until it is left.
pub(super) async fn drive(
    client: Option<Client>,
    model: &mut Model,
    outside: Outside,
) -> color_eyre::Result<Outcome> {
    terminal::guard_panics();
    let mut signals = Signals::new()?;
    let mut screen = Screen::take(outside)?;
    let mut input = EventStream::new();
    let (messages, mut inbox) = mpsc::channel(WAITING);
    let feed = client
        .clone()
        .map(|client| source::feed(client, messages.clone()));
    let mut driver = Driver::new(client, messages);
    let (width, height) = crossterm::terminal::size()?;
    driver.take(model, Message::Resized(width, height));
    let ended = turn(
        &mut driver,
        model,
        &mut screen,
        &mut signals,
        &mut input,
        &mut inbox,
    )
    .await;
    if let Some(feed) = feed {
        feed.abort();
    }
    driver.finish(inbox).await;
    drop(screen);
    ended?;
    Ok(model.outcome.unwrap_or(Outcome::Idle))
}

/// The loop itself.
async fn turn(
    driver: &mut Driver,
    model: &mut Model,
    screen: &mut Screen,
    signals: &mut Signals,
    input: &mut EventStream,
    inbox: &mut Receiver<Message>,
) -> color_eyre::Result<()> {
    let frames = if std::env::var_os("SSH_CONNECTION").is_some() {
        FRAMES.1
    } else {
        FRAMES.0
    };
    let mut dirty = true;
    let mut drawn: Option<Instant> = None;
    // Somebody waits for what their key does.
    let mut pressed = false;
    while !driver.done {
        if !Screen::is_ours() {
            flight::landed().await;
            return Err(flight::Crashed.into());
        }
        if let Some(manuscript) = driver.manuscript.take() {
            let written = by_hand::write(
                manuscript,
                driver,
                model,
                (&mut *signals, &mut *inbox),
                input,
            );
            let edited = written.await?;
            screen.retake()?;
            let (width, height) = crossterm::terminal::size()?;
            driver.take(model, Message::Resized(width, height));
            driver.take(model, Message::Edited(edited.map(Box::new)));
            dirty = true;
            continue;
        }
        let span = if pressed { ANSWER } else { frames };
        let next_frame = drawn.map_or_else(Instant::now, |at| at + span);
        let beat = Instant::now() + wake(model).since(clock::now());
        tokio::select! {
            biased;
            received = signals.next() => match received {
                Received::End | Received::Interrupt => driver.take(model, Message::Terminated),
                Received::Suspend => {
                    terminal::give_back();
                    nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP)?;
                    screen.retake()?;
                    let (width, height) = crossterm::terminal::size()?;
                    driver.take(model, Message::Resized(width, height));
                }
            },
            event = input.next() => match event {
                Some(Ok(event)) => {
                    let message = read(event, screen);
                    pressed = true;
                    driver.take(model, message);
                }
                Some(Err(error)) => return Err(error.into()),
                // The terminal was closed.
                None => driver.take(model, Message::Terminated),
            },
            () = frame(dirty, next_frame) => {
                screen.draw(model)?;
                for call in driver.calls.drain(..) {
                    screen.call(&call)?;
                }
                driver.copy(model)?;
                drawn = Some(Instant::now());
                (dirty, pressed) = (false, false);
                continue;
            }
            Some(message) = inbox.recv() => driver.take_all(model, message, inbox),
            () = tokio::time::sleep_until(beat) => driver.take(model, Message::Tick),
        }
        dirty = true;
    }
    // Whoever copies and leaves has no frame in between.
    driver.copy(model)?;
    Ok(())
}

/// The moment of the next frame; never, if nothing has changed.
async fn frame(dirty: bool, at: Instant) {
    if dirty {
        tokio::time::sleep_until(at).await;
    } else {
        pending::<()>().await;
    }
}

fn read(event: Event, screen: &Screen) -> Message {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Message::Key(key.into()),
        Event::Paste(text) => Message::Paste(text),
        Event::Resize(width, height) => Message::Resized(width, height),
        Event::FocusGained => Message::Focused(true),
        Event::FocusLost => Message::Focused(false),
        Event::Mouse(mouse) => pointed(mouse, screen),
        // A key that was let go.
        Event::Key(_) => Message::Tick,
    }
}

/// What somebody points at is what was drawn there.
fn pointed(mouse: MouseEvent, screen: &Screen) -> Message {
    let target = screen.aim(mouse.column, mouse.row).cloned();
    let wheel = |up| Message::Wheel {
        over: target.clone(),
        up,
    };
    match (mouse.kind, &target) {
        (MouseEventKind::ScrollUp, _) => wheel(true),
        (MouseEventKind::ScrollDown, _) => wheel(false),
        (MouseEventKind::Down(MouseButton::Left), Some(target)) => Message::Click(target.clone()),
        _ => Message::Tick,
    }
}

impl Driver {
    /// One that has done nothing yet.
    pub(super) fn new(client: Option<Client>, messages: Sender<Message>) -> Self {
        Self {
            client,
            messages,
            followers: Vec::new(),
            tasks: Vec::new(),
            previews: Vec::new(),
            calls: Vec::new(),
            copies: Vec::new(),
            manuscript: None,
            done: false,
        }
    }

    /// Whether somebody has left.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether everything that was asked for has been answered.
    pub(super) fn is_idle(&self) -> bool {
        let mut all = self.tasks.iter().chain(&self.previews);
        all.all(JoinHandle::is_finished)
    }

    /// What somebody who looks elsewhere is to be called for.
    pub(super) fn take_calls(&mut self) -> Vec<String> {
        std::mem::take(&mut self.calls)
    }

    /// Has the desktop copy a text.
    fn hand_over(&mut self, clipboard: Clipboard, text: String) {
        let messages = self.messages.clone();
        self.await_at_the_end(tokio::spawn(async move {
            if let Err(reason) = clipboard.copy(&text).await {
                tell(&messages, Message::Uncopied(reason)).await;
            }
        }));
    }

    /// Has the terminal copy what it is to copy.
    fn copy(&mut self, model: &Model) -> std::io::Result<()> {
        let mut texts = self.copies.drain(..);
        texts.try_for_each(|text| terminal::tell(&copy::command(model.multiplexer, &text)))
    }

    /// Takes a message, and makes the model whole again.
    fn take(&mut self, model: &mut Model, message: Message) {
        let now = clock::now();
        flight::came(now, model, &message);
        if matches!(message, Message::Key(_)) {
            crate::crash_point::fails!("cockpit.key");
        }
        let effects = update(model, now, message);
        self.heed(model, effects);
    }

    /// Takes this message and those behind it, and makes the model whole again once for all of them.
    fn take_all(&mut self, model: &mut Model, first: Message, inbox: &mut Receiver<Message>) {
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(message) = next {
            let now = clock::now();
            flight::came(now, model, &message);
            let effects = take(model, now, message);
            self.heed(model, effects);
            let goes_on = !self.done && begun.elapsed() < BATCH;
            next = goes_on.then(|| inbox.try_recv().ok()).flatten();
        }
        let effects = settle(model);
        self.heed(model, effects);
    }

    /// Does what updates ask for.
    pub(super) fn heed(&mut self, model: &mut Model, effects: Vec<Effect>) {
        for effect in effects {
            flight::asks(clock::now(), &effect);
            match effect {
                Effect::Copy(text) => {
                    if let Some(clipboard) = model.clipboard {
                        self.hand_over(clipboard, text.clone());
                    }
                    self.copies.push(text);
                }
                Effect::Call(text) => self.calls.push(text),
                Effect::Edit(manuscript) => self.manuscript = Some(*manuscript),
                Effect::Prepare(number, new) => {
                    let project = model.documents.clone().unwrap_or_default();
                    self.aside(move || {
                        let reviewed = writing::prepare(&new, &project).map(Box::new);
                        Message::Prepared(number, reviewed)
                    });
                }
                Effect::Write(draft, circumstances) => {
                    self.aside(move || Message::Written(writing::write(&draft, &circumstances)));
                }
                Effect::Send(command, circumstances) => self.send(model, *command, circumstances),
                effect => self.perform(effect),
            }
        }
    }

    /// Sends a command, and notes it: there is no other way out.
    fn send(&mut self, model: &mut Model, command: Command, circumstances: Circumstances) {
        // In a replay nobody is there to ask.
        let Some(client) = self.client.clone() else {
            return;
        };
        // Its answer goes to what is behind a replay, too.
        let model = match model.behind.as_deref_mut() {
            Some(behind) => behind,
            None => model,
        };
        let place = model.place.as_deref();
        let number = (model.sent).begin(clock::now(), &model.user, &command, place);
        let messages = self.messages.clone();
        self.await_at_the_end(tokio::spawn(async move {
            let result = gate::send(&client, command, circumstances).await;
            let result = result.map_err(Unanswered::from);
            tell(&messages, Message::Answered(number, result)).await;
        }));
    }

    fn perform(&mut self, effect: Effect) {
        if effect == Effect::Quit {
            self.done = true;
            return;
        }
        // In a replay nobody is there to ask.
        let Some(client) = self.client.clone() else {
            return;
        };
        let messages = self.messages.clone();
        match effect {
            Effect::Fetch(id) => {
                tokio::spawn(async move {
                    let result = client.deployment(&id).await;
                    let result = result.map(Box::new).map_err(|error| error.to_string());
                    tell(&messages, Message::Fetched(id, result)).await;
                });
            }
            Effect::Journal {
                number,
                deployment,
                group,
            } => {
                tokio::spawn(async move {
                    let result = source::journal(&client, &deployment, group).await;
                    let result = result.map(Box::new).map_err(|error| error.to_string());
                    tell(&messages, Message::Journal(number, deployment, result)).await;
                });
            }
            Effect::Past(host, groups) => {
                tokio::spawn(async move {
                    let result = source::past(&client, &host, groups).await;
                    let result = result.map_err(|error| error.to_string());
                    tell(&messages, Message::Past(host, result)).await;
                });
            }
            Effect::Servers(id) => {
                tokio::spawn(async move {
                    let result = client.traffic(&id).await;
                    let result = result.map_err(|error| error.to_string());
                    tell(&messages, Message::Servers(id, result)).await;
                });
            }
            Effect::Follow {
                stream,
                deployment,
                target,
                after,
            } => {
                let what = (deployment, target, after);
                self.followers.retain(|follower| !follower.is_finished());
                self.followers
                    .push(source::follow(client, messages, stream, what));
            }
            Effect::Unfollow => self.unfollow(),
            Effect::Preview(number, deploy) => {
                self.previews.retain(|preview| !preview.is_finished());
                self.previews.push(tokio::spawn(async move {
                    let result = client.preview(&deploy).await;
                    let result = result.map(Box::new).map_err(|error| error.to_string());
                    tell(&messages, Message::Previewed(number, result)).await;
                }));
            }
            Effect::Save { name, ending, text } => {
                self.aside(move || Message::Saved(save(&name, ending, &text)));
            }
            // These are heeded before, or end the cockpit.
            Effect::Call(_)
            | Effect::Copy(_)
            | Effect::Edit(_)
            | Effect::Prepare(..)
            | Effect::Send(..)
            | Effect::Write(..)
            | Effect::Quit => {}
        }
    }

    /// Does something with files, and passes on what came of it. If nobody listens the cockpit has ended, and the file is
    /// where it is.
    fn aside(&mut self, work: impl FnOnce() -> Message + Send + 'static) {
        let messages = self.messages.clone();
        self.await_at_the_end(tokio::task::spawn_blocking(move || {
            let _ = messages.blocking_send(work());
        }));
    }

    /// What has begun comes to its end before the cockpit does.
    fn await_at_the_end(&mut self, task: JoinHandle<()>) {
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(task);
    }

    fn unfollow(&mut self) {
        for follower in self.followers.drain(..) {
            follower.abort();
        }
    }

    /// Lets the last commands reach the orchestrator: who asked to stop and left must not have been ignored.
    pub(super) async fn finish(mut self, inbox: Receiver<Message>) {
        self.unfollow();
        for preview in self.previews.drain(..) {
            preview.abort();
        }
        // Their answers have no reader any more; a full channel would hold them up.
        drop(inbox);
        let all = futures_util::future::join_all(self.tasks);
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("the orchestrator did not answer the last command in time");
        }
    }
}

/// Saves a text in the folder that the cockpit was started in.
fn save(name: &str, ending: &str, text: &str) -> Result<String, String> {
    let folder = std::env::current_dir()
        .map_err(|error| format!("the folder that the cockpit was started in is gone: {error}"))?;
    let file = super::save::save(&folder, name, ending, text)?;
    Ok(file.display().to_string())
}

/// Passes an answer on. If nobody listens the cockpit has ended, and nobody needs it.
async fn tell(messages: &Sender<Message>, message: Message) {
    let _ = messages.send(message).await;
}

/// What a signal asks for.
pub(super) enum Received {
    End,
    /// The same, from the keys of a terminal that is not ours now: meant for who has it.
    Interrupt,
    Suspend,
}

/// The signals that end or suspend it.
pub(super) struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    suspend: Signal,
}

impl Signals {
    /// Listens to them from now on.
    ///
    /// # Errors
    /// If that is not possible.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            suspend: signal(SignalKind::from_raw(nix::libc::SIGTSTP))?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::End,
            _ = self.hang_up.recv() => Received::End,
            _ = self.interrupt.recv() => Received::Interrupt,
            _ = self.suspend.recv() => Received::Suspend,
        }
    }
}
