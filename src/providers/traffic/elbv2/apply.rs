//! From how target groups are to how they ought to be: in first, then weights, out last.

use std::sync::atomic::Ordering;

use super::groups::Id;
use super::{Elbv2Balancer, Look, MOST};
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{Server, Service, TrafficError, Wanted};

/// A server that is wanted, and the target that it is.
struct Aim<'a> {
    server: &'a Server,
    id: Id,
    /// The group that it is in, or belongs into.
    at: usize,
}

impl Elbv2Balancer {
    /// Does what leads to what is wanted.
    pub(super) async fn put_right(&self, wanted: &Wanted) -> Result<(), TrafficError> {
        self.whole.store(wanted.split.is_none(), Ordering::Relaxed);
        let mut look = self.look().await?;
        let aims = look.aims(wanted).map_err(|reason| self.api.no(reason))?;
        for (at, group) in self.groups.iter().enumerate() {
            let entering = look.not_in(&aims, at);
            if !entering.is_empty() {
                self.api.register(group, &entering).await?;
            }
        }
        // Those that came in are found well, or not yet.
        look = self.look().await?;
        let weights = look.weights(&aims, wanted);
        let shifts = look.shifts(weights.as_deref());
        let leave = (0..self.groups.len()).any(|at| !look.leaving(&aims, at).is_empty());
        if leave || shifts {
            self.can_do_without(&look, &aims, weights.as_deref())?;
        }
        if shifts
            && let (Some(forwards), Some(forward), Some(weights)) =
                (&self.forwards, look.forward.take(), weights)
        {
            let actions = forward.with(&self.groups, &weights);
            self.api.set_actions(forwards, actions).await?;
        }
        for (at, group) in self.groups.iter().enumerate() {
            let leaving = look.leaving(&aims, at);
            if !leaving.is_empty() {
                self.api.deregister(group, &leaving).await?;
            }
        }
        Ok(())
    }

    /// Refuses what would leave requests to nobody.
    fn can_do_without(
        &self,
        look: &Look,
        aims: &[Aim<'_>],
        weights: Option<&[u32]>,
    ) -> Result<(), TrafficError> {
        let Some(weights) = weights else {
            return match look.staying(aims, 0) {
                0 => Err(self.nobody(aims, 0)),
                _ => Ok(()),
            };
        };
        if weights.iter().all(|weight| *weight == 0) {
            return Err(self.nobody(aims, look.heavier()));
        }
        let mut weights = weights.iter().enumerate();
        let empty = weights.find(|(at, weight)| **weight > 0 && look.staying(aims, *at) == 0);
        empty.map_or(Ok(()), |(at, _)| Err(self.nobody(aims, at)))
    }

    /// Nobody would serve in a group: not yet, if somebody is to.
    fn nobody(&self, aims: &[Aim<'_>], at: usize) -> TrafficError {
        let group = self.groups.get(at).map_or("", String::as_str);
        let comes = |aim: &Aim<'_>| aim.server.service == Service::In;
        if aims.iter().any(comes) {
            return self.api.not_yet(format!(
                "no target of {group} is healthy that would stay: nothing is taken out, and nothing is shifted there, before one is"
            ));
        }
        self.api.no(format!(
            "no target would be left in {group}, and its clients would get 503: nothing was taken out; put another server into service first"
        ))
    }
}

impl Look {
    /// Every server with its target and its group.
    fn aims<'a>(&self, wanted: &'a Wanted) -> Result<Vec<Aim<'a>>, String> {
        let servers = &wanted.servers;
        let sides = [Side::Blue, Side::Green].map(|side| self.of_side(side, servers));
        if wanted.split.is_some() && self.forward.is_some() && sides[0] == sides[1] {
            return Err(
                "one target group has instances of both sides: give each side a target group of its own"
                    .to_owned(),
            );
        }
        let mut aims = Vec::new();
        for server in servers {
            let id = match self.kind.id(server) {
                Ok(id) => id,
                Err(reason) if server.service == Service::In => {
                    return Err(format!("{}: {reason}", server.name));
                }
                // What can't be a target is none.
                Err(_) => continue,
            };
            let home = sides[usize::from(server.side == Side::Green)];
            let at = self.groups.place(&id).unwrap_or(home);
            aims.push(Aim { server, id, at });
        }
        Ok(aims)
    }

