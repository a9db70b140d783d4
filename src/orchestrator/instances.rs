//! Instances of AWS that groups select by tags or Auto Scaling groups: looked for now and then, and before a deployment is
//! created. What was found last is kept, so that a deployment goes on after a restart whether AWS answers or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use super::command::ApiError;
use super::documents::Found;
use super::fleets::checks::means_one_thing;
use super::{Orchestrator, lock};
use crate::engine::Ledger;
use crate::model::connections::AwsAccount;
use crate::model::group::{DeploymentGroup, GroupKey, Selection};
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::tags::{TagFilter, TagFilterType};
use crate::providers::aws::{Accounts, AskError};
use crate::providers::instances::{self, Keys, Wanted};

/// How often AWS is asked who is there.
const INTERVAL: Duration = Duration::from_secs(30);

/// How often it is asked while instances wait for a lifecycle hook, or are to join by a token.
const SOON: Duration = Duration::from_secs(10);

/// Who looks for instances.
#[derive(Debug)]
pub(super) struct Instances {
    accounts: Accounts,
    /// Where what was found last is kept.
    file: PathBuf,
    /// What was found last in each account. Held while somebody looks, so that nothing older replaces it.
    found: tokio::sync::Mutex<BTreeMap<String, Seen>>,
    /// Wakes whoever tells instances that wait for a lifecycle hook.
    waiting: tokio::sync::Notify,
}

/// What was found last in an account.
#[derive(Clone, Debug, Default)]
struct Seen {
    hosts: Vec<Host>,
    missing: Vec<String>,
    trouble: Option<String>,
}

/// What an earlier orchestrator found last.
pub(super) fn kept(file: &Path) -> Vec<Host> {
    let text = std::fs::read(file).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

impl Instances {
    /// Knows what was found last.
    pub(super) fn new(accounts: Accounts, file: PathBuf, kept: &[Host]) -> Self {
        let mut found: BTreeMap<String, Seen> = BTreeMap::new();
        for host in kept {
            if let Some(instance) = &host.instance {
                let seen = found.entry(instance.account.clone()).or_default();
                seen.hosts.push(host.clone());
            }
        }
        Self {
            accounts,
            file,
            found: tokio::sync::Mutex::new(found),
            waiting: tokio::sync::Notify::new(),
        }
    }

    /// Keeps what was found. Failing to is no reason to stop: it is needed only if AWS does not answer after a restart.
    fn keep(&self, hosts: &[Host]) {
        let new = self.file.with_extension("new");
        let written = serde_json::to_vec(hosts)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&new, text))
            .and_then(|()| std::fs::rename(&new, &self.file));
        if let Err(error) = written {
            tracing::warn!(%error, "the instances that were found can't be kept");
        }
    }
}

impl Orchestrator {
    /// Looks for the instances of all groups, for ever.
    pub(super) fn follow_instances(self) {
        tokio::spawn(async move {
            loop {
                let used = self.selections().await.into_iter();
                let used: BTreeSet<String> = used.filter_map(|it| it.account).collect();
                let mut comes = false;
                for account in &used {
                    // What goes wrong is told with the instances; and nobody joins by what AWS said once.
                    if self.look_in(account, None).await.is_ok() {
                        comes |= self.enrol_instances(account).await;
                    }
                }
                self.leave_accounts(&used).await;
                self.end_leaving().await;
                let waits = self.answer_waiting().await;
                let pause = if waits || comes { SOON } else { INTERVAL };
                let told = self.0.instances.waiting.notified();
                let _late = tokio::time::timeout(pause, told).await;
            }
        });
    }

    /// Has instances that wait for a lifecycle hook told soon: there are others, or something has become of one.
    pub(super) fn wake_waiting(&self) {
        self.0.instances.waiting.notify_one();
    }

    /// Knows nothing of accounts any more that neither a group uses nor a deployment that runs.
    async fn leave_accounts(&self, used: &BTreeSet<String>) {
        let mut found = self.0.instances.found.lock().await;
        let before = found.len();
        found.retain(|account, _| used.contains(account));
        if found.len() != before {
            self.take_up(&found);
        }
    }

