//! Screens as a stack with addresses: in, out, back, forward, and places that are there no more.

use super::{Cockpit, sample};
use crate::api::feed::FeedItem;
use crate::model::address::Address;
use crate::model::lifecycle::LifecycleEvent;
use crate::tui::effect::Effect;
use crate::tui::message::{Message, OutputNews};
use crate::tui::screens::{Screen, here};
use crate::tui::session::Start;
use crate::tui::terminal::clipboard::Clipboard;

fn rollout() -> Cockpit {
    let run = sample::rollout();
    Cockpit::with(sample::snapshot(sample::project(12), &run.deployment))
}

fn place(cockpit: &Cockpit) -> String {
    here(&cockpit.model).to_string()
}

#[test]
fn every_place_has_an_address() {
    let mut cockpit = rollout();
    cockpit.keys("h h");
    assert_eq!(place(&cockpit), "applications");
    for address in [
        "shop",
        "shop/production",
        "d-7F3KQ21XB",
        "d-7F3KQ21XB/web-3",
        "d-7F3KQ21XB/web-3/AfterInstall",
    ] {
        cockpit.keys("enter");
        assert_eq!(place(&cockpit), address);
    }
    for address in [
        "d-7F3KQ21XB/web-3",
        "d-7F3KQ21XB",
        "shop/production",
        "shop",
        "applications",
        "home",
        "home",
    ] {
        cockpit.keys("esc");
        assert_eq!(place(&cockpit), address);
    }
}

#[test]
fn every_address_is_opened_and_is_the_one_that_is_seen() {
    for address in [
        "home",
        "applications",
        "thumbs",
        "shop/production",
        "d-7F3KQ21XB",
        "d-7F3KQ21XB/web-5",
        "d-7F3KQ21XB/web-3/AfterInstall",
        "hosts/web-7",
        "history",
        "history/shop/production",
        "history/hosts/web-7",
    ] {
        let mut cockpit = Cockpit::new();
        cockpit.model.start = Some(Start::Asked(address.parse().unwrap()));
        let run = sample::rollout();
        let snapshot = sample::snapshot(sample::project(12), &run.deployment);
        cockpit.tell(FeedItem::Snapshot(Box::new(snapshot)));
        assert_eq!(place(&cockpit), address);
        assert!(cockpit.model.messages.shown().is_none(), "{address}");
        cockpit.keys("esc esc");
        if !address.starts_with("d-7F3KQ21XB/web-3/") {
            assert_eq!(place(&cockpit), "home", "it lies right in home");
        }
    }
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let open = |start: Start| {
        let mut cockpit = Cockpit::new();
        cockpit.model.start = Some(start);
        let run = sample::rollout();
        let snapshot = sample::snapshot(sample::project(12), &run.deployment);
        cockpit.tell(FeedItem::Snapshot(Box::new(snapshot)));
        let said = cockpit.model.messages.shown();
        let said = said.map(|(said, _)| said.text.clone());
        (place(&cockpit), said)
    };
    let gone: Address = "shop/prodction".parse().unwrap();
    let (at, said) = open(Start::Asked(gone.clone()));
    assert_eq!(at, "home");
    assert!(said.unwrap().contains("did you mean"));
    assert_eq!(open(Start::Remembered(gone)), ("home".to_owned(), None));
    let (at, said) = open(Start::Asked("d-7F3KQ21XB/web-77".parse().unwrap()));
    assert_eq!(at, "home");
    assert!(
        said.unwrap()
            .contains("web-77 takes no part in d-7F3KQ21XB")
    );
}

#[test]
fn an_instance_of_what_is_not_held_whole_is_found_once_it_is() {
    let mut cockpit = rollout();
    let address: Address = "d-6ZP04MN2C/web-99".parse().unwrap();
    crate::tui::screens::visit(&mut cockpit.model, &address).unwrap();
    cockpit.silence(0);
    assert!(
        cockpit
            .effects
            .contains(&Effect::Fetch(sample::id(sample::BEFORE)))
    );
    let whole = sample::Run::new(
        &sample::project(12),
        sample::BEFORE,
        "1.7.2",
        sample::now(-3_600_000),
        &sample::ledger(12),
    );
    cockpit.send(Message::Fetched(
        sample::id(sample::BEFORE),
        Ok(Box::new(whole.deployment)),
    ));
    assert!(
        cockpit
            .screen()
            .contains("web-99 takes no part in d-6ZP04MN2C")
    );
}

