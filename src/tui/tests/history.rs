//! The history, comparisons, reports, and a replay on top of the cockpit.

use super::{Cockpit, MONO, sample, states};
use crate::api::afterwards::past::Given;
use crate::api::feed::FeedItem;
use crate::api::snapshot::Snapshot;
use crate::engine::Summary;
use crate::model::deployment::TargetStatus;
use crate::tui::action::Action;
use crate::tui::action::available::available;
use crate::tui::effect::Effect;
use crate::tui::layers::Layer;
use crate::tui::message::{Journal, Message};
use crate::tui::model::Outcome;
use crate::tui::screens::here;
use crate::tui::theme::Theme;

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

/// The sizes at which a picture has to say what matters, and once more without colour in ASCII.
macro_rules! pictures {
    ($name:literal, $cockpit:expr) => {
        for (width, height) in [(120, 40), (80, 24), (60, 15)] {
            $cockpit.resize(width, height);
            picture!(format!("{}-{width}x{height}", $name), $cockpit);
        }
        $cockpit.resize(80, 24);
        $cockpit.model.theme = Theme {
            unicode: false,
            ..*MONO
        };
        assert!($cockpit.screen().is_ascii(), "{}", $cockpit.screen());
        picture!(concat!($name, "-80x24-ascii"), $cockpit);
    };
}

fn snapshot() -> Snapshot {
    sample::snapshot(sample::project(12), &sample::rollout().deployment)
}

fn history() -> Cockpit {
    let mut cockpit = Cockpit::with(snapshot());
    cockpit.keys("0 L");
    cockpit
}

fn place(cockpit: &Cockpit) -> String {
    here(&cockpit.model).to_string()
}

fn ids(cockpit: &Cockpit) -> Vec<String> {
    let screen = cockpit.screen();
    let rows = screen.lines().skip(3);
    let revisions =
        rows.filter_map(|row| row.split_whitespace().find(|word| word.starts_with("1.")));
    revisions.map(str::to_owned).collect()
}

/// A deployment that was fetched, with a wait in it.
fn fetched(cockpit: &mut Cockpit) {
    let mut run = states::paused();
    let mut spec = (*run.deployment.spec).clone();
    spec.deployment_id = sample::id(sample::BEFORE);
    spec.revision = sample::revision("1.7.2");
    spec.configuration = sample::configuration(1);
    run.deployment.spec = std::sync::Arc::new(spec);
    let fetched = Box::new(run.deployment);
    cockpit.send(Message::Fetched(sample::id(sample::BEFORE), Ok(fetched)));
}

#[test]
fn pictures_of_the_history() {
    let mut cockpit = history();
    cockpit.keys("down * down");
    cockpit.model.messages.put_away();
    pictures!("history", cockpit);
    cockpit.resize(20, 3);
    assert!(cockpit.screen().contains("History: 3"));
}

#[test]
fn it_is_the_history_of_what_was_seen() {
    let mut cockpit = Cockpit::with(snapshot());
    assert_eq!(place(&cockpit), "shop/production");
    cockpit.keys("L");
    assert_eq!(place(&cockpit), "history/shop/production");
    cockpit.keys("L");
    assert_eq!(place(&cockpit), "history");
    assert!(available(Action::History, &cockpit.model).is_err());
    cockpit.keys("esc");
    assert_eq!(place(&cockpit), "shop/production");
    cockpit.keys("h h L");
    assert_eq!(place(&cockpit), "history");
    cockpit.keys("down enter");
    assert_eq!(place(&cockpit), sample::BEFORE);
    cockpit.keys("esc");
    assert_eq!(place(&cockpit), "history");
    assert_eq!(
        cockpit.model.history.selected(),
        Some(&sample::id(sample::BEFORE)),
        "the cursor is where it was"
    );
    cockpit.keys(": h i s t o r y / h o s t s / w e b - 3 enter");
    assert_eq!(place(&cockpit), "history/hosts/web-3");
}