    /// Looks for the instances of a group, and of a replacement besides, before something is decided about it: who belongs to it
    /// is what AWS says then.
    ///
    /// # Errors
    /// If AWS does not say, or has no such Auto Scaling group.
    pub(super) async fn look_before(
        &self,
        group: &GroupKey,
        besides: Option<&Selection>,
    ) -> Result<(), ApiError> {
        let (project, _) = self.0.documents.current();
        let Some(group) = project.group(group) else {
            return Ok(());
        };
        let Some(account) = &group.account else {
            return Ok(());
        };
        means_one_thing(&project, group)?;
        let wrong = |error: AskError| {
            let message = format!("nobody knows the instances of {}: {error}", group.key());
            let code = match error {
                AskError::Denied(_) | AskError::Unknown(_) => "InvalidRoleException",
                AskError::Busy(_) => "ThrottlingException",
                AskError::Refused(_) | AskError::Full(_) | AskError::Unreachable(_) => {
                    "InvalidOperationException"
                }
            };
            ApiError::new(code, message)
        };
        let besides = besides.map(|besides| Selection {
            account: Some(account.clone()),
            ..besides.clone()
        });
        let missing = self.look_in(account, besides.as_ref()).await;
        let missing = missing.map_err(wrong)?;
        let needed = self.needed(|one| one.key() == group.key()).await;
        let gone: Vec<&str> = missing.iter().map(String::as_str).collect();
        let gone: Vec<&str> = gone.into_iter().filter(|it| needed.contains(*it)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let message = format!("{} names {}", group.key(), absent(&gone, account));
        Err(ApiError::new("InvalidAutoScalingGroupException", message))
    }

    /// Looks once in an account, and takes up what is found. Answers the Auto Scaling groups that are not there.
    pub(super) async fn look_in(
        &self,
        account: &str,
        besides: Option<&Selection>,
    ) -> Result<Vec<String>, AskError> {
        let needed = self.needed(|one| one.account.as_deref() == Some(account));
        let needed = needed.await;
        let mut all = self.0.instances.found.lock().await;
        let known = all.get(account).map_or(&[][..], |seen| &seen.hosts);
        let wanted = self.wanted(account, known, besides).await;
        let looked = match &wanted {
            Ok(wanted) => instances::look(&self.0.instances.accounts, wanted).await,
            Err(error) => Err(error.clone()),
        };
        let seen = all.entry(account.to_owned()).or_default();
        let answer = match looked {
            Ok(found) => {
                let missing = found.missing.clone();
                *seen = Seen {
                    hosts: found.hosts,
                    missing: found.missing,
                    trouble: None,
                };
                seen.missing.retain(|one| needed.contains(one));
                Ok(missing)
            }
            Err(error) => {
                let text = error.to_string();
                if seen.trouble.as_ref() != Some(&text) {
                    tracing::warn!(%account, %error, "instances are not known");
                }
                seen.trouble = Some(text);
                Err(error)
            }
        };
        self.take_up(&all);
        answer
    }

    /// The Auto Scaling groups that these groups have now: an original that was deleted is missed by nobody.
    async fn needed(&self, which: impl Fn(&DeploymentGroup) -> bool) -> BTreeSet<String> {
        let (project, _) = self.0.documents.current();
        let ledgers = self.0.ledgers.lock().await;
        let groups = project.groups.iter().filter(|group| which(group));
        let now = groups.map(|group| {
            let ledger = ledgers.get(&group.key());
            ledger.map_or_else(|| group.selection(), |ledger| ledger.selection(group))
        });
        let now = now.flat_map(|now| now.auto_scaling_groups.unwrap_or_default());
        let ends = self.copied();
        now.filter(|name| !ends.contains(name)).collect()
    }

    /// The Auto Scaling groups that deployments which run copy: they end in the end.
    fn copied(&self) -> BTreeSet<String> {
        let active = lock(&self.0.active);
        let states = active.values();
        let copied = states.filter_map(|handle| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            let asked = state.spec.provision.as_ref();
            let asked = asked.filter(|asked| asked.account.is_some());
            asked.map(|asked| asked.fleet.clone())
        });
        copied.collect()
    }

    /// What was found last in an account.
    pub(super) async fn found_in(&self, account: &str) -> Vec<Host> {
        let all = self.0.instances.found.lock().await;
        all.get(account)
            .map_or_else(Vec::new, |seen| seen.hosts.clone())
    }

    /// Has everybody see what is wrong at AWS now, and how instances are spoken to.
    pub(super) async fn show_trouble(&self) {
        let all = self.0.instances.found.lock().await;
        self.take_up(&all);
    }