#[test]
fn back_forward_and_the_last_place() {
    let mut cockpit = rollout();
    cockpit.keys("0 H");
    assert_eq!(place(&cockpit), "hosts/web-1");
    cockpit.keys("j [");
    assert_eq!(place(&cockpit), "home");
    cockpit.keys("[");
    assert_eq!(place(&cockpit), "shop/production");
    cockpit.keys("[");
    assert!(
        cockpit
            .screen()
            .contains("backward: this is where you began")
    );
    cockpit.keys("] ]");
    assert_eq!(
        place(&cockpit),
        "hosts/web-2",
        "with the cursor where it was"
    );
}

#[test]
fn the_last_place_and_here_again_with_one_key() {
    let mut cockpit = rollout();
    cockpit.keys("0 `");
    assert_eq!(place(&cockpit), "shop/production");
    cockpit.keys("`");
    assert_eq!(place(&cockpit), "home");
}

#[test]
fn esc_goes_back_to_the_screen_one_came_from() {
    let mut cockpit = rollout();
    cockpit.keys("H / w e b - 5 enter enter");
    assert_eq!(place(&cockpit), "d-6ZP04MN2C/web-5");
    cockpit.keys("esc");
    assert_eq!(cockpit.model.screen, Screen::Hosts);
    cockpit.keys("esc esc");
    assert_eq!(
        place(&cockpit),
        "shop/production",
        "the filter, then the screen"
    );
}

#[test]
fn an_address_is_typed_and_copied() {
    let mut cockpit = rollout();
    cockpit.keys(": d - 7 F 3 K Q 2 1 X B / w e b - 3 / I n s t a l l enter");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/web-3/Install");
    cockpit.keys("c");
    let copied = Effect::Copy("d-7F3KQ21XB/web-3/Install".to_owned());
    assert_eq!(cockpit.effects.last(), Some(&copied));
    assert!(
        cockpit
            .screen()
            .contains("asked the terminal to copy d-7F3KQ21XB/web-3/Install")
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("xclip"), "").unwrap();
    cockpit.model.clipboard = Clipboard::find(|name| match name {
        "PATH" => folder.path().to_str().map(str::to_owned),
        name => (name == "DISPLAY").then(|| ":0".to_owned()),
    });
    cockpit.keys("c");
    let said = "xclip copies d-7F3KQ21XB/web-3/Install, and the terminal was asked to";
    assert!(cockpit.screen().contains(said), "{}", cockpit.screen());
    cockpit.send(Message::Uncopied("xclip copied nothing: why".to_owned()));
    assert!(cockpit.screen().contains("xclip copied nothing: why"));
}

#[test]
fn one_event_wrote_this_alone() {
    let mut cockpit = rollout();
    cockpit.resize(120, 40);
    cockpit.keys("tab tab");
    let number = cockpit.model.output.number();
    let mut lines = sample::lines(30);
    for line in lines.iter_mut().skip(10) {
        line.event = LifecycleEvent::Install;
    }
    cockpit.send(Message::Output(number, OutputNews::Lines(lines)));
    assert_eq!(cockpit.model.output.len(), 30);
    cockpit.keys(": / I n s t a l l enter");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/web-3/Install");
    assert_eq!(cockpit.model.output.len(), 20);
    assert!(cockpit.screen().contains("this event alone"));
    cockpit.keys("tab");
    assert_eq!(cockpit.model.output.len(), 30, "elsewhere it is all of it");
}

#[test]
fn crumbs_shrink_from_the_left() {
    let mut cockpit = rollout();
    cockpit.keys("tab tab");
    cockpit.resize(120, 40);
    let header = |cockpit: &Cockpit| cockpit.screen().lines().next().unwrap().to_owned();
    let wide = header(&cockpit);
    assert!(
        wide.contains("home \u{203a} applications \u{203a} shop \u{203a} production \u{203a} d-7F3KQ21XB \u{203a} web-3"),
        "{wide}"
    );
    cockpit.resize(80, 24);
    let narrow = header(&cockpit);
    assert!(
        narrow.contains("\u{22ef} \u{203a} ") && narrow.contains("\u{203a} web-3"),
        "{narrow}"
    );
    assert!(!narrow.contains("home"));
}
