//! What stands before the hosts of `checkout`: the router, and the process that sends requests. Both are started again when
//! the lab is opened and they have ended.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use super::counts::Counts;
use super::fleet::{Fleet, LabError, context, not_started};
use super::launch::launch;
use super::process::Process;
use super::record::{Checkout, Gallery, Places, Record, Thumbs};
use super::{checkout, counts, gallery, thumbs};
use crate::model::connections::Router;
use crate::providers::traffic::router::RouterBalancer;

/// Requests a second.
const RATE: u32 = 40;

/// The lowest port that a lab takes, and how many it chooses from.
const LOWEST: u32 = 10_240;
const PORTS: u32 = 22_400;

/// So many ports are between where two labs begin to look.
const BLOCK: u32 = 16;

/// How long the router, and the first answers, may take.
const START: Duration = Duration::from_secs(10);

/// The router's document, below the lab's folder.
pub(super) const DOCUMENT: &str = "router.yaml";

/// Ports that nobody listens on. They are below those that are given to whoever asks for any: nothing that connects somewhere
/// while the lab starts can get one. Labs that start together look in different places.
pub(super) fn free() -> io::Result<(Places, Thumbs, Gallery)> {
    let wanted = 5 + checkout::HOSTS.len() + thumbs::VERSIONS;
    let first = std::process::id().wrapping_mul(BLOCK) % PORTS;
    let ports = (0..PORTS).map(|step| LOWEST + (first + step) % PORTS);
    let ports = ports.filter_map(|port| u16::try_from(port).ok());
    // Held together for a moment.
    let held: Vec<TcpListener> = ports
        .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .take(wanted)
        .collect();
    let mut addresses = held.iter().map(TcpListener::local_addr);
    let mut next = || {
        addresses
            .next()
            .unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()))
    };
    let mut places = Places {
        front: next()?,
        admin: next()?,
        instances: Vec::new(),
    };
    for _ in checkout::HOSTS {
        places.instances.push(next()?);
    }
    let gallery = Gallery {
        front: next()?,
        test: next()?,
        requests: None,
    };
    let thumbs = Thumbs {
        front: next()?,
        versions: addresses.collect::<io::Result<_>>()?,
        process: None,
    };
    Ok((places, thumbs, gallery))
}

/// The router's document: only those that the group's document selects are in service, until a deployment changes that.
pub(super) fn document(
    places: &Places,
    thumbs: Option<&Thumbs>,
    gallery: Option<&Gallery>,
) -> String {
    let mut text = format!(
        "# Requests to checkout come in at `listen`; the orchestrator says at `admin` who gets them.
admin: {}
drainSeconds: 2
routes:
  - name: {}
    listen: {}
    health: {{ path: /health, intervalMillis: 250, rise: 1, fall: 2 }}
    servers:
",
        places.admin,
        checkout::APPLICATION,
        places.front
    );
    for (host, at) in checkout::HOSTS.iter().zip(&places.instances) {
        let service = if checkout::is_written(host) {
            "In"
        } else {
            "Out"
        };
        // Writing to a text can't fail.
        let _ = writeln!(
            text,
            "      - {{ name: {host}, endpoint: '{at}', service: {service} }}"
        );
    }
    text.extend(thumbs.map(thumbs::route));
    text.extend(gallery.map(gallery::routes));
    text
}

impl Fleet {
    /// Whether the lab has `checkout`. One that only a fleet was asked of, or that an older version started, has not.
    pub fn has_checkout(&self) -> bool {
        self.record.checkout.is_some()
    }

    /// Where the router takes requests.
    pub fn front(&self) -> Option<SocketAddr> {
        let checkout = self.record.checkout.as_ref()?;
        Some(checkout.places.front)
    }

    /// Whether the router runs, and whether requests are being sent.
    pub fn traffic(&self) -> (bool, bool) {
        let runs = |process: fn(&Checkout) -> Option<Process>| {
            let checkout = self.record.checkout.as_ref();
            checkout.and_then(process).is_some_and(Process::runs)
        };
        (runs(|c| c.router), runs(|c| c.requests))
    }

    /// Waits until nobody else starts or ends something for the lab, and looks at what they have started.
    pub(super) async fn alone(&mut self) -> Result<Option<File>, LabError> {
        if !self.has_checkout() {
            return Ok(None);
        }
        let document = self.folder.join(DOCUMENT);
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::open(document)?;
            file.lock()?;
            Ok(file)
        });
        let locked = locked
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        let file = locked.map_err(context(format!("{DOCUMENT} of the lab can't be locked")))?;
        if let Some(record) = Record::read(&self.folder) {
            self.record = record;
        }
        Ok(Some(file))
    }

    /// Sees to it that the router runs, if the lab has one, and says whether it had to be started.
    ///
    /// # Errors
    /// If it does not start: perhaps something else took its port meanwhile.
    pub async fn route(&mut self) -> Result<bool, LabError> {
        let _alone = self.alone().await?;
        let Some(checkout) = &mut self.record.checkout else {
            return Ok(false);
        };
        if checkout.router.is_some_and(Process::runs) {
            return Ok(false);
        }
        let log = self.folder.join("router.log");
        let process = launch(&log, |command| {
            command
                .args(["router", "--config"])
                .arg(self.folder.join(DOCUMENT));
        })
        .map_err(context("the router can't be started"))?;
        checkout.router = Some(process);
        let places = checkout.places.clone();
        self.save()?;
        let http = reqwest::Client::builder().build();
        let http =
            http.map_err(|error| context("the router can't be asked")(io::Error::other(error)))?;
        let door = Router {
            admin: format!("http://{}", places.admin),
            route: checkout::APPLICATION.to_owned(),
        };
        let door = RouterBalancer::new(http, &door);
        let deadline = tokio::time::Instant::now() + START;
        while process.runs() && tokio::time::Instant::now() < deadline {
            // Somebody else's router may answer at the same port, while ours finds that it is taken.
            let front = places.front.to_string();
            if door.state().await.is_ok_and(|state| state.listen == front) && process.runs() {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(not_started("the router", log))
    }

    /// Sees to it that requests are sent, if the lab has somebody to answer them, and says whether that had to be started.
    /// Counts begin anew then.
    ///
    /// # Errors
    /// If the process does not start, or counts nothing.
    pub async fn request(&mut self) -> Result<bool, LabError> {
        let _alone = self.alone().await?;
        let Some(checkout) = &mut self.record.checkout else {
            return Ok(false);
        };
        if checkout.requests.is_some_and(Process::runs) {
            return Ok(false);
        }
        let file = self.folder.join(counts::FILE);
        let _there_may_be_none = std::fs::remove_file(&file);
        let log = self.folder.join("requests.log");
        let process = launch(&log, |command| {
            command
                .args([
                    "lab",
                    "requests",
                    "--to",
                    &checkout.places.front.to_string(),
                ])
                .args(["--rate", &RATE.to_string(), "--counts"])
                .arg(&file);
        })
        .map_err(context("the requests can't be started"))?;
        checkout.requests = Some(process);
        self.save()?;
        let deadline = tokio::time::Instant::now() + START;
        while process.runs() && tokio::time::Instant::now() < deadline {
            if Counts::read(&self.folder).is_some() {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(not_started("the process that sends requests", log))
    }
}
