//! What an agent that has joined can do to whoever listens to it, a trick a host.

use std::time::Duration;

use serde_json::json;

use super::agent::{
    Answer, Asked, End, Evil, Trick, bare, chunk, flood, info, json, message, state, stream,
    successes, text,
};

/// What the operator is told of the host.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// The host has this problem.
    Problem(&'static str),
    /// Its clock is far off.
    Clock,
    /// Its part of the deployment is this.
    Status(&'static str),
}

/// Text that a terminal would obey, and paths that lead out of where they are put.
pub const NASTY: &str =
    "\u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}31m\r\n../../../../evil\u{202e}\u{2066}\0\u{8}\u{7f}";

/// The tricks, by the host that does it, and what is said of it.
pub const TRICKS: [(&str, Trick, Told); 37] = [
    ("claims-success", |_, _| None, Told::Status("Succeeded")),
    (
        "does-nothing",
        |asked, _| on_stream(asked, &[]),
        Told::Status("InProgress"),
    ),
    (
        "speaks-for-others",
        speaks_for_others,
        Told::Status("InProgress"),
    ),
    ("unknown-kind", unknown_kind, Told::Problem("can't be read")),
    ("wild-numbers", wild_numbers, Told::Status("Succeeded")),
    (
        "never-ending-end",
        never_ending_end,
        Told::Problem("can't end as Pending"),
    ),
    ("endless-line", endless_line, Told::Problem("too long")),
    ("giant-output", giant_output, Told::Status("InProgress")),
    ("many-starts", many_starts, Told::Status("InProgress")),
    (
        "escapes-in-output",
        escapes_in_output,
        Told::Status("Failed"),
    ),
    (
        "escapes-in-facts",
        escapes_in_facts,
        Told::Status("Succeeded"),
    ),
    (
        "path-for-name",
        path_for_name,
        Told::Problem("can't be read"),
    ),
    (
        "another-name",
        another_name,
        Told::Problem("the agent there is good-1's"),
    ),
    ("giant-answer", giant_answer, Told::Problem("too long")),
    ("endless-answer", endless_answer, Told::Problem("")),
    ("deep-nesting", deep_nesting, Told::Problem("can't be read")),
    ("slow-answer", slow_answer, Told::Problem("time")),
    ("no-answer", no_answer, Told::Problem("time")),
    ("half-answer", half_answer, Told::Problem("")),
    ("web-page", web_page, Told::Problem("can't be read")),
    ("redirect", redirect, Told::Problem("302")),
    ("kept-redirect", kept_redirect, Told::Problem("307")),
    ("endless-continue", endless_continue, Told::Problem("")),
    ("giant-trailers", giant_trailers, Told::Problem("")),
    ("compressed", compressed, Told::Problem("can't be read")),
    ("endless-headers", endless_headers, Told::Problem("")),
    ("huge-length", huge_length, Told::Problem("")),
    ("huge-chunk", huge_chunk, Told::Problem("")),
    ("switches", switches, Told::Problem("")),
    ("no-http", no_http, Told::Problem("")),
    ("wild-clock", wild_clock, Told::Clock),
    ("wild-times", wild_times, Told::Status("Succeeded")),
    ("refuses-loudly", refuses_loudly, Told::Status("Failed")),
    ("breaks-off", breaks_off, Told::Problem("closed the stream")),
    ("no-text", no_text, Told::Problem("")),
    (
        "unknown-events",
        unknown_events,
        Told::Problem("can't be read"),
    ),
    ("slow-bundle", slow_bundle, Told::Status("InProgress")),
];

fn is(asked: &Asked, what: &str) -> bool {
    asked.what.starts_with(what)
}

fn on_agent(asked: &Asked, answer: Answer) -> Option<Answer> {
    is(asked, "GET /v1/agent").then_some(answer)
}

fn on_stream(asked: &Asked, lines: &[String]) -> Option<Answer> {
    is(asked, "GET /v1/stream").then(|| stream(lines))
}

fn raw(bytes: impl Into<Vec<u8>>, ends: End) -> Answer {
    Answer {
        begins: bytes.into(),
        ends,
        ..Answer::default()
    }
}

fn own(evil: &Evil) -> String {
    evil.execution.lock().unwrap().clone()
}

/// As if it were the one that does nothing, and others.
fn speaks_for_others(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let others = ["does-nothing", "good-1", "../../evil", ""];
    let lines = others.map(|other| successes(&own(evil).replace("speaks-for-others", other)));
    on_stream(asked, &lines.concat())
}

fn unknown_kind(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let odd = json!({ "type": "explode", "how": NASTY });
    on_stream(asked, &[message(1, &own(evil), &odd)])
}

fn wild_numbers(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let start = json!({ "type": "eventStarted", "event": "ApplicationStop" });
    let numbers = [u64::MAX, 1, 1, u64::MAX, 0, u64::MAX - 1, 7];
    let mut lines: Vec<String> = numbers
        .iter()
        .map(|seq| message(*seq, &own(evil), &start))
        .collect();
    lines.extend(successes(&own(evil)));
    on_stream(asked, &lines)
}

fn never_ending_end(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let end = json!({ "type": "eventEnded", "event": "ApplicationStop", "status": "Pending", "diagnostics": null });
    let line = message(1, &own(evil), &end) + "\n";
    is(asked, "GET /v1/stream").then(|| flood(&[], &line.repeat(100)))
}

fn endless_line(asked: &Asked, _: &Evil) -> Option<Answer> {
    is(asked, "GET /v1/stream").then(|| flood(&[], &"x".repeat(64 << 10)))
}

fn giant_output(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let said = json!({ "type": "output", "event": "ApplicationStop", "source": "stdout", "text": "x".repeat(8000) });
    // Far ahead, so that each line is a new one.
    let lines: String = (1..100).fold(String::new(), |lines, seq| {
        lines + &message(seq, &own(evil), &said) + "\n"
    });
    is(asked, "GET /v1/stream").then(|| flood(&[], &lines))
}

fn many_starts(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let start = json!({ "type": "eventStarted", "event": "ApplicationStop" });
    let line = message(1, &own(evil), &start) + "\n";
    is(asked, "GET /v1/stream").then(|| flood(&[], &line.repeat(100)))
}

fn escapes_in_output(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let said =
        json!({ "type": "output", "event": "ApplicationStop", "source": "stderr", "text": NASTY });
    let why = json!({ "errorCode": "ScriptFailed", "scriptName": NASTY, "message": NASTY, "logTail": NASTY });
    let failed = json!({ "type": "eventEnded", "event": "BeforeInstall", "status": "Failed", "diagnostics": why });
    let ended = json!({ "type": "ended", "end": "failed" });
    let whats = [said, failed, ended];
    let lines = (2..).zip(&whats);
    let lines: Vec<String> = lines
        .map(|(seq, what)| message(seq, &own(evil), what))
        .collect();
    on_stream(asked, &lines)
}

fn escapes_in_facts(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let mut said = info(&evil.name);
    said["version"] = NASTY.into();
    said["agentId"] = NASTY.into();
    said["facts"] = json!({
        "clock": cutover::clock::now(), "hostname": NASTY, "kernel": NASTY, "architecture": NASTY,
        "os": { "name": NASTY, "id": NASTY, "version": NASTY },
        "disks": [{ "path": NASTY, "total": 1, "free": u64::MAX }],
        "running": [{ "execution": NASTY, "deploymentId": "d-AAAAAAAAA", "applicationName": NASTY,
            "deploymentGroupName": NASTY }],
        "installed": [{ "deploymentGroupId": NASTY, "deploymentId": "d-AAAAAAAAA", "applicationName": NASTY }],
        "problems": [{ "code": NASTY, "message": NASTY, "remedy": NASTY }],
    });
    on_agent(asked, json(&said))
}

fn path_for_name(asked: &Asked, _: &Evil) -> Option<Answer> {
    on_agent(asked, json(&info("../../evil")))
}

fn another_name(asked: &Asked, _: &Evil) -> Option<Answer> {
    on_agent(asked, json(&info("good-1")))
}

fn giant_answer(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let mut said = info(&evil.name);
    said["version"] = "x".repeat(8 << 20).into();
    is(asked, "GET /v1/agent").then(|| json(&said))
}

fn endless_answer(asked: &Asked, _: &Evil) -> Option<Answer> {
    is(asked, "GET /v1/agent").then(|| flood(&["{\"name\":\"".to_owned()], &" ".repeat(64 << 10)))
}

fn deep_nesting(asked: &Asked, _: &Evil) -> Option<Answer> {
    let deep = format!("{{\"facts\":{}", "[".repeat(1 << 20));
    on_agent(asked, text("200 OK", "application/json", &deep))
}

fn slow_answer(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let pause = Duration::from_secs(1);
    on_agent(
        asked,
        Answer {
            pause,
            ..json(&info(&evil.name))
        },
    )
}

fn no_answer(asked: &Asked, _: &Evil) -> Option<Answer> {
    on_agent(asked, raw("", End::Hold))
}

fn half_answer(asked: &Asked, _: &Evil) -> Option<Answer> {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"name\":";
    on_agent(asked, raw(half, End::Close))
}

fn web_page(asked: &Asked, _: &Evil) -> Option<Answer> {
    on_agent(asked, text("200 OK", "text/html", "<h1>It works!</h1>"))
}

/// To where somebody counts those who follow.
pub const ELSEWHERE: u16 = 7999;

fn redirect(asked: &Asked, _: &Evil) -> Option<Answer> {
    let to = format!(
        "302 Found\r\nLocation: http://10.77.0.2:{ELSEWHERE}/v1/agent\r\nContent-Length: 0"
    );
    on_agent(asked, bare(&to))
}

fn kept_redirect(asked: &Asked, _: &Evil) -> Option<Answer> {
    let to = format!(
        "307 Temporary Redirect\r\nLocation: http://10.77.0.2:{ELSEWHERE}/\r\nContent-Length: 0"
    );
    on_agent(asked, bare(&to))
}

fn endless_continue(asked: &Asked, _: &Evil) -> Option<Answer> {
    on_agent(
        asked,
        Answer {
            goes_on: b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000),
            ..Answer::default()
        },
    )
}

