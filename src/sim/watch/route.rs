//! The route of a load balancer, kept a second time, with who changed what last.

use super::super::balancer::WEIGHT;
use super::super::shape::Millis;
use crate::providers::traffic::Service;

/// A load balancer's route, as it is in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub servers: Vec<Option<Server>>,
    /// Counts what others changed, and what came to light.
    pub counted: u64,
    /// The count at which the route lost a server last that was not taken out by us.
    pub lost: u64,
    /// The count at which it restarted last, and when.
    pub restarted: (u64, Millis),
    /// The newest count that a keeper has seen.
    pub known: u64,
    /// When something last got in the way of putting things right.
    pub disturbed: Millis,
    /// The count at which somebody else changed how it is split last, and when.
    pub weighed: (u64, Millis),
    /// Whether it is split as somebody else made it, and nobody of ours has put that right yet.
    pub others_split: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Server {
    pub service: Service,
    pub weight: u32,
    pub well: bool,
    /// When each request in flight ends.
    pub flight: Vec<Millis>,
    /// The count at which somebody else changed it last, and when.
    pub touched: (u64, Millis),
    /// Whether it is as somebody else made it, and nobody of ours has put that right yet.
    pub others_did: bool,
    /// The count at which others had it serve last: it was found well, or has a share again.
    pub found: u64,
    /// Whether it is as was asked for before the journal turned to the contrary.
    pub belated: bool,
    /// The deployment that it left with requests in flight last, until that is told.
    pub cut_by: Option<usize>,
}

impl Server {
    /// One that nobody has told anything yet.
    pub fn new(well: bool) -> Self {
        Self {
            service: Service::Out,
            weight: WEIGHT,
            well,
            flight: Vec::new(),
            touched: (0, 0),
            others_did: false,
            found: 0,
            belated: false,
            cut_by: None,
        }
    }

    /// Whether requests come to it.
    pub fn gets_requests(&self) -> bool {
        self.service == Service::In && self.well && self.weight > 0
    }
}

impl Route {
    pub fn server(&self, host: usize) -> Option<&Server> {
        self.servers.get(host)?.as_ref()
    }

    pub fn is_served(&self) -> bool {
        self.servers.iter().flatten().any(Server::gets_requests)
    }

    pub fn is_served_without(&self, host: usize) -> bool {
        let mut servers = self.servers.iter().enumerate();
        servers.any(|(other, server)| {
            other != host && server.as_ref().is_some_and(Server::gets_requests)
        })
    }

    pub fn service(&self, host: usize) -> Service {
        self.server(host)
            .map_or(Service::Out, |server| server.service)
    }

    /// Whether no request is at a server, and none comes: one that still drains by an order that came late has none, either.
    pub fn is_empty_of(&self, host: usize, now: Millis) -> bool {
        self.server(host).is_none_or(|server| {
            let open = server.flight.iter().any(|end| *end > now);
            server.service == Service::Out || (server.service == Service::Draining && !open)
        })
    }

    /// Whether what a server is now is somebody else's doing.
    pub fn is_others_doing(&self, host: usize) -> bool {
        // One that is not there was forgotten, if the load balancer has restarted since the world began.
        let forgotten = self.restarted.0 > 1;
        self.server(host)
            .map_or(forgotten, |server| server.others_did)
    }

    /// Somebody else has changed how it is split.
    pub fn is_split_by_others(&mut self, now: Millis) {
        self.weighed = (self.counted, now);
        self.others_split = true;
    }

    /// Whether somebody else has changed how it is split since a keeper has looked, or since this time.
    pub fn was_weighed(&self, since: Millis) -> bool {
        let (counted, at) = self.weighed;
        counted > self.known || (counted > 1 && at >= since)
    }

    /// Whether a server has changed since a keeper has looked, or since this time: by somebody else, or by what was asked for
    /// before the journal turned to the contrary.
    pub fn has_changed(&self, host: usize, since: Millis) -> bool {
        let server = self.server(host);
        let touched = server.map_or((0, 0), |server| server.touched);
        let (counted, at) = touched.max(self.restarted);
        let belated = server.is_some_and(|server| server.belated);
        counted > self.known || (counted > 1 && at >= since) || belated
    }
}