#[test]
fn beside_the_rows_the_deployment_is_told_where_there_is_room() {
    let mut cockpit = history();
    let fetched = |cockpit: &Cockpit, id: &str| {
        let fetch = Effect::Fetch(sample::id(id));
        cockpit.effects.iter().filter(|it| **it == fetch).count()
    };
    cockpit.resize(119, 40);
    cockpit.keys("j k");
    // How long its instances took is asked of the one before.
    assert_eq!(fetched(&cockpit, sample::BEFORE), 1);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    for told in ["revision  1.8.0", "took", "scripts/migrate.sh", "3/12"] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    // No key of the rollout is offered where it does nothing.
    assert!(!screen.contains("p pause") && screen.contains("enter opens it"));
    // A key that is held down passes by what nobody reads.
    cockpit.keys("j j k");
    cockpit.wait(249);
    assert_eq!(fetched(&cockpit, sample::BEFORE), 1);
    let due = crate::tui::update::wake(&cockpit.model);
    assert_eq!(due.since(cockpit.model.now).as_millis(), 1);
    cockpit.wait(1);
    assert_eq!(fetched(&cockpit, sample::BEFORE), 2);
    assert_eq!(fetched(&cockpit, sample::FAILED), 0);
    assert!(cockpit.screen().contains("fetching d-6ZP04MN2C"));
    cockpit.wait(1000);
    assert_eq!(fetched(&cockpit, sample::BEFORE), 2, "it is on its way");
    cockpit.keys("j");
    cockpit.wait(1000);
    assert_eq!(fetched(&cockpit, sample::FAILED), 0, "one after the other");
    cockpit.keys("k");
    let gone = Err("gone".to_owned());
    cockpit.send(Message::Fetched(sample::id(sample::BEFORE), gone));
    assert!(cockpit.screen().contains("can't be shown: gone"));
    // The deployment of the rollouts is another, and still the one that was selected there.
    cockpit.keys("[");
    cockpit.keys("[");
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::LIVE))
    );
}

/// However many are looked at, the cockpit does not grow.
#[test]
fn of_those_that_are_over_only_the_last_are_kept_whole() {
    let mut run = sample::rollout();
    run.finish();
    let live = sample::rollout();
    let mut snapshot = sample::snapshot(sample::project(12), &live.deployment);
    let ids: Vec<_> = (0..30).map(|n| sample::id(&format!("d-{n:09}"))).collect();
    for id in &ids {
        snapshot.deployments.push(Summary {
            deployment_id: id.clone(),
            ..Summary::from(&run.deployment)
        });
    }
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.resize(120, 40);
    cockpit.keys("0 L down * G");
    let mut asked = Vec::new();
    for _ in 0..30 {
        cockpit.wait(250);
        let selected = cockpit.model.history.selected().cloned().unwrap();
        let mut deployment = run.deployment.clone();
        let mut spec = (*deployment.spec).clone();
        spec.deployment_id = selected.clone();
        deployment.spec = std::sync::Arc::new(spec);
        cockpit.send(Message::Fetched(selected.clone(), Ok(Box::new(deployment))));
        asked.push(selected);
        cockpit.keys("up");
    }
    let whole = &cockpit.model.view.as_ref().unwrap().deployments;
    assert!(whole.len() <= 9, "{}", whole.len());
    assert!(whole.contains_key(asked.last().unwrap()));
    assert!(!whole.contains_key(asked.first().unwrap()));
    assert!(whole.contains_key(&sample::id(sample::LIVE)), "it runs");
}

#[test]
fn it_is_narrowed_and_sorted_as_every_list_is() {
    let mut cockpit = history();
    assert_eq!(ids(&cockpit), ["1.8.0", "1.7.2", "1.7.1"]);
    cockpit.keys("i");
    assert_eq!(ids(&cockpit), ["1.7.1", "1.7.2", "1.8.0"]);
    cockpit.keys("i O r e v i s i o n enter");
    assert_eq!(ids(&cockpit), ["1.7.1", "1.7.2", "1.8.0"], "by revision");
    cockpit.keys("/ s t a t u s : f a i l enter");
    assert_eq!(ids(&cockpit).first().unwrap(), "1.7.1");
    assert_eq!(cockpit.model.history.shown(), 1);
    cockpit.keys("esc");
    assert_eq!(cockpit.model.history.shown(), 3);
}

