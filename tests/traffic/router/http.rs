//! HTTP/1.1 itself: bodies, heads, upgrades, and what clients do wrong.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::origin::{origin, pieces, recorder};
use super::{Proxy, blue, of};
use crate::backend::Backend;

const MEGABYTE: usize = 1024 * 1024;
const LARGE: usize = 100 * MEGABYTE;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Sends these bytes, and answers what comes until the connection is closed.
async fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    to_the_end(&mut stream).await
}

async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    // A reset behind the answer is an end too.
    let ended = read.await;
    assert!(ended.is_ok(), "the connection stays open");
    String::from_utf8(answer).unwrap()
}

/// Reads until this has come.
async fn up_to(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.contains(end) {
        let read = timeout(Duration::from_secs(20), stream.read(&mut buffer));
        let length = read.await.unwrap().unwrap();
        assert!(length > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    text
}

#[tokio::test]
async fn large_bodies_pass_through_and_are_not_held() {
    let proxy = Proxy::start(&[blue("w1", origin().await)], "").await;
    let http = reqwest::Client::new();
    let before = proxy.resident();
    let url = proxy.url(&format!("/large?bytes={LARGE}"));
    let mut answer = http.get(url).send().await.unwrap().bytes_stream();
    let mut got = 0;
    while let Some(piece) = answer.next().await {
        got += piece.unwrap().len();
    }
    assert_eq!(got, LARGE);
    let body = reqwest::Body::wrap_stream(pieces(LARGE));
    let counted = http.post(proxy.url("/count")).body(body).send().await;
    assert_eq!(counted.unwrap().text().await.unwrap(), LARGE.to_string());
    let known = http
        .post(proxy.url("/count"))
        .body(vec![b'x'; 3 * MEGABYTE]);
    let counted = known.send().await.unwrap().text().await.unwrap();
    assert_eq!(counted, (3 * MEGABYTE).to_string());
    let grown = proxy.resident().saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
    // A client that reads nothing holds the server up, not the router's memory.
    let mut lazy = TcpStream::connect(proxy.address).await.unwrap();
    let request = format!("GET /large?bytes={LARGE} HTTP/1.1\r\nhost: a\r\n\r\n");
    lazy.write_all(request.as_bytes()).await.unwrap();
    up_to(&mut lazy, "xxx").await;
    assert_eq!(of(&proxy.state().await, "w1").in_flight, 1);
    let mut proxy = proxy;
    drop(lazy);
    proxy
        .until("the client is gone", |state| of(state, "w1").in_flight == 0)
        .await;
    let grown = proxy.resident().saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
}

#[tokio::test]
async fn websockets_pass_both_ways_and_are_in_flight() {
    const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: abc\r\n\r\n";
    let (address, record) = recorder(SWITCH).await;
    let mut proxy = Proxy::start(&[blue("w1", address)], "").await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let ask = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let head = up_to(&mut stream, "\r\n\r\n").await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("upgrade: websocket"), "{head}");
    assert!(head.contains("sec-websocket-accept: abc"), "{head}");
    for word in ["one", "two"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        assert_eq!(up_to(&mut stream, word).await, word);
    }
    assert_eq!(of(&proxy.state().await, "w1").in_flight, 1);
    drop(stream);
    proxy
        .until("it has ended", |state| of(state, "w1").in_flight == 0)
        .await;
    let seen = record.lock().unwrap().to_lowercase();
    assert!(seen.contains("upgrade: websocket") && seen.contains("sec-websocket-key: k"));
}

#[tokio::test]
async fn heads_are_those_that_a_server_should_see() {
    let proxy = Proxy::start(&[blue("w1", origin().await)], "").await;
    let http = reqwest::Client::new();
    let asked = http
        .post(proxy.url("/heads"))
        .header("host", "shop.example")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("x-forwarded-for", "6.6.6.6")
        .body("four");
    let seen = asked.send().await.unwrap().text().await.unwrap();
    let expected = "accept: */*\ncontent-length: 4\nhost: shop.example\nx-forwarded-for: 127.0.0.1\nx-forwarded-host: shop.example\nx-forwarded-proto: http\nbody: 4";
    assert_eq!(seen, expected);
    let head = http
        .head(proxy.url("/large?bytes=10"))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_length_of_an_answer_to_head_stays() {
    let (address, _) = recorder("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await;
    let proxy = Proxy::start(&[blue("w1", address)], "").await;
    let ask = "HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    for _ in 0..2 {
        let answer = raw(proxy.address, ask).await;
        assert!(answer.contains("content-length: 1234"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_asked_for_its_body() {
    let proxy = Proxy::start(&[blue("w1", origin().await)], "").await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let head = "POST /heads HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let go_on = up_to(&mut stream, "\r\n\r\n").await;
    assert!(go_on.starts_with("HTTP/1.1 100 "), "{go_on}");
    stream.write_all(b"hello").await.unwrap();
    let answer = to_the_end(&mut stream).await;
    assert!(
        answer.contains("200 OK") && answer.ends_with("body: 5"),
        "{answer}"
    );
}

#[tokio::test]
async fn limits_end_what_is_slow_or_too_large() {
    let backend = Backend::start("w1").await;
    let limits = "idleSeconds: 1\nanswerSeconds: 1\nmaxBodyBytes: 1000";
    let servers = [blue("w1", origin().await)];
    let proxy = Proxy::start(&servers, limits).await;
    // A head that never ends.
    let began = Instant::now();
    let answer = raw(proxy.address, "GET / HTTP/1.1\r\nhost: a\r\n").await;
    assert_eq!(answer, "");
    assert!(began.elapsed() >= Duration::from_millis(900));
    // A body that never ends.
    let post = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc";
    let answer = raw(proxy.address, post).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // One that comes in small pieces, each in time, passes.
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        stream.write_all(b"x").await.unwrap();
    }
    let answer = to_the_end(&mut stream).await;
    assert!(answer.ends_with("\r\n\r\n4"), "{answer}");
    // Too much, said before and found out.
    let http = reqwest::Client::new();
    for body in [
        reqwest::Body::from(vec![b'x'; 1001]),
        reqwest::Body::wrap_stream(pieces(1001)),
    ] {
        let answer = http.post(proxy.url("/count")).body(body).send().await;
        assert_eq!(answer.unwrap().status(), 413);
    }
    // A server that does not answer, and one that may not be asked twice.
    proxy.apply(&[blue("w1", backend.address)], None).await;
    let answer = http.get(proxy.url("/?ms=9000")).send().await.unwrap();
    assert_eq!(answer.status(), 504);
    let text = answer.text().await.unwrap();
    assert_eq!(text, "504 w1 did not begin to answer within 1s\n");
    assert_eq!(backend.working(), 1, "asked once");
    // What the client did wrong is not the server's error.
    assert_eq!(of(&proxy.state().await, "w1").errors, 1);
}

#[tokio::test]
async fn what_is_malformed_is_refused() {
    let (address, record) = recorder(OK).await;
    let proxy = Proxy::start(&[blue("w1", address)], "").await;
    let long = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
        "x: 1\r\n".repeat(200)
    );
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost : a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n", "400"),
        ("GET  / HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/9.9\r\nhost: a\r\n\r\n", "400"),
        // HTTP/2 is not spoken: closed without a word.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
        (
            "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\nconnection: close\r\n\r\n",
            "405",
        ),
        (&long, "431"),
        (&many, "431"),
        // Bodies whose end two readers may see at different places.
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3, 4\r\n\r\nabcd",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +3\r\n\r\nabc",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\nabc",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
            "400",
        ),
    ];
    let mut wrong = Vec::new();
    for (request, status) in cases {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        // The router may have refused, and closed, before all of it is sent.
        let _how = stream.write_all(request.as_bytes()).await;
        let mut answer = vec![0; 1024];
        let read = timeout(Duration::from_secs(20), stream.read(&mut answer));
        let length = read.await.unwrap().unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..length]);
        let shown = &request[..request.len().min(120)];
        let got = answer.split(' ').nth(1).unwrap_or_default();
        if got != status {
            wrong.push(format!("{shown:?}: {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let seen = record.lock().unwrap().clone();
    let passed: Vec<&str> = seen.lines().filter(|l| l.contains("HTTP/1")).collect();
    assert!(
        passed.len() <= 1,
        "only a body that turns out malformed: {passed:?}"
    );
}

#[tokio::test]
async fn a_request_with_two_lengths_smuggles_nothing() {
    const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let fields = [
        "content-length: 41\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 41",
        "content-length: 4\r\ntransfer-encoding: chunked",
    ];
    for fields in fields {
        let (address, record) = recorder(OK).await;
        let proxy = Proxy::start(&[blue("w1", address)], "").await;
        let ask = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\n{SMUGGLED}");
        // One answer at most, and the connection is closed behind it: what follows is nobody's request.
        let answer = raw(proxy.address, &ask).await;
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{answer}");
        let seen = record.lock().unwrap().to_lowercase();
        assert!(!seen.contains("smuggled"), "{seen}");
        let lengths = ["content-length:", "transfer-encoding:"].map(|f| seen.matches(f).count());
        assert!(
            lengths.iter().sum::<usize>() <= 1,
            "one length goes on: {seen}"
        );
    }
}

#[tokio::test]
async fn an_answer_with_two_lengths_has_one_behind_the_router() {
    const BOTH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let (address, _) = recorder(BOTH).await;
    let proxy = Proxy::start(&[blue("w1", address)], "").await;
    let ask = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = raw(proxy.address, ask).await;
    assert!(!answer.contains("content-length"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n2\r\nok\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let (address, _) = recorder(OK).await;
    let proxy = Proxy::start(&[blue("w1", address)], "").await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    for _ in 0..3 {
        let ask = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        stream.write_all(ask.as_bytes()).await.unwrap();
        let answer = up_to(&mut stream, "\r\n\r\nok").await;
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    let old = "GET / HTTP/1.0\r\n\r\n";
    let answer = raw(proxy.address, old).await;
    assert!(answer.ends_with("ok"), "{answer}");
}
