//! A thousand agents without work: what meeting them and asking each every five seconds costs the orchestrator. They are the
//! agent's own code, in one process of the benchmark's; only the orchestrator is measured.

use std::time::{Duration, Instant};

use cutover::agent::{Config, serve};
use tokio::net::TcpListener;

use crate::figures::{Aim, Figure, Unit};
use crate::fleet::{Fleet, Speech, all_answer, memory, processor_time};

const HOSTS: usize = 1000;

/// What the kernel counts in is small beside what is used in such a time.
const WINDOW: Duration = Duration::from_secs(40);

/// Before that, everything is done that is done once.
const SETTLING: Duration = Duration::from_secs(10);

struct Measured {
    meeting: f64,
    met: f64,
    share: f64,
    memory: f64,
    own: f64,
}

pub async fn measure() -> Vec<Figure> {
    let plain = one(Speech::Plain).await;
    let tls = one(Speech::Encrypted).await;
    let name = |what: &str| format!("{HOSTS} idle agents: {what}");
    let bytes = |name: String, value| Figure {
        unit: Unit::Bytes,
        ..Figure::time(name, value)
    };
    vec![
        Figure::time(name("processor time to meet all"), tls.meeting).over(plain.meeting),
        Figure::time(name("until all were met"), tls.met).over(plain.met),
        Figure::time(name("processor time a second"), tls.share)
            .over(plain.share)
            .aim(Aim::Seconds(0.02)),
        bytes(name("memory"), tls.memory)
            .over(plain.memory)
            .aim(Aim::Bytes(60e6)),
        // The rest is mapped of the program's file, and shared.
        bytes("  of it, the orchestrator's own".to_owned(), tls.own).over(plain.own),
    ]
}

async fn one(speech: Speech) -> Measured {
    let mut fleet = Fleet::new(speech);
    let mut hosts = Vec::new();
    let mut agents = tokio::task::JoinSet::new();
    for number in 0..HOSTS {
        let key = fleet.join(number);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        hosts.push((listener.local_addr().unwrap().to_string(), key));
        let name = format!("web-{number}").parse().unwrap();
        let config = Config::new(name, fleet.root(number));
        agents.spawn(serve(config, listener, std::future::pending::<()>()));
    }
    fleet.write(&hosts);
    let began = Instant::now();
    let client = fleet.serve().await;
    let bare = processor_time(fleet.pid());
    all_answer(&client, HOSTS).await;
    let met = began.elapsed().as_secs_f64();
    let meeting = processor_time(fleet.pid()) - bare;
    tokio::time::sleep(SETTLING).await;
    let (began, before) = (Instant::now(), processor_time(fleet.pid()));
    tokio::time::sleep(WINDOW).await;
    let used = processor_time(fleet.pid()) - before;
    let measured = Measured {
        meeting,
        met,
        share: used / began.elapsed().as_secs_f64(),
        memory: memory(fleet.pid(), "VmRSS:"),
        own: memory(fleet.pid(), "RssAnon:"),
    };
    assert!(agents.try_join_next().is_none(), "an agent has ended");
    println!("{}: {HOSTS} agents met in {met:.2} s", speech.word());
    measured
}
