//! What the runtime API says of a backend: `show servers state` and `show stat`, joined by server.

use std::collections::BTreeMap;

use super::table::{Line, Table, first_line};
use crate::model::endpoint::Endpoint;
use crate::providers::traffic::Service;

/// Bits of `srv_admin_state`: in maintenance, for whatever reason; and draining. That a server is `disabled` in haproxy.cfg
/// (0x04) stays noted there also when it is in service.
const MAINTENANCE: u32 = 0x01 | 0x02 | 0x20 | 0x40;
const DRAIN: u32 = 0x08 | 0x10;

/// Bits of `srv_check_state`: a check is configured, and it is switched on.
const CONFIGURED: u32 = 0x02;
const ENABLED: u32 = 0x04;

/// A backend's servers, by their names.
pub(super) type Servers = BTreeMap<String, Server>;

/// A server as `HAProxy` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) service: Service,
    pub(super) health: Health,
    /// Why it is not well.
    pub(super) trouble: Option<String>,
    pub(super) endpoint: Endpoint,
    /// The host name that it is configured with.
    pub(super) host_name: Option<String>,
    /// The weight in force, and the one that it was configured or added with.
    pub(super) weight: u32,
    pub(super) configured_weight: u32,
    /// Used only when no other server is there.
    pub(super) backup: bool,
    /// A check is configured and switched off.
    pub(super) check_is_off: bool,
    pub(super) in_flight: u64,
    pub(super) requests: Option<u64>,
    pub(super) errors: Option<u64>,
}

/// What `HAProxy`'s checks found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing looks: it has no check, or is in maintenance.
    Unknown,
    /// It came back and no check has ended since: it is taken for well, and the first failed check changes that.
    Unsettled,
    Well,
    Unwell,
}

impl Server {
    /// Whether it gets requests, now.
    pub(super) fn is_serving(&self) -> bool {
        self.service == Service::In && self.weight > 0 && self.health != Health::Unwell
    }
}

/// Joins the answers of `show servers state BACKEND` and `show stat BACKEND 4 -1`.
///
/// # Errors
/// If one can't be read, with what is wrong with it.
pub(super) fn servers(states: &str, counters: &str) -> Result<Servers, String> {
    let states = Table::blank_separated(states).map_err(|e| format!("show servers state: {e}"))?;
    let counters = Table::comma_separated(counters).map_err(|e| format!("show stat: {e}"))?;
    let counters: BTreeMap<&str, Line> = counters
        .lines()
        .filter_map(|line| Some((line.get("svname")?, line)))
        .collect();
    let read = |state: Line| {
        let name = state.text("srv_name")?;
        let Some(stat) = counters.get(name) else {
            // It was added or deleted between the two.
            return Ok(None);
        };
        let server = server(state, *stat).map_err(|e| format!("{name}: {e}"))?;
        Ok(Some((name.to_owned(), server)))
    };
    states.lines().filter_map(|s| read(s).transpose()).collect()
}

fn server(state: Line, stat: Line) -> Result<Server, String> {
    let admin: u32 = state.number("srv_admin_state")?;
    let service = match admin {
        _ if admin & MAINTENANCE != 0 => Service::Out,
        _ if admin & DRAIN != 0 => Service::Draining,
        _ => Service::In,
    };
    let check: u32 = state.number("srv_check_state")?;
    let health = health(service, state, stat)?;
    let sum = |columns: &[&str]| {
        let numbers = columns
            .iter()
            .filter_map(|c| stat.optional::<u64>(c).transpose());
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        Ok::<_, String>((!numbers.is_empty()).then(|| numbers.iter().sum()))
    };
    let requests = match stat.optional("req_tot")? {
        Some(requests) => Some(requests),
        None => stat.optional("stot")?,
    };
    Ok(Server {
        service,
        health,
        trouble: trouble(health, stat),
        endpoint: Endpoint {
            host: state.text("srv_addr")?.to_owned(),
            port: state.number("srv_port")?,
        },
        host_name: state
            .get("srv_fqdn")
            .filter(|name| *name != "-")
            .map(str::to_owned),
        weight: state.number("srv_uweight")?,
        configured_weight: state.number("srv_iweight")?,
        backup: stat.number::<u32>("bck")? > 0,
        check_is_off: check & CONFIGURED != 0 && check & ENABLED == 0,
        in_flight: sum(&["scur", "qcur"])?.unwrap_or(0),
        requests,
        errors: sum(&["hrsp_5xx", "econ", "eresp"])?,
    })
}

fn health(service: Service, state: Line, stat: Line) -> Result<Health, String> {
    if service == Service::Out {
        return Ok(Health::Unknown);
    }
    // 0 is stopped, and 3 stopping: an answer of 404 with `disable-on-404`.
    let operational: u32 = state.number("srv_op_state")?;
    if operational == 0 || operational == 3 {
        return Ok(Health::Unwell);
    }
    // A server that is well has `rise + fall - 1` points, loses one with each failed check and is down below `rise`. One
    // that comes back has `rise`: nothing has looked at it yet.
    let points = stat.optional::<u32>("check_health")?;
    let rise = stat.optional::<u32>("check_rise")?;
    let fall = stat.optional::<u32>("check_fall")?;
    let last = last_check(stat);
    let (Some(points), Some(rise), Some(fall), false) = (points, rise, fall, last.is_empty())
    else {
        return Ok(Health::Unknown);
    };
    let is_full = points + 1 >= rise + fall;
    Ok(if last == "INI" || (!is_full && points <= rise) {
        Health::Unsettled
    } else {
        Health::Well
    })
}

