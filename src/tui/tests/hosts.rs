//! The hosts' screen.

use proptest::prelude::*;

use super::{Cockpit, MONO, sample};
use crate::agent::facts::Facts;
use crate::api::command::{Answer, Command, Pass};
use crate::api::feed::FeedItem;
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::model::Pane;
use crate::tui::screens::Screen;
use crate::tui::theme::Theme;
use crate::tui::update::wake;

fn hosts() -> Cockpit {
    let run = sample::rollout();
    let mut snapshot = sample::snapshot(sample::project(12), &run.deployment);
    snapshot.hosts = sample::mixed_hosts();
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.keys("H");
    cockpit
}

macro_rules! picture {
    ($name:literal, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

#[test]
fn pictures_of_hosts() {
    let mut cockpit = hosts();
    cockpit.resize(80, 24);
    picture!("hosts-80x24", cockpit);
    cockpit.resize(120, 40);
    cockpit.keys("down");
    picture!("hosts-120x40", cockpit);
    cockpit.resize(200, 45);
    picture!("hosts-200x45", cockpit);
    cockpit.resize(60, 15);
    picture!("hosts-60x15", cockpit);
    cockpit.resize(20, 5);
    picture!("hosts-20x5", cockpit);
    cockpit.resize(80, 24);
    cockpit.keys("down down / f e d o r a enter");
    picture!("hosts-80x24-none-fits", cockpit);
    cockpit.keys("esc home");
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    let screen = cockpit.screen();
    assert!(screen.is_ascii(), "{screen}");
    picture!("hosts-80x24-ascii", cockpit);
}

/// The names on the screen, in order.
fn names(cockpit: &Cockpit) -> Vec<String> {
    let screen = cockpit.screen();
    // The first says where one is.
    let rows = screen.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace();
        words
            .find(|word| word.starts_with("web-"))
            .map(str::to_owned)
    });
    rows.collect()
}

#[test]
fn problems_come_first_and_typing_narrows() {
    let mut cockpit = hosts();
    cockpit.resize(100, 17);
    assert_eq!(
        names(&cockpit)[..5],
        ["web-7", "web-4", "web-12", "web-1", "web-2"]
    );
    cockpit.keys("/ n e a r l y");
    assert!(
        names(&cockpit).is_empty(),
        "what is wrong is not typed against"
    );
    cockpit.keys("esc");
    cockpit.keys("/ p r o b l e m enter");
    assert_eq!(names(&cockpit), ["web-4"]);
    assert!(cockpit.model.layers.is_empty());
    assert!(cockpit.screen().contains("/problem 1 of 12"));
    cockpit.keys("esc");
    assert_eq!(names(&cockpit).len(), 12);
    assert_eq!(cockpit.model.screen, Screen::Hosts, "it showed all first");
    cockpit.keys("esc");
    assert_eq!(cockpit.model.screen, Screen::Rollouts);
}

#[test]
fn enter_goes_to_the_deployment_that_runs_there() {
    let mut cockpit = hosts();
    cockpit.keys("/ w e b - 5 enter enter");
    assert_eq!(cockpit.model.screen, Screen::Rollouts);
    let selected = &cockpit.model.selected;
    assert_eq!(selected.deployment, Some(sample::id(sample::LIVE)));
    assert_eq!(selected.instance, Some(sample::name("web-5")));
    assert_eq!(cockpit.model.focus, Pane::Output);
    // Where none runs, the one that was installed last.
    cockpit.keys("H esc / w e b - 6 enter enter");
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::BEFORE))
    );
    // And out again, to where it came from.
    cockpit.keys("esc");
    assert_eq!(cockpit.model.screen, Screen::Hosts);
    assert_eq!(cockpit.model.hosts.selected(), Some(sample::name("web-6")));
}

#[test]
fn a_host_that_falls_silent_moves_up_and_the_selection_stays_on_its_host() {
    let mut cockpit = hosts();
    cockpit.resize(100, 17);
    cockpit.keys("end");
    assert!(
        cockpit
            .screen()
            .contains("\u{276f} \u{2714} ok          web-11")
    );
    let mut silent = sample::status("web-11", sample::facts());
    silent.reachable = false;
    silent.problem = Some("it has gone silent".to_owned());
    cockpit.tell(FeedItem::Host(silent));
    let row = "\u{276f} \u{2716} unreachable web-11";
    assert!(cockpit.screen().contains(row), "{}", cockpit.screen());
    assert_eq!(names(&cockpit).last().unwrap(), "web-11", "not yet moved");
    // The order follows in a moment, without any message.
    let due = wake(&cockpit.model);
    assert!(due.since(cockpit.model.now).as_millis() <= 250);
    cockpit.silence(250);
    assert_eq!(names(&cockpit)[1], "web-11");
    assert!(cockpit.screen().contains(row));
}

