//! What becomes of a delivery after an attempt. Pure: time and answer come in.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use crate::model::notification::{Delivery, DeliveryStatus, Progress};
use crate::model::timestamp::Timestamp;
use crate::providers::notify::Answer;

/// The longest time between two attempts, unless the receiver asks for more.
const LONGEST: Duration = Duration::from_mins(5);

/// A notification that nobody has taken this long after its event is given up.
const GIVE_UP: Duration = Duration::from_hours(24);

/// How far the delivery has come now that a receiver gave this answer.
pub(super) fn after(delivery: &Delivery, answer: &Answer, now: Timestamp) -> Progress {
    let attempts = delivery.progress.attempts + 1;
    let mut words = answer.words().to_owned();
    let (status, due) = match answer {
        Answer::Taken(_) => (DeliveryStatus::Delivered, now),
        Answer::Refused(_) => (DeliveryStatus::Failed, now),
        Answer::NotNow { wait, .. } => {
            let pause = pause(&delivery.notification.message.id, attempts);
            let due = now + wait.map_or(pause, |asked| asked.max(pause));
            if due.since(delivery.notification.at) > GIVE_UP {
                words = format!("given up after {} h: {words}", GIVE_UP.as_secs() / 3600);
                (DeliveryStatus::Failed, now)
            } else {
                (DeliveryStatus::Pending, due)
            }
        }
    };
    Progress {
        status,
        attempts,
        last_attempt: Some(now),
        last_answer: Some(words),
        due,
    }
}

/// What is left to wait before the next attempt. A clock that was set back while nobody delivered keeps nothing for longer
/// than anything may take.
pub(super) fn left(delivery: &Delivery, now: Timestamp) -> Duration {
    delivery.progress.due.since(now).min(GIVE_UP)
}

/// How long to wait after so many attempts: 1 to 2 s after the first, then twice as long each time, up to five minutes. The
/// notification's id draws the place between, so that not all that failed together come back together.
fn pause(id: &str, attempts: u32) -> Duration {
    let most = Duration::from_secs(2)
        .saturating_mul(1 << (attempts - 1).min(16))
        .min(LONGEST);
    let mut hasher = DefaultHasher::new();
    (id, attempts).hash(&mut hasher);
    let thousandths = u32::try_from(hasher.finish() % 1000).unwrap_or(0);
    most / 2 + most / 2 * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::group::TriggerEvent;
    use crate::model::notification::{Message, Notification};

    const HOUR: i64 = 3_600_000;

    fn delivery(attempts: u32) -> Delivery {
        Delivery {
            notification: Notification {
                message: Message {
                    id: format!("n-{attempts}"),
                    event: "DeploymentStart".to_owned(),
                    body: "{}".to_owned(),
                    sentence: String::new(),
                },
                deployment_id: "d-AAAAAAAAA".parse().unwrap(),
                entry: 2,
                event: TriggerEvent::DeploymentStart,
                target: None,
                trigger: "all".to_owned(),
                receiver: "ops".to_owned(),
                at: Timestamp(0),
            },
            progress: Progress {
                attempts,
                ..Progress::new(Timestamp(0))
            },
        }
    }

    fn not_now(wait: Option<u64>) -> Answer {
        Answer::NotNow {
            why: "503".to_owned(),
            wait: wait.map(Duration::from_secs),
        }
    }

    #[test]
    fn the_pauses_grow_from_a_second_to_five_minutes() {
        let bounds = [
            (1, 2),
            (2, 4),
            (4, 8),
            (8, 16),
            (16, 32),
            (32, 64),
            (64, 128),
            (128, 256),
            (150, 300),
        ];
        for attempts in 0..40 {
            let (least, most) = bounds[(attempts as usize).min(bounds.len() - 1)];
            let progress = after(&delivery(attempts), &not_now(None), Timestamp(0));
            let wait = progress.due.since(Timestamp(0));
            assert!(
                (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&wait),
                "{attempts}: {wait:?}"
            );
            assert_eq!(progress.attempts, attempts + 1);
        }
        let drawn: std::collections::BTreeSet<Duration> =
            (0..20).map(|n| pause(&n.to_string(), 9)).collect();
        assert!(drawn.len() > 15, "{drawn:?}");
    }

    #[test]
    fn what_a_receiver_asks_to_wait_is_waited() {
        let due = |asked| after(&delivery(0), &not_now(Some(asked)), Timestamp(0)).due;
        assert_eq!(due(600), Timestamp(600_000));
        assert!(due(0) >= Timestamp(1000), "a pause in any case");
    }

    #[test]
    fn after_a_day_it_is_given_up_and_what_is_refused_is_at_once() {
        let at = |hours: i64| after(&delivery(9), &not_now(None), Timestamp(hours * HOUR));
        assert_eq!(at(23).status, DeliveryStatus::Pending);
        let late = at(24);
        assert_eq!(late.status, DeliveryStatus::Failed);
        assert_eq!(
            late.last_answer.as_deref(),
            Some("given up after 24 h: 503")
        );
        // Nor is anything kept that could only be sent after its time.
        let asked = after(&delivery(0), &not_now(Some(90_000)), Timestamp(0));
        assert_eq!(asked.status, DeliveryStatus::Failed);

        let refused = after(
            &delivery(0),
            &Answer::Refused("404".to_owned()),
            Timestamp(0),
        );
        assert_eq!(
            (refused.status, refused.attempts),
            (DeliveryStatus::Failed, 1)
        );
        let taken = after(
            &delivery(3),
            &Answer::Taken("200 OK".to_owned()),
            Timestamp(0),
        );
        assert_eq!(
            (taken.status, taken.attempts),
            (DeliveryStatus::Delivered, 4)
        );
    }
}
