//! Instances of AWS that join by a token of their group, and by nobody's hand. AWS says who may: whoever it shows in the group, under
//! the id and at the address that it shows; and the token says whether that is who is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::super::command::{Answer, ApiError};
use super::super::{Orchestrator, checks, internal, lock};
use super::probe::TOGETHER;
use crate::clock;
use crate::identity::enrolment::{Enrolment, Grant, TokenState, TokenView};
use crate::model::group::{GroupKey, Selection};
use crate::model::host::{Host, Transition};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::providers::hosts::{NotMet, Unmet};
use crate::providers::instances::spoken;

/// An instance that has not joined by then is looked for as seldom as AWS is asked otherwise.
const SOON: Duration = Duration::from_mins(15);

/// The groups that an instance is in, each with its tokens.
type Places<'a> = BTreeMap<&'a GroupKey, Vec<Enrolment>>;

impl Orchestrator {
    /// Makes a token by which the instances of a group join.
    pub(in super::super) async fn invite_instances(
        &self,
        group: &GroupKey,
        lasts: Option<Duration>,
        by: &str,
    ) -> Result<Answer, ApiError> {
        self.catch_up();
        let (project, _) = self.0.documents.current();
        let Some(found) = project.group(group) else {
            return Err(checks::no_group(&project, group));
        };
        let account = found.account.as_ref();
        let account = account.filter(|_| checks::has_hosts(&project, found));
        let mut accounts = project.connections.aws.iter();
        let account = account.and_then(|name| accounts.find(|it| it.name == *name));
        let Some(account) = account else {
            let message = format!(
                "no host of {group} is an instance of AWS, since it names no `account`: `cutover hosts invite NAME` lets one host join"
            );
            return Err(ApiError::new("InvalidInputException", message));
        };
        let offered = self.0.hosts.network().offer(group, by, lasts);
        let enrolment = offered.map_err(|error| internal(&error))?;
        // Whoever is there already may be one that waits for it.
        self.show_trouble().await;
        self.wake_waiting();
        Ok(Answer::Offered {
            group: group.clone(),
            id: enrolment.id(),
            port: account.agent_port,
            token: enrolment.token().to_string(),
            orchestrator: enrolment.orchestrator,
            until: enrolment.until,
        })
    }

    /// The tokens by which instances join.
    pub fn tokens(&self) -> Vec<TokenView> {
        let network = self.0.hosts.network();
        network.hosts().tokens(network.pin(), clock::now())
    }

    /// Has nobody join by a token any more.
    pub(in super::super) async fn revoke_token(&self, id: &str) -> Result<Answer, ApiError> {
        let taken = self.0.hosts.network().hosts().take_back(id);
        let Some(place) = taken.map_err(|error| internal(&error))? else {
            let message = format!("there is no token {id}: `cutover hosts tokens` lists them");
            return Err(ApiError::new("InvalidInputException", message));
        };
        tracing::info!(token = %id, %place, "no instance joins by it any more");
        self.show_trouble().await;
        self.wake_waiting();
        Ok(Answer::Done)
    }

    /// At what address an instance is spoken to. On the loopback it is asked whether it was told to join: then it speaks TLS alone.
    pub(in super::super) fn spoken(&self, project: &Project, host: &Host) -> String {
        // Elsewhere there is nothing to ask, and that is the usual case.
        if spoken(&host.address, true) == spoken(&host.address, false) {
            return host.address.clone();
        }
        let known = self.0.hosts.network().hosts();
        let takes = |token: &Enrolment| {
            let group = project.group(&token.place);
            group.is_some_and(|group| comes_to(&group.selection(), host))
        };
        let joins = known.key(&host.name).is_some() || known.enrolments().iter().any(takes);
        spoken(&host.address, joins)
    }

