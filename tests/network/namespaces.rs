//! Machines that are network namespaces, on a switch that is one too. They are nobody's but those who hold them, and go with
//! them.

use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

/// A network namespace, and the process that keeps it.
pub struct Machine {
    holder: Child,
    pub address: Ipv4Addr,
}

/// Machines that reach each other.
pub struct Network {
    switch: Machine,
    next: u8,
}

impl Machine {
    fn new(address: Ipv4Addr) -> Self {
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        // It ends with the test, also if that is killed.
        let mut holder = Command::new("unshare")
            .args([
                "--net",
                "--",
                "setpriv",
                "--pdeathsig",
                "KILL",
                "sleep",
                "infinity",
            ])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let file = format!("/proc/{}/ns/net", holder.id());
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_link(&file).is_ok_and(|namespace| namespace == own) {
            let ended = holder.try_wait().unwrap();
            assert!(ended.is_none(), "network namespaces need root: {ended:?}");
            assert!(Instant::now() < deadline, "no network namespace was made");
            std::thread::yield_now();
        }
        let machine = Self { holder, address };
        machine.ip("link set lo up");
        machine
    }

    /// A program on this machine.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.holder.id()))
            .args(["--", program]);
        command
    }

    /// Runs this on the machine, and answers what it answers.
    pub fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.thread(work).join().unwrap()
    }

    /// Runs this on the machine, beside the test.
    pub fn thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let namespace = std::fs::File::open(format!("/proc/{}/ns/net", self.holder.id())).unwrap();
        std::thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        })
    }

    /// Has the kernel change the machine's network.
    pub fn ip(&self, words: &str) {
        let output = self.command("ip").args(words.split(' ')).output().unwrap();
        assert!(output.status.success(), "ip {words}: {output:?}");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.holder.kill().unwrap();
        self.holder.wait().unwrap();
    }
}

impl Network {
    pub fn new() -> Self {
        let switch = Machine::new(Ipv4Addr::UNSPECIFIED);
        switch.ip("link add br0 type bridge");
        switch.ip("link set br0 up");
        Self { switch, next: 1 }
    }

    /// Another machine on the switch.
    pub fn machine(&mut self) -> Machine {
        let number = self.next;
        self.next += 1;
        let machine = Machine::new(Ipv4Addr::new(10, 77, 0, number));
        let holder = machine.holder.id();
        self.switch.ip(&format!(
            "link add port{number} type veth peer name eth0 netns {holder}"
        ));
        self.switch
            .ip(&format!("link set port{number} master br0 up"));
        machine.ip(&format!("addr add {}/24 dev eth0", machine.address));
        machine.ip("link set eth0 up");
        machine
    }

    /// Takes the cable out, or puts it back.
    pub fn cable(&self, machine: &Machine, is_in: bool) {
        let port = machine.address.octets()[3];
        let state = if is_in { "up" } else { "down" };
        self.switch.ip(&format!("link set port{port} {state}"));
    }
}
