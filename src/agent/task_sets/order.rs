//! What may be ordered.

use crate::agent::protocol::TaskSetOrder;

/// So many task sets may have tasks on a host.
pub const SETS: usize = 64;

/// So many tasks of all task sets may be on a host.
pub const TASKS: usize = 256;

/// The longest name of a service or a task definition, in bytes.
const NAME: usize = 1024;

/// Whether an order can be carried out; if not, why, and what to do.
pub fn check(order: &TaskSetOrder) -> Result<(), String> {
    let definition = &order.definition;
    let tasks = usize::try_from(order.count).unwrap_or(usize::MAX);
    if !(1..=TASKS).contains(&tasks) {
        return Err(format!(
            "{tasks} tasks on one host: write a count from 1 to {TASKS}"
        ));
    }
    let ports = usize::from(definition.port.last.saturating_sub(definition.port.first)) + 1;
    if ports < tasks {
        return Err(format!(
            "{tasks} tasks on this host have {} as port, which is too few: write a range such as 8100-8199",
            definition.port
        ));
    }
    let names = [&order.service, &order.task_definition];
    if names
        .iter()
        .any(|name| name.len() > NAME || name.contains('\0'))
    {
        return Err(format!(
            "the names of services and task definitions have at most {NAME} bytes and no NUL"
        ));
    }
    match definition.faults().into_iter().next() {
        None => Ok(()),
        Some((field, why)) => Err(format!("{field}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let order: TaskSetOrder = serde_json::from_value(serde_json::json!({
            "service": "checkout",
            "taskDefinition": "checkout:2",
            "definition": {"run": ["/bin/true"], "port": "8100-8103", "health": "/health"},
            "count": 4,
        }))
        .unwrap();
        assert_eq!(check(&order), Ok(()));
        let refused = |change: &dyn Fn(&mut TaskSetOrder), words: &str| {
            let mut order = order.clone();
            change(&mut order);
            let why = check(&order).unwrap_err();
            assert!(why.contains(words), "{why}");
        };
        refused(&|order| order.count = 0, "from 1 to 256");
        refused(&|order| order.count = 257, "from 1 to 256");
        refused(&|order| order.count = 5, "too few");
        refused(&|order| order.service = "x".repeat(1025), "at most");
        refused(&|order| order.definition.run.clear(), "no program");
        refused(&|order| order.definition.run.push("\0".to_owned()), "NUL");
        for path in ["health", "/a b", "/\r\nHost: other", ""] {
            let wrong = |order: &mut TaskSetOrder| order.definition.health = Some(path.to_owned());
            refused(&wrong, "no path for a health check");
        }
        let folder = |order: &mut TaskSetOrder| order.definition.folder = Some("srv".to_owned());
        refused(&folder, "no absolute path");
        for (name, words) in [
            ("PORT", "sets PORT itself"),
            ("CUTOVER_SCRIPT", "itself"),
            ("A=B", "no variable"),
            ("", "no variable"),
        ] {
            let set = |order: &mut TaskSetOrder| {
                let value = (name.to_owned(), "1".to_owned());
                order.definition.environment.extend([value]);
            };
            refused(&set, words);
        }
    }
}
