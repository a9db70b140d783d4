//! The impure shell around the engine: append what it decides, fold it, and see to it that what is pending is done.
//!
//! [`task`] runs one deployment; [`checks`] and [`create`] begin one, [`admission`] lets it start, [`closing`] ends it and
//! [`follow`] says what comes after; [`forecast`] says how one would go. `freezes` keep deployments where they are; [`newcomers`] sees to hosts that join,
//! [`retention`] to what is kept, [`notify`] to who is told. [`hosts`] reaches the agents, `traffic` the load balancers, [`alarms`]
//! watches what may stop a deployment, `fleets` has instances provisioned and terminated, `instances` finds those of AWS, `scaling` has their groups pause, [`documents`] follows the project's files, [`look`] shows clients what there is, [`revisions`] takes bundles
//! in, and `elsewhere` gets them. [`command`], [`feed`] and [`snapshot`] are the messages at the door.

pub mod admission;
pub mod alarms;
mod automatic;
pub mod checks;
pub mod closing;
pub mod command;
mod content;
pub mod create;
pub mod documents;
mod duty;
mod elsewhere;
pub mod feed;
mod fleets;
pub mod follow;
pub mod forecast;
mod freezes;
pub(crate) mod functions;
pub mod hooks;
pub mod hosts;
mod instances;
mod lifecycle;
pub mod look;
pub mod newcomers;
pub mod notify;
pub mod retention;
pub mod revisions;
mod scaling;
pub(crate) mod services;
pub mod snapshot;
pub mod task;
pub(crate) mod task_sets;
pub(crate) mod traffic;
mod unlock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use self::admission::Admission;
use self::alarms::Alarms;
use self::command::{Answer, ApiError, Command};
use self::documents::Documents;
use self::feed::FeedItem;
use self::hooks::Hooks;
use self::hosts::Hosts;
use self::instances::Instances;
use self::notify::Outbox;
use self::scaling::Scaling;
use self::services::Services;
use self::snapshot::Summary;
use self::traffic::Traffic;
use crate::engine::freeze::Freezes;
use crate::engine::{Deployment, Ledger, input};
use crate::identity::hosts::{KnownHosts, Terms};
use crate::identity::{IdentityError, OwnKeys};
use crate::model::automatic::Look;
use crate::model::deployment::{DeploymentId, ErrorInformation};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::revision::{Digest, RegisteredRevision};
use crate::model::task_counts::TasksStatus;
use crate::providers::alarms::Reader;
use crate::providers::aws::Accounts;
use crate::providers::fleets::Fleets;
use crate::providers::hosts::{Network, Signer};
use crate::providers::secrets::Secrets;
use crate::providers::sources::Sources;
use crate::store::bundles::{BundleError, Bundles};
use crate::store::fence::{self, FenceError};
use crate::store::journal::{Journal, JournalError};
use crate::store::output::Outputs;
use crate::store::state::State;

/// How many feed items a slow client may be behind before it is cut off.
const FEED: usize = 8192;

/// The orchestrator of one project.
#[derive(Clone, Debug)]
pub struct Orchestrator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journal: Journal,
    bundles: Bundles,
    outputs: Outputs,
    documents: Arc<Documents>,
    hosts: Hosts,
    traffic: Traffic,
    alarms: Alarms,
    fleets: Fleets,
    instances: Instances,
    scaling: Scaling,
    services: Services,
    sources: Sources,
    outbox: Outbox,
    /// When each place that a group follows was looked at last.
    looks: Mutex<BTreeMap<GroupKey, Look>>,
    hooks: Arc<Hooks>,
    feed: broadcast::Sender<FeedItem>,
    clients: AtomicUsize,
    /// Deployments that are not over.
    active: Mutex<BTreeMap<DeploymentId, Handle>>,
    /// Every deployment as it looked when it was created or ended.
    summaries: Mutex<BTreeMap<DeploymentId, Summary>>,
    /// The memory of every group. Held while a deployment is created or ended, so that both see the same slot.
    ledgers: tokio::sync::Mutex<BTreeMap<GroupKey, Ledger>>,
    freezes: Mutex<Freezes>,
    /// Wakes whoever waits for the end of a freeze.
    refrozen: tokio::sync::Notify,
    /// Which deployments run, and which wait for them.
    admission: Mutex<Admission>,
    revisions: Mutex<BTreeMap<Name, Vec<RegisteredRevision>>>,
    /// Held for reading while a bundle comes in, for writing while bundles are removed.
    shelf: tokio::sync::RwLock<()>,
    /// What is wrong with the bundles that were looked into.
    inspected: Mutex<BTreeMap<Digest, Vec<String>>>,
    shutdown: tokio_util::sync::CancellationToken,
}