#[test]
fn rows_wait_for_calm_and_the_cursor_keeps_its_deployment() {
    let run = sample::rollout();
    let mut cockpit = history();
    cockpit.keys("down");
    let selected = cockpit.model.history.selected().cloned();
    let rollback = sample::rollback_of(&run);
    cockpit.wait(10);
    cockpit.tell(FeedItem::Record {
        deployment: rollback.deployment.id().clone(),
        record: rollback.records[0].clone(),
    });
    assert_eq!(cockpit.model.history.shown(), 3, "not with every message");
    cockpit.wait(300);
    assert_eq!(cockpit.model.history.shown(), 4);
    assert_eq!(cockpit.model.history.selected().cloned(), selected);
}

#[test]
fn a_host_says_what_it_was_given() {
    let mut cockpit = Cockpit::with(snapshot());
    cockpit.keys("H / w e b - 3 enter L");
    assert_eq!(place(&cockpit), "history/hosts/web-3");
    let asked = |cockpit: &Cockpit| {
        let asked = cockpit
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Past(..)));
        asked.count()
    };
    assert_eq!(asked(&cockpit), 1);
    assert!(cockpit.effects.contains(&Effect::Past(
        sample::name("web-3"),
        vec![sample::production()]
    )));
    // What runs there is known at once; the rest comes.
    assert_eq!(cockpit.model.history.shown(), 1);
    let given = |deployment: &str, label: &str, status, at: i64| Given {
        deployment: sample::id(deployment),
        group: sample::production(),
        revision: Some(sample::revision(label)),
        status,
        create_time: sample::now(at),
        end_time: sample::now(at + 60_000),
    };
    let all = vec![
        given("d-000000000", "1.6.0", TargetStatus::Succeeded, -86_400_000),
        given(sample::BEFORE, "1.7.2", TargetStatus::Failed, -3_600_000),
    ];
    cockpit.send(Message::Past(sample::name("web-3"), Ok(all)));
    cockpit.wait(1);
    assert_eq!(ids(&cockpit), ["1.8.0", "1.7.2", "1.6.0"]);
    assert_eq!(asked(&cockpit), 1, "only when something may have changed");
    cockpit.resize(80, 24);
    picture!("history-host-80x24", cockpit);
    cockpit.keys("end enter");
    assert!(cockpit.screen().contains("not kept any more"));
    cockpit.keys("x up enter");
    assert_eq!(place(&cockpit), format!("{}/web-3", sample::BEFORE));
}

#[test]
fn an_answer_about_another_host_is_not_taken() {
    let mut cockpit = Cockpit::with(snapshot());
    cockpit.keys(": h i s t o r y / h o s t s / w e b - 3 enter");
    cockpit.send(Message::Past(sample::name("web-4"), Ok(Vec::new())));
    assert!(!cockpit.screen().contains("nothing was deployed"));
    cockpit.send(Message::Past(sample::name("web-3"), Err("gone".to_owned())));
    cockpit.keys("/ n o n e enter");
    cockpit.wait(300);
    assert!(
        cockpit.screen().contains("can't be found out: gone"),
        "{}",
        cockpit.screen()
    );
}

#[test]
fn pictures_of_a_comparison() {
    let mut cockpit = history();
    cockpit.keys("=");
    assert!(
        cockpit
            .effects
            .contains(&Effect::Fetch(sample::id(sample::BEFORE)))
    );
    assert!(cockpit.screen().contains("fetching"));
    fetched(&mut cockpit);
    assert!(
        cockpit.screen().contains("FewAtATime"),
        "{}",
        cockpit.screen()
    );
    pictures!("compare", cockpit);
    cockpit.keys("down down down");
    picture!("compare-80x24-below", cockpit);
}

#[test]
fn it_is_compared_with_the_marked_one_else_with_the_one_before() {
    let compared = |keys: &str| {
        let mut cockpit = history();
        cockpit.keys(keys);
        cockpit
            .effects
            .retain(|effect| matches!(effect, Effect::Fetch(_)));
        match cockpit.model.layers.last() {
            Some(Layer::Compare(_)) => cockpit.screen().lines().find_map(|line| {
                let (before, after) = line.split_once(" and d-")?;
                Some(format!("{} d-{}", before.rsplit(' ').next()?, &after[..9]))
            }),
            _ => None,
        }
    };
    assert_eq!(
        compared("=").unwrap(),
        format!("{} {}", sample::BEFORE, sample::LIVE)
    );
    assert_eq!(
        compared("down down * up up =").unwrap(),
        format!("{} {}", sample::FAILED, sample::LIVE)
    );
    // The older one is what the other is measured by, whichever is marked.
    assert_eq!(
        compared("* down down =").unwrap(),
        format!("{} {}", sample::FAILED, sample::LIVE)
    );
    assert_eq!(
        compared("* * =").unwrap(),
        format!("{} {}", sample::BEFORE, sample::LIVE)
    );
    assert_eq!(compared("down down ="), None, "it is the first");
}