    /// Has everybody see what was found.
    fn take_up(&self, all: &BTreeMap<String, Seen>) {
        let (project, _) = self.0.documents.current();
        let used = project.groups.iter().filter_map(|it| it.account.as_ref());
        let mut hosts = together(&used.collect(), all);
        for host in &mut hosts {
            host.address = self.spoken(&project, host);
        }
        let mut trouble = self.0.scaling.stuck();
        for (account, seen) in all {
            let missing: Vec<&str> = seen.missing.iter().map(String::as_str).collect();
            if !missing.is_empty() {
                trouble.push(absent(&missing, account));
            }
            let stays = |why: &String| format!("{why}; its instances are as they were seen last");
            trouble.extend(seen.trouble.as_ref().map(stays));
        }
        let waits = |host: &Host| host.instance.as_ref().is_some_and(|it| it.waits.is_some());
        if self.found(Found {
            hosts: hosts.clone(),
            trouble,
        }) {
            self.0.instances.keep(&hosts);
            if hosts.iter().any(waits) {
                self.wake_waiting();
            }
        }
    }

    /// What there is to look for in an account: whatever any group selects there, or a deployment that runs; and those that one
    /// deploys to, of the instances that are known there, whatever selects them now.
    async fn wanted(
        &self,
        account: &str,
        known: &[Host],
        besides: Option<&Selection>,
    ) -> Result<Wanted, AskError> {
        let (project, _) = self.0.documents.current();
        let accounts = &project.connections.aws;
        let meant = accounts.iter().find(|one| one.name == account);
        let meant = meant.ok_or_else(|| {
            AskError::Refused(format!(
                "no account of `connections.aws` is called {account}"
            ))
        })?;
        let mut selections = self.selections().await;
        selections.extend(besides.cloned());
        let mut ids = self.targets();
        ids.retain(|id| known.iter().any(|host| host.name == *id));
        Ok(all_of(meant, &selections, &ids))
    }

    /// Whatever any group selects, or a deployment that runs.
    async fn selections(&self) -> Vec<Selection> {
        self.selections_of(|_| true).await
    }

    /// Whatever these groups select, or a deployment of theirs that runs.
    pub(super) async fn selections_of(&self, whose: impl Fn(&GroupKey) -> bool) -> Vec<Selection> {
        let (project, _) = self.0.documents.current();
        let mut selections = {
            let ledgers = self.0.ledgers.lock().await;
            selected(&project, &ledgers, &whose)
        };
        for handle in lock(&self.0.active).values() {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            if !whose(&state.spec.group_key()) {
                continue;
            }
            // As it was when the deployment was created: documents may have changed.
            selections.push(state.spec.group.selection());
            let sides = state.spec.sides.iter();
            let sides = sides.flat_map(|sides| [sides.original.clone(), sides.replacement.clone()]);
            selections.extend(sides);
        }
        selections
    }

    /// Whom the deployments that run deploy to.
    fn targets(&self) -> BTreeSet<Name> {
        let mut names = BTreeSet::new();
        for handle in lock(&self.0.active).values() {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            names.extend(state.targets.iter().map(|target| target.name.clone()));
        }
        names
    }
}

/// The instances of all accounts. One that was found in two of them is in the one that a group uses.
fn together(used: &BTreeSet<&String>, all: &BTreeMap<String, Seen>) -> Vec<Host> {
    let (used, others): (Vec<_>, Vec<_>) =
        all.iter().partition(|(account, _)| used.contains(account));
    let seen = others.into_iter().chain(used);
    let hosts = seen.flat_map(|(_, seen)| seen.hosts.iter());
    let hosts: BTreeMap<&Name, &Host> = hosts.map(|host| (&host.name, host)).collect();
    hosts.into_values().cloned().collect()
}

/// Auto Scaling groups that are not in an account.
pub(super) fn absent(groups: &[&str], account: &str) -> String {
    format!(
        "no Auto Scaling group of the AWS account {account} is called {}: correct `autoScalingGroups`, or the `region` of the account",
        groups.join(" or ")
    )
}

