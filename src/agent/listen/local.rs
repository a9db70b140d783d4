//! Which user of this machine is at the other end of a connection over the loopback: the kernel's tables say.

use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The user whose connection it is that comes from `peer` to `own`.
pub fn user(peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    // Programs reach addresses of IPv4 also through sockets of IPv6.
    let four = ("/proc/self/net/tcp", peer, own);
    let six = ("/proc/self/net/tcp6", mapped(peer), mapped(own));
    [four, six].into_iter().find_map(|(table, peer, own)| {
        let (peer, own) = (entry(peer), entry(own));
        let text = fs::read_to_string(table).ok()?;
        // There may be thousands of others.
        let mut lines = text.lines().filter(|line| line.contains(&peer));
        lines.find_map(|line| {
            // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
            let words: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
            let &[_, from, to, _, _, _, _, user, _, inode] = words.as_slice() else {
                return None;
            };
            // A socket that was closed has no inode, and the user 0, whoever it was.
            let is_it = from == peer && to == own && inode != "0";
            is_it.then(|| user.parse().ok())?
        })
    })
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(four) => SocketAddr::new(four.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// An address as the tables write it: words of four bytes in the machine's order, and the port.
fn entry(address: SocketAddr) -> String {
    let words: Vec<u32> = match address.ip() {
        IpAddr::V4(four) => vec![u32::from_ne_bytes(four.octets())],
        IpAddr::V6(six) => {
            let bytes = six.octets();
            let (words, _) = bytes.as_chunks::<4>();
            words.iter().map(|word| u32::from_ne_bytes(*word)).collect()
        }
    };
    let words: Vec<String> = words.iter().map(|word| format!("{word:08X}")).collect();
    format!("{}:{:04X}", words.concat(), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_kernel_says_whose_connection_it_is() {
        let own = nix::unistd::geteuid().as_raw();
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(listen).unwrap();
            let to = listener.local_addr().unwrap();
            let client = TcpStream::connect(to).unwrap();
            let (_server, from) = listener.accept().unwrap();
            assert_eq!(user(from, to), Some(own), "{listen}");
            drop(client);
            let gone = user(from, to);
            assert_eq!(
                gone, None,
                "{listen}: whoever has gone is nobody, and not root"
            );
            let nobody = SocketAddr::new(from.ip(), from.port().wrapping_add(1).max(1));
            assert_eq!(user(nobody, to), None, "{listen}");
        }
    }
}