    /// Has the instances join that AWS has just shown in an account and that have no key. Whether one is expected soon.
    pub(in super::super) async fn enrol_instances(&self, account: &str) -> bool {
        let found = self.found_in(account).await;
        let (project, _) = self.0.documents.current();
        let known = self.0.hosts.network().hosts();
        let there = found.iter().map(|host| &host.name).collect();
        match known.shown(account, &there, clock::now()) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!(?gone, "keys of instances that are gone are forgotten"),
            Err(error) => tracing::error!(%error, "instances that are gone can't be forgotten"),
        }
        let mut groups = Vec::new();
        for group in &project.groups {
            if group.account.as_deref() == Some(account) && checks::has_hosts(&project, group) {
                let key = group.key();
                let selections = self.selections_of(|it| *it == key).await;
                groups.push((key, selections));
            }
        }
        let tokens = known.enrolments();
        let comes = Mutex::new(false);
        futures_util::stream::iter(&found)
            .filter(|host| std::future::ready(known.key(&host.name).is_none()))
            .for_each_concurrent(TOGETHER, async |host| {
                let theirs = groups.iter().filter(|(_, selections)| {
                    let mut all = selections.iter();
                    all.any(|selection| comes_to(selection, host))
                });
                let places: Places<'_> = theirs
                    .map(|(key, _)| {
                        let theirs = tokens.iter().filter(|it| it.place == *key);
                        (key, theirs.cloned().collect())
                    })
                    .collect();
                // Where a document says that it is elsewhere, a person has to let it join.
                let address = self.spoken(&project, host);
                let known = project.host(&host.name);
                let Some(host) = known.filter(|it| it.address == address) else {
                    return;
                };
                if !places.is_empty()
                    && address.starts_with("https://")
                    && self.enrol(host, &project.name, account, &places).await
                {
                    *lock(&comes) = true;
                }
            })
            .await;
        comes.into_inner().unwrap_or_default()
    }

    /// Has an instance join by one of the tokens of its places. Whether it is expected soon.
    async fn enrol(&self, host: &Host, project: &Name, account: &str, places: &Places<'_>) -> bool {
        let network = self.0.hosts.network();
        let (own, now) = (network.pin(), clock::now());
        let (holds, ended): (Vec<&Enrolment>, Vec<&Enrolment>) = places
            .values()
            .flatten()
            .partition(|token| token.state(own, now) == TokenState::Holds);
        let unmet = if let Some(before) = network.hosts().enrolled(&host.name) {
            once(&host.name, &before.token)
        } else if holds.is_empty() {
            nothing_holds(&host.name, places, &ended, |token| token.state(own, now))
        } else {
            match self.try_tokens(host, project, account, &holds).await {
                Ok(()) => return false,
                Err(unmet) => unmet,
            }
        };
        tracing::debug!(host = %host.name, ?unmet, "an instance has not joined");
        let since = network.has_not_met(&host.name, unmet.clone());
        // A host that was asked for something meanwhile is told the same, and it is news but once.
        self.0.hosts.observe(&host.name, Err(&unmet.into()));
        !holds.is_empty() && now.since(since) < SOON
    }

    /// Meets an instance by one token after another.
    async fn try_tokens(
        &self,
        host: &Host,
        project: &Name,
        account: &str,
        tokens: &[&Enrolment],
    ) -> Result<(), Unmet> {
        let network = self.0.hosts.network();
        let there = (&host.name, host.address.as_str());
        let mut unmet = None;
        for enrolment in tokens {
            let grant = Grant::Enrolment { enrolment, account };
            match network.introduce(there, project, grant).await {
                Ok(key) => {
                    tracing::info!(host = %host.name, key = %key.fingerprint(), token = %enrolment.id(), "an instance has joined");
                    network.looks_anew(&host.name);
                    self.follow_moves([host.name.clone()].into());
                    self.probe(host, &Mutex::default()).await;
                    return Ok(());
                }
                Err(not_met) => unmet = Some(refused(&host.name, enrolment, &not_met)),
            }
        }
        unmet.map_or(Ok(()), Err)
    }
}

/// Whether an instance is in a group's place, or on its way there.
fn comes_to(selection: &Selection, host: &Host) -> bool {
    let waits = selection.waiting(host).map(|(_, waits)| waits.transition);
    match waits {
        Some(transition) => transition == Transition::Launching,
        None => selection.selects(host),
    }
}

/// It had a key before.
fn once(host: &Name, token: &str) -> Unmet {
    Unmet {
        reason: format!("{host} has joined before, by the token {token}, and its key was revoked"),
        remedy: format!(
            "no token is worth a second key: `cutover hosts invite {host}` lets it join again, or terminate the instance"
        ),
    }
}

/// It may not join by anything.
fn nothing_holds(
    host: &Name,
    places: &Places<'_>,
    ended: &[&Enrolment],
    state: impl Fn(&Enrolment) -> TokenState,
) -> Unmet {
    let places: BTreeSet<String> = places.keys().map(ToString::to_string).collect();
    let places: Vec<String> = places.into_iter().collect();
    let ended: Vec<String> = ended
        .iter()
        .map(|token| match state(token) {
            TokenState::Expired => format!("{} has expired", token.id()),
            _ => format!("{} names a former key of the orchestrator", token.id()),
        })
        .collect();
    let why = if ended.is_empty() {
        "there is none".to_owned()
    } else {
        ended.join(", ")
    };
    Unmet {
        reason: format!(
            "{host} has not joined, and no token of {} holds: {why}",
            places.join(" or ")
        ),
        remedy: format!(
            "`cutover hosts invite --instances {}` prints what goes into its user data; `cutover hosts invite {host}` lets this one \
             join alone",
            places.first().map_or("", String::as_str)
        ),
    }
}

/// It was looked for by a token, in vain.
fn refused(host: &Name, token: &Enrolment, not_met: &NotMet) -> Unmet {
    let (id, place) = (token.id(), &token.place);
    match not_met {
        NotMet::NotYet(_) => Unmet {
            reason: format!("{host} has not joined by the token {id} of {place}: {not_met}"),
            remedy: format!(
                "its user data has to run `cutover agent join --instance …` with that token (`cutover hosts invite --instances \
                 {place}` prints another); `cutover hosts invite {host}` lets this one join alone"
            ),
        },
        NotMet::Stranger { .. } => Unmet {
            reason: format!("{not_met}; it was met by the token {id} of {place}"),
            remedy: format!(
                "find out who that is: its user data may have a token that was revoked, or another group's (`cutover hosts tokens` \
                 lists those that hold); `cutover hosts invite {host}` lets this one join alone"
            ),
        },
    }
}
