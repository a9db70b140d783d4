//! Scripts of keys, and pictures of the screen, on a sample that the engine itself made.

mod commands;
mod hosts;
mod keys;
mod pictures;
mod sample;
mod selection;
mod terminal;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::action::keymap::Keymap;
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
    effects: Vec<Effect>,
}

const COLOUR: Theme = Theme {
    colour: true,
    unicode: true,
};
const MONO: Theme = Theme {
    colour: false,
    unicode: true,
};

impl Cockpit {
    /// Before anything has come.
    fn new() -> Self {
        let mut model = Model::new(Keymap::defaults().unwrap(), COLOUR, "ana".to_owned(), false);
        model.clock = utc;
        let mut cockpit = Self {
            model,
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
        let now = self.model.now;
        let effects = update(&mut self.model, now, message);
        self.effects.extend(effects);
    }

    /// Time passes, and the orchestrator shows that it lives.
    fn wait(&mut self, milliseconds: i64) {
        let at = Timestamp(self.model.now.0 + milliseconds);
        let effects = update(
            &mut self.model,
            at,
            Message::Feed(Box::new(FeedItem::Alive)),
        );
        self.effects.extend(effects);
    }

    /// Time passes, and nothing is heard.
    fn silence(&mut self, milliseconds: i64) {
        let at = Timestamp(self.model.now.0 + milliseconds);
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

    fn resize(&mut self, width: u16, height: u16) {
        self.send(Message::Resized(width, height));
    }

    fn draw(&self) -> Buffer {
        let (width, height) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view(&self.model, frame)).unwrap();
        terminal.backend().buffer().clone()
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
