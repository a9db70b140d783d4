//! Who looks elsewhere is called once for what is new; the terminal's title says where things stand.

use super::sides::{self, WAITS};
use super::{Cockpit, sample};
use crate::api::feed::FeedItem;
use crate::engine::input::Input;
use crate::model::lifecycle::LifecycleEvent;
use crate::tui::attention::{Progress, sign};
use crate::tui::effect::Effect;
use crate::tui::message::Message;

/// A deployment begins, and comes to wait for somebody; then nothing new happens for a while.
fn calls(focused: Option<bool>) -> Vec<String> {
    let mut run = sides::made(|_| {});
    run.input(&Input::Admitted);
    let mut cockpit = sides::cockpit(&run, WAITS);
    if let Some(focused) = focused {
        cockpit.send(Message::Focused(focused));
    }
    let told = run.records.len();
    sides::all(&mut run, &LifecycleEvent::REPLACEMENT);
    for record in run.records[told..].iter().cloned() {
        let deployment = sample::id(sample::LIVE);
        cockpit.tell(FeedItem::Record { deployment, record });
    }
    cockpit.wait(5_000);
    cockpit.wait(5_000);
    called(&cockpit)
}

fn called(cockpit: &Cockpit) -> Vec<String> {
    let calls = cockpit.effects.iter().filter_map(|effect| match effect {
        Effect::Call(text) => Some(text.clone()),
        _ => None,
    });
    calls.collect()
}

#[test]
fn a_wait_for_somebody_calls_once_who_looks_elsewhere() {
    let call = "shop/production 1.8.0: waits to be rerouted (d-7F3KQ21XB)";
    assert_eq!(calls(Some(false)), [call]);
    assert_eq!(calls(None), [call], "a terminal that does not say it");
    assert_eq!(calls(Some(true)), [""; 0]);
}

#[test]
fn an_end_calls_and_the_first_picture_does_not() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.at(run.now());
    cockpit.wait(0);
    assert_eq!(called(&cockpit), [""; 0]);
    for record in run.finish() {
        let deployment = sample::id(sample::LIVE);
        cockpit.tell(FeedItem::Record { deployment, record });
    }
    let called = called(&cockpit);
    assert_eq!(called.len(), 1, "{called:?}");
    assert!(called[0].ends_with("(d-7F3KQ21XB)"), "{called:?}");
}

#[test]
fn the_title_says_where_things_stand() {
    let mut cockpit = Cockpit::new();
    assert_eq!(sign(&cockpit.model).title, "cutover");
    let run = sides::ready();
    cockpit = sides::cockpit(&run, WAITS);
    let shown = sign(&cockpit.model);
    assert_eq!(shown.title, "shop/production Ready 14 % - cutover");
    assert_eq!(shown.progress, Progress::Waiting(14));
}
