//! Creating deployments: the snapshot, the group's slot, once and only once.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::checks::approvals;
use super::command::{Answer, ApiError, Deploy, Preview};
use super::feed::FeedItem;
use super::snapshot::Summary;
use super::{Orchestrator, lock, no_deployment};
use crate::clock;
use crate::engine::event::{Event, Record};
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::engine::spec::Options;
use crate::engine::{Deployment, Ledger, Plan, Spec, input, plan, rollback};
use crate::model::approval::Demanded;
use crate::model::deployment::{Creator, DeploymentId};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::revision::RegisteredRevision;
use crate::model::timestamp::Timestamp;
use crate::store::journal::Batch;

impl Orchestrator {
    /// Creates a deployment, or finds the one that was created with the same token.
    pub(super) async fn deploy(&self, deploy: Deploy) -> Result<Answer, ApiError> {
        self.catch_up();
        self.look_for(&deploy).await?;
        self.deploy_as(deploy, false).await
    }

    /// The same; `way_back` says that somebody goes back by it.
    async fn deploy_as(&self, deploy: Deploy, way_back: bool) -> Result<Answer, ApiError> {
        self.catch_up();
        self.look_at_service(&deploy.group).await;
        let (project, _) = self.0.documents.current();
        if deploy.verify_artifact {
            // Takes long, so that it comes before the ledgers are held; after what is wrong with the request itself.
            let ledger = self.ledger_of(&deploy.group).await;
            let (spec, _) = self.spec(&project, &deploy, &ledger)?;
            self.verify(&spec).await?;
        }
        let mut ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.get(&deploy.group).cloned().unwrap_or_default();
        let (spec, _) = self.spec(&project, &deploy, &ledger)?;
        let spec = if way_back {
            // Going back waits for nobody.
            Spec {
                way_back,
                description: excused(&spec.description, &spec.approvals),
                approvals: Demanded::new(),
                ..spec
            }
        } else {
            spec
        };
        if let Some(known) = self.known_by_token(&spec)? {
            return Ok(Answer::Created { deployment: known });
        }
        if !way_back {
            self.refuse_frozen(&deploy.group)?;
        }
        let deployment = self.open(&mut ledgers, spec).await?;
        drop(ledgers);
        self.admit();
        crate::crash_point::here!("create.before-answer");
        Ok(Answer::Created { deployment })
    }

    /// Looks for the instances of AWS that a deployment is for. Going back does without: it takes those that are known, also while
    /// AWS is out of reach.
    async fn look_for(&self, deploy: &Deploy) -> Result<(), ApiError> {
        let besides = deploy.target_instances.as_deref();
        self.look_before(&deploy.group, besides).await
    }

    /// What outlives the group's deployments, as it is now.
    async fn ledger_of(&self, group: &GroupKey) -> Ledger {
        let ledgers = self.0.ledgers.lock().await;
        ledgers.get(group).cloned().unwrap_or_default()
    }

    /// Creates the deployment that a spec asks for, if its group's slot is free.
    async fn open(
        &self,
        ledgers: &mut BTreeMap<GroupKey, Ledger>,
        spec: Spec,
    ) -> Result<DeploymentId, ApiError> {
        let group = spec.group_key();
        let mut ledger = ledgers.get(&group).cloned().unwrap_or_default();
        if let Some(refusal) = occupied(&ledger) {
            return Err(refusal);
        }
        let now = clock::steady();
        let plan = plan(&spec);
        let (mut batch, mut opening) = opening(spec, plan, &ledger, now);
        opening.used = self.used(&opening.deployment, now);
        batch.revisions.extend(opening.used.clone());
        crate::crash_point::here!("create.before-write");
        self.append(batch).await;
        crate::crash_point::here!("create.after-write");
        ledger.evolve(&opening.ledger);
        ledgers.insert(group, ledger);
        let id = opening.deployment.id().clone();
        // Whoever looks at the ledgers finds its task, too.
        self.begin(opening);
        Ok(id)
    }

