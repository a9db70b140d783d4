//! The linear mode: what is told, and what lines do.

use super::environments::{self, PRODUCTION};
use super::sides::{self, REROUTE, WAITS};
use super::{Cockpit, documents, forms, sample};
use crate::api::command::Command;
use crate::api::feed::FeedItem;
use crate::engine::{Event, Record};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::tui::Source;
use crate::tui::action::keymap::Keymap;
use crate::tui::effect::Effect;
use crate::tui::layers::Layer;
use crate::tui::message::Message;
use crate::tui::model::Link;
use crate::tui::plain::{BOUNDLESS, Plain, theme};
use crate::tui::tour::{Moment, Step};

/// What is chosen on a screen is chosen here, too.
#[test]
fn a_list_is_sorted_by_a_column_with_a_number() {
    let mut listener = Listener::ready(super::commands::rollout());
    listener.types("next pane");
    let told = listener.types("sort");
    assert!(
        told.contains("Sort the list of instances by what?"),
        "{told}"
    );
    assert!(
        told.contains("1. plan, now: once more turns it round, the list's own order"),
        "{told}"
    );
    let told = listener.types("2");
    assert!(told.contains("Instances, by name"), "{told}");
    assert!(told.contains("2. web-10"), "{told}");
    let told = listener.types("O");
    assert!(told.contains("2. name, now: once more"), "{told}");
    let told = listener.types("name");
    let told = told + &listener.types("1");
    assert!(told.contains("1. web-9"), "{told}");
}

/// From when on output is read has an answer, and is told with the output.
#[test]
fn the_range_of_the_output_is_told() {
    let mut listener = Listener::ready(super::commands::rollout());
    listener.types("next pane");
    listener.types("next pane");
    let told = listener.types("F");
    assert!(told.contains("last 15 min"), "{told}");
    assert!(!told.contains("Done."), "{told}");
    listener.types("previous pane");
    let told = listener.types("next pane");
    assert!(told.contains("in d-7F3KQ21XB, last 15 min:"), "{told}");
}

/// Two keys are typed in one line.
#[test]
fn a_sequence_of_keys_is_a_line() {
    let mut cockpit = super::commands::rollout();
    cockpit.model.keymap = Keymap::load(Some(&Source::named("vim"))).unwrap();
    let mut listener = Listener::ready(cockpit);
    listener.types("next pane");
    listener.types("G");
    let told = listener.types("g");
    let wanted = "g is the first of two keys, which are typed in one line: g g: first.";
    assert!(told.contains(wanted), "{told}");
    let told = listener.types("g g");
    assert!(told.contains("Selected: row 1, web-1"), "{told}");
}

/// A cockpit that somebody listens to.
struct Listener {
    cockpit: Cockpit,
    plain: Plain,
}

impl Listener {
    fn of(mut cockpit: Cockpit) -> Self {
        cockpit.model.theme = theme(|_| None).unwrap();
        cockpit.resize(BOUNDLESS.0, BOUNDLESS.1);
        let plain = Plain::default();
        Self { cockpit, plain }
    }

    /// One that has told everything there is.
    fn ready(cockpit: Cockpit) -> Self {
        let mut listener = Self::of(cockpit);
        listener.told();
        listener
    }