fn giant_trailers(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let mut begins =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n".to_vec();
    begins.extend(chunk(&info(&evil.name).to_string()));
    begins.extend(b"0\r\n");
    let answer = Answer {
        begins,
        goes_on: b"X: ../../evil\r\n".repeat(1000),
        ..Answer::default()
    };
    on_agent(asked, answer)
}

/// Whoever unpacked it would have to unpack it again and again.
fn compressed(asked: &Asked, _: &Evil) -> Option<Answer> {
    let zeros = flate2::Compression::fast();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), zeros);
    std::io::Write::write_all(&mut packed, &vec![b' '; 8 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    );
    is(asked, "GET /v1/agent").then(|| raw([head.as_bytes(), &packed].concat(), End::Listen))
}

fn endless_headers(asked: &Asked, _: &Evil) -> Option<Answer> {
    let answer = Answer {
        begins: b"HTTP/1.1 200 OK\r\n".to_vec(),
        goes_on: b"X: y\r\n".repeat(1000),
        ..Answer::default()
    };
    on_agent(asked, answer)
}

fn huge_length(asked: &Asked, _: &Evil) -> Option<Answer> {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551610\r\n\r\n";
    let answer = Answer {
        begins: head.into(),
        goes_on: vec![b'x'; 64 << 10],
        ..Answer::default()
    };
    on_agent(asked, answer)
}