    /// The deployment of the group that was created with the same token.
    fn known_by_token(&self, spec: &Spec) -> Result<Option<DeploymentId>, ApiError> {
        let Some(token) = &spec.token else {
            return Ok(None);
        };
        let key = spec.group_key();
        let summaries = lock(&self.0.summaries);
        let known = summaries
            .values()
            .find(|known| known.token.as_ref() == Some(token) && known.group == key);
        match known {
            Some(known) if known.revision.digest != spec.revision.digest => Err(ApiError::new(
                "InvalidInputException",
                format!(
                    "the token {token} is that of {}, which deploys {}: another revision needs another token",
                    known.deployment_id, known.revision.label
                ),
            )),
            known => Ok(known.map(|known| known.deployment_id.clone())),
        }
    }

    /// What a deployment would do.
    ///
    /// # Errors
    /// If the request names something that does not exist.
    pub async fn preview(&self, deploy: &Deploy) -> Result<Preview, ApiError> {
        self.catch_up();
        self.look_for(deploy).await?;
        self.look_at_service(&deploy.group).await;
        let (project, _) = self.0.documents.current();
        let ledger = self.ledger_of(&deploy.group).await;
        let (spec, revision) = self.spec(&project, deploy, &ledger)?;
        let plan = plan(&spec);
        let impossible = plan
            .impossible
            .as_ref()
            .map(|error| ApiError::new(error.code.name(), error.message.clone()));
        let frozen = self.refuse_frozen(&deploy.group).err();
        let forecast = self.forecast(spec.clone(), &plan).await?;
        Ok(Preview {
            revision,
            configuration: spec.configuration,
            plan,
            refusal: occupied(&ledger).or(frozen).or(impossible),
            forecast: Some(Box::new(forecast)),
        })
    }

    /// Rolls back: a running deployment by stopping it, one that is over by deploying what was there before.
    pub(super) async fn roll_back(
        &self,
        id: &DeploymentId,
        by: String,
        uid: Option<u32>,
    ) -> Result<Answer, ApiError> {
        let running = lock(&self.0.active).get(id).cloned();
        if let Some(handle) = running {
            let creator = handle
                .state
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .spec
                .creator;
            if !creator.is_choice() {
                return Err(ApiError::new(
                    "UnsupportedActionForDeploymentTypeException",
                    format!(
                        "{id} was begun by {} and is not rolled back: stop it, and deploy what the group should have",
                        creator.name()
                    ),
                ));
            }
            let stop = input::What::Stop {
                auto_rollback: Some(true),
            };
            let command = input::Command {
                uid,
                ..input::Command::new(stop, by)
            };
            return self.control(id, command).await;
        }
        if !lock(&self.0.summaries).contains_key(id) {
            return Err(no_deployment(id));
        }
        let deployment = self.deployment(id).await?;
        if deployment.start_time.is_none() {
            return Err(ApiError::new(
                "InvalidOperationException",
                format!("{id} had not begun, so there is nothing to roll back"),
            ));
        }
        if let Some(answer) = self.reroute_back(&deployment, &by, uid).await? {
            return Ok(answer);
        }
        let group = deployment.group_key();
        let ledger = self.ledger_of(&group).await;
        if let Some(why) = rollback::refusal(&deployment, &ledger) {
            return Err(ApiError::new("InvalidOperationException", why));
        }
        let revision = rollback::revision(&deployment, &ledger);
        let revision = revision.ok_or_else(|| {
            ApiError::new(
                "RevisionDoesNotExistException",
                format!(
                    "there is nothing to roll back to: no other deployment of {group} succeeded"
                ),
            )
        })?;
        let again = Deploy::again(&deployment.spec, by);
        let deploy = Deploy {
            uid,
            revision: revision.digest.to_string(),
            description: format!("rollback of {id}"),
            options: Options {
                // Its alarms are probably still active because of what it rolls back (operations.md §4.3, §5).
                override_alarm_configuration: Some(Box::default()),
                ..again.options
            },
            ..again
        };
        // To roll a rollback back is to go forward again.
        self.deploy_as(deploy, !deployment.spec.is_way_back()).await
    }

