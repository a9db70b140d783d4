//! A group that follows a place: where, when it was looked at, what was seen, and what stands in the way.

use super::{Cockpit, sample};
use crate::api::feed::FeedItem;
use crate::engine::ledger::{Found, Watched};
use crate::model::automatic::{AutomaticDeployment, Look};
use crate::model::project::Project;

const PLACE: &str = "https://artifacts.example/shop/latest.tar.gz";

fn project() -> Project {
    let mut project = sample::project(2);
    project.automatic_deployments = vec![AutomaticDeployment {
        application: sample::name("shop"),
        group: sample::name("production"),
        from: PLACE.parse().unwrap(),
        interval_seconds: 30,
    }];
    project
}

fn run() -> sample::Run {
    let at = sample::now(-20_000);
    let project = sample::project(2);
    sample::Run::new(&project, sample::LIVE, "1.8.0", at, &sample::ledger(2))
}

fn look(from: &str, trouble: Option<&str>) -> FeedItem {
    FeedItem::Look(Look {
        group: sample::production(),
        from: from.to_owned(),
        at: sample::now(-3_000),
        trouble: trouble.map(str::to_owned),
    })
}

#[test]
fn a_group_that_follows_a_place_says_so() {
    let run = run();
    let mut snapshot = sample::snapshot(project(), &run.deployment);
    for (_, ledger) in &mut snapshot.ledgers {
        ledger.watched = Some(Watched {
            from: PLACE.to_owned(),
            mark: Some("etag: \"7fd1\"".to_owned()),
            modified: None,
            digest: None,
            found: Found::Deployed {
                deployment: sample::id(sample::LIVE),
            },
            at: sample::now(-60_000),
        });
    }
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.resize(120, 40);
    let shown = |cockpit: &Cockpit, words: &str| {
        let screen = cockpit.screen();
        assert!(screen.contains(words), "no {words:?} in\n{screen}");
    };
    shown(&cockpit, &format!("follows {PLACE}, not looked at yet"));
    shown(&cockpit, "14:01:11 d-7F3KQ21XB deploys it");
    cockpit.tell(look(PLACE, None));
    shown(&cockpit, "looked at 14:02:08");
    cockpit.tell(look(
        PLACE,
        Some("the server answered 403: access is denied"),
    ));
    shown(&cockpit, "the server answered 403: access is denied");
    // Another place in the documents begins anew.
    cockpit.tell(look("https://elsewhere.example/", Some("gone")));
    shown(&cockpit, "not looked at yet");
    cockpit.resize(80, 24);
    shown(&cockpit, "follows https://artifacts.example");
}

#[test]
fn a_group_that_follows_nothing_says_nothing() {
    let run = run();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(2), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.tell(look(PLACE, Some("gone")));
    assert!(!cockpit.screen().contains("follows"));
}