fn trouble(health: Health, stat: Line) -> Option<String> {
    let last = last_check(stat);
    match health {
        Health::Unknown | Health::Well => None,
        Health::Unsettled if last == "INI" || last.ends_with("OK") => {
            Some("no check has passed since it came back".to_owned())
        }
        Health::Unsettled | Health::Unwell => {
            let status = stat.get("status").unwrap_or_default();
            // It is 0 while the next check runs.
            let code = stat.get("check_code").filter(|code| *code != "0");
            let words = stat.get("last_chk").or_else(|| stat.get("check_desc"));
            let said = [Some(last), code, words].into_iter().flatten();
            let said: Vec<&str> = said.filter(|word| !word.is_empty()).collect();
            Some(first_line(&format!("{status}: {}", said.join(" "))))
        }
    }
}

/// How the last check ended; a star in front means that the next has begun.
fn last_check(stat: Line<'_>) -> &str {
    let last = stat.get("check_status").unwrap_or_default();
    last.trim_start_matches("* ")
}

/// What tells one run of a process from another, out of `show info`: its process id and when it started.
///
/// # Errors
/// If the answer has no process id.
pub(super) fn epoch(info: &str) -> Result<String, String> {
    let field = |name: &str| {
        let mut values = info.lines().filter_map(|line| line.split_once(": "));
        values.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let process =
        field("Pid").ok_or_else(|| format!("show info: no Pid in {}", first_line(info)))?;
    let start = field("Start_time_sec").unwrap_or("0");
    Ok(first_line(&format!("{process}-{start}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_state srv_fqdn srv_port\n";
    const STATS: &str = "# pxname,svname,qcur,scur,stot,econ,eresp,status,bck,check_status,check_code,check_rise,check_fall,check_health,hrsp_5xx,last_chk\n";

    fn one(state: &str, stat: &str) -> Server {
        let states = format!("{STATES}3 app 1 w1 127.0.0.1 {state} - 8001\n\n");
        let counters = format!("{STATS}app,w1,{stat}\n\n");
        servers(&states, &counters).unwrap().remove("w1").unwrap()
    }

    #[test]
    fn a_server_is_read() {
        let server = one("2 0 90 100 6", "1,2,30,4,5,UP,0,L7OK,200,1,2,2,6,");
        assert_eq!(server.service, Service::In);
        assert_eq!(server.health, Health::Well);
        assert_eq!(server.endpoint.to_string(), "127.0.0.1:8001");
        assert_eq!((server.weight, server.configured_weight), (90, 100));
        assert_eq!((server.in_flight, server.requests), (3, Some(30)));
        assert_eq!(server.errors, Some(15));
        assert!(server.is_serving() && !server.check_is_off);
    }

    #[test]
    fn health_tells_what_was_looked_at_from_what_was_not() {
        let health = |state, stat| one(state, stat).health;
        let back = "0,0,0,0,0,UP 1/2,0,L7OK,200,1,2,1,0,";
        assert_eq!(health("2 0 1 1 6", back), Health::Unsettled);
        let new = "0,0,0,0,0,UP 1/3,0,INI,,2,3,2,0,";
        assert_eq!(health("2 8 1 1 6", new), Health::Unsettled);
        let falling = "0,0,0,0,0,UP 2/3,0,L7STS,503,2,3,3,0,";
        assert_eq!(health("2 0 1 1 6", falling), Health::Well);
        let unchecked = "0,0,0,0,0,no check,0,,,,,,0,";
        assert_eq!(health("2 0 1 1 0", unchecked), Health::Unknown);
        let leaving = "0,0,0,0,0,NOLB,0,L7OKC,404,1,2,2,0,";
        assert_eq!(health("3 0 1 1 6", leaving), Health::Unwell);
        let down = one(
            "0 0 1 1 6",
            "0,0,0,0,0,DOWN,0,L7STS,503,1,2,0,0,\"a, b\nc\"",
        );
        assert_eq!(down.health, Health::Unwell);
        assert_eq!(down.trouble.unwrap(), "DOWN: L7STS 503 a, b");
        let looked_at = one("0 0 1 1 6", "0,0,0,0,0,DOWN,0,* L7STS,0,1,2,0,0,wrong");
        assert_eq!(looked_at.trouble.unwrap(), "DOWN: L7STS wrong");
    }

    #[test]
    fn every_kind_of_maintenance_and_drain_is_told() {
        let stat = "0,0,0,0,0,MAINT,0,,,,,,0,";
        for (admin, service) in [
            (0, Service::In),
            (1, Service::Out),
            (2, Service::Out),
            (4, Service::In),
            (5, Service::Out),
            (8, Service::Draining),
            (9, Service::Out),
            (16, Service::Draining),
            (32, Service::Out),
            (64, Service::Out),
        ] {
            assert_eq!(one(&format!("2 {admin} 1 1 0"), stat).service, service);
        }
    }

    #[test]
    fn the_epoch_is_the_run_of_the_process() {
        let info = "Name: HAProxy\nPid: 77\nUptime_sec: 5\nStart_time_sec: 1700000000\n\n";
        assert_eq!(epoch(info).unwrap(), "77-1700000000");
        assert!(epoch("Permission denied\n\n").is_err());
    }
}
