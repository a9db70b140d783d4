//! What the cockpit says to who opens the lab for the first time, for where its deployments stand.

use crate::tui::{Moment, Step};

const CHECKOUT: &str = "checkout/production";
const SHOP: &str = "shop/production";
const THUMBS: &str = "thumbs/live";
const GALLERY: &str = "gallery/live";

const fn step(group: &'static str, moment: Moment, text: &'static str) -> Step {
    Step {
        group,
        moment,
        text,
    }
}

/// What is said where.
pub(super) const STEPS: [Step; 17] = [
    step(
        CHECKOUT,
        Moment::Waits,
        "Live requests go to checkout 2.0, and 2.1 is installed beside it and waits for them. Press {reroute}: it says what would happen, then moves them.",
    ),
    step(
        CHECKOUT,
        Moment::Keeps,
        "The requests go to 2.1 now. 2.0 is kept for a way back: {roll-back} brings them back to it, {skip-wait} keeps it no longer.",
    ),
    step(
        CHECKOUT,
        Moment::Runs,
        "Traffic moves, and no request is lost. {stop} stops, {pause} pauses, {roll-back} rolls back: each says first what it would do.",
    ),
    step(
        CHECKOUT,
        Moment::Succeeded,
        "Done: `cutover lab status` in another terminal counts every request. Now press {go-to} and type shop: there you can break something.",
    ),
    step(
        CHECKOUT,
        Moment::RolledBack,
        "The requests are back at 2.0. {deploy} deploys again. {go-to}, then shop: hosts in place, and something to break.",
    ),
    step(
        CHECKOUT,
        Moment::Failed,
        "It did not succeed: the lines above say why. {deploy} deploys again, {replay} replays how it went.",
    ),
    step(
        SHOP,
        Moment::Runs,
        "Real agents install it, a few hosts at a time; below is what their scripts say. {stop} stops, {pause} pauses.",
    ),
    step(
        SHOP,
        Moment::Succeeded,
        "Now break something: {deploy} deploys: take 1.2.0-broken. Nothing happens before you have seen what it would do.",
    ),
    step(
        SHOP,
        Moment::Failed,
        "{next-failed} goes to a host that failed, and its output below says why. {roll-back} brings the revision before back.",
    ),
    step(
        SHOP,
        Moment::RolledBack,
        "The revision before is back. {backward} goes back to what failed, and {replay} replays it. {go-to}, then thumbs: a function's traffic.",
    ),
    step(
        THUMBS,
        Moment::Runs,
        "Its traffic goes from one version to the next, a tenth at a time. {pause} holds it there, {share} gives any share.",
    ),
    step(
        THUMBS,
        Moment::Succeeded,
        "{deploy} deploys: take thumbs-3-broken: a check objects at the end, and its traffic comes back by itself.",
    ),
    step(
        THUMBS,
        Moment::Failed,
        "A check objected, and the version before has all of the traffic again. {linked} goes to the rollback.",
    ),
    step(
        THUMBS,
        Moment::RolledBack,
        "The version before has all of the traffic again. {linked} goes to what was rolled back.",
    ),
    step(
        GALLERY,
        Moment::Runs,
        "Four new tasks have a tenth of the traffic, and get the rest after half a minute. {roll-back} gives it back.",
    ),
    step(
        GALLERY,
        Moment::Succeeded,
        "{deploy} deploys: take gallery-3-broken: its tasks never get well, and nobody but you ever hears of it.",
    ),
    step(
        GALLERY,
        Moment::Failed,
        "Its tasks got no traffic: the lines above say why. {replay} replays how it went.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_in_it_is_an_actions() {
        for step in STEPS {
            assert_eq!(step.unknown(), Vec::<&str>::new(), "{}", step.text);
        }
    }
}
