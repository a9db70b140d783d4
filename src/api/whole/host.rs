//! A host, whole: `cutover hosts NAME`.

use serde_json::{Value, json};

use crate::api::host::HostView;
use crate::model::timestamp::Timestamp;
use crate::text::safe;

/// As it is listed, with what is known of it.
pub fn json(host: HostView<'_>) -> Value {
    json!({
        "host": host.host,
        "state": host.state(),
        "problems": host.problems(),
        "status": host.status,
    })
}

/// The same in words.
pub fn lines(host: HostView<'_>, now: Timestamp, clock: fn(Timestamp) -> String) -> Vec<String> {
    let lines = host.lines(now, clock).into_iter();
    std::iter::once(host.host.name.to_string())
        .chain(lines.map(|line| format!("{:10} {}", line.label, safe(&line.text))))
        .collect()
}
