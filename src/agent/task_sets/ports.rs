//! The ports of the tasks on this host: no two tasks get one, whichever agents have them.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::folder::Memory;
use crate::model::task_set::Ports as Range;

/// Who has which port of this agent's.
#[derive(Debug, Default)]
pub struct Ports(Mutex<BTreeMap<u16, PathBuf>>);

/// A port, as long as this or a copy of its descriptor is open: agents on one host come to know each other's by it.
#[derive(Debug)]
pub struct Reservation(pub UnixDatagram);

impl Reservation {
    /// Reserves a port.
    ///
    /// # Errors
    ///
    /// When it is reserved.
    pub fn of(port: u16) -> io::Result<Self> {
        let name = SocketAddr::from_abstract_name(format!("cutover-task-port-{port}"))?;
        UnixDatagram::bind_addr(&name).map(Self)
    }
}

impl Ports {
    /// A port for the task of this folder: the one that it had, if it may not have another one, or that one is free.
    ///
    /// # Errors
    ///
    /// Why there is none, and what to do.
    pub fn choose(
        &self,
        task: &Path,
        memory: &Memory,
        (range, avoid): (Range, &[u16]),
    ) -> Result<u16, String> {
        let mut taken = self.taken();
        taken.retain(|_, other| other != task);
        let had = memory.port;
        if memory.settled {
            free(had).map_err(|error| {
                format!(
                    "its port {had}, at which others know it, cannot be had ({error}): end what listens there; \
                     `ss -ltnp sport = :{had}` says what that is"
                )
            })?;
            taken.insert(had, task.to_owned());
            return Ok(had);
        }
        let mut reason = None;
        let again = Some(had).filter(|had| (range.first..=range.last).contains(had));
        for port in again.into_iter().chain(range.first..=range.last) {
            if taken.contains_key(&port) || avoid.contains(&port) {
                continue;
            }
            match free(port) {
                Ok(()) => {
                    taken.insert(port, task.to_owned());
                    return Ok(port);
                }
                Err(error) => reason = Some(error),
            }
        }
        let reason = reason.map_or(String::new(), |error| format!(" (the last one: {error})"));
        Err(format!(
            "no port of {range} is free on this host{reason}: end what listens there, or give the task definition more ports"
        ))
    }

    /// The task that was found here has this port.
    pub fn keep(&self, task: &Path, port: u16) {
        self.taken().insert(port, task.to_owned());
    }

    /// The task is gone.
    pub fn release(&self, task: &Path) {
        self.taken().retain(|_, other| other != task);
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<u16, PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a task could listen there, on whatever address.
fn free(port: u16) -> io::Result<()> {
    Reservation::of(port)?;
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(port: u16, settled: bool) -> Memory {
        Memory {
            port,
            settled,
            ..Memory::default()
        }
    }

    /// Two ports beside each other that were free just now.
    fn range() -> (Range, [u16; 2]) {
        loop {
            let one = TcpListener::bind("127.0.0.1:0").unwrap();
            let first = one.local_addr().unwrap().port();
            drop(one);
            if let Some(last) = first.checked_add(1)
                && free(first).and_then(|()| free(last)).is_ok()
            {
                return (Range { first, last }, [first, last]);
            }
        }
    }

    #[test]
    fn a_port_is_given_once_and_stays_once_it_is_known() {
        let ports = Ports::default();
        let (range, [first, last]) = range();
        let [one, two, three] = ["/1", "/2", "/3"].map(Path::new);
        assert_eq!(
            ports.choose(one, &memory(0, false), (range, &[])),
            Ok(first)
        );
        assert_eq!(ports.choose(two, &memory(0, false), (range, &[])), Ok(last));
        let none = ports
            .choose(three, &memory(0, false), (range, &[]))
            .unwrap_err();
        assert!(none.contains(&format!("no port of {first}-{last} is free")));
        let others = ports.choose(three, &memory(0, false), (range, &[first, last]));
        assert!(others.is_err());
        ports.release(one);
        assert_eq!(
            ports.choose(three, &memory(0, false), (range, &[last])),
            Ok(first)
        );
        ports.release(three);
        assert_eq!(
            ports.choose(one, &memory(first, false), (range, &[])),
            Ok(first)
        );
        // Another agent's task takes it before the first one serves there.
        ports.release(two);
        let other = Reservation::of(first).unwrap();
        assert_eq!(
            ports.choose(one, &memory(first, false), (range, &[])),
            Ok(last)
        );
        let fixed = ports
            .choose(one, &memory(first, true), (range, &[]))
            .unwrap_err();
        assert!(fixed.contains(&format!("its port {first}")), "{fixed}");
        drop(other);
        assert_eq!(
            ports.choose(one, &memory(first, true), (range, &[])),
            Ok(first)
        );
        let listener = TcpListener::bind(("127.0.0.1", first)).unwrap();
        assert_eq!(
            ports.choose(one, &memory(first, false), (range, &[])),
            Ok(last)
        );
        drop(listener);
    }
}
