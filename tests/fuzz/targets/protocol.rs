//! The messages between orchestrator and agent: what is decoded is encoded and decoded as the same, fields that nobody knows
//! are refused where orders change a host's load balancers, and ignored elsewhere, as newer versions may send them.

use std::fmt::Debug;

use cutover::agent::protocol::{
    AgentInfo, ExecutionState, HaProxyAnswer, HaProxyCommand, Leases, Message, Order, Problem,
    UpstreamOrder, UpstreamState,
};
use cutover::identity::command::Envelope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kind;
use crate::engine::Target;

pub static TARGET: Target = Target {
    name: "protocol",
    seeds: Vec::new,
    examine,
};

fn examine(bytes: &[u8]) -> Result<String, String> {
    let said = [
        one::<Order>(bytes, false)?,
        one::<Message>(bytes, false)?,
        one::<Leases>(bytes, false)?,
        one::<ExecutionState>(bytes, false)?,
        one::<AgentInfo>(bytes, false)?,
        one::<UpstreamOrder>(bytes, true)?,
        one::<UpstreamState>(bytes, false)?,
        one::<HaProxyCommand>(bytes, true)?,
        one::<HaProxyAnswer>(bytes, false)?,
        one::<Problem>(bytes, false)?,
        envelope(bytes)?,
    ];
    Ok(said.join("|"))
}

/// A signed command is kept as it came: what is written of it is read as the same, and its signature is as good as it was.
fn envelope(bytes: &[u8]) -> Result<String, String> {
    let read: Envelope = match serde_json::from_slice(bytes) {
        Ok(read) => read,
        Err(error) => return Ok(kind(&error.to_string()).chars().take(30).collect()),
    };
    let json = serde_json::to_vec(&read).map_err(|error| error.to_string())?;
    let again: Envelope = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    let opened = |one: &Envelope| one.open().map(|said| format!("{said:?}"));
    match (opened(&read), opened(&again)) {
        (Ok(said), Ok(same)) if said == same => Ok("decoded".to_owned()),
        (Err(error), Err(same)) if error.to_string() == same.to_string() => {
            Ok(error.to_string().chars().take(30).collect())
        }
        (first, second) => Err(format!("{first:?}\nis kept as {second:?}")),
    }
}

fn one<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    bytes: &[u8],
    strict: bool,
) -> Result<String, String> {
    let value: T = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return Ok(kind(&error.to_string()).chars().take(30).collect()),
    };
    let json = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
    match serde_json::from_slice::<T>(&json) {
        Ok(read) if read == value => {}
        other => return Err(format!("{value:?}\nis decoded as {other:?}")),
    }
    // A message is one line.
    if json.contains(&b'\n') {
        return Err(format!("{value:?} has several lines"));
    }
    let mut more: Value = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    let Some(fields) = more.as_object_mut() else {
        return Ok("decoded".to_owned());
    };
    // What is one of several kinds has no room for more.
    if serde_json::from_slice::<HaProxyAnswer>(bytes).is_ok() {
        return Ok("decoded".to_owned());
    }
    fields.insert("nobodyKnowsThis".to_owned(), Value::Null);
    match serde_json::from_value::<T>(more) {
        Ok(_) if strict => Err(format!(
            "{value:?} is decoded with a field that nobody knows"
        )),
        Ok(read) if read == value => Ok("decoded".to_owned()),
        Err(_) if strict => Ok("decoded".to_owned()),
        other => Err(format!(
            "{value:?}\nwith a field that nobody knows is {other:?}"
        )),
    }
}

/// Each message has a case in the corpus that is one, or nothing of it would be examined.
#[test]
fn every_message_is_in_the_corpus() {
    let mut decoded = [0_u32; 11];
    for (_, input) in crate::engine::corpus("protocol") {
        let said = examine(&input).unwrap();
        for (count, words) in decoded.iter_mut().zip(said.split('|')) {
            *count += u32::from(words == "decoded");
        }
    }
    assert!(decoded.iter().all(|count| *count > 0), "{decoded:?}");
}
