//! What pictures and feeds show to somebody who may not see everything.

use axum::http::StatusCode;
use http_body_util::BodyExt as _;

use super::world::{World, caller, deploy, get, owner, post};
use crate::api::caller::Caller;
use crate::api::feed::FeedItem;

/// The first items of a feed, as text, until one of them has this in it.
async fn feed(world: &World, who: &Caller, until: &str, act: impl AsyncFnOnce()) -> String {
    let mut body = world.ask(who, get("/v1/feed")).await.into_body();
    let mut text = String::new();
    let mut act = Some(act);
    while !text.contains(until) {
        let frame = body.frame().await.expect("the feed goes on").unwrap();
        let data = frame.into_data().unwrap();
        text.push_str(std::str::from_utf8(&data).unwrap());
        if text.contains('\n')
            && let Some(act) = act.take()
        {
            act().await;
        }
    }
    text
}

#[tokio::test]
async fn a_picture_shows_ones_own_group_and_not_a_word_of_others() {
    let world = World::new().await;
    let ben = caller("ben", &[]);
    let picture = feed(&world, &ben, "\n", async || {}).await;
    for hidden in ["secret", "vault", "staging", "adam", &world.theirs] {
        assert!(!picture.contains(hidden), "{hidden} in {picture}");
    }
    assert!(picture.contains("production-1") && picture.contains(&world.ours));
    let whole = feed(&world, &caller("vera", &[]), "\n", async || {}).await;
    for seen in ["secret", "vault", "staging", &world.theirs] {
        assert!(whole.contains(seen), "{seen}");
    }
    let (item, _) = whole.split_once('\n').unwrap();
    // Each is told who they are, so that a client need not offer what the door refuses.
    let (part, _) = picture.split_once('\n').unwrap();
    for (item, name) in [(item, "vera"), (part, "ben")] {
        let Ok(FeedItem::Snapshot(snapshot)) = serde_json::from_str(item) else {
            panic!("{item}");
        };
        let person = snapshot.person.unwrap();
        assert_eq!(person.user.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn a_feed_tells_of_ones_own_groups_alone() {
    let world = World::new().await;
    let ben = caller("ben", &[]);
    let (stop_ours, stop_theirs) = (stop(&world.ours), stop(&world.theirs));
    let told = feed(&world, &ben, "\"type\":\"stopRequested\"", async || {
        // Theirs first: what comes of it is behind us when ours is told.
        for command in [&deploy("shop", "staging"), &stop_theirs, &stop_ours] {
            let (_, _) = world.answer(&owner(), post("/v1/commands", command)).await;
        }
    })
    .await;
    for hidden in ["secret", "vault", "staging", &world.theirs] {
        assert!(!told.contains(hidden), "{hidden} in {told}");
    }
    assert!(told.contains(&world.ours));
}

#[tokio::test]
async fn a_feed_ends_when_roles_change() {
    let world = World::new().await;
    let mut body = world
        .ask(&caller("ben", &[]), get("/v1/feed"))
        .await
        .into_body();
    let _picture = body.frame().await.unwrap().unwrap();
    world.rewrite("access: { door: /run/cutover/nowhere.sock }\n");
    // Whoever asks has the documents read again.
    let denied = world
        .answer(&owner(), post("/v1/preview", &deploy_body()))
        .await;
    assert_eq!(denied.0, StatusCode::OK, "{denied:?}");
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&data).unwrap();
        assert!(!text.contains("project"), "{text}");
    }
    let (status, _) = world.answer(&caller("ben", &[]), get("/v1/ping")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

fn deploy_body() -> serde_json::Value {
    let group = serde_json::json!({ "application": "shop", "group": "production" });
    serde_json::json!({ "group": group, "revision": "1.0", "by": "x" })
}

fn stop(id: &str) -> crate::orchestrator::command::Command {
    crate::orchestrator::command::Command::stop(id.parse().unwrap(), None, "x")
}
