//! The lab's own fleet: hosts of `checkout` that a deployment asks for, and their end. What has been made for a token is made
//! again only as far as it is not there, so that whoever was killed in the middle is followed by the next.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use super::agents::{ANY_PORT, END, end_scripts, end_unknown, host, reached, spawn};
use super::checkout;
use super::fleet::{Fleet, LabError, context};
use super::record::{Agent, Checkout, Provisioned};

impl Fleet {
    /// Makes so many hosts, or finds them if they were made for this token before. Answers them as fleets answer
    /// (docs/fleets.md).
    ///
    /// # Errors
    /// If no lab with `checkout` runs, or an agent does not start: then none of them is left.
    pub async fn provision(&mut self, token: &str, count: usize) -> Result<Vec<Value>, LabError> {
        let _alone = self.alone().await?;
        let runs = self.runs();
        let checkout = self.record.checkout.as_mut().filter(|_| runs);
        let Some(checkout) = checkout else {
            return Err(LabError::Ended(self.folder.clone()));
        };
        if !checkout.provisioned.iter().any(|one| one.token == token) {
            plan(checkout, token, count).map_err(context("no free ports"))?;
            // Before anything starts: who is killed in the middle leaves nothing that nobody knows of.
            self.save()?;
        }
        let made = self.start_for(token).await;
        if made.is_err() {
            // What can't be removed stays written down, and ends with the lab.
            let _left = self.end_those(|one| one.token == token).await;
        }
        made
    }

    /// Ends hosts that were provisioned, with all that runs on them and all that they have on their disks. Those that are gone
    /// already are no error, and neither are those of a lab that has ended.
    ///
    /// # Errors
    /// If something of them can't be removed.
    pub async fn terminate(&mut self, names: &BTreeSet<String>) -> Result<(), LabError> {
        let _alone = self.alone().await?;
        if !self.has_checkout() {
            return Ok(());
        }
        self.end_those(|one| names.contains(&one.name)).await
    }

    /// Sees to it that the agents run that belong to a token.
    async fn start_for(&mut self, token: &str) -> Result<Vec<Value>, LabError> {
        let ours: Vec<Provisioned> = self.of(|one| one.token == token);
        for one in &ours {
            if !one.agent.as_ref().is_some_and(|agent| agent.process.runs()) {
                let agent = self.start_on(one).await?;
                self.keep(&one.name, agent)?;
            }
        }
        let mut answer = Vec::new();
        for one in self.of(|one| one.token == token) {
            let Some(mut agent) = one.agent else { continue };
            agent.address = reached(&self.folder, &agent).await?;
            answer.push(json!({
                "name": one.name,
                "address": agent.address,
                "tags": { "role": checkout::APPLICATION },
                "endpoints": { checkout::APPLICATION: one.serves },
            }));
            self.keep(&one.name, agent)?;
        }
        Ok(answer)
    }

    /// Starts the agent of a host: where it was, if it has run before.
    async fn start_on(&self, one: &Provisioned) -> Result<Agent, LabError> {
        end_unknown(&self.folder, &one.name).await;
        let written = checkout::write_host(&self.folder, &one.name, one.serves);
        written.map_err(context(format!("{} can't be set up", one.name)))?;
        let _there_may_be_none = std::fs::remove_file(host(&self.folder, &one.name).join("ready"));
        let before = one.agent.as_ref();
        let before = before.and_then(|agent| agent.address.strip_prefix("http://"));
        spawn(&self.folder, &one.name, before.unwrap_or(ANY_PORT))
    }

    /// Writes down the agent of a host.
    fn keep(&mut self, name: &str, agent: Agent) -> Result<(), LabError> {
        let checkout = self.record.checkout.iter_mut();
        let mut all = checkout.flat_map(|checkout| &mut checkout.provisioned);
        if let Some(one) = all.find(|one| one.name == name) {
            one.agent = Some(agent);
        }
        self.save()
    }

    async fn end_those(&mut self, which: impl Fn(&Provisioned) -> bool) -> Result<(), LabError> {
        for one in self.of(&which) {
            if let Some(agent) = &one.agent {
                agent.process.end(END).await;
            }
            end_unknown(&self.folder, &one.name).await;
            end_scripts(&self.folder, &one.name).await;
            let folder = host(&self.folder, &one.name);
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(context(folder.display().to_string())(error));
                }
                _ => {}
            }
        }
        if let Some(checkout) = &mut self.record.checkout {
            checkout.provisioned.retain(|one| !which(one));
        }
        self.save()
    }

    fn of(&self, which: impl Fn(&Provisioned) -> bool) -> Vec<Provisioned> {
        let all = self.record.provisioned().filter(|one| which(one));
        all.cloned().collect()
    }
}

/// Gives so many hosts names that none had before, and ports that nobody listens on, nor will.
fn plan(checkout: &mut Checkout, token: &str, count: usize) -> io::Result<()> {
    let theirs = checkout.provisioned.iter().map(|one| one.serves);
    let used: BTreeSet<SocketAddr> = theirs.chain(checkout.places.all()).collect();
    // Held together for a moment, so that each is another.
    let (mut held, mut free) = (Vec::new(), Vec::new());
    while free.len() < count {
        let listener = TcpListener::bind(ANY_PORT)?;
        let address = listener.local_addr()?;
        held.push(listener);
        if !used.contains(&address) {
            free.push(address);
        }
    }
    for serves in free {
        checkout.made += 1;
        checkout.provisioned.push(Provisioned {
            name: format!("pay-{}", checkout::HOSTS.len() + checkout.made),
            token: token.to_owned(),
            serves,
            agent: None,
        });
    }
    Ok(())
}
