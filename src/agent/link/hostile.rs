//! A front that was taken over: whatever it says over its link, nobody but itself is harmed.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::signer::Signer;
use super::*;
use crate::agent::trust::Peer;
use crate::agent::{Agent, Config};
use crate::model::revision::Digest;
use frame::{BODY, HEAD, LONGEST, NAME};
use servant::CHANNELS;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

/// Nothing here takes this long unless it is broken.
const DEADLINE: Duration = Duration::from_secs(30);

/// Whoever an agent that has not joined obeys.
const ROOT: Peer = Peer::User(Some(0));

struct Host {
    scratch: TempDir,
    agent: Agent,
    signer: Signer,
}

impl Host {
    async fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut config = Config::new("web-1".parse().unwrap(), scratch.path().join("agent"));
        config.unpacking.limits.compressed = 1_000_000;
        let agent = Agent::open(config).await.unwrap();
        Self {
            scratch,
            agent,
            signer: Signer::new(),
        }
    }

    /// A front's end of a new link.
    fn link(&self) -> (UnixStream, JoinHandle<()>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let servant = Arc::clone(&self.agent.servant);
        (
            theirs,
            tokio::spawn(async move { servant.serve(ours).await }),
        )
    }

    fn client(&self) -> Client {
        Client::new(self.link().0)
    }

    fn bundles(&self) -> PathBuf {
        self.scratch.path().join("agent/bundles")
    }

    /// Everything that is on this host, with its size.
    fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        let mut folders = vec![self.scratch.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                // What an orchestrator signed is written down, whatever becomes of it.
                if entry.file_name() == "commands" {
                    continue;
                }
                let metadata = entry.metadata().unwrap();
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push((entry.path(), metadata.len()));
                }
            }
        }
        found.sort();
        found
    }

    /// A request with a command in it, which an orchestrator signed.
    fn command(&self, kind: Kind, name: &str, command: &str) -> Request {
        let host = &self.agent.executor.config.name;
        Request {
            name: name.to_owned(),
            body: self.signer.sign(host, None, (kind, name), command),
            ..Request::of(ROOT, kind)
        }
    }

    /// Whether an honest front is answered.
    async fn is_well(&self) {
        let asked = self.client();
        let reply = timeout(DEADLINE, asked.ask(&Request::of(ROOT, Kind::Info))).await;
        let bytes = reply.unwrap().unwrap().whole().await.unwrap();
        let info: crate::agent::protocol::AgentInfo = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(info.name.as_str(), "web-1");
    }
}

/// A channel as a hostile front has it: bytes, not frames.
async fn channel(control: &mut UnixStream) -> UnixStream {
    control.write_all(&[1]).await.unwrap();
    let channel = timeout(DEADLINE, receive(control)).await.unwrap().unwrap();
    let channel = std::os::unix::net::UnixStream::from(channel.unwrap());
    channel.set_nonblocking(true).unwrap();
    UnixStream::from_std(channel).unwrap()
}

/// Says bytes, and answers what comes back until the executor hangs up.
async fn say(channel: &mut UnixStream, bytes: &[u8]) -> Vec<u8> {
    // An executor that has heard enough may have hung up by now.
    let _ = channel.write_all(bytes).await;
    let _ = channel.shutdown().await;
    let mut answer = Vec::new();
    let read = timeout(DEADLINE, channel.read_to_end(&mut answer)).await;
    // A reset says that it did not read everything.
    let _ = read.expect("the executor hangs up");
    answer
}

/// How a request on behalf of a user begins whom the kernel does not name.
const NOBODY: [u8; 1] = [3];

fn framed(tag: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Numbers that look random and are the same in every run.
fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    }
}

#[tokio::test]
async fn bytes_that_make_no_sense_are_hung_up_on() {
    let host = Host::new().await;
    let before = host.files();
    let (mut control, _) = host.link();
    let mut number = numbers(0x1234_5678_9abc_def1);
    for _ in 0..2_000 {
        let length = usize::try_from(number() % 200).unwrap();
        let mut bytes: Vec<u8> = (0..length).map(|_| number().to_be_bytes()[0]).collect();
        // Every other one begins as a request does.
        if number().is_multiple_of(2) && length > HEAD {
            bytes[0] = u8::try_from(number() % 12).unwrap();
            let size = u32::try_from(length - HEAD).unwrap();
            bytes[1..HEAD].copy_from_slice(&size.to_be_bytes());
        }
        let mut channel = channel(&mut control).await;
        let answer = say(&mut channel, &bytes).await;
        let is_info = bytes.first() == Some(&(Kind::Info as u8));
        assert!(
            is_info || !answer.starts_with(&[Status::Done as u8]),
            "{bytes:?}"
        );
    }
    assert_eq!(host.files(), before, "nothing was written");
    host.is_well().await;
}

