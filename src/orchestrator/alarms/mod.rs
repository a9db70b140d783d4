//! Alarms while deployments run: each alarm is polled by one task for all deployments that name it, from the first that does
//! to the last.

pub(super) mod check;
pub(super) mod guard;
mod subscription;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

pub use self::subscription::Subscription;
use super::feed::FeedItem;
use super::lock;
use crate::model::alarm::{AlarmStatus, UNREADABLE_AFTER};
use crate::model::project::Project;
use crate::providers::alarms::{LONGEST, Reader};

/// Whoever knows the documents as they are now.
pub type Current = Arc<dyn Fn() -> Arc<Project> + Send + Sync>;

/// The alarms of a project.
#[derive(Clone, Debug)]
pub struct Alarms(Arc<Shared>);

struct Shared {
    reader: Reader,
    project: Current,
    feed: broadcast::Sender<FeedItem>,
    /// What is known of the alarms that are watched. Each is polled for as long as its sender has receivers.
    watched: Mutex<BTreeMap<String, watch::Sender<AlarmStatus>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarms")
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}

impl Alarms {
    /// No alarm is watched yet. Every poll goes by the documents as they are then; what it finds goes into the feed.
    pub fn new(reader: Reader, project: Current, feed: broadcast::Sender<FeedItem>) -> Self {
        Self(Arc::new(Shared {
            reader,
            project,
            feed,
            watched: Mutex::default(),
        }))
    }

    /// Watches alarms, by the names that `alarmConfiguration` of a group uses, until the subscription is dropped. An alarm
    /// that nobody watched is polled at once; one that is watched already is known as it was polled last. With
    /// `ignore_poll_failure` an alarm that can't be read does not matter.
    ///
    /// An alarm that the project does not define, or no longer, is one that can't be read.
    pub fn watch(
        &self,
        names: impl IntoIterator<Item = impl Into<String>>,
        ignore_poll_failure: bool,
    ) -> Subscription {
        let mut watched = lock(&self.0.watched);
        let mut receivers = BTreeMap::new();
        for name in names {
            let name = name.into();
            let sender = watched.entry(name.clone()).or_insert_with(|| {
                let (sender, _) = watch::channel(AlarmStatus::new(&*name));
                tokio::spawn(self.clone().poll(name.clone(), sender.clone()));
                sender
            });
            receivers.insert(name, sender.subscribe());
        }
        Subscription::new(receivers.into_values().collect(), ignore_poll_failure)
    }

    /// What is known of each alarm that is watched.
    pub fn statuses(&self) -> Vec<AlarmStatus> {
        let watched = lock(&self.0.watched);
        let statuses = watched.values().map(|sender| sender.borrow().clone());
        statuses.collect()
    }

    /// How long a verdict may stay [`Unknown`](crate::model::alarm::Verdict::Unknown) at most: until the polls have failed
    /// that make an alarm unreadable.
    pub fn patience(&self, name: &str) -> Duration {
        let interval = self.interval(name).max(LONGEST);
        interval * (UNREADABLE_AFTER - 1) + LONGEST
    }

    /// Polls an alarm until nobody watches it.
    async fn poll(self, name: String, sender: watch::Sender<AlarmStatus>) {
        loop {
            let began = Instant::now();
            let project = (self.0.project)();
            let alarm = project.connections.alarm(&name);
            let observation = self.0.reader.observe(&name, alarm).await;
            sender.send_modify(|status| status.observe(observation.clone()));
            self.publish(FeedItem::Alarm {
                name: name.clone(),
                observation,
            });
            tokio::select! {
                () = sender.closed() => if self.release(&name, &sender) { return },
                () = tokio::time::sleep_until(began + self.interval(&name)) => {}
            }
        }
    }

    /// Forgets an alarm, unless somebody has come to watch it in this moment.
    fn release(&self, name: &str, sender: &watch::Sender<AlarmStatus>) -> bool {
        let mut watched = lock(&self.0.watched);
        if sender.receiver_count() > 0 {
            return false;
        }
        watched.remove(name);
        let name = name.to_owned();
        // Told under the lock, so that what the next watcher finds comes after it.
        self.publish(FeedItem::AlarmReleased { name });
        true
    }

    fn interval(&self, name: &str) -> Duration {
        let project = (self.0.project)();
        let own = project.connections.alarm(name);
        let seconds = own.and_then(|alarm| alarm.interval_seconds);
        let seconds = seconds.unwrap_or(project.settings.alarms.interval_seconds);
        Duration::from_secs(u64::from(seconds.max(1)))
    }

    fn publish(&self, item: FeedItem) {
        // Nobody listening is no error.
        let _listeners = self.0.feed.send(item);
    }
}
