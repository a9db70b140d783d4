//! Scripts of keys, and pictures of the screen, on a sample that the engine itself made.

mod alarms;
mod approvals;
mod attention;
mod blue_green;
mod commands;
mod configurations;
mod documents;
mod environments;
mod every;
mod export;
mod fleets;
mod follows;
mod forms;
mod freezes;
mod history;
mod home;
mod hosts;
mod keys;
mod lists;
mod mouse;
mod output;
mod pages;
mod pictures;
mod plain;
mod replay;
mod requests;
mod sample;
mod schemas;
mod screens;
mod selection;
mod services;
mod shapes;
mod sides;
mod states;
mod steering;
mod terminal;
mod traffic;

use std::sync::LazyLock;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::action::keymap::Keymap;
use super::aims::Aims;
use super::effect::Effect;
use super::message::Message;
use super::model::Model;
use super::theme::Theme;
use super::update::update;
use super::view::view;
use crate::api::feed::FeedItem;
use crate::model::timestamp::Timestamp;

/// A cockpit with what its driver would be told.
struct Cockpit {
    model: Model,
    /// The time of the last message, which a replay's is not.
    real: Timestamp,
    effects: Vec<Effect>,
}

static COLOUR: LazyLock<Theme> = LazyLock::new(|| Theme::built_in("terminal", true));
static MONO: LazyLock<Theme> = LazyLock::new(|| Theme::built_in("mono", true));

impl Cockpit {
    /// Before anything has come.
    fn new() -> Self {
        let mut model = Model::new(
            Keymap::defaults().unwrap(),
            *COLOUR,
            "ana".to_owned(),
            false,
        );
        model.clock = utc;
        model.date = crate::text::utc;
        let mut cockpit = Self {
            model,
            real: sample::now(0),
            effects: Vec::new(),
        };
        cockpit.model.now = sample::now(0);
        cockpit
    }

    /// With the sample on the screen.
    fn with(snapshot: crate::api::snapshot::Snapshot) -> Self {
        let mut cockpit = Self::new();
        cockpit.tell(FeedItem::Snapshot(Box::new(snapshot)));
        cockpit
    }

    fn tell(&mut self, item: FeedItem) {
        self.send(Message::Feed(Box::new(item)));
    }

    /// A message, in the moment of the last one.
    fn send(&mut self, message: Message) {
        let effects = update(&mut self.model, self.real, message);
        self.effects.extend(effects);
    }

    /// Time passes, and the orchestrator shows that it lives.
    fn wait(&mut self, milliseconds: i64) {
        let at = Timestamp(self.real.0 + milliseconds);
        self.real = at;
        let effects = update(
            &mut self.model,
            at,
            Message::Feed(Box::new(FeedItem::Alive)),
        );
        self.effects.extend(effects);
    }

    /// Time passes, and nothing is heard.
    fn silence(&mut self, milliseconds: i64) {
        let at = Timestamp(self.real.0 + milliseconds);
        self.real = at;
        let effects = update(&mut self.model, at, Message::Tick);
        self.effects.extend(effects);
    }

    /// Keys, as the key map writes them.
    fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ') {
            self.send(Message::Key(key.parse().unwrap()));
        }
        self
    }

    /// At another time of the sample's day.
    fn at(&mut self, at: Timestamp) {
        self.real = at;
        self.send(Message::Tick);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.send(Message::Resized(width, height));
    }

    fn draw(&self) -> Buffer {
        let (width, height) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut aims = Aims::default();
        terminal
            .draw(|frame| view(&self.model, frame, &mut aims))
            .unwrap();
        terminal.backend().buffer().clone()
    }

    /// What can be pointed at on the screen.
    fn aims(&self) -> Aims {
        let (width, height) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut aims = Aims::default();
        terminal
            .draw(|frame| view(&self.model, frame, &mut aims))
            .unwrap();
        aims
    }

    /// The style of a cell.
    fn style_at(&self, x: usize, y: usize) -> ratatui::style::Style {
        let position = (u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
        self.draw()[position].style()
    }

    fn screen(&self) -> String {
        text(&self.draw())
    }
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let rows = buffer.content.chunks(width).map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn utc(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
