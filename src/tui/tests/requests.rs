//! Commands as lines: in a confirmation, and among what was sent.

use tokio::sync::mpsc;

use super::commands::{every, rollout, sent, stop};
use super::{Cockpit, replay, sample};
use crate::api::client::Client;
use crate::api::command::Answer;
use crate::api::whole::deployment;
use crate::tui::action::Action;
use crate::tui::action::available::available;
use crate::tui::driver::Driver;
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::sent::Unanswered;

fn copied(cockpit: &Cockpit) -> Option<&str> {
    match cockpit.effects.last() {
        Some(Effect::Copy(text)) => Some(text),
        _ => None,
    }
}

#[test]
fn a_confirmation_shows_its_commands_and_copies_the_first() {
    let mut cockpit = rollout();
    let id = sample::LIVE;
    cockpit.keys("s ?");
    let screen = cockpit.screen();
    assert!(screen.contains("On a command line:"), "{screen}");
    assert!(screen.contains(&format!("cutover stop {id}")), "{screen}");
    assert!(
        screen.contains(&format!("cutover stop {id} --rollback")),
        "{screen}"
    );
    cockpit.keys("c");
    assert_eq!(
        copied(&cockpit),
        Some(format!("cutover stop {id}").as_str())
    );
    assert!(!cockpit.model.layers.is_empty(), "it is still asked");
    assert_eq!(sent(&cockpit), []);
    cockpit.keys("?");
    assert!(!cockpit.screen().contains("On a command line:"));
}

#[test]
fn a_command_has_the_reason_and_the_place_that_whoever_types_it_needs() {
    let mut cockpit = rollout();
    cockpit.model.place = Some("/srv/the shop".into());
    cockpit.keys("p w i t ' s enter ? c");
    let line = copied(&cockpit).unwrap();
    let id = sample::LIVE;
    let start = format!("cutover -C '/srv/the shop' pause {id} --why \"it's\" --seen ");
    assert!(line.starts_with(&start), "{line}");
    // What is rehearsed is asked for, and shown.
    cockpit.keys("v");
    assert!(!cockpit.screen().contains("On a command line:"));
}

#[test]
fn what_is_typed_is_no_key_of_the_commands() {
    let mut cockpit = rollout();
    cockpit.keys("p w ? c enter");
    assert!(!cockpit.screen().contains("On a command line:"));
    assert_eq!(copied(&cockpit), None);
    assert!(cockpit.screen().contains("why: ?c"));
}