fn huge_chunk(asked: &Asked, _: &Evil) -> Option<Answer> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx";
    on_agent(asked, raw(head, End::Hold))
}

fn switches(asked: &Asked, _: &Evil) -> Option<Answer> {
    let head = "101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil";
    on_agent(asked, bare(head))
}

fn no_http(asked: &Asked, _: &Evil) -> Option<Answer> {
    on_agent(asked, raw(NASTY, End::Close))
}

fn wild_clock(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let mut said = info(&evil.name);
    said["facts"]["clock"] = i64::MAX.into();
    said["facts"]["booted"] = i64::MIN.into();
    said["facts"]["started"] = i64::MIN.into();
    on_agent(asked, json(&said))
}

fn wild_times(asked: &Asked, evil: &Evil) -> Option<Answer> {
    let mut least = true;
    let lines: Vec<String> = successes(&own(evil))
        .iter()
        .map(|line| {
            let mut said: serde_json::Value = serde_json::from_str(line).unwrap();
            least = !least;
            said["at"] = if least { i64::MIN } else { i64::MAX }.into();
            said.to_string()
        })
        .collect();
    on_stream(asked, &lines)
}

fn refuses_loudly(asked: &Asked, _: &Evil) -> Option<Answer> {
    let why = json!({ "message": NASTY.repeat(50_000) }).to_string();
    is(asked, "PUT /v1/executions/").then(|| text("409 Conflict", "application/json", &why))
}

fn breaks_off(asked: &Asked, _: &Evil) -> Option<Answer> {
    is(asked, "GET /v1/stream").then(|| {
        raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            End::Close,
        )
    })
}

fn no_text(asked: &Asked, _: &Evil) -> Option<Answer> {
    let mut begins = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    begins.extend(b"4\r\n\xff\xfe\0\n\r\n");
    is(asked, "GET /v1/stream").then(|| raw(begins, End::Hold))
}

/// More than there are, and none that exists.
fn unknown_events(asked: &Asked, _: &Evil) -> Option<Answer> {
    let event = json!({ "event": NASTY, "status": "Succeeded" });
    let mut said = state(asked.execution());
    said["events"] = vec![event; 10_000].into();
    is(asked, "PUT /v1/executions/").then(|| json(&said))
}

/// It does not have the bundle, and does not take it either.
fn slow_bundle(asked: &Asked, _: &Evil) -> Option<Answer> {
    if is(asked, "HEAD /v1/bundles") {
        return Some(bare("404 Not Found"));
    }
    is(asked, "PUT /v1/bundles").then(|| raw("", End::Hold))
}