#[test]
fn a_comparison_that_can_not_be_made_says_why() {
    let mut cockpit = history();
    cockpit.keys("=");
    let lost = Message::Fetched(
        sample::id(sample::BEFORE),
        Err("the door is shut".to_owned()),
    );
    cockpit.send(lost);
    assert!(cockpit.screen().contains("the door is shut"));
    cockpit.keys("esc");
    assert!(cockpit.model.layers.is_empty());
}

fn journal(cockpit: &mut Cockpit) {
    let asked = cockpit
        .effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Journal {
                number, deployment, ..
            } => Some((*number, deployment.clone())),
            _ => None,
        });
    let (number, id) = asked.expect("it was asked for");
    let journal = Journal {
        records: sample::rollout().records,
        group: sample::production(),
        ledger: Vec::new(),
    };
    cockpit.send(Message::Journal(number, id, Ok(Box::new(journal))));
}

#[test]
fn a_report_is_copied() {
    let mut cockpit = history();
    cockpit.keys("C");
    journal(&mut cockpit);
    let copied = cockpit.effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    let text = copied.unwrap();
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("report", text);
    });
    assert!(
        cockpit
            .screen()
            .contains("asked the terminal to copy the report of d-7F3KQ21XB")
    );
    // A late answer to another question is dropped.
    cockpit.effects.clear();
    cockpit.send(Message::Journal(
        999,
        sample::id(sample::LIVE),
        Err("late".to_owned()),
    ));
    assert!(cockpit.effects.is_empty() && !cockpit.screen().contains("late"));
}

#[test]
fn a_replay_lies_on_top_of_the_cockpit_which_goes_on() {
    let mut cockpit = history();
    cockpit.keys("R");
    journal(&mut cockpit);
    assert!(cockpit.screen().contains("REPLAY"), "{}", cockpit.screen());
    cockpit.keys("> C");
    assert!(
        matches!(cockpit.effects.last(), Some(Effect::Copy(_))),
        "a recording is told of too"
    );
    let back = available(Action::Replay, &cockpit.model);
    assert_eq!(back, Err("this is a replay".to_owned()));
    // What happens meanwhile is in the picture behind it.
    let rollback = sample::rollback_of(&sample::rollout());
    cockpit.tell(FeedItem::Record {
        deployment: rollback.deployment.id().clone(),
        record: rollback.records[0].clone(),
    });
    assert_eq!(cockpit.model.view.as_ref().unwrap().summaries.len(), 1);
    cockpit.resize(100, 30);
    cockpit.effects.clear();
    cockpit.keys("q");
    assert!(
        !cockpit.effects.contains(&Effect::Quit),
        "only the replay ends"
    );
    assert_eq!(cockpit.model.outcome, None);
    assert_eq!(place(&cockpit), "history");
    assert_eq!(cockpit.model.size, (100, 30));
    let view = cockpit.model.view.as_ref().unwrap();
    let of_rollback = view.summaries.get(rollback.deployment.id());
    assert_eq!(of_rollback, Some(&Summary::from(&rollback.deployment)));
    cockpit.keys("R");
    journal(&mut cockpit);
    cockpit.send(Message::Terminated);
    assert_eq!(cockpit.model.outcome, Some(Outcome::Signal));
    assert_eq!(cockpit.effects.last(), Some(&Effect::Quit));
    assert_eq!(
        place(&cockpit),
        "history",
        "what is remembered is not the replay"
    );
}

#[test]
fn nobody_is_given_other_keys_while_they_are_asked_something() {
    let mut cockpit = Cockpit::with(snapshot());
    cockpit.keys("R s");
    journal(&mut cockpit);
    assert!(cockpit.model.replay.is_none());
    assert!(matches!(
        cockpit.model.layers.last(),
        Some(Layer::Confirm(_))
    ));
}
