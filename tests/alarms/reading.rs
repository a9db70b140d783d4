//! Reading an alarm once, as the documents write it, and waiting for what is seen from outside.

use std::path::Path;
use std::time::{Duration, Instant};

use cutover::model::alarm::{AlarmState, Reading};
use cutover::model::connections::AlarmConnection;
use cutover::model::secret::SecretSources;
use cutover::providers::alarms::{AlarmError, Reader};
use cutover::providers::aws::Accounts;
use cutover::providers::secrets::Secrets;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// An alarm as the documents write it.
pub fn alarm(name: &str, source: &str) -> AlarmConnection {
    let text = format!("{{ name: {name}, intervalSeconds: 1, source: {source} }}");
    cutover::model::yaml::from_str(&text).unwrap()
}

/// Reads an alarm once, in this folder.
pub async fn read(folder: &Path, source: &str) -> Result<Reading, AlarmError> {
    let reader = Reader::new(
        Secrets::new(folder, SecretSources::new),
        Accounts::default(),
    )
    .unwrap();
    reader.read(&alarm("tested", source)).await
}

/// What a reading says: the state, and the message.
pub fn said(reading: Result<Reading, AlarmError>) -> (AlarmState, String) {
    let reading = reading.unwrap();
    (reading.state, reading.message)
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        tokio::time::sleep(LOOK).await;
    }
}