    /// What is new.
    fn told(&mut self) -> String {
        let cockpit = &mut self.cockpit;
        let effects = self.plain.tell(&mut cockpit.model, cockpit.real);
        cockpit.effects.extend(effects);
        let lines = self.plain.take().map(|line| line.text);
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Types a line; what is told then.
    fn types(&mut self, line: &str) -> String {
        let cockpit = &mut self.cockpit;
        let effects = self.plain.line(&mut cockpit.model, cockpit.real, line);
        cockpit.effects.extend(effects);
        self.told()
    }

    /// Something is heard.
    fn hears(&mut self, item: FeedItem) {
        let message = Message::Feed(Box::new(item));
        self.plain.hear(&self.cockpit.model, &message);
        self.cockpit.send(message);
        self.plain.heard(&self.cockpit.model);
    }

    /// Time passes; what is told then.
    fn waits(&mut self, milliseconds: i64) -> String {
        self.cockpit.wait(milliseconds);
        self.told()
    }

    /// The commands that were sent.
    fn sent(&self) -> Vec<&Command> {
        let sent = self.cockpit.effects.iter();
        sent.filter_map(|effect| match effect {
            Effect::Send(command, _) => Some(&**command),
            _ => None,
        })
        .collect()
    }
}

fn rollout() -> Listener {
    let run = sample::rollout();
    Listener::of(Cockpit::with(sample::snapshot(
        sample::project(12),
        &run.deployment,
    )))
}

fn waiting() -> Listener {
    Listener::of(sides::cockpit(&sides::ready(), WAITS))
}

macro_rules! words {
    ($name:expr, $text:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

#[test]
fn places_are_told_in_words() {
    let mut listener = rollout();
    let mut told = listener.told();
    for line in [
        "1", "where", "home", "hosts", "back", "history", "shop", "?", "? retry",
    ] {
        told += &["\n>>> ", line, "\n"].concat();
        told += &listener.types(line);
    }
    assert!(!told.contains(|c: char| c != '\n' && c.is_control()));
    words!("plain-rollout", told);
}

#[test]
fn a_wait_is_told_with_what_can_be_done_and_reroute_asks_first() {
    let mut listener = waiting();
    let mut told = listener.told();
    for line in ["1", "reroute"] {
        told += &["\n>>> ", line, "\n"].concat();
        told += &listener.types(line);
    }
    // Before it listens, its keys are not told, and do nothing.
    assert!(!told.contains("\ny: "), "{told}");
    let early = listener.types("y");
    assert!(
        early.contains("came before the question could be read"),
        "{early}"
    );
    assert_eq!(listener.sent().len(), 0);
    told += "\n";
    told += &listener.waits(600);
    assert!(told.contains("\ny: reroute\n"), "{told}");
    words!("plain-wait", told);
}

#[test]
fn only_the_accept_key_accepts() {
    let mut listener = waiting();
    listener.told();
    for line in ["", "reroute", "yes", "Y", "r", " ", "1", "accept it", "n"] {
        listener.types("reroute");
        listener.waits(600);
        listener.types(line);
        assert_eq!(listener.sent().len(), 0, "{line:?}");
        listener.types("n");
        assert!(listener.cockpit.model.layers.is_empty(), "{line:?}");
    }
    listener.types("reroute");
    listener.waits(600);
    listener.types("w");
    listener.types("all is well");
    let told = listener.waits(600);
    let told = told + &listener.types("y");
    assert!(told.contains("reroute ..."), "{told}");
    let sent = listener.sent();
    let [Command::Control { control, .. }] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(control.what, REROUTE);
    assert_eq!(control.why.as_deref(), Some("all is well"));
}

/// What was decided changes while somebody listens: the answer to the old question is no answer to the new one.
#[test]
fn a_question_that_has_changed_is_asked_anew() {
    let mut listener = waiting();
    listener.told();
    listener.types("reroute");
    listener.waits(600);
    listener.hears(sides::host("web-4", false));
    let mut project = sides::project();
    project.hosts[1]
        .tags
        .insert("side".to_owned(), "none".to_owned());
    listener.hears(FeedItem::Project {
        project: Box::new(project),
        problems: Vec::new(),
    });
    let told = listener.types("y");
    assert!(told.starts_with("Nothing is done.\nReroute"), "{told}");
    assert!(
        told.contains("This has changed while you looked."),
        "{told}"
    );
    assert_eq!(listener.sent().len(), 0);
    let told = listener.waits(600);
    assert!(told.contains("\ny: ") || told.starts_with("y: "), "{told}");
    listener.types("y");
    assert_eq!(listener.sent().len(), 1);
}

/// A number means what had it when it was told, whatever the list is now.
#[test]
fn a_number_is_the_row_that_was_told_with_it() {
    let mut listener = rollout();
    listener.told();
    listener.types("1");
    // Turned round, but not told: the first is still who was the first.
    let list = crate::tui::lists::List::Instances;
    listener.cockpit.model.arranged.invert(list);
    listener.cockpit.silence(0);
    listener.types("1");
    let selected = listener.cockpit.model.selected.instance.clone();
    assert_eq!(selected, Some(sample::name("web-1")));
    assert!(
        listener
            .types("99")
            .contains("No row was told with the number 99.")
    );
}

#[test]
fn what_is_not_possible_says_why_and_what_is_unknown_is_looked_for() {
    let mut listener = rollout();
    listener.told();
    let told = listener.types("end wait");
    assert!(told.contains("skip-wait: "), "{told}");
    let told = listener.types("zoom");
    assert!(told.contains("how a screen looks"), "{told}");
    let told = listener.types("staging");
    assert!(told.contains("1. shop/staging, deployment group"), "{told}");
    assert!(listener.types("").contains("Nothing is done."));
    let told = listener.types("hosts/web-2");
    assert!(told.contains("hosts/web-2."), "{told}");
    let told = listener.types("~");
    assert!(told.contains("No action has the key ~"), "{told}");
    let rows = |told: &str| told.matches("\n1. ").count();
    assert_eq!(rows(&listener.types("space")), 1, "a page, as the key is");
}

#[test]
fn a_list_is_told_part_by_part() {
    let run = sample::rollout();
    let mut listener = Listener::ready(Cockpit::with(sample::snapshot(
        sample::project(70),
        &run.deployment,
    )));
    let told = listener.types("hosts");
    assert!(
        told.contains("\n20. ") && !told.contains("\n21. "),
        "{told}"
    );
    assert!(
        told.contains("50 more follow: pgdn tells them, / narrows"),
        "{told}"
    );
    let told = listener.types("page-down");
    assert!(told.contains("20 more come before"), "{told}");
    assert!(told.contains("30 more follow"), "{told}");
    listener.types("/");
    let told = listener.types("web-7");
    assert!(
        told.contains("Hosts, 70 hosts") && told.contains("/web-7"),
        "{told}"
    );
}

/// A flood is told in a few lines, with what failed among them.
#[test]
fn a_flood_is_told_in_a_few_lines() {
    let mut listener = rollout();
    listener.told();
    listener.types("1");
    listener.waits(2000);
    let known = listener.cockpit.model.deployment().unwrap().seq;
    for n in 1..40 {
        let status = match n {
            20 => EventStatus::Failed,
            _ => EventStatus::Succeeded,
        };
        let event = Event::EventEnded {
            target: sample::name("web-4"),
            event: LifecycleEvent::Install,
            status,
            host_time: sample::now(0),
            diagnostics: None,
        };
        let record = Record {
            seq: known + n,
            at: sample::now(0),
            event,
        };
        let item = FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        };
        let message = Message::Feed(Box::new(item));
        listener.plain.hear(&listener.cockpit.model, &message);
        listener.plain.heard(&listener.cockpit.model);
    }
    let told = listener.waits(1000);
    assert!(told.lines().count() < 12, "{told}");
    assert!(told.contains("web-4: Install failed."), "{told}");
    assert!(
        told.contains("And 38 more changes. Now: InProgress"),
        "{told}"
    );
}

#[test]
fn what_is_old_is_said_to_be_old() {
    let mut listener = rollout();
    listener.told();
    listener
        .cockpit
        .send(Message::Lost("it is gone".to_owned()));
    assert!(matches!(listener.cockpit.model.link, Link::Lost { .. }));
    let told = listener.told();
    assert!(
        told.contains("Disconnected, trying again: it is gone."),
        "{told}"
    );
    let told = listener.types("stop");
    assert!(told.contains("Stop d-"), "the way out is open: {told}");
    assert!(matches!(
        listener.cockpit.model.layers.last(),
        Some(Layer::Confirm(_))
    ));
}

#[test]
fn a_lock_is_taken_off_with_a_reason_and_a_name_is_typed_in_production() {
    let mut listener = Listener::ready(environments::rollout(PRODUCTION));
    let told = listener.types("b");
    assert!(told.contains("locked"), "{told}");
    let told = listener.types("unlock");
    assert!(told.contains("Unlock production? Why?"), "{told}");
    let told = listener.types("typed ahead");
    assert!(told.contains("does nothing"), "{told}");
    listener.waits(600);
    listener.types("INC-7");
    environments::unlocked(&mut listener.cockpit);
    listener.told();
    let told = listener.types("b");
    assert!(told.contains("Roll back d-7F3KQ21XB?"), "{told}");
    listener.waits(600);
    let told = listener.types("v");
    assert!(told.contains("If everything goes well"), "{told}");
    let told = listener.types("y");
    assert!(told.contains("Type production to"), "{told}");
    let sent = listener.sent().len();
    // What is no name is asked for again, and an empty line goes back.
    let told = listener.types("prod");
    assert!(told.contains("Type production to"), "{told}");
    let told = listener.types("");
    assert!(!told.contains("Type production to"), "{told}");
    assert_eq!(listener.sent().len(), sent);
    listener.types("y");
    listener.types("production");
    assert_eq!(listener.sent().len(), sent + 1);
    assert!(matches!(
        listener.sent().last(),
        Some(Command::Rollback { .. } | Command::Control { .. })
    ));
}

#[test]
fn a_form_is_asked_field_by_field_and_written_on_a_key_of_its_own() {
    let project = documents::project();
    let mut listener = Listener::ready(documents::desk(project.path()));
    let told = listener.types("new");
    assert!(told.contains("New: what?"), "{told}");
    listener.types("application");
    let told = listener.types("1");
    assert!(told.contains("New application: application?"), "{told}");
    // A name that is none is said, and asked for again at the end.
    listener.types("No Name");
    let told = listener.types("");
    assert!(told.contains("New application: application?"), "{told}");
    assert!(
        told.contains("An empty line leaves No Name; - leaves nothing"),
        "{told}"
    );
    listener.types("billing");
    listener.types("Lambda");
    forms::prepare(&mut listener.cockpit).unwrap();
    let told = listener.told();
    assert!(
        told.contains("Write applications/billing/application.yaml?"),
        "{told}"
    );
    assert!(told.contains("+computePlatform: Lambda"), "{told}");
    listener.types("");
    let writes = |listener: &Listener| {
        let effects = listener.cockpit.effects.iter();
        effects
            .filter(|effect| matches!(effect, Effect::Write(..)))
            .count()
    };
    assert_eq!(writes(&listener), 0, "an empty line writes nothing");
    listener.types("");
    forms::prepare(&mut listener.cockpit).unwrap();
    listener.waits(600);
    listener.types("y");
    assert_eq!(writes(&listener), 1);
    let written = "wrote applications/billing/application.yaml";
    listener
        .cockpit
        .send(Message::Written(Ok(written.to_owned())));
    assert!(listener.told().contains(written));
    // Nobody gets a terminal here.
    let told = listener.types("edit");
    assert!(told.contains("`cutover application edit`"), "{told}");
}

#[test]
fn the_guide_is_told_when_it_has_something_new_to_say() {
    let mut cockpit = super::commands::rollout();
    cockpit.model.tour = vec![Step {
        group: "shop/production",
        moment: Moment::Runs,
        text: "Two hosts at a time. {stop} stops.",
    }];
    let mut listener = Listener::of(cockpit);
    let told = listener.told();
    assert!(told.contains("Two hosts at a time. s stops."), "{told}");
    assert!(!listener.types("where").contains("Two hosts at a time"));
}

#[test]
fn a_question_tells_its_commands_and_what_was_sent_is_told() {
    let mut listener = Listener::ready(super::commands::rollout());
    listener.types("stop");
    listener.waits(600);
    let told = listener.types("?");
    let line = format!("cutover stop {}", sample::LIVE);
    assert!(told.contains(&line), "{told}");
    listener.types("c");
    let effects = &listener.cockpit.effects;
    assert_eq!(effects.last(), Some(&Effect::Copy(line.clone())));
    let again = listener.types("?");
    assert!(
        !again.contains(&line) && again.contains(sample::LIVE),
        "{again}"
    );
    listener.types("");
    let model = &mut listener.cockpit.model;
    let stop = super::commands::stop(None);
    (model.sent).begin(model.now, "ana", &stop, None);
    let told = listener.types("requests");
    assert!(
        told.contains(&line) && told.contains("ana: not answered yet"),
        "{told}"
    );
}
