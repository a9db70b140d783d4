//! Lists that are narrowed and sorted: what is selected is still an id.

use proptest::prelude::*;
use ratatui::buffer::Cell;
use ratatui::style::Modifier;

use super::{Cockpit, sample};
use crate::api::feed::FeedItem;
use crate::api::snapshot::{Snapshot, Summary};
use crate::engine::input::What;
use crate::model::deployment::{DeploymentId, DeploymentStatus};
use crate::tui::lists::List;

fn id(n: usize) -> DeploymentId {
    format!("d-{n:09}").parse().unwrap()
}

/// Deployments of which those in `failed` failed.
fn snapshot(order: &[usize], failed: &[usize]) -> Snapshot {
    let run = sample::failure();
    let mut snapshot = sample::snapshot(sample::project(4), &run.deployment);
    let one = Summary::from(&run.deployment);
    snapshot.active.clear();
    let summary = |n: &usize| Summary {
        deployment_id: id(*n),
        status: if failed.contains(n) {
            DeploymentStatus::Failed
        } else {
            DeploymentStatus::Succeeded
        },
        by: format!("user-{}", n % 3),
        ..one.clone()
    };
    snapshot.deployments = order.iter().map(summary).collect();
    snapshot
}

fn deployments() -> Cockpit {
    let order: Vec<usize> = (0..20).collect();
    let mut cockpit = Cockpit::with(snapshot(&order, &[3, 7, 12]));
    cockpit.resize(120, 50);
    cockpit
}

fn shown(cockpit: &Cockpit) -> Vec<DeploymentId> {
    cockpit.model.lists.deployments.clone()
}

#[test]
fn typing_narrows_and_esc_clears_before_it_leaves() {
    let mut cockpit = deployments();
    cockpit.keys("/ s t a t u s : f a i l");
    assert_eq!(shown(&cockpit), [id(3), id(7), id(12)]);
    assert_eq!(cockpit.model.selected.deployment, Some(id(3)));
    let screen = cockpit.screen();
    assert!(screen.contains("/ status:fail_  3 of 20"), "{screen}");
    cockpit.keys("down enter");
    assert_eq!(cockpit.model.selected.deployment, Some(id(7)));
    assert!(
        cockpit.screen().contains("/status:fail 3 of 20"),
        "it stays visible"
    );
    cockpit.keys("esc");
    assert_eq!(shown(&cockpit).len(), 20);
    assert_eq!(cockpit.model.selected.deployment, Some(id(7)));
    cockpit.keys("esc");
    assert_eq!(
        crate::tui::screens::here(&cockpit.model).to_string(),
        "shop"
    );
}

#[test]
fn the_mode_is_seen_and_changed() {
    let mut cockpit = deployments();
    cockpit.keys("/ d 1 9");
    assert_eq!(shown(&cockpit), [id(19)]);
    assert!(cockpit.screen().contains("fuzzy (tab changes)"));
    cockpit.keys("tab");
    assert_eq!(shown(&cockpit), [], "not a part of any");
    assert!(cockpit.screen().contains("none fits"));
    cockpit.keys("tab");
    assert!(cockpit.screen().contains("regex (tab changes)"));
    cockpit.keys("esc / 1 [ 3 4 ] $");
    assert_eq!(shown(&cockpit), [id(13), id(14)]);
    cockpit.keys("backspace backspace");
    assert!(cockpit.screen().contains("no regular expression"));
}

