//! Those whom nobody knows: they read nothing, run nothing, and are told apart from those that are known.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutover::identity::{Identity, Known, Pin, client, server};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, ServerConnection, SignatureScheme, StreamOwned};

use crate::world::{PORT, World};

/// Every request that an agent knows, and some that it does not.
const REQUESTS: [(&str, &str); 13] = [
    ("GET", "/v1/agent"),
    (
        "HEAD",
        "/v1/bundles/sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "PUT",
        "/v1/bundles/sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("PUT", "/v1/executions/e"),
    ("POST", "/v1/executions/e/stop"),
    ("POST", "/v1/leases"),
    ("GET", "/v1/stream?after=0"),
    ("GET", "/v1/upstreams/app"),
    ("PUT", "/v1/upstreams/app"),
    ("POST", "/v1/haproxy"),
    ("GET", "/v1/join"),
    ("POST", "/v1/join"),
    ("GET", "/"),
];

/// Believes everybody.
#[derive(Debug)]
struct Anybody;

impl Known for Anybody {
    fn knows(&self, _: &Pin) -> bool {
        true
    }
}

/// Has no key of its own.
#[derive(Debug)]
struct Nameless;

impl ResolvesClientCert for Nameless {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

fn identity() -> Identity {
    let folder = tempfile::tempdir().unwrap();
    Identity::open(&folder.path().join("key.pem")).unwrap()
}

fn connect(to: IpAddr) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::new(to, PORT)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

/// What comes back to a request, if anything does.
fn ask(mut stream: impl std::io::Read + std::io::Write, method: &str, path: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut answer = Vec::new();
    if stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.flush())
        .is_ok()
    {
        // Whoever is turned away finds the connection closed, one way or another.
        let _closed = stream.read_to_end(&mut answer);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn encrypted(to: IpAddr, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("agent.example").unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    StreamOwned::new(connection, connect(to))
}

#[test]
fn without_a_known_key_nothing_is_answered() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let stranger = world.network.machine();
    let to = IpAddr::from(web.ip());
    let answers = stranger.inside(move || {
        let own = Arc::new(client(&identity(), Arc::new(Anybody)).unwrap());
        let mut nameless = ClientConfig::clone(&own);
        nameless.client_auth_cert_resolver = Arc::new(Nameless);
        let nameless = Arc::new(nameless);
        let mut answers = Vec::new();
        for (method, path) in REQUESTS {
            answers.push((method, path, ask(connect(to), method, path)));
            for config in [&own, &nameless] {
                answers.push((method, path, ask(encrypted(to, config), method, path)));
            }
        }
        answers
    });
    for (method, path, answer) in answers {
        assert!(!answer.contains("HTTP/"), "{method} {path}: {answer}");
    }
    assert!(web.trace().is_empty());
    // They have not kept anybody out who is known.
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
}

/// The beginning of a connection that knows no better than this version: what the other end answers first.
fn hello(to: IpAddr, version: [u8; 2]) -> Vec<u8> {
    let suites: [u16; 8] = [
        0xc02f, 0xc030, 0xc02b, 0xc02c, 0xc013, 0xc014, 0x009c, 0x002f,
    ];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(u16::try_from(2 * suites.len()).unwrap().to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    // Curves, formats of points, signatures.
    let extensions: [&[u8]; 3] = [
        &[0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 8, 0, 6, 8, 7, 4, 3, 8, 4],
    ];
    let extensions = extensions.concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut handshake = vec![1, 0];
    handshake.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    handshake.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(handshake.len()).unwrap().to_be_bytes());
    record.extend(handshake);
    let mut stream = connect(to);
    stream.write_all(&record).unwrap();
    let mut answer = vec![0; 7];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn a_scan_finds_tls_1_3_alone() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let to = IpAddr::from(web.ip());
    let answers = world.operator.inside(move || {
        let versions = [[3, 0], [3, 1], [3, 2], [3, 3]];
        versions.map(|version| hello(to, version))
    });
    for answer in answers {
        // An alert, fatal: protocol_version, or handshake_failure.
        assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
        assert!([70, 40].contains(&answer[6]), "{answer:?}");
    }
    let suites = world.operator.inside(move || {
        let own = Arc::new(client(&identity(), Arc::new(Anybody)).unwrap());
        let mut stream = encrypted(to, &own);
        let _turned_away = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
        stream.conn.protocol_version()
    });
    assert_eq!(suites, Some(rustls::ProtocolVersion::TLSv1_3));
}

#[test]
fn a_man_in_the_middle_of_joining_learns_nothing_and_is_noticed() {
    let mut world = World::new();
    let middle = world.network.machine();
    let web = world.host("web-1");
    let address = format!("https://{}:{PORT}", middle.address);
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let at = SocketAddr::new(middle.address.into(), PORT);
    // It gives back what it is given: the only proof that it has.
    let listening = middle.thread(move || {
        let config = Arc::new(server(&identity(), Arc::new(Anybody)).unwrap());
        let listener = TcpListener::bind(at).unwrap();
        for stream in listener.incoming() {
            if ended.load(Ordering::Relaxed) {
                return;
            }
            let stream = stream.unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut said = Vec::new();
            let mut piece = [0; 4096];
            while let Ok(length) = stream.read(&mut piece) {
                if length == 0 {
                    break;
                }
                said.extend_from_slice(&piece[..length]);
                let text = String::from_utf8_lossy(&said).into_owned();
                let answer = if text.starts_with("GET") {
                    "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
                } else if let Some(proof) = text
                    .split("\"secret\":\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next())
                {
                    let body = format!("{{\"proof\":{{\"secret\":\"{proof}\"}}}}");
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                } else {
                    continue;
                };
                said.clear();
                let _gone = stream
                    .write_all(answer.as_bytes())
                    .and_then(|()| stream.flush());
            }
        }
    });
    world.ok(&[
        "hosts",
        "add",
        "web-1",
        "--address",
        &address,
        "--tag",
        "role=web",
    ]);
    world.until_problem("web-1", "is not who was invited");
    let hosts = std::fs::read_to_string(world.project().join(".state/hosts.json")).unwrap();
    assert!(!hosts.contains("\"pin\""), "{hosts}");
    assert!(!web.files().exists());
    over.store(true, Ordering::Relaxed);
    world.operator.inside(move || drop(TcpStream::connect(at)));
    listening.join().unwrap();
}

#[test]
fn a_host_that_was_swapped_is_named_with_both_keys() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let other = world.joined("web-2");
    let address = other.address();
    world.ok(&[
        "hosts",
        "edit",
        "web-2",
        "--address",
        "https://10.77.0.99:7420",
    ]);
    world.ok(&["hosts", "edit", "web-1", "--address", &address]);
    let (known, found) = (web.fingerprint(), other.fingerprint());
    world.until_problem("web-1", &known);
    let problem = world.problem("web-1");
    assert!(
        problem.contains(&found) && problem.contains("somebody else is at"),
        "{problem}"
    );
}

#[test]
fn a_slow_or_silent_stranger_keeps_nobody_out() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let stranger = world.network.machine();
    let to = IpAddr::from(web.ip());
    // More than may come from one address, and none of them says anything.
    let held = stranger.inside(move || (0..200).map(|_| connect(to)).collect::<Vec<_>>());
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    world.until_ok("web-1");
    drop(held);
}