#[tokio::test]
async fn whatever_leaves_is_noted_and_nobody_knows_of_it_where_the_connection_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new(&folder.path().join("nobody")).unwrap();
    let (messages, mut inbox) = mpsc::channel(64);
    let mut driver = Driver::new(Some(client), messages);
    let mut cockpit = rollout();
    let all = every();
    for command in &all {
        let circumstances = cockpit.model.circumstances(command);
        let send = Effect::Send(Box::new(command.clone()), circumstances);
        driver.heed(&mut cockpit.model, vec![send]);
    }
    let noted: Vec<String> = cockpit
        .model
        .sent
        .all()
        .map(|sent| sent.raw.clone())
        .collect();
    let wanted = all.iter().rev();
    let wanted: Vec<String> = wanted
        .map(|command| serde_json::to_string(command).unwrap())
        .collect();
    assert_eq!(noted, wanted);
    assert!(cockpit.model.sent.all().all(|sent| sent.end.is_none()));
    for _ in &all {
        let answer = inbox.recv().await.unwrap();
        cockpit.send(answer);
    }
    for request in cockpit.model.sent.all() {
        let end = request.end.as_ref().map(|(_, end)| end);
        assert!(
            matches!(end, Some(Err(Unanswered::Unknown(_)))),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn nothing_leaves_where_there_is_nobody() {
    let (messages, _inbox) = mpsc::channel(1);
    let mut driver = Driver::new(None, messages);
    let mut cockpit = rollout();
    let circumstances = cockpit.model.circumstances(&stop(None));
    let send = Effect::Send(Box::new(stop(None)), circumstances);
    driver.heed(&mut cockpit.model, vec![send]);
    assert_eq!(cockpit.model.sent.all().count(), 0);
}

/// Notes one as the driver does.
fn note(cockpit: &mut Cockpit, auto_rollback: Option<bool>) -> u64 {
    let model = &mut cockpit.model;
    (model.sent).begin(cockpit.real, "ana", &stop(auto_rollback), None)
}

#[test]
fn the_log_tells_when_who_what_how_it_was_answered_and_after_what_time() {
    let mut cockpit = rollout();
    cockpit.keys("Q");
    assert!(cockpit.screen().contains("nothing was sent yet"));
    cockpit.keys("q");
    let first = note(&mut cockpit, None);
    let second = note(&mut cockpit, Some(true));
    let third = note(&mut cockpit, Some(false));
    cockpit.wait(1200);
    let taken = Answer::Taken {
        pending: true,
        message: "3 instances still run".to_owned(),
    };
    cockpit.send(Message::Answered(first, Ok(taken)));
    let refused = Unanswered::Refused("ben was faster".to_owned());
    cockpit.send(Message::Answered(second, Err(refused)));
    note(&mut cockpit, None);
    let lost = Unanswered::Unknown("the connection broke".to_owned());
    cockpit.send(Message::Answered(third, Err(lost)));
    cockpit.keys("Q");
    let screen = cockpit.screen();
    for wanted in [
        "ana: not answered yet",
        "ana: nobody knows whether it was taken after 1.2 s: the",
        "ana: refused after 1.2 s: ben was faster",
        "ana: accepted after 1.2 s: 3 instances still run",
    ] {
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
    let id = sample::LIVE;
    cockpit.keys("c");
    assert_eq!(
        copied(&cockpit),
        Some(format!("cutover stop {id}").as_str())
    );
    cockpit.keys("down y");
    let line = format!("cutover stop {id} --no-rollback");
    assert_eq!(copied(&cockpit), Some(line.as_str()));
    cockpit.keys("down down down down c up c");
    let line = format!("cutover stop {id} --rollback");
    assert_eq!(copied(&cockpit), Some(line.as_str()));
    cockpit.keys("W");
    let Some(Effect::Save { name, text, .. }) = cockpit.effects.last() else {
        panic!()
    };
    assert_eq!(name, "cutover-requests");
    assert!(text.contains("refused after 1.2 s: ben was faster"));
}

#[test]
fn whichever_request_is_chosen_is_in_view() {
    let mut cockpit = rollout();
    for _ in 0..40 {
        note(&mut cockpit, None);
        cockpit.wait(1000);
    }
    cockpit.resize(60, 15);
    cockpit.keys("Q");
    let oldest = (cockpit.model.clock)(sample::now(0));
    assert!(!cockpit.screen().contains(&oldest));
    for _ in 0..39 {
        cockpit.keys("j");
    }
    assert!(cockpit.screen().contains(&oldest), "{}", cockpit.screen());
    for _ in 0..39 {
        cockpit.keys("k");
    }
    assert!(!cockpit.screen().contains(&oldest));
}

#[test]
fn a_replay_has_no_requests() {
    assert_eq!(available(Action::Requests, &rollout().model), Ok(()));
    let cockpit = replay::replay(&replay::recording());
    assert!(available(Action::Requests, &cockpit.model).is_err());
}

#[test]
fn what_is_selected_is_shown_whole_as_the_command_line_prints_it() {
    let mut cockpit = rollout();
    let title = |cockpit: &Cockpit, keys: &str, title: &str, text: &str| {
        let screen = cockpit.screen();
        assert!(
            screen.contains(title) && screen.contains(text),
            "{keys}\n{screen}"
        );
    };
    for (keys, name, json, words) in [
        (
            "g",
            sample::LIVE,
            "\"deploymentInfo\": {",
            "revision       1.8.0",
        ),
        ("tab", "d-7F3KQ21XB/web-", "\"events\": [", "EVENT"),
        (
            "shift-tab shift-tab",
            "shop/production",
            "\"deploymentGroupInfo\": {",
            "auto-rollback",
        ),
        (
            "shift-tab",
            "shop",
            "\"application\": {",
            "platform     Server",
        ),
        ("H g", "hosts/web-", "\"host\": {", "state"),
    ] {
        cockpit.keys(keys).keys("y");
        title(&cockpit, keys, name, json);
        cockpit.keys("c");
        let text = copied(&cockpit).unwrap();
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert!(value.is_object());
        cockpit.keys("q V");
        title(&cockpit, keys, name, words);
        cockpit.keys("X q");
        let Some(Effect::Save {
            name: file, ending, ..
        }) = cockpit.effects.last()
        else {
            panic!()
        };
        assert!(file.starts_with(&name.replace('/', "-")), "{file}");
        assert_eq!(*ending, "txt");
        assert!(cockpit.model.layers.is_empty());
    }
    let deployment = rollout().model.deployment().cloned().unwrap();
    let mut cockpit = rollout();
    cockpit.keys("y c");
    let view = cockpit.model.view.as_ref().unwrap();
    let json = deployment::json(view, &deployment, cockpit.model.present());
    assert_eq!(
        copied(&cockpit),
        Some(serde_json::to_string_pretty(&json).unwrap().as_str())
    );
}

#[test]
fn a_text_is_folded_anew_for_another_width_and_found_in() {
    let mut cockpit = rollout();
    cockpit.keys("y / w e b - 9 enter");
    assert!(
        cockpit.screen().contains("/web-9 1 of "),
        "{}",
        cockpit.screen()
    );
    cockpit.resize(40, 12);
    cockpit.keys("n");
    assert!(cockpit.screen().contains("web-9"), "{}", cockpit.screen());
}

#[test]
fn what_is_read_can_be_searched_copied_and_saved() {
    let mut cockpit = rollout();
    cockpit.keys("? / s t o p");
    let first = cockpit.screen();
    assert!(first.contains("/stop_"), "{first}");
    assert!(first.contains("Stop the selected deployment"), "{first}");
    cockpit.keys("enter");
    assert!(
        cockpit.screen().contains("/stop 1 of "),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("n");
    assert!(
        cockpit.screen().contains("/stop 2 of "),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("N N");
    let last = cockpit.screen();
    assert!(
        !last.contains("/stop 1 of ") && !last.contains("/stop 2 of "),
        "{last}"
    );
    cockpit.keys("c");
    assert!(copied(&cockpit).is_some_and(|text| text.contains("Stop the selected deployment")));
    cockpit.keys("/ esc");
    assert!(!cockpit.screen().contains("/stop"));
    cockpit.keys("/ z z z z enter n");
    assert!(
        cockpit
            .model
            .messages
            .all()
            .any(|said| said.text == "zzzz is not in it")
    );
    cockpit.keys("W");
    let saved =
        matches!(cockpit.effects.last(), Some(Effect::Save { name, .. }) if name == "cutover-keys");
    assert!(saved);
    cockpit.keys("q");
    assert!(cockpit.model.layers.is_empty());
}