/// What the rest of the orchestrator holds of a running deployment.
#[derive(Clone, Debug)]
struct Handle {
    requests: mpsc::Sender<Request>,
    /// Its state as far as it is durable.
    state: Arc<RwLock<Deployment>>,
    /// How its tasks were at the last look, if it has some.
    tasks: Arc<Mutex<Option<TasksStatus>>>,
}

/// What a deployment's task is sent.
#[derive(Debug)]
pub(crate) enum Request {
    /// Something happened in the world.
    Input(input::Input),
    /// An operator wants something, and is answered once it is durable.
    Command(input::Command, oneshot::Sender<Result<(), ApiError>>),
    /// What Auto Scaling must not do while it runs is suspended, or can't be.
    Suspended(Result<(), ErrorInformation>),
    /// These hosts have left the project, have come, or have another address.
    Moved(Arc<BTreeSet<Name>>),
}

/// Why an orchestrator can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The bundles can't be used.
    #[error(transparent)]
    Bundles(#[from] BundleError),
    /// The documents have errors: one line each.
    #[error("the project has errors:\n{}", .0.join("\n"))]
    Documents(Vec<String>),
    /// The HTTP client can't be set up.
    #[error("the HTTP client can't be set up: {0}")]
    Http(#[from] reqwest::Error),
    /// There is no key of one's own.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Another orchestrator may command the same hosts.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The keys of the hosts can't be read.
    #[error("the keys of the hosts can't be read: {0}")]
    KnownHosts(std::io::Error),
    /// The key of hooks can't be read or made.
    #[error("the key that hooks report with can't be read: {0}")]
    Hooks(std::io::Error),
}

/// Locks without minding that another thread panicked: what is inside is replaced as a whole, never half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Orchestrator {
    /// Opens the project's state, takes up every deployment that is not over, and begins to watch documents and hosts.
    /// The caller holds the state's lock.
    ///
    /// # Errors
    /// If documents or state can't be read, or the state directory is a copy.
    pub fn start(state: &State) -> Result<Self, StartError> {
        Self::launch(state, false)
    }

    /// Starts in the place of one that is gone for good: hosts do not obey that one any more, should it come back.
    ///
    /// # Errors
    /// If documents or state can't be read.
    pub fn take_over(state: &State) -> Result<Self, StartError> {
        Self::launch(state, true)
    }

    fn launch(state: &State, take_over: bool) -> Result<Self, StartError> {
        let journal = Journal::open(&state.journal())?;
        let ledgers: BTreeMap<GroupKey, Ledger> = journal.ledgers()?.into_iter().collect();
        let provisioned = fleets::provisioned(&ledgers);
        let found = instances::kept(&state.instances());
        let documents = Documents::load(
            &state.project,
            state.last_good(),
            provisioned,
            found.clone(),
        )
        .map_err(StartError::Documents)?;
        let bundles = Bundles::open(state.bundles())?;
        let freezes = Freezes::fold(&journal.freezes()?);
        let (feed, _) = broadcast::channel(FEED);
        let mut revisions: BTreeMap<Name, Vec<RegisteredRevision>> = BTreeMap::new();
        for (application, revision) in journal.revisions()? {
            revisions.entry(application).or_default().push(revision);
        }
        for known in revisions.values_mut() {
            known.sort_by_key(|revision| std::cmp::Reverse(revision.register_time));
        }
        let summaries: BTreeMap<_, _> = journal
            .summaries()?
            .into_iter()
            .map(|summary| (summary.deployment_id.clone(), summary))
            .collect();
        let outputs = Outputs::new(state.output());
        let documents = Arc::new(documents);
        let followed = Arc::clone(&documents);
        let secrets = Secrets::new(&state.project, move || followed.current().0.secrets.clone());
        let followed = Arc::clone(&documents);
        let accounts = Accounts::new(move || followed.current().0.connections.aws.clone());
        let followed = Arc::clone(&documents);
        let alarms = Alarms::new(
            Reader::new(secrets.clone(), accounts.clone())?,
            Arc::new(move || followed.current().0),
            feed.clone(),
        );
        let known = KnownHosts::open(state.hosts()).map_err(StartError::KnownHosts)?;
        let hooks = Hooks::new(&state.hooks(), &secrets, &accounts).map_err(StartError::Hooks)?;
        let own = OwnKeys::open(&state.key(), &state.commands())?;
        let epoch = fence::begin(state, take_over)?;
        let signer = Signer::new(
            own.commands.current(),
            documents.current().0.name.clone(),
            epoch,
        );
        let network = Network::new(own, signer, Arc::new(known))?;
        let orchestrator = Self(Arc::new(Inner {
            hosts: Hosts::new(
                network.clone(),
                bundles.clone(),
                outputs.clone(),
                feed.clone(),
            ),
            traffic: Traffic::new(network, secrets.clone(), accounts.clone()),
            alarms,
            fleets: Fleets::new(secrets.clone()),
            scaling: Scaling::new(accounts.clone()),
            services: Services::new(accounts.clone()),
            instances: Instances::new(accounts.clone(), state.instances(), &found),
            ledgers: tokio::sync::Mutex::new(ledgers),
            hooks: Arc::new(hooks),
            sources: Sources::new(secrets.clone(), accounts.clone()),
            outbox: Outbox::new(secrets, accounts),
            looks: Mutex::default(),
            journal,
            bundles,
            outputs,
            documents,
            feed,
            clients: AtomicUsize::new(0),
            active: Mutex::default(),
            summaries: Mutex::new(summaries),
            admission: Mutex::default(),
            freezes: Mutex::new(freezes),
            refrozen: tokio::sync::Notify::new(),
            revisions: Mutex::new(revisions),
            shelf: tokio::sync::RwLock::default(),
            inspected: Mutex::default(),
            shutdown: tokio_util::sync::CancellationToken::new(),
        }));
        orchestrator.recover()?;
        orchestrator.clone().follow_scaling();
        orchestrator.clone().keep_house();
        orchestrator.clone().follow_documents();
        orchestrator.clone().follow_instances();
        orchestrator.clone().follow_freezes();
        orchestrator.clone().probe_hosts();
        orchestrator.clone().meet_hosts();
        orchestrator.clone().follow_places();
        orchestrator.deliver()?;
        Ok(orchestrator)
    }

    /// Folds the journals of the deployments that are not over and carries on where they stand.
    fn recover(&self) -> Result<(), JournalError> {
        let open: Vec<DeploymentId> = lock(&self.0.summaries)
            .values()
            .filter(|summary| !summary.status.is_terminal())
            .map(|summary| summary.deployment_id.clone())
            .collect();
        for id in open {
            if let Some(deployment) = self.0.journal.deployment(&id)? {
                tracing::info!(%id, seq = deployment.seq, "taking up a deployment");
                crate::crash_point::here!("recover.before-run");
                self.run(deployment, true);
                crate::crash_point::here!("recover.after-run");
            }
        }
        self.admit();
        Ok(())
    }

    /// Looks, whenever something happened that may be an occasion, whether hosts have joined and what need not be kept.
    fn keep_house(self) {
        let mut items = self.0.feed.subscribe();
        tokio::spawn(async move {
            self.sweep().await;
            let (mut joined, mut grown) = (true, true);
            loop {
                if std::mem::take(&mut joined) {
                    self.launch_newcomers().await;
                }
                if std::mem::take(&mut grown) {
                    self.prune().await;
                }
                match items.recv().await {
                    Ok(item) => {
                        joined = newcomers::may_have_joined(&item);
                        grown = retention::may_have_grown(&item);
                    }
                    // What was missed may have been an occasion.
                    Err(broadcast::error::RecvError::Lagged(_)) => (joined, grown) = (true, true),
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn command(&self, command: Command) -> Result<Answer, ApiError> {
        // Some take long, and whoever asked may hang up.
        let _present = look::Present::new(self);
        match command {
            Command::Push {
                application,
                path,
                label,
                to,
            } => self.push(&application, &path, label, to).await,
            Command::Fetch {
                application,
                source,
                label,
            } => self.fetch(&application, source, label).await,
            Command::Deploy(deploy) => self.deploy(deploy).await,
            Command::Control {
                deployment,
                control,
            } => self.control(&deployment, control).await,
            Command::Rollback {
                deployment,
                by,
                uid,
            } => self.roll_back(&deployment, by, uid).await,
            Command::DeleteRevision {
                application,
                revision,
            } => self.delete_revision(&application, &revision).await,
            Command::TerminateHosts { hosts } => self.terminate_hosts(&hosts).await,
            Command::TestNotification { receiver } => self.test_receiver(&receiver).await,
            Command::ReportHook {
                deployment,
                ticket,
                status,
            } => self.report_hook(&deployment, &ticket, status).await,
            Command::InviteHost {
                host,
                replace_key,
                authority,
                by,
            } => {
                let terms = Terms {
                    replaces: replace_key,
                    authority,
                };
                self.invite_host(&host, terms, &by)
            }
            Command::RevokeHost { host } => self.revoke_host(&host).await,
            Command::InviteInstances { group, seconds, by } => {
                let lasts = seconds.map(Duration::from_secs);
                self.invite_instances(&group, lasts, &by).await
            }
            Command::RevokeToken { token } => self.revoke_token(&token).await,
            Command::RotateKey { host } => self.rotate_key(host.as_ref()).await,
            Command::Freeze {
                scope,
                why,
                seconds,
                by,
            } => self.freeze(scope, why, seconds, by).await,
            Command::Thaw { scope, why, by } => self.thaw(scope, why, by).await,
            Command::Unlock {
                environment,
                why,
                seconds,
                ..
            } => self.unlock(environment, &why, seconds),
            Command::Shutdown => self.request_shutdown().await,
        }
    }

    async fn control(
        &self,
        id: &DeploymentId,
        command: input::Command,
    ) -> Result<Answer, ApiError> {
        let stops = matches!(command.what, input::What::Stop { .. });
        let handle = lock(&self.0.active).get(id).cloned();
        let Some(handle) = handle else {
            return Err(match lock(&self.0.summaries).get(id) {
                Some(summary) => ApiError::new(
                    "DeploymentAlreadyCompletedException",
                    format!("{id} has already ended: {}", summary.status),
                ),
                None => no_deployment(id),
            });
        };
        if let input::What::Weight { split } = command.what {
            self.0.traffic.bearable(id, split)?;
        }
        let (answer, done) = oneshot::channel();
        let sent = handle
            .requests
            .send(Request::Command(command, answer))
            .await;
        let answered = match sent {
            Ok(()) => done.await.ok(),
            Err(_) => None,
        };
        answered.unwrap_or_else(|| {
            Err(ApiError::new(
                "DeploymentAlreadyCompletedException",
                format!("{id} has just ended"),
            ))
        })?;
        let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
        let running: Vec<String> = state
            .running()
            .map(|target| match target.running() {
                Some(event) => format!("{} {}", target.name, event.event),
                None => format!("{} (not heard of yet)", target.name),
            })
            .collect();
        Ok(Answer::Taken {
            pending: !running.is_empty(),
            message: match (running.is_empty(), stops) {
                (_, false) => "done".to_owned(),
                (false, true) => format!("still running: {}", running.join(", ")),
                (true, true) => "no further event will start".to_owned(),
            },
        })
    }

    async fn request_shutdown(&self) -> Result<Answer, ApiError> {
        let running = lock(&self.0.active).len();
        if running > 0 {
            return Err(ApiError::new(
                "InvalidOperationException",
                format!(
                    "{running} deployments are running: stop them first, or leave the orchestrator to them"
                ),
            ));
        }
        if let Some(id) = self.suspending().await.first() {
            let stuck = self.0.scaling.stuck().into_iter().next();
            let message = stuck.unwrap_or_else(|| {
                format!(
                    "what {id} suspended at Auto Scaling is not resumed yet: leave the orchestrator to it"
                )
            });
            return Err(ApiError::new("InvalidOperationException", message));
        }
        self.0.shutdown.cancel();
        Ok(Answer::Done)
    }

    /// Ends when somebody asked the orchestrator to end.
    pub async fn ended(&self) {
        self.0.shutdown.cancelled().await;
    }

    /// Ends when nothing has been left to do, nobody is to be told anything that is new, and nobody has been connected for this long.
    pub async fn idle(&self, patience: Duration) {
        let mut quiet = Duration::ZERO;
        let step = Duration::from_secs(1);
        while quiet < patience {
            tokio::time::sleep(step).await;
            let busy = !lock(&self.0.active).is_empty()
                || self.0.clients.load(Ordering::Relaxed) > 0
                || self.owes_notifications()
                || self.follows_places()
                || self.answers_hooks()
                || !self.suspending().await.is_empty();
            quiet = if busy { Duration::ZERO } else { quiet + step };
        }
    }

    /// Tells everybody. Nobody listening is no error.
    fn publish(&self, item: FeedItem) {
        let _listeners = self.0.feed.send(item);
    }
}

pub(crate) fn no_deployment(id: &DeploymentId) -> ApiError {
    ApiError::new(
        "DeploymentDoesNotExistException",
        format!("there is no deployment {id}: `cutover list` shows them"),
    )
}

fn internal(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new("InternalError", error.to_string())
}
