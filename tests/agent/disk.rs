//! Disks that are full or read-only: events fail truthfully, nothing is half-written, and all goes on afterwards.

use std::fs;
use std::io::Write;
use std::time::Duration;

use cutover::agent::protocol::{ExecutionEnd, OutputSource::Stdout, What};
use cutover::identity::command::Verb;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};

use futures_util::{StreamExt as _, stream};

use crate::support::{Host, SmallDisk, appspec, execution, order};

/// Fills a disk to the last byte.
fn fill(path: &std::path::Path) -> u64 {
    let mut file = fs::File::create(path).unwrap();
    let mut written = 0;
    for size in [64 * 1024, 4096, 1] {
        let piece = vec![b'x'; size];
        while let Ok(count @ 1..) = file.write(&piece) {
            written += count as u64;
        }
    }
    written
}

#[tokio::test]
async fn a_full_disk_fails_what_needs_room_and_no_more() {
    let mut host = Host::new();
    let _disk = SmallDisk::mount(&host.config.root.clone(), "size=6m");
    host.start().await;
    let spec = appspec("");
    let big = "something that takes room\n".repeat(80_000);
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/big", &big, 0o644),
    ];
    let revision = host.push("1", &members).await;
    let filler = host.config.root.join("filler");
    fill(&filler);

    let first = order(1, &revision);
    let run = host.run(&first).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let message = run.diagnostics(E::DownloadBundle).message;
    assert!(message.contains("No space left on device"), "{message}");
    let archive = host.deployment(&first).join("deployment-archive");
    assert!(!archive.exists(), "nothing is half there");

    fs::remove_file(&filler).unwrap();
    host.run(&order(2, &revision)).await.succeeded();
    assert_eq!(host.read("/srv/app/big"), big);
}

/// The log has some room of its own on a full disk, and when that is used up as well, it waits.
#[tokio::test]
async fn a_script_that_fills_the_disk_is_reported() {
    let mut host = Host::new();
    let root = host.config.root.clone();
    let _disk = SmallDisk::mount(&root, "size=4m");
    host.start().await;
    let filler = root.join("filler");
    let script = format!(
        "#!/bin/sh\nhead -c 10000000 /dev/zero > {0}\necho full\nseq 1 100000\nexit 7\n",
        filler.display()
    );
    let run = host.script(1, E::BeforeInstall, "", script).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let message = run.diagnostics(E::BeforeInstall).message;
    assert_eq!(message, "the script run.sh failed with exit code 7");
    let sent = run.lines(Stdout).len();
    assert!(sent < 100_000, "output gives way to facts");
    fs::remove_file(&filler).unwrap();
    let run = host
        .script(2, E::BeforeInstall, "", "#!/bin/sh\necho fine\n")
        .await;
    run.succeeded();
    assert_eq!(run.lines(Stdout), ["fine"]);
    let numbers: Vec<_> = run.messages.iter().map(|message| message.seq).collect();
    assert!(
        numbers.windows(2).all(|two| two[0] + 1 == two[1]),
        "no number is missing"
    );
}

/// Nothing that was told is lost, and nothing is told that is not on the disk: the agent waits for a disk that it cannot
/// write, and goes on by itself.
#[tokio::test]
async fn an_agent_waits_for_its_disk() {
    let mut host = Host::new();
    let root = host.config.root.clone();
    let _disk = SmallDisk::mount(&root, "size=6m");
    host.start().await;
    let (gate, spec) = (
        host.path("gate"),
        appspec("hooks:\n  BeforeInstall: [{location: run.sh}]"),
    );
    let script = format!(
        "#!/bin/sh\necho runs\nuntil [ -e {} ]; do sleep 0.02; done\n",
        gate.display()
    );
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", &script, 0o755),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    let mut stream = host.stream(0).await;
    stream
        .wait_for(|what| matches!(what, What::Output { text, .. } if text == "runs"))
        .await;
    // More facts than the reserve holds: stops of executions that are not known here, which have long ids.
    let filler = root.join("filler");
    fill(&filler);
    let stops = (0..900).map(|number| {
        let id = format!("{number}-{}", "x".repeat(390));
        let url = format!("{}/v1/executions/{id}/stop", host.address);
        let (http, signs) = (host.client.clone(), host.signs());
        async move {
            loop {
                let request = http.post(&url).header("content-type", "application/json");
                let answer = request.body(signs(Verb::Stop, &id)).send().await.unwrap();
                // One that hundreds of others have overtaken is signed anew.
                if answer.status() != reqwest::StatusCode::PRECONDITION_FAILED {
                    return answer.status();
                }
            }
        }
    });
    let stops: Vec<_> = stops.collect();
    // Fewer at a time than may overtake each other.
    let stops = stream::iter(stops).buffer_unordered(32).collect::<Vec<_>>();
    let mut stops = tokio::spawn(stops);
    // They wait once the journal does not grow any more.
    let journal = || {
        let segments = fs::read_dir(root.join("log")).unwrap().flatten();
        segments
            .map(|file| file.metadata().unwrap().len())
            .sum::<u64>()
    };
    let before = journal();
    let mut length = before;
    while length == before || length != journal() {
        length = journal();
        let full = tokio::time::timeout(Duration::from_secs(1), &mut stops).await;
        assert!(full.is_err(), "the facts wait for the disk");
    }
    fs::write(&gate, "").unwrap();
    assert_eq!(host.info().await.name.as_str(), "web-1", "it still answers");
    fs::remove_file(&filler).unwrap();
    for status in stops.await.unwrap() {
        assert_eq!(status, reqwest::StatusCode::NOT_FOUND);
    }
    let run = host.finish(&id, &order, 0).await;
    run.succeeded();
    assert_eq!(host.read("/srv/app/a"), "1");
}

#[tokio::test]
async fn a_read_only_disk_fails_install_and_nothing_else() {
    let mut host = Host::new();
    let target = host.path("root");
    let disk = SmallDisk::mount(&target, "size=1m");
    host.start().await;
    let spec = appspec("");
    let members = |text| {
        [
            ("appspec.yml", spec.clone(), 0o644),
            ("files/a", text, 0o644),
        ]
    };
    let push = async |host: &Host, text: &str| {
        let all = members(text.to_owned());
        let all: Vec<_> = all
            .iter()
            .map(|(name, text, mode)| (*name, text.as_str(), *mode))
            .collect();
        host.push(text, &all).await
    };
    let (one, two) = (push(&host, "one").await, push(&host, "two").await);
    host.run(&order(1, &one)).await.succeeded();
    disk.remount("ro");
    let run = host.run(&order(2, &two)).await;
    assert_eq!(run.status(E::DownloadBundle), EventStatus::Succeeded);
    let message = run.diagnostics(E::Install).message;
    assert!(message.contains("Read-only file system"), "{message}");
    assert_eq!(host.read("/srv/app/a"), "one", "what was there is whole");
    disk.remount("rw");
    host.run(&order(3, &two)).await.succeeded();
    assert_eq!(host.read("/srv/app/a"), "two");
}
