//! Which commands of a runtime API are passed on: those that look at the servers of one backend, move them and add to them. The
//! rest of what `level admin` can do is nobody's business here. Pure.

use std::net::{IpAddr, SocketAddr};

/// The longest command that is passed on, in bytes.
const LONGEST: usize = 4096;

/// Whether this may be the name of a backend.
pub fn is_backend(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    !name.is_empty() && name.chars().all(is_plain)
}

/// Whether this character stands for itself in a command: it ends no word but for the blank, escapes nothing and begins no
/// other command.
pub fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " _-.:/,()%+=@[]".contains(c)
}

/// Whether a command may be passed on for the sake of a backend.
pub fn is_allowed(backend: &str, command: &str) -> bool {
    if command.len() > LONGEST || !command.chars().all(is_plain) {
        return false;
    }
    let is_server = |word: &str| {
        let server = word.strip_prefix(backend);
        let server = server.and_then(|rest| rest.strip_prefix('/'));
        server.is_some_and(|server| !server.is_empty() && !server.contains('/'))
    };
    let is_number = |word: &str| word.parse::<u16>().is_ok();
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["show", "info"] => true,
        ["show", "servers", "state", name] | ["show", "stat", name, "4", "-1"] => name == backend,
        ["enable", "health", server]
        | [
            "set",
            "server",
            server,
            "state",
            "ready" | "drain" | "maint",
        ] => is_server(server),
        ["set", "server", server, "weight", weight] => is_server(server) && is_number(weight),
        ["set", "server", server, "addr", at, "port", port] => {
            is_server(server) && at.parse::<IpAddr>().is_ok() && is_number(port)
        }
        ["add", "server", server, at, "weight", weight, ..] => {
            is_server(server) && at.parse::<SocketAddr>().is_ok() && is_number(weight)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_servers_of_the_backend_is_passed_on() {
        for command in [
            "show info",
            "show servers state app",
            "show stat app 4 -1",
            "enable health app/web-1",
            "set server app/web-1 state ready",
            "set server app/web-1 state drain",
            "set server app/web-1 state maint",
            "set server app/web-1 weight 256",
            "set server app/web-1 addr 10.0.0.7 port 8080",
            "set server app/web-1 addr fd00::7 port 8080",
            "add server app/web-1 10.0.0.7:8080 weight 100",
            "add server app/web-1 [fd00::7]:8080 weight 100 check  inter 1s ca-file /etc/ssl/ca.pem",
        ] {
            assert!(is_allowed("app", command), "{command}");
        }
    }

    #[test]
    fn the_rest_of_what_an_administrator_can_do_is_not() {
        for command in [
            "",
            " ",
            "help",
            "quit",
            "prompt",
            "show",
            "show env",
            "show info ",
            " show info",
            "Show Info",
            "show info typed",
            "show stat",
            "show stat -1 4 -1",
            "show servers state",
            "show servers conn app",
            "show sess all",
            "show ssl cert /etc/ssl/web.pem",
            "show errors",
            "set ssl cert /etc/ssl/web.pem",
            "set map hosts.map a b",
            "add map hosts.map a b",
            "clear counters all",
            "shutdown frontend web",
            "shutdown sessions server app/web-1",
            "disable frontend web",
            "disable health app/web-1",
            "disable server app/web-1",
            "enable frontend web",
            "set maxconn global 1",
            "set rate-limit connections global 1",
            "set timeout cli 1",
            "set server app/web-1",
            "set server app/web-1 health down",
            "set server app/web-1 check-port 1",
            "set server app/web-1 fqdn web.example",
            "set server app/web-1 ssl off",
            "set server app/web-1 agent down",
            "set server app/web-1 state",
            "set server app/web-1 state stop",
            "set server app/web-1 state ready now",
            "set server app/web-1 weight 50%",
            "set server app/web-1 weight -1",
            "set server app/web-1 weight",
            "set server app/web-1 addr web.example port 80",
            "set server app/web-1 addr 10.0.0.7",
            "set server app/web-1 addr 10.0.0.7 port 99999",
            "add server app/web-1",
            "add server app/web-1 10.0.0.7:8080",
            "add server app/web-1 web.example:8080 weight 1",
            "add server app/web-1 fd@3 weight 1",
            "add server app/web-1 unix@/run/other.sock weight 1",
            "del server app/web-1",
            "@1 show info",
            "reload",
        ] {
            assert!(!is_allowed("app", command), "{command}");
        }
    }

    #[test]
    fn no_other_backend_is_reached() {
        for command in [
            "show servers state api",
            "show stat api 4 -1",
            "show stat #2 4 -1",
            "set server api/web-1 state maint",
            "set server app state maint",
            "set server app/ state maint",
            "set server /web-1 state maint",
            "set server app2/web-1 state maint",
            "set server app/api/web-1 state maint",
            "set server #2/web-1 state maint",
            "enable health api/web-1",
            "add server api/web-1 10.0.0.7:80 weight 1",
        ] {
            assert!(!is_allowed("app", command), "{command}");
        }
        assert!(is_allowed("api", "set server api/web-1 state maint"));
    }

    #[test]
    fn a_command_is_one_command() {
        for command in [
            "show info; show env",
            "show info;quit",
            "show info\nshow env",
            "show info\r",
            "show info\0",
            "show\tinfo",
            "add server app/w 10.0.0.7:80 weight 1 check; shutdown frontend web",
            "add server app/w 10.0.0.7:80 weight 1 check\nshutdown frontend web",
            "add server app/w 10.0.0.7:80 weight 1 \\",
            "add server app/w 10.0.0.7:80 weight 1 <<",
            "add server app/w 10.0.0.7:80 weight 1 \"a\"",
            "add server app/w 10.0.0.7:80 weight 1 'a'",
            "add server app/w 10.0.0.7:80 weight 1 $HOME",
            "add server app/w 10.0.0.7:80 weight 1 #",
            "add server app/w 10.0.0.7:80 weight 1 \u{e9}",
        ] {
            assert!(!is_allowed("app", command), "{command:?}");
        }
        let long = |length| {
            let start = "add server app/w 10.0.0.7:80 weight 1 ";
            format!("{start}{}", "a".repeat(length - start.len()))
        };
        assert!(is_allowed("app", &long(LONGEST)));
        assert!(!is_allowed("app", &long(LONGEST + 1)));
    }

    #[test]
    fn backends_have_plain_names() {
        for name in ["app", "app_1-b.c:d", "9"] {
            assert!(is_backend(name), "{name}");
        }
        for name in ["", "a/b", "a b", "#2", "a;b", "a\n", "\u{e9}"] {
            assert!(!is_backend(name), "{name:?}");
        }
    }
}