    /// The way back of a blue/green deployment that is over: the original gets its traffic back. `None` if that is not how to
    /// roll back: it is in place, something was deployed since, or an instance of the original is gone.
    async fn reroute_back(
        &self,
        ended: &Deployment,
        by: &str,
        uid: Option<u32>,
    ) -> Result<Option<Answer>, ApiError> {
        let mut ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.get(&ended.group_key()).cloned().unwrap_or_default();
        let (project, _) = self.0.documents.current();
        if !rollback::reroutes(ended, &ledger, |name| project.host(name).is_some()) {
            return Ok(None);
        }
        let spec = self
            .roll_back_to(ended, &ledger)
            .map_err(|message| ApiError::new("InvalidOperationException", message))?;
        let key = ended.group_key();
        let demanded = approvals(&project, &key, true);
        let spec = Spec {
            creator: Creator::User,
            by: by.to_owned(),
            uid,
            description: excused(&spec.description, &demanded),
            approvals: Demanded::new(),
            ..spec
        };
        let deployment = self.open(&mut ledgers, spec).await?;
        drop(ledgers);
        self.admit();
        Ok(Some(Answer::Created { deployment }))
    }

    /// Tells everybody about a deployment whose creation is durable, and runs it. [`admit`](Self::admit) lets it begin.
    pub(super) fn begin(&self, opening: Opening) {
        let deployment = opening.deployment;
        lock(&self.0.summaries).insert(deployment.id().clone(), Summary::from(&deployment));
        let id = deployment.id().clone();
        let group = deployment.group_key();
        self.publish(FeedItem::Record {
            deployment: id,
            record: opening.record,
        });
        self.publish(FeedItem::Ledger {
            group,
            record: opening.ledger,
        });
        if let Some((application, used)) = opening.used {
            self.remember(&application, used);
        }
        self.run(deployment, false);
    }
}

/// A deployment that is being created.
pub(super) struct Opening {
    pub deployment: Deployment,
    pub record: Record,
    pub ledger: LedgerRecord,
    /// What is known of its revision from now on.
    pub used: Option<(Name, RegisteredRevision)>,
}

/// The entries that create a deployment and give it the group's slot, to be written together.
pub(super) fn opening(spec: Spec, plan: Plan, ledger: &Ledger, now: Timestamp) -> (Batch, Opening) {
    let id = spec.deployment_id.clone();
    let key = spec.group_key();
    let record = Record {
        seq: 1,
        at: now,
        event: Event::Created {
            spec: Arc::new(spec),
            plan: Arc::new(plan),
        },
    };
    #[expect(clippy::expect_used, reason = "the entry above is a creation")]
    let deployment = Deployment::created(&record).expect("a creation");
    let entry = LedgerRecord {
        seq: ledger.seq + 1,
        at: now,
        event: LedgerEvent::opening(&deployment),
    };
    let batch = Batch {
        records: vec![(id, record.clone())],
        ledger: vec![(key, entry.clone())],
        summaries: vec![Summary::from(&deployment)],
        ..Batch::default()
    };
    let opening = Opening {
        deployment,
        record,
        ledger: entry,
        used: None,
    };
    (batch, opening)
}

/// The description of what goes back: that nobody has to approve it, where somebody would have to otherwise.
fn excused(description: &str, demanded: &Demanded) -> String {
    if demanded.is_empty() {
        description.to_owned()
    } else {
        format!("{description}; it needs no approval")
    }
}

fn occupied(ledger: &Ledger) -> Option<ApiError> {
    let active = ledger.active.as_ref()?;
    Some(ApiError::new(
        "DeploymentLimitExceededException",
        format!("{active} is still running in this group: wait for it, or stop it"),
    ))
}
