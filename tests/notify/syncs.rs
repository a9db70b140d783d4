//! What notifications cost the disk: nothing.

use crate::hook::{Act, Hook};
use crate::lab::until;
use crate::setting::{EVERY_EVENT, all_are, lab, webhook};
use crate::trace::{Trace, count_syncs};

const HOSTS: usize = 2;

/// Lifecycle events of a deployment to one host.
const EVENTS: usize = 7;

#[test]
fn neither_writing_nor_delivering_them_waits_for_the_disk() {
    let hook = Hook::start([Act::status(503)]);
    let receivers = [webhook("hook", &hook.url())];
    let lab = lab(&["web-1", "web-2"], &receivers, &[("hook", EVERY_EVENT)]);
    lab.push("1.0", "0", None);
    let (first, _) = lab.deploy(&["production", "1.0"]);

    let trace = Trace::of(&lab, "rollout", &[lab.orchestrator()]);
    let (second, code) = lab.deploy(&["production", "1.0"]);
    let commits = count_syncs(&trace.end());
    assert_eq!(code, 0);
    // As without triggers: creation, start and end; and at worst each start and end of an event and each host's end.
    assert!(commits <= 3 + HOSTS * (2 * EVENTS + 1), "{commits} syncs");

    let trace = Trace::of(&lab, "delivery", &[lab.orchestrator()]);
    hook.now_does([Act::status(200)]);
    until("all is delivered", || {
        [&first, &second]
            .iter()
            .all(|id| all_are(&lab, id, "Delivered"))
    });
    let syncs = count_syncs(&trace.end());
    // Twelve were delivered and noted; the journal's log may have been moved into its file meanwhile, which takes two.
    assert!(syncs <= 2, "{syncs} syncs");
}