#[tokio::test]
async fn what_is_too_long_or_of_another_kind_is_not_read() {
    let host = Host::new().await;
    let (mut control, _) = host.link();
    let long = u32::try_from(LONGEST + 1).unwrap().to_be_bytes();
    let name = |length: usize| {
        let mut payload = NOBODY.to_vec();
        payload.extend(u16::try_from(length).unwrap().to_be_bytes());
        payload.resize(NOBODY.len() + 2 + length, b'x');
        payload
    };
    let mut hostile: Vec<(&str, Vec<u8>)> = vec![
        ("a length over the limit", [vec![4], long.to_vec()].concat()),
        ("the longest length there is", vec![4, 255, 255, 255, 255]),
        ("an answer", framed(Status::Done as u8, b"x")),
        ("a piece of nothing", framed(64, b"x")),
        (
            "a name that is too long",
            framed(Kind::Stop as u8, &name(NAME + 1)),
        ),
        ("no name", framed(Kind::Stop as u8, &name(0))),
        (
            "a name beyond its frame",
            framed(Kind::Stop as u8, &[3, 255, 255, b'x']),
        ),
        (
            "a name that is no text",
            framed(Kind::Stop as u8, &[3, 0, 1, 0xff]),
        ),
        (
            "a path as a digest",
            framed(Kind::HasBundle as u8, b"\x03\0\0../../../etc/passwd"),
        ),
        (
            "more than a digest",
            framed(Kind::HasBundle as u8, &[&[3, 0, 0][..], &[7; 33]].concat()),
        ),
        ("a body too many", framed(Kind::Info as u8, b"\x03\0\0{}")),
        ("nobody's wish", framed(Kind::Info as u8, b"\0\0\0")),
        ("an unknown peer", framed(Kind::Info as u8, b"\x04\0\0")),
        ("half a key", framed(Kind::Info as u8, &[1; 30])),
        ("half a user", framed(Kind::Info as u8, &[2, 0, 0])),
        (
            "a question on somebody's behalf",
            framed(Kind::Trust as u8, b"\x03\0\0"),
        ),
    ];
    let known = |tag: &u8| Kind::ALL.iter().any(|kind| *kind as u8 == *tag);
    for tag in (0..=255).filter(|tag| !known(tag)) {
        hostile.push(("an unknown tag", framed(tag, b"\x03\0\0")));
    }
    for (what, bytes) in &hostile {
        let mut channel = channel(&mut control).await;
        let answer = say(&mut channel, bytes).await;
        assert!(answer.is_empty(), "{what} is answered");
    }
    // The longest name and body there are arrive, and are refused for what they say.
    let mut longest = vec![2, 0, 0, 0, 0];
    longest.extend(&name(NAME)[NOBODY.len()..]);
    longest.extend(vec![b'['; BODY]);
    let mut channel = channel(&mut control).await;
    let answer = say(&mut channel, &framed(Kind::Order as u8, &longest)).await;
    assert_eq!(answer[0], Status::Unprocessable as u8);
    host.is_well().await;
}

/// A digest is 32 bytes, and a name is never a path: what looks like one leads nowhere.
#[tokio::test]
async fn no_name_is_a_path() {
    let host = Host::new().await;
    let before = host.files();
    let client = host.client();
    for name in ["../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "x\0y"] {
        for kind in [Kind::Upstream, Kind::ChangeUpstream, Kind::Order] {
            let request = match kind {
                Kind::Upstream => Request {
                    name: name.to_owned(),
                    ..Request::of(ROOT, kind)
                },
                Kind::Order => host.command(kind, name, "{\"deploymentGroupId\":\"../..\"}"),
                _ => host.command(kind, name, "{\"servers\":[],\"remove\":[]}"),
            };
            let reply = client.ask(&request).await.unwrap();
            assert!(reply.status.is_refusal(), "{name} {kind:?}");
        }
    }
    assert_eq!(host.files(), before);
}

