//! Runs in which the simulation once found a bug, as their tapes: seeds die when a draw is added, tapes say what they were.

use std::rc::Rc;

use cutover::sim::{Bytes, Care, Cast, Setting, Tape, run};

#[track_caller]
fn holds(tape: &str) {
    let bytes = Bytes::from_text(tape).unwrap();
    let care = Care {
        thorough: true,
        ..Care::default()
    };
    let outcome = run(
        &Rc::new(Cast::default()),
        Tape::kept(bytes),
        Setting::default(),
        care,
    );
    assert_eq!(
        outcome.violation.map(|violation| violation.to_string()),
        None
    );
    assert!(outcome.deployments > 0, "the tape makes no deployment");
}

/// A zone of one host under `minimumHealthyHostsPerZone` of two failed although its host had succeeded.
#[test]
fn a_zone_of_one_host_can_keep_its_minimum() {
    holds(include_str!("cases/zone_of_one_host.tape"));
}

/// An instance that started in the same write in which a stop was decided was ordered all the same, and began an event.
#[test]
fn a_stop_decided_with_a_start_begins_nothing() {
    holds(include_str!("cases/stop_with_start.tape"));
}

/// A hook that had taken its call and reported was called once more, because the answer to the call had been lost.
#[test]
fn a_hook_that_has_reported_is_not_called_again() {
    holds(include_str!("cases/hook_has_reported.tape"));
}
