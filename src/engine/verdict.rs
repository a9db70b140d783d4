//! Whether a set of targets can still succeed (configurations.md §4.4), and in which words it can't.

use std::time::Duration;

use super::deliberate::{Bug, deliberate};
use super::tally::Tally;
use super::window::Window;
use super::words;
use crate::model::deployment::{ErrorCode, ErrorInformation};
use crate::model::timestamp::Short;

/// Why these targets, all of the fleet or those of a zone, can't succeed any more.
///
/// While targets wait that never started: as soon as no more than the floor can be healthy. When nothing is left to do (or
/// `held`, so that what is being tried again does not count before it has succeeded): if fewer than the minimum are, or
/// none succeeded.
pub(super) fn broken(
    tally: &Tally,
    window: &Window,
    held: bool,
    zone: Option<&String>,
) -> Option<ErrorInformation> {
    let healthy = tally.can_be_healthy();
    let broken = if deliberate(Bug::VerdictWithoutSuccess) {
        false
    } else if tally.fresh() > 0 {
        healthy <= window.floor
    } else if held || tally.is_done() {
        let none = tally.succeeded == 0 && (tally.failed > 0 || zone.is_none());
        tally.total > 0 && (healthy < window.minimum_healthy || none)
    } else {
        false
    };
    broken.then(|| health_constraints(tally, window, zone))
}

/// Every healthy instance is needed and no other is left to start.
pub(super) fn stuck(tally: &Tally, window: &Window) -> ErrorInformation {
    ErrorInformation {
        code: ErrorCode::HealthConstraints,
        message: format!(
            "{} instances are healthy and {} must stay so: none can be taken away for its deployment",
            tally.available_healthy, window.floor
        ),
    }
}

/// Nobody said in time that traffic may move.
pub(super) fn not_continued() -> ErrorInformation {
    ErrorInformation {
        code: ErrorCode::Timeout,
        message:
            "not continued in time: the replacement is ready, and the original keeps all traffic"
                .to_owned(),
    }
}

/// Nobody else approved in time what somebody had asked for.
pub(super) fn not_approved(missing: u32) -> ErrorInformation {
    ErrorInformation {
        code: ErrorCode::Timeout,
        message: format!(
            "not approved in time ({} missing): the replacement is ready, and the original keeps all traffic",
            words::counted(missing, "approval")
        ),
    }
}

/// Not all that ought to leave the load balancers did.
pub(super) fn still_in_service(tally: &Tally) -> String {
    format!(
        "{} of {} could not be taken out of service: look at the load balancers before anything is terminated",
        tally.failed,
        words::instances(tally.total)
    )
}

pub(super) fn timed_out(limit: Duration) -> ErrorInformation {
    ErrorInformation {
        code: ErrorCode::Timeout,
        message: format!("not over within {}", Short(limit)),
    }
}

fn health_constraints(tally: &Tally, window: &Window, zone: Option<&String>) -> ErrorInformation {
    let total = tally.total;
    let place = zone.map_or_else(String::new, |zone| format!(" in zone {zone}"));
    let message = if tally.succeeded == 0 && tally.failed == total {
        format!("no instance{place} succeeded: all {total} failed")
    } else {
        format!(
            "{} of {total} instances{place} failed; at least {} must stay healthy",
            tally.failed, window.minimum_healthy
        )
    };
    let silent = tally.unanswered > 0 && tally.unanswered == tally.failed;
    ErrorInformation {
        code: if silent {
            ErrorCode::AgentIssue
        } else {
            ErrorCode::HealthConstraints
        },
        message: if silent {
            format!("{message}. No agent answered on those that failed: `cutover hosts` says why")
        } else {
            message
        },
    }
}