/// What groups select, by their documents and by what has the traffic now or had it before.
fn selected(
    project: &Project,
    ledgers: &BTreeMap<GroupKey, Ledger>,
    whose: impl Fn(&GroupKey) -> bool,
) -> Vec<Selection> {
    let mut selections = Vec::new();
    let groups = project.groups.iter().filter(|it| it.account.is_some());
    for group in groups.filter(|it| whose(&it.key())) {
        selections.push(group.selection());
        let ledger = ledgers.get(&group.key());
        if let Some(serving) = ledger.and_then(|ledger| ledger.serving(group)) {
            selections.extend([serving.now.clone(), serving.before.clone()]);
        }
    }
    selections
}

/// All that these select in an account, and these instances.
fn all_of(account: &AwsAccount, selections: &[Selection], ids: &BTreeSet<Name>) -> Wanted {
    let mut keys = Keys::Of(BTreeSet::new());
    let mut groups = BTreeSet::new();
    let theirs = selections
        .iter()
        .filter(|it| it.account.as_ref() == Some(&account.name));
    for selection in theirs {
        let set = selection.ec2_tag_set.iter();
        let set = set.flat_map(|set| set.ec2_tag_set_list.iter().flatten());
        for filter in selection.ec2_tag_filters.iter().flatten().chain(set) {
            add_key(&mut keys, filter);
        }
        groups.extend(selection.auto_scaling_groups.iter().flatten().cloned());
    }
    Wanted {
        account: account.name.clone(),
        port: account.agent_port,
        keys,
        groups,
        ids: ids.iter().map(ToString::to_string).collect(),
    }
}

fn add_key(keys: &mut Keys, filter: &TagFilter) {
    match (filter.check(), &filter.key, &mut *keys) {
        (Ok(TagFilterType::ValueOnly), ..) => *keys = Keys::Any,
        (Ok(_), Some(key), Keys::Of(known)) => {
            known.insert(key.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::Instance;
    use crate::model::tags::Tags;

    fn selection(account: &str, filters: &[(Option<&str>, Option<&str>)]) -> Selection {
        let filter = |(key, value): &(Option<&str>, Option<&str>)| TagFilter {
            key: key.map(str::to_owned),
            value: value.map(str::to_owned),
            kind: None,
        };
        Selection {
            ec2_tag_filters: Some(filters.iter().map(filter).collect()),
            account: Some(account.to_owned()),
            ..Selection::default()
        }
    }

    #[test]
    fn an_account_is_asked_for_what_its_groups_select_and_no_more() {
        let account = AwsAccount {
            name: "prod".to_owned(),
            ..AwsAccount::default()
        };
        let web = selection("prod", &[(Some("role"), Some("web")), (Some("new"), None)]);
        let other = selection("test", &[(Some("secret"), None)]);
        let scaled = Selection {
            auto_scaling_groups: Some(vec!["pool".to_owned()]),
            account: Some("prod".to_owned()),
            ..Selection::default()
        };
        let wanted = all_of(&account, &[web.clone(), other, scaled], &BTreeSet::new());
        let keys = ["new", "role"].map(str::to_owned);
        assert_eq!(wanted.keys, Keys::Of(keys.into()));
        assert_eq!(wanted.groups, ["pool".to_owned()].into());
        assert_eq!(wanted.port, 7420);
        let value = selection("prod", &[(None, Some("web"))]);
        assert_eq!(
            all_of(&account, &[value, web], &BTreeSet::new()).keys,
            Keys::Any
        );
    }

    #[test]
    fn an_instance_of_two_accounts_is_in_the_one_that_a_group_uses() {
        let host = |id: &str, account: &str| Host {
            name: id.parse().unwrap(),
            address: format!("https://{id}:7420"),
            tags: Tags::new(),
            zone: None,
            endpoints: BTreeMap::new(),
            provisioned: None,
            instance: Some(Instance {
                account: account.to_owned(),
                tags: Tags::new(),
                auto_scaling_group: None,
                waits: None,
            }),
        };
        let seen = |hosts: Vec<Host>| Seen {
            hosts,
            ..Seen::default()
        };
        let (old, new) = ("prod".to_owned(), "main".to_owned());
        let all = BTreeMap::from([
            (
                old.clone(),
                seen(vec![host("i-1", &old), host("i-2", &old)]),
            ),
            (new.clone(), seen(vec![host("i-1", &new)])),
        ]);
        for (used, wanted) in [
            (&new, [host("i-1", &new), host("i-2", &old)]),
            (&old, [host("i-1", &old), host("i-2", &old)]),
        ] {
            assert_eq!(together(&[used].into(), &all), wanted);
        }
    }
}