#[test]
fn a_sweep_makes_what_is_known_young_again_but_for_the_silent() {
    let mut cockpit = hosts();
    cockpit.resize(100, 40);
    cockpit.keys("/ w e b - 1 1 enter");
    cockpit.wait(40_000);
    assert!(cockpit.screen().contains("as of 14:02:11 (40 s ago)"));
    cockpit.tell(FeedItem::Swept {
        began: sample::now(38_000),
        unasked: [sample::name("web-1")].into(),
    });
    assert!(
        cockpit.screen().contains("as of 14:02:49"),
        "{}",
        cockpit.screen()
    );
    assert!(!cockpit.screen().contains("s ago"));
    cockpit.keys("esc / w e b - 7 enter");
    assert!(
        cockpit.screen().contains("as of 14:00:31 (2 min ago)"),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("esc / w e b - 1 enter");
    assert!(
        cockpit.screen().contains("as of 14:02:11 (40 s ago)"),
        "{}",
        cockpit.screen()
    );
}

#[test]
fn ten_thousand_hosts_lay_out_only_what_is_visible() {
    let project = sample::project(10_000);
    let run = sample::Run::new(
        &project,
        sample::LIVE,
        "1.8.0",
        sample::now(-1000),
        &sample::ledger(10_000),
    );
    let mut cockpit = Cockpit::with(sample::snapshot(project, &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("H end");
    let screen = cockpit.screen();
    assert!(screen.contains("web-10000") && !screen.contains("web-9000 "));
    cockpit.keys("pgup / w e b - 9 9 9 9");
    assert_eq!(names(&cockpit)[0], "web-9999");
}

#[test]
fn no_size_panics() {
    let mut cockpit = hosts();
    for width in (0..=45).chain((46..=130).step_by(7)) {
        for height in (0..=24).chain([30, 45]) {
            cockpit.resize(width, height);
            cockpit.draw();
        }
    }
    cockpit.keys("pgdn pgup end home up down");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_is_told_the_selection_is_the_same_host(
        told in proptest::collection::vec((1usize..=12, any::<bool>()), 1..20),
        steps in 0usize..12,
    ) {
        let mut cockpit = hosts();
        cockpit.resize(80, 24);
        for _ in 0..steps {
            cockpit.keys("down");
        }
        let cursor = |cockpit: &Cockpit| {
            let screen = cockpit.screen();
            let row = screen.lines().find(|line| line.contains('\u{276f}')).map(str::to_owned);
            let word = |row: String| row.split_whitespace().find(|w| w.starts_with("web-")).map(str::to_owned);
            row.and_then(word)
        };
        let before = cursor(&cockpit);
        prop_assert!(before.is_some());
        for (n, reachable) in told {
            let mut status = sample::status(&format!("web-{n}"), Facts::default());
            status.reachable = reachable;
            status.problem = (!reachable).then(|| "gone".to_owned());
            cockpit.tell(FeedItem::Host(status));
            cockpit.wait(300);
            prop_assert_eq!(cursor(&cockpit), before.clone(), "it is in view, and the same");
        }
    }
}

/// A token is shown to who asked for it, and to nobody who reads the messages later.
#[test]
fn a_host_is_let_join_and_what_it_runs_is_copied() {
    let mut cockpit = hosts();
    cockpit.resize(80, 24);
    let first = cockpit.model.hosts.selected().unwrap();
    cockpit.keys("J");
    cockpit.wait(500);
    cockpit.keys("y");
    let open = "at http://127.0.0.1:";
    assert!(cockpit.screen().contains(open), "{}", cockpit.screen());
    assert_eq!(super::commands::sent(&cockpit), [], "it needs no key");
    cockpit.keys("n");
    let mut project = sample::project(12);
    for host in &mut project.hosts {
        host.address = "https://10.0.0.7:7420".to_owned();
    }
    cockpit.tell(FeedItem::Project {
        project: Box::new(project),
        problems: Vec::new(),
    });
    cockpit.keys("J y");
    assert_eq!(super::commands::sent(&cockpit), [], "typed ahead");
    cockpit.wait(500);
    picture!("invite-80x24", cockpit);
    cockpit.keys("y");
    let invite = Command::InviteHost {
        host: first.clone(),
        replace_key: false,
        authority: None,
        by: "ana".to_owned(),
    };
    assert_eq!(super::commands::sent(&cockpit), [invite]);
    let address = "https://10.0.0.7:7420".to_owned();
    let pass = Pass::Token("T0KEN".to_owned());
    let run = crate::api::invitation::command(&first, &address, &pass);
    cockpit.send(Message::Answered(
        0,
        Ok(Answer::Invited {
            host: first,
            address,
            pass,
            orchestrator: crate::identity::Pin::from_bytes([7; 32]),
            until: sample::now(900_000),
        }),
    ));
    cockpit.keys("y n");
    assert_eq!(cockpit.model.layers.len(), 1, "typed ahead");
    cockpit.wait(500);
    picture!("invitation-80x24", cockpit);
    cockpit.keys("y");
    assert_eq!(cockpit.effects.last(), Some(&Effect::Copy(run)));
    cockpit.keys("esc M");
    let screen = cockpit.screen();
    assert!(screen.contains("asked the terminal to copy"), "{screen}");
    assert!(!screen.contains("T0KEN"), "{screen}");
}
