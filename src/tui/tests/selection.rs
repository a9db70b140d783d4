//! What is selected is an id: whatever happens to a list, it is unchanged or gone, never another.

use proptest::prelude::*;

use super::{Cockpit, sample};
use crate::api::feed::FeedItem;
use crate::api::snapshot::{Snapshot, Summary};
use crate::model::deployment::DeploymentId;

fn id(n: usize) -> DeploymentId {
    format!("d-{n:09}").parse().unwrap()
}

fn snapshot(order: &[usize]) -> Snapshot {
    let run = sample::failure();
    let mut snapshot = sample::snapshot(sample::project(4), &run.deployment);
    let one = Summary::from(&run.deployment);
    snapshot.active.clear();
    snapshot.deployments = order
        .iter()
        .map(|n| Summary {
            deployment_id: id(*n),
            ..one.clone()
        })
        .collect();
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_reorder_never_selects_another(
        first in Just((0..20).collect::<Vec<usize>>()).prop_shuffle(),
        then in Just((0..20).collect::<Vec<usize>>()).prop_shuffle(),
        kept in 1usize..20,
        steps in 0usize..25,
    ) {
        let mut cockpit = Cockpit::with(snapshot(&first));
        for _ in 0..steps {
            cockpit.keys("j");
        }
        let before = cockpit.model.selected.deployment.clone().unwrap();
        let list: Vec<usize> = then.into_iter().take(kept).collect();
        cockpit.tell(FeedItem::Snapshot(Box::new(snapshot(&list))));
        let after = cockpit.model.selected.deployment.clone().unwrap();
        if list.iter().any(|n| id(*n) == before) {
            prop_assert_eq!(&after, &before);
            prop_assert!(cockpit.screen().contains(before.as_str()), "it is in view");
        } else {
            prop_assert_eq!(after, id(list[0]), "gone: the newest");
        }
    }
}

#[test]
fn ten_thousand_instances_lay_out_only_what_is_visible() {
    let project = sample::project(10_000);
    let ledger = sample::ledger(10_000);
    let run = sample::Run::new(&project, sample::LIVE, "1.8.0", sample::now(-1000), &ledger);
    let mut cockpit = Cockpit::with(sample::snapshot(project, &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab G");
    let screen = cockpit.screen();
    assert!(screen.contains("web-10000") && !screen.contains("web-9000 "));
}
