//! A load generator at a steady rate that never tries again: what fails is counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How a client uses its connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// One connection each, kept alive.
    Kept,
    /// A new connection for each request.
    New,
}

/// What has been counted.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Answers by the name of the backend that gave them.
    pub answers: BTreeMap<String, u64>,
    /// Why requests failed, and how many did.
    pub failures: BTreeMap<String, u64>,
}

impl Count {
    /// Everything that was answered.
    pub fn total(&self) -> u64 {
        self.answers.values().sum()
    }

    /// Everything that was not.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The share of the backends whose name begins so, of all answers.
    pub fn share(&self, prefix: &str) -> f64 {
        let of = self
            .answers
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        let part: u64 = of.map(|(_, count)| count).sum();
        f64::from(u32::try_from(part).unwrap())
            / f64::from(u32::try_from(self.total().max(1)).unwrap())
    }

    /// What has been counted since an earlier count.
    pub fn since(&self, earlier: &Self) -> Self {
        let minus = |now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>| {
            now.iter()
                .map(|(name, count)| (name.clone(), count - then.get(name).unwrap_or(&0)))
                .collect()
        };
        Self {
            answers: minus(&self.answers, &earlier.answers),
            failures: minus(&self.failures, &earlier.failures),
        }
    }
}

/// Requests flow for as long as this lives.
pub struct Load {
    count: Arc<Mutex<Count>>,
    _clients: JoinSet<()>,
}

impl Load {
    /// Sends so many requests a second to the path at this address, by eight clients.
    pub fn start(address: SocketAddr, path: &str, rate: u32, connections: Connections) -> Self {
        const CLIENTS: u32 = 8;
        let count = Arc::new(Mutex::new(Count::default()));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let client = Client {
                address,
                path: path.to_owned(),
                connections,
                kept: None,
                count: Arc::clone(&count),
            };
            clients.spawn(client.run(Duration::from_secs(1) * CLIENTS / rate));
        }
        Self {
            count,
            _clients: clients,
        }
    }

    /// What has been counted so far.
    pub fn count(&self) -> Count {
        self.count.lock().unwrap().clone()
    }

    /// Waits until what has been counted is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Count) -> bool) -> Count {
        let enough = async {
            loop {
                let count = self.count();
                if wanted(&count) {
                    return count;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_mins(1), enough)
            .await
            .unwrap_or_else(|_| panic!("not within a minute: {:?}", self.count()))
    }

    /// Waits for so many more requests, answered or failed, and answers what was counted of them.
    pub async fn next(&self, requests: u64) -> Count {
        let before = self.count();
        let enough = async {
            loop {
                let since = self.count().since(&before);
                if since.total() + since.failed() >= requests {
                    return since;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_mins(1), enough)
            .await
            .unwrap_or_else(|_| {
                panic!("no {requests} requests within a minute: {:?}", self.count())
            })
    }
}

struct Client {
    address: SocketAddr,
    path: String,
    connections: Connections,
    kept: Option<SendRequest<Empty<Bytes>>>,
    count: Arc<Mutex<Count>>,
}

impl Client {
    async fn run(mut self, pace: Duration) {
        let mut pace = interval(pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let answer = timeout(Duration::from_secs(30), self.ask()).await;
            let answer = answer.unwrap_or_else(|_| Err("no answer".to_owned()));
            if answer.is_err() || self.connections == Connections::New {
                self.kept = None;
            }
            let mut count = self.count.lock().unwrap();
            let entry = match answer {
                Ok(name) => count.answers.entry(name),
                Err(why) => count.failures.entry(why),
            };
            *entry.or_default() += 1;
        }
    }

    async fn ask(&mut self) -> Result<String, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let sender = match &mut self.kept {
            Some(sender) if !sender.is_closed() => sender,
            kept => {
                let stream = TcpStream::connect(self.address)
                    .await
                    .map_err(|e| text(&e))?;
                let (sender, connection) = handshake(TokioIo::new(stream))
                    .await
                    .map_err(|e| text(&e))?;
                tokio::spawn(connection);
                kept.insert(sender)
            }
        };
        let request = hyper::Request::get(&self.path)
            .header("host", self.address.to_string())
            .body(Empty::new())
            .map_err(|e| text(&e))?;
        let answer = sender.send_request(request).await.map_err(|e| text(&e))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|e| text(&e))?;
        if !status.is_success() {
            return Err(format!("status {}", status.as_u16()));
        }
        String::from_utf8(body.to_bytes().to_vec()).map_err(|e| text(&e))
    }
}