#[tokio::test]
async fn a_bundle_is_what_its_digest_says_or_nothing() {
    let host = Host::new().await;
    let before = host.files();
    let client = host.client();
    let bytes = b"a bundle".to_vec();
    let digest = Digest::from_bytes(&Sha256::digest(&bytes));
    let request = Request {
        digest: Some(digest.clone()),
        ..Request::of(ROOT, Kind::Bundle)
    };
    let send = async |pieces: Vec<io::Result<Vec<u8>>>| {
        let pieces = futures_util::stream::iter(pieces);
        client
            .send(&request, pieces)
            .await
            .map(|reply| reply.status)
    };
    let other = vec![Ok(b"another bundle".to_vec())];
    assert_eq!(send(other).await.unwrap(), Status::Unprocessable);
    let longer = vec![Ok(bytes.clone()), Ok(b"!".to_vec())];
    assert_eq!(send(longer).await.unwrap(), Status::Unprocessable);
    let endless = std::iter::repeat_with(|| Ok(vec![0; 100_000])).take(1000);
    assert_eq!(send(endless.collect()).await.unwrap(), Status::TooLarge);
    // One that breaks off, and one that is told to be at its end by an answer.
    assert!(
        send(vec![Ok(bytes.clone()), Err(io::Error::other("gone"))])
            .await
            .is_err()
    );
    let mut raw = host.link().0;
    let mut payload = vec![2, 0, 0, 0, 0, 0, 0];
    payload.extend(digest.to_bytes());
    let mut wrong = framed(Kind::Bundle as u8, &payload);
    wrong.extend(framed(64, &bytes));
    wrong.extend(framed(Status::Done as u8, b""));
    let answer = say(&mut channel(&mut raw).await, &wrong).await;
    assert_eq!(answer[0], Status::Failed as u8);

    let deadline = Instant::now() + DEADLINE;
    while host.files() != before {
        assert!(Instant::now() < deadline, "{:?}", host.files());
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(send(vec![Ok(bytes)]).await.unwrap(), Status::Made);
    assert_eq!(
        std::fs::read(host.bundles().join(digest.as_str())).unwrap(),
        b"a bundle"
    );
}

/// A link in the place of a bundle is nothing that a front can make; one that is there is not written through.
#[tokio::test]
async fn a_bundle_replaces_a_link_and_does_not_follow_it() {
    let host = Host::new().await;
    let bytes = b"a bundle".to_vec();
    let digest = Digest::from_bytes(&Sha256::digest(&bytes));
    let victim = host.scratch.path().join("victim");
    let mut file = std::fs::File::create(&victim).unwrap();
    file.write_all(b"as it was").unwrap();
    std::os::unix::fs::symlink(&victim, host.bundles().join(digest.as_str())).unwrap();
    let request = Request {
        digest: Some(digest),
        ..Request::of(ROOT, Kind::Bundle)
    };
    let pieces = futures_util::stream::iter([Ok(bytes)]);
    let reply = host.client().send(&request, pieces).await.unwrap();
    assert_eq!(reply.status, Status::Made);
    assert_eq!(std::fs::read(&victim).unwrap(), b"as it was");
}

#[tokio::test]
async fn a_front_gets_so_many_channels_and_no_more() {
    let host = Host::new().await;
    let (mut control, _) = host.link();
    let mut held = Vec::new();
    for _ in 0..CHANNELS {
        let mut channel = channel(&mut control).await;
        // They begin to say something, and go no further.
        channel.write_all(&[Kind::Order as u8]).await.unwrap();
        held.push(channel);
    }
    // Thousands more are asked for, as far as the control takes it.
    let _ = control.try_write(&[1; 5_000]);
    let more = timeout(Duration::from_millis(200), receive(&control)).await;
    assert!(more.is_err(), "there are channels without end");
    host.is_well().await;
    // Those that are let go are given to those who wait.
    drop(held.split_off(CHANNELS / 2));
    for _ in 0..CHANNELS / 2 {
        let channel = timeout(DEADLINE, receive(&control)).await.unwrap().unwrap();
        assert!(channel.is_some());
    }
    host.is_well().await;
}

/// An answer that nobody reads is kept by nobody but the one who does not read it.
#[tokio::test]
async fn answers_that_nobody_reads_hold_nobody_up() {
    let host = Host::new().await;
    let (mut control, serving) = host.link();
    let mut held = Vec::new();
    for _ in 0..CHANNELS / 2 {
        let mut channel = channel(&mut control).await;
        let request = framed(Kind::Follow as u8, b"\x02\0\0\0\0\0\x000");
        channel.write_all(&request).await.unwrap();
        held.push(channel);
    }
    host.is_well().await;
    // It ends with its control, and what it asked for with its channels.
    drop(control);
    timeout(DEADLINE, serving).await.unwrap().unwrap();
    drop(held);
    host.is_well().await;
}

/// The whole of it, as the other side reads it.
#[tokio::test]
async fn an_honest_front_is_answered() {
    let host = Host::new().await;
    let client = host.client();
    let closed = client.closed();
    let unknown = Request {
        digest: Some(Digest::from_bytes(&[7; 32])),
        ..Request::of(ROOT, Kind::HasBundle)
    };
    let reply = client.ask(&unknown).await.unwrap();
    assert_eq!(reply.status, Status::Unknown);
    let follow = Request {
        body: b"0".to_vec(),
        ..Request::of(ROOT, Kind::Follow)
    };
    let mut stream = client.ask(&follow).await.unwrap();
    let stop = host.command(Kind::Stop, "d-000000001~web-1~0~1", "null");
    assert_eq!(client.ask(&stop).await.unwrap().status, Status::Unknown);
    // Told to end, the executor ends the stream and the link.
    host.agent.servant.stopping().cancel();
    while let Some(lines) = stream.next().await.unwrap() {
        assert_eq!(lines, b"\n");
    }
    timeout(DEADLINE, closed.cancelled()).await.unwrap();
    assert!(matches!(client.ask(&stop).await, Err(LinkError::Gone)));
}