    /// The group of a side: that which has its servers, or has none of the other's. As they are called if neither tells, with
    /// the one that gets the requests for the original's.
    fn of_side(&self, side: Side, servers: &[Server]) -> usize {
        if self.forward.is_none() {
            return 0;
        }
        let of = |side| {
            let mut servers = servers.iter().filter(|server| server.side == side);
            servers.find_map(|server| self.groups.place(&self.kind.id(server).ok()?))
        };
        let found = of(side).or_else(|| Some(1 - of(side.other())?));
        found.unwrap_or_else(|| match side {
            Side::Blue => self.heavier(),
            Side::Green => 1 - self.heavier(),
        })
    }

    /// The group that gets the most.
    fn heavier(&self) -> usize {
        usize::from(self.weight(1) > self.weight(0))
    }

    /// The split that the weights make, if it is in whole percents.
    pub(super) fn split(&self, servers: &[Server]) -> Option<Split> {
        let weight = |side| self.weight(self.of_side(side, servers)).map(u64::from);
        let (blue, green) = (weight(Side::Blue)?, weight(Side::Green)?);
        let all = blue + green;
        if all == 0 || (green * 100) % all != 0 {
            return None;
        }
        Split::new(u8::try_from(green * 100 / all).ok()?).ok()
    }

    /// Whether these weights, which are not all nothing, differ from those in force.
    fn shifts(&self, weights: Option<&[u32]>) -> bool {
        let both = self.forward.as_ref().zip(weights);
        both.is_some_and(|(forward, weights)| {
            weights.iter().any(|weight| *weight > 0) && !forward.is(weights)
        })
    }

    /// What the groups ought to weigh; `None` where nothing weighs.
    fn weights(&self, aims: &[Aim<'_>], wanted: &Wanted) -> Option<Vec<u32>> {
        self.forward.as_ref()?;
        let Some(split) = wanted.split else {
            let count = |at| {
                u32::try_from(self.serving(aims, at))
                    .unwrap_or(MOST)
                    .min(MOST)
            };
            return Some(vec![count(0), count(1)]);
        };
        let mut weights = vec![u32::from(split.share(Side::Blue)); 2];
        let green = self.of_side(Side::Green, &wanted.servers);
        if let Some(weight) = weights.get_mut(green) {
            *weight = u32::from(split.share(Side::Green));
        }
        Some(weights)
    }

    /// How many targets ought to get requests of a group: of one that gets none now, only if somebody is to come in.
    fn serving(&self, aims: &[Aim<'_>], at: usize) -> usize {
        let comes = |aim: &Aim<'_>| aim.at == at && aim.server.service == Service::In;
        if self.weight(at) == Some(0) && !aims.iter().any(comes) {
            return 0;
        }
        self.staying(aims, at)
    }

    /// How many targets of a group are well and stay.
    fn staying(&self, aims: &[Aim<'_>], at: usize) -> usize {
        let named: Vec<Id> = aims.iter().map(|aim| aim.id.clone()).collect();
        let stay = aims.iter().filter(|aim| {
            let target = self.groups.get(at, &aim.id);
            aim.server.service == Service::In && target.is_some_and(super::groups::Target::serves)
        });
        stay.count() + self.groups.serving_besides(at, &named)
    }

    /// The targets that ought to be in service and are not registered with a group.
    fn not_in(&self, aims: &[Aim<'_>], at: usize) -> Vec<Id> {
        self.of_service(aims, at, |wanted, now| {
            wanted == Service::In && now != Some(Service::In)
        })
    }

    /// The targets that ought to leave a group and have not begun to.
    fn leaving(&self, aims: &[Aim<'_>], at: usize) -> Vec<Id> {
        self.of_service(aims, at, |wanted, now| {
            wanted != Service::In && now == Some(Service::In)
        })
    }

    fn of_service(
        &self,
        aims: &[Aim<'_>],
        at: usize,
        fits: impl Fn(Service, Option<Service>) -> bool,
    ) -> Vec<Id> {
        let fitting = aims.iter().filter(|aim| {
            let now = self.groups.get(at, &aim.id).map(|target| target.service);
            aim.at == at && fits(aim.server.service, now)
        });
        fitting.map(|aim| aim.id.clone()).collect()
    }
}
