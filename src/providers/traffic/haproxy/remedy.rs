//! What to do about words of `HAProxy` that are known.

/// Parts of what it says, and what to do then.
const REMEDIES: [(&str, &str); 6] = [
    (
        "Permission denied",
        "write `level admin` on the `stats socket` line of haproxy.cfg",
    ),
    (
        "Can't find backend",
        "correct `backend` of the connection, or haproxy.cfg",
    ),
    (
        "No such backend",
        "correct `backend` of the connection, or haproxy.cfg",
    ),
    (
        "Unknown command",
        "this is not the runtime API of HAProxy 2.6 or newer",
    ),
    (
        "static LB algorithm",
        "give the backend a `balance` that takes weights: roundrobin, leastconn or random",
    ),
    (
        "dynamic load balancing",
        "give the backend a `balance` that takes servers: roundrobin, leastconn or random",
    ),
];

/// What to do about an answer, if that is known.
pub(super) fn remedy(answer: &str) -> Option<&'static str> {
    let known = REMEDIES.iter().find(|(part, _)| answer.contains(part));
    known.map(|(_, remedy)| *remedy)
}
