//! Why a request did not get through, in the operator's words.

use std::error::Error;
use std::io;

use super::HostError;
use super::network::Way;
use crate::identity::Stranger;

/// What went wrong with a request that went this way.
pub(super) fn of(error: &reqwest::Error, way: &Way, address: &str) -> HostError {
    let mut cause: &dyn Error = error;
    loop {
        if let Some(trouble) = tls(cause).and_then(|tls| explain(tls, way, address)) {
            return trouble;
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    HostError::Unreachable {
        address: address.to_owned(),
        reason: innermost(error),
    }
}

/// What is at the bottom of an error: the outermost message of an HTTP client only repeats the address.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// What TLS says, if that is what it is: errors of input and output keep it where `source` does not lead, one in another.
fn tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inside = cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match inside {
        Some(inner) => tls(inner),
        None => cause.downcast_ref(),
    }
}

fn explain(error: &rustls::Error, way: &Way, address: &str) -> Option<HostError> {
    let Way::Pinned { network, host } = way else {
        return None;
    };
    if let Some(Stranger(found)) = Stranger::of(error) {
        let known = network.hosts().key(host);
        let known = known.map_or_else(|| "unknown".to_owned(), |key| key.pin.fingerprint());
        return Some(HostError::Untrusted {
            reason: format!(
                "somebody else is at {address}: {host} has the key {known}, and this is {}",
                found.fingerprint()
            ),
            remedy: format!(
                "if {host} was installed anew, `cutover hosts invite {host} --replace-key` lets it join again; if not, \
                 find out who that is"
            ),
        });
    }
    match error {
        rustls::Error::AlertReceived(_) => Some(way.turned_away("")),
        rustls::Error::InvalidMessage(_) => Some(HostError::Untrusted {
            reason: format!("{address} does not speak TLS"),
            remedy: "start the agent anew on it: one that has joined does; until then its address is an http:// one on \
                     the loopback"
                .to_owned(),
        }),
        _ => None,
    }
}
