//! Heads of requests and answers: what is refused, what is passed on, and what is between two neighbours alone.

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode, Uri, Version};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Why a request is not passed on.
pub(super) type Refusal = (StatusCode, &'static str);

/// Makes the head of a client's request that of the request to a server (RFC 9110 §7.6, RFC 9112 §3.2 and §6). Answers
/// whether it asks for a websocket.
///
/// # Errors
/// If it is not to be passed on.
pub(super) fn to_server(
    head: &mut Parts,
    peer: &HeaderValue,
    behind_proxy: bool,
) -> Result<bool, Refusal> {
    if head.method == Method::CONNECT {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "this is no forward proxy"));
    }
    let headers = &mut head.headers;
    // The library drops the length where both are given, and closes the connection behind the answer. Nothing else may.
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        return Err((StatusCode::BAD_REQUEST, "a body has one length, not two"));
    }
    if let Some(authority) = head.uri.authority() {
        // A request for a whole URL names its host there, whatever the field says.
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|_| (StatusCode::BAD_REQUEST, "the host is malformed"))?;
        headers.insert(HOST, host);
        let path = head.uri.path_and_query().cloned();
        head.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().cloned();
    if hosts.next().is_some() || (host.is_none() && head.version == Version::HTTP_11) {
        let refusal = "a request names its host exactly once";
        return Err((StatusCode::BAD_REQUEST, refusal));
    }
    let websocket = wants_websocket(head);
    let headers = &mut head.headers;
    strip(headers);
    // The router itself asks for the body, by reading it.
    headers.remove(EXPECT);
    if websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    forwarded(headers, peer, host, behind_proxy);
    head.version = Version::HTTP_11;
    Ok(websocket)
}

/// Makes the head of a server's answer that of the answer to the client.
pub(super) fn to_client(headers: &mut HeaderMap, status: StatusCode) {
    if headers.contains_key(TRANSFER_ENCODING) {
        // The body ended by its chunks, whatever this says.
        headers.remove(CONTENT_LENGTH);
    }
    let upgraded = headers
        .get(UPGRADE)
        .filter(|_| status == StatusCode::SWITCHING_PROTOCOLS)
        .cloned();
    strip(headers);
    if let Some(protocol) = upgraded {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

fn wants_websocket(head: &Parts) -> bool {
    let upgrade = head.headers.get(UPGRADE);
    head.method == Method::GET
        && upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && named(&head.headers).any(|name| name.eq_ignore_ascii_case("upgrade"))
}

/// What the field `Connection` names.
fn named(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let fields = headers.get_all(CONNECTION).iter();
    fields
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// Removes what is between two neighbours alone.
fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let ours: Vec<HeaderName> = named(headers)
            .filter_map(|name| name.parse().ok())
            .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
            .collect();
        for name in ours {
            headers.remove(name);
        }
    }
    for name in [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

fn forwarded(
    headers: &mut HeaderMap,
    peer: &HeaderValue,
    host: Option<HeaderValue>,
    behind_proxy: bool,
) {
    if !behind_proxy {
        headers.insert(FORWARDED_FOR, peer.clone());
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
        match host {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
        return;
    }
    let mut chain: Vec<u8> = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(peer.as_bytes());
    let chain = HeaderValue::from_bytes(&chain).unwrap_or_else(|_| peer.clone());
    headers.insert(FORWARDED_FOR, chain);
    let proto = headers.entry(FORWARDED_PROTO);
    proto.or_insert(HeaderValue::from_static("http"));
    if let Some(host) = host {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(
        build: impl FnOnce(hyper::http::request::Builder) -> hyper::http::request::Builder,
    ) -> Parts {
        let request = build(Request::builder()).body(()).unwrap();
        request.into_parts().0
    }

    fn passed(head: &mut Parts, behind_proxy: bool) -> Result<bool, Refusal> {
        to_server(head, &HeaderValue::from_static("10.0.0.9"), behind_proxy)
    }

    #[test]
    fn what_is_between_neighbours_stays_there() {
        let mut head = head(|r| {
            r.uri("/a?b")
                .header("host", "shop.example")
                .header("connection", "close, X-Hop, host")
                .header("x-hop", "1")
                .header("keep-alive", "timeout=5")
                .header("te", "trailers")
                .header("upgrade", "h2c")
                .header("expect", "100-continue")
                .header("accept", "*/*")
                .header("x-forwarded-for", "6.6.6.6")
                .header("x-forwarded-proto", "https")
        });
        assert_eq!(passed(&mut head, false), Ok(false));
        let names: Vec<&str> = head.headers.keys().map(HeaderName::as_str).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            [
                "accept",
                "host",
                "x-forwarded-for",
                "x-forwarded-host",
                "x-forwarded-proto"
            ]
        );
        assert_eq!(head.headers["x-forwarded-for"], "10.0.0.9");
        assert_eq!(head.headers["x-forwarded-proto"], "http");
        assert_eq!(head.headers["x-forwarded-host"], "shop.example");
    }

    #[test]
    fn a_proxy_in_front_is_believed_if_told() {
        let mut head = head(|r| {
            r.header("host", "shop")
                .header("x-forwarded-for", "6.6.6.6")
                .header("x-forwarded-proto", "https")
        });
        assert_eq!(passed(&mut head, true), Ok(false));
        assert_eq!(head.headers["x-forwarded-for"], "6.6.6.6, 10.0.0.9");
        assert_eq!(head.headers["x-forwarded-proto"], "https");
        assert_eq!(head.headers["x-forwarded-host"], "shop");
    }

    #[test]
    fn a_whole_url_names_the_host() {
        let mut head = head(|r| r.uri("http://shop.example/a?b").header("host", "other"));
        assert_eq!(passed(&mut head, false), Ok(false));
        assert_eq!(head.uri, "/a?b");
        assert_eq!(head.headers["host"], "shop.example");
    }

    #[test]
    fn websockets_pass_and_other_upgrades_do_not() {
        let ask = |protocol: &str| {
            head(|r| {
                r.header("host", "a")
                    .header("connection", "keep-alive, Upgrade")
                    .header("upgrade", protocol)
            })
        };
        let mut socket = ask("WebSocket");
        assert_eq!(passed(&mut socket, false), Ok(true));
        assert_eq!(socket.headers["connection"], "upgrade");
        let mut other = ask("h2c");
        assert_eq!(passed(&mut other, false), Ok(false));
        assert!(!other.headers.contains_key("upgrade"));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for mut head in [
            head(|r| r.header("host", "a").header("host", "b")),
            head(|r| r.uri("/")),
            head(|r| {
                r.header("host", "a")
                    .header("transfer-encoding", "chunked")
                    .header("content-length", "3")
            }),
        ] {
            assert_eq!(
                passed(&mut head, false).unwrap_err().0,
                StatusCode::BAD_REQUEST
            );
        }
        let mut connect = head(|r| r.method("CONNECT").uri("a:443"));
        assert_eq!(
            passed(&mut connect, false).unwrap_err().0,
            StatusCode::METHOD_NOT_ALLOWED
        );
    }
}