#[test]
fn where_nothing_fits_nothing_is_selected_and_nothing_acts() {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab / z z z enter S");
    cockpit.wait(1000);
    assert_eq!(cockpit.model.selected.instance, None);
    assert!(cockpit.model.layers.is_empty(), "{}", cockpit.screen());
    cockpit.keys("esc esc h h / z z z enter");
    cockpit.wait(1000);
    assert_eq!(cockpit.model.selected.deployment, None);
    assert!(
        cockpit.screen().contains("/zzz 0 of "),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("s");
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn what_no_longer_fits_stays_while_the_cursor_is_on_it() {
    let mut cockpit = deployments();
    cockpit.keys("/ s t a t u s : f a i l enter j");
    assert_eq!(cockpit.model.selected.deployment, Some(id(7)));
    let order: Vec<usize> = (0..20).collect();
    cockpit.tell(FeedItem::Snapshot(Box::new(snapshot(&order, &[3, 12]))));
    assert_eq!(cockpit.model.selected.deployment, Some(id(7)));
    assert_eq!(shown(&cockpit), [id(3), id(7), id(12)]);
    cockpit.keys("j");
    assert_eq!(shown(&cockpit), [id(3), id(12)]);
}

#[test]
fn what_is_gone_to_is_shown_whatever_the_filter_says() {
    let mut cockpit = deployments();
    cockpit.keys("/ s t a t u s : f a i l enter : d - 0 0 0 0 0 0 0 1 1 enter");
    assert_eq!(cockpit.model.selected.deployment, Some(id(11)));
    assert_eq!(shown(&cockpit).len(), 20);
}

#[test]
fn columns_are_gone_through_inverted_and_ties_break_on_the_id() {
    let mut cockpit = deployments();
    let newest = shown(&cockpit);
    cockpit.keys("i");
    assert_eq!(
        shown(&cockpit),
        newest.iter().rev().cloned().collect::<Vec<_>>()
    );
    cockpit.keys("i O p e r s o n enter");
    assert!(
        cockpit.screen().contains("by person\u{25be}"),
        "{}",
        cockpit.screen()
    );
    let mut wanted: Vec<(usize, DeploymentId)> = (0..20).map(|n| (n % 3, id(n))).collect();
    wanted.sort();
    let wanted: Vec<DeploymentId> = wanted.into_iter().map(|(_, id)| id).collect();
    assert_eq!(shown(&cockpit), wanted);
    cockpit.keys("O a g e enter");
    assert_eq!(shown(&cockpit), newest);
}

#[test]
fn the_column_is_chosen_and_once_more_turns_the_order_round() {
    let mut cockpit = deployments();
    cockpit.keys("O");
    let screen = cockpit.screen();
    let columns = List::Deployments.columns().iter();
    assert!(columns.clone().all(|column| screen.contains(column)));
    let now = screen.lines().find(|line| line.contains("now: once more"));
    assert!(now.unwrap().contains("age"), "{screen}");
    assert!(now.unwrap().contains("\u{25be}"), "{screen}");
    cockpit.keys("s t a t u s enter");
    assert!(cockpit.model.layers.is_empty());
    assert!(cockpit.screen().contains("by status\u{25be}"));
    let sorted = shown(&cockpit);
    // The cursor is on what it is sorted by.
    cockpit.keys("O enter");
    assert!(cockpit.screen().contains("by status\u{25b4}"));
    let round: Vec<_> = sorted.into_iter().rev().collect();
    assert_eq!(shown(&cockpit), round);
    cockpit.keys("O down esc");
    assert_eq!(shown(&cockpit), round, "nothing was chosen");
    // Where there is one order alone there is nothing to choose.
    cockpit.keys("0 O");
    assert!(cockpit.model.layers.is_empty());
}

/// The cockpit of a rollout, with the cursor on an older deployment of the group, and there on an instance.
fn elsewhere() -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab j j j left j");
    assert_eq!(selected(&cockpit), sample::BEFORE);
    cockpit
}

fn selected(cockpit: &Cockpit) -> &str {
    let id = cockpit.model.selected.deployment.as_ref();
    id.map_or("", |id| id.as_str())
}

#[test]
fn whoever_comes_back_finds_what_was_selected_there() {
    let mut cockpit = elsewhere();
    cockpit.keys("left j");
    let group = cockpit.model.selected.group.clone().unwrap();
    assert_eq!(group.to_string(), "shop/staging");
    assert_eq!(selected(&cockpit), "");
    cockpit.keys("k");
    assert_eq!(selected(&cockpit), sample::BEFORE);
    cockpit.keys("right k");
    assert_eq!(selected(&cockpit), sample::LIVE);
    let instance = cockpit.model.selected.instance.clone();
    assert_eq!(instance, Some(sample::name("web-6")));
    // The group of an application, too.
    cockpit.keys("left j left j");
    assert_ne!(cockpit.model.selected.group, Some(group.clone()));
    cockpit.keys("k");
    assert_eq!(cockpit.model.selected.group, Some(group));
    // What its filter hides is not gone to.
    cockpit.keys("right k right j left j right / 7 F 3 enter left k");
    assert_eq!(selected(&cockpit), sample::LIVE);
}

#[test]
fn what_began_or_failed_since_is_not_missed() {
    let mut run = sample::rollout();
    let mut before = sample::snapshot(sample::project(12), &run.deployment);
    let after = before.clone();
    for ledger in &mut before.ledgers {
        ledger.1.active = None;
    }
    before.active.clear();
    let mut cockpit = Cockpit::with(before);
    cockpit.keys("down left down");
    cockpit.tell(FeedItem::Snapshot(Box::new(after)));
    cockpit.keys("up");
    assert_eq!(selected(&cockpit), sample::LIVE);
    // Another instance fails while nobody looks.
    cockpit.keys("right right G left down");
    assert_eq!(selected(&cockpit), sample::BEFORE);
    let known = run.records.len();
    run.fail("web-4");
    for record in run.records.split_off(known) {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    cockpit.keys("up");
    let instance = cockpit.model.selected.instance.clone();
    assert_eq!(
        instance,
        Some(sample::name("web-3")),
        "the first that failed"
    );
}

#[test]
fn what_has_begun_and_ended_since_is_not_missed() {
    let run = sample::rollout();
    let mut snapshot = sample::snapshot(sample::project(12), &run.deployment);
    let mut cockpit = Cockpit::with(snapshot.clone());
    cockpit.keys("down left down");
    let mut ended = snapshot.deployments[2].clone();
    assert_eq!(ended.deployment_id, sample::id(sample::FAILED));
    ended.deployment_id = sample::id("d-8AAAAAAAA");
    snapshot.deployments.insert(0, ended);
    for ledger in &mut snapshot.ledgers {
        ledger.1.active = None;
    }
    cockpit.tell(FeedItem::Snapshot(Box::new(snapshot)));
    cockpit.keys("up");
    assert_eq!(selected(&cockpit), "d-8AAAAAAAA");
}

#[test]
fn another_instance_that_has_failed_since_is_not_missed() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("right G left down");
    let known = run.records.len();
    let target = sample::name("web-3");
    run.command("ana", "", What::Retry { target });
    run.fail("web-4");
    for record in run.records.split_off(known) {
        let deployment = sample::id(sample::LIVE);
        cockpit.tell(FeedItem::Record { deployment, record });
    }
    let whole = &cockpit.model.view.as_ref().unwrap().deployments;
    let overview = whole[&sample::id(sample::LIVE)].overview;
    assert_eq!(overview.failed, 1, "as many as before");
    cockpit.keys("up");
    let instance = cockpit.model.selected.instance.clone();
    assert_eq!(instance, Some(sample::name("web-4")));
}

#[test]
fn instances_are_narrowed_and_sorted_too() {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab / s t a t u s : f a i l enter");
    assert_eq!(cockpit.model.instances().len(), 1);
    assert_eq!(cockpit.model.selected.instance, Some(sample::name("web-3")));
    assert!(cockpit.screen().contains("/status:fail 1 of 12"));
    cockpit.keys("esc O n a m e enter");
    let names: Vec<&str> = cockpit
        .model
        .instances()
        .window(0, 3)
        .map(|t| t.name.as_str())
        .collect();
    assert_eq!(names, ["web-1", "web-10", "web-11"]);
    cockpit.keys("g j");
    assert_eq!(
        cockpit.model.selected.instance,
        Some(sample::name("web-10"))
    );
}

#[test]
fn what_a_list_was_narrowed_by_is_marked_in_its_rows() {
    let mut cockpit = super::commands::rollout();
    cockpit.resize(120, 40);
    let marked = |cockpit: &Cockpit| {
        let buffer = cockpit.draw();
        let underlined = |cell: &&Cell| cell.modifier.contains(Modifier::UNDERLINED);
        let cells = buffer.content.iter().filter(underlined);
        cells.map(Cell::symbol).collect::<String>()
    };
    cockpit.keys("tab");
    assert_eq!(marked(&cockpit), "");
    cockpit.keys("/ b dash 1 2 enter");
    // The cursor's row stays although it fits no more.
    assert_eq!(marked(&cockpit), "b-12");
    cockpit.keys("esc");
    assert_eq!(marked(&cockpit), "");
    // Where nothing has a colour, keys are underlined too.
    cockpit.keys("/ b dash 1 2 enter");
    cockpit.model.theme = *super::MONO;
    assert!(marked(&cockpit).starts_with("b-12"));
}

#[test]
fn the_documentation_has_every_list_and_its_fields() {
    let page = include_str!("../../../docs/cockpit.md");
    for list in List::ALL {
        let row = format!("| {} | ", list.name());
        let row = page.lines().find(|line| line.starts_with(&row)).unwrap();
        let fields = format!("| {} |", list.fields().join(", "));
        assert!(row.ends_with(&fields), "{row}");
        let columns = list.columns().iter().skip(1);
        assert!(columns.clone().all(|column| row.contains(column)), "{row}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_comes_the_selection_is_the_same_or_gone(
        order in Just((0..20).collect::<Vec<usize>>()).prop_shuffle(),
        then in Just((0..20).collect::<Vec<usize>>()).prop_shuffle(),
        failed in proptest::collection::vec(0usize..20, 0..20),
        kept in 1usize..20,
        steps in 0usize..10,
        keys in "[Oi]{0,4}",
        narrowed in any::<bool>(),
    ) {
        let mut cockpit = Cockpit::with(snapshot(&order, &[1, 2, 3, 5, 8, 13]));
        for key in keys.chars() {
            cockpit.keys(if key == 'O' { "O down enter" } else { "i" });
        }
        if narrowed {
            cockpit.keys("/ s t a t u s : f a i l enter");
        }
        for _ in 0..steps {
            cockpit.keys("j");
        }
        let before = cockpit.model.selected.deployment.clone().unwrap();
        let list: Vec<usize> = then.into_iter().take(kept).collect();
        cockpit.tell(FeedItem::Snapshot(Box::new(snapshot(&list, &failed))));
        let after = cockpit.model.selected.deployment.clone();
        if list.iter().any(|n| id(*n) == before) {
            prop_assert_eq!(after, Some(before));
        } else if let Some(after) = after {
            prop_assert_eq!(shown(&cockpit).first().cloned(), Some(after));
        }
    }
}
