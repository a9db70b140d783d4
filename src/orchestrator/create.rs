//! Creating deployments: checks, the snapshot, the group's slot.

use std::sync::Arc;

use super::command::{Answer, ApiError, Deploy, Preview};
use super::feed::FeedItem;
use super::snapshot::Summary;
use super::{Orchestrator, lock, no_deployment};
use crate::clock;
use crate::engine::event::{Event, Record};
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::engine::{Deployment, Ledger, Plan, Spec, input, members, plan, rollback};
use crate::model::application::ComputePlatform;
use crate::model::deployment::{Creator, DeploymentId};
use crate::model::group::{DeploymentOption, DeploymentType};
use crate::model::project::Project;
use crate::model::revision::RegisteredRevision;
use crate::model::timestamp::Timestamp;
use crate::store::journal::Batch;

impl Orchestrator {
    /// Creates a deployment.
    pub(super) async fn deploy(&self, deploy: Deploy) -> Result<Answer, ApiError> {
        let (project, _) = self.0.documents.current();
        let mut ledgers = self.0.ledgers.lock().await;
        let mut ledger = ledgers.get(&deploy.group).cloned().unwrap_or_default();
        let (spec, registered) = self.spec(&project, &deploy, &ledger)?;
        if let Some(refusal) = occupied(&ledger) {
            return Err(refusal);
        }
        let now = clock::now();
        let plan = plan(&spec);
        let (mut batch, opening) = opening(Arc::new(spec), Arc::new(plan), &ledger, now);
        let used = used(registered, now);
        let application = deploy.group.application.clone();
        batch.revisions.push((application.clone(), used.clone()));
        crate::crash_point::here!("create.before-write");
        self.append(batch).await;
        crate::crash_point::here!("create.after-write");
        ledger.evolve(&opening.ledger);
        ledgers.insert(deploy.group, ledger);
        let id = opening.deployment.id().clone();
        drop(ledgers);
        self.remember(&application, used);
        self.begin(opening);
        crate::crash_point::here!("create.before-answer");
        Ok(Answer::Created { deployment: id })
    }

    /// What a deployment would do.
    ///
    /// # Errors
    /// If the request names something that does not exist.
    pub async fn preview(&self, deploy: &Deploy) -> Result<Preview, ApiError> {
        let (project, _) = self.0.documents.current();
        let ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.get(&deploy.group).cloned().unwrap_or_default();
        drop(ledgers);
        let (spec, revision) = self.spec(&project, deploy, &ledger)?;
        let plan = plan(&spec);
        let impossible = plan
            .impossible
            .as_ref()
            .map(|error| ApiError::new(error.code.name(), error.message.clone()));
        let forecast = self.forecast(spec.clone(), &plan).await?;
        Ok(Preview {
            revision,
            configuration: spec.configuration,
            plan,
            refusal: occupied(&ledger).or(impossible),
            forecast: Some(Box::new(forecast)),
        })
    }

    /// Rolls back: a running deployment by stopping it, one that is over by deploying what was there before.
    pub(super) async fn roll_back(
        &self,
        id: &DeploymentId,
        by: String,
    ) -> Result<Answer, ApiError> {
        if lock(&self.0.active).contains_key(id) {
            let stop = input::What::Stop {
                auto_rollback: Some(true),
            };
            return self.control(id, input::Command::new(stop, by)).await;
        }
        if !lock(&self.0.summaries).contains_key(id) {
            return Err(no_deployment(id));
        }
        let deployment = self.deployment(id).await?;
        let group = deployment.group_key();
        let revision = {
            let ledgers = self.0.ledgers.lock().await;
            let ledger = ledgers.get(&group).cloned().unwrap_or_default();
            rollback::revision(&deployment, &ledger)
        };
        let revision = revision.ok_or_else(|| {
            ApiError::new(
                "RevisionDoesNotExistException",
                format!(
                    "there is nothing to roll back to: no other deployment of {group} succeeded"
                ),
            )
        })?;
        self.deploy(Deploy {
            group,
            revision: revision.digest.to_string(),
            configuration: Some(deployment.spec.configuration.deployment_config_name.clone()),
            description: format!("rollback of {id}"),
            options: deployment.spec.options.clone(),
            token: None,
            by,
        })
        .await
    }

    /// The snapshot that a deployment is created from (operations.md §1.2, in its order).
    fn spec(
        &self,
        project: &Project,
        deploy: &Deploy,
        ledger: &Ledger,
    ) -> Result<(Spec, RegisteredRevision), ApiError> {
        let application = project.applications.get(&deploy.group.application);
        let application = application.ok_or_else(|| {
            ApiError::new(
                "ApplicationDoesNotExistException",
                unknown(
                    "application",
                    deploy.group.application.as_str(),
                    project.applications.keys().map(AsRef::as_ref),
                ),
            )
        })?;
        let group = project.group(&deploy.group).ok_or_else(|| {
            let names = project
                .groups
                .iter()
                .filter(|group| group.application_name == deploy.group.application)
                .map(|group| group.deployment_group_name.as_str());
            ApiError::new(
                "DeploymentGroupDoesNotExistException",
                unknown("deployment group", deploy.group.group.as_str(), names),
            )
        })?;
        if deploy.description.chars().count() > 256 {
            return Err(ApiError::new(
                "DescriptionTooLongException",
                "a description has at most 256 characters",
            ));
        }
        let style = group.deployment_style;
        let supported = application.compute_platform == ComputePlatform::Server
            && style.deployment_type == DeploymentType::InPlace
            && style.deployment_option == DeploymentOption::WithoutTrafficControl;
        if !supported {
            return Err(ApiError::new(
                "UnsupportedActionForDeploymentTypeException",
                format!(
                    "{} is {} on {} {}: this version deploys in place on Server without a load balancer only",
                    deploy.group,
                    style.deployment_type.label(),
                    application.compute_platform.name(),
                    match style.deployment_option {
                        DeploymentOption::WithTrafficControl => "with traffic control",
                        DeploymentOption::WithoutTrafficControl => "without traffic control",
                    },
                ),
            ));
        }
        let registered = self.revision(&deploy.group.application, &deploy.revision)?;
        let wanted = deploy
            .configuration
            .as_ref()
            .unwrap_or(&group.deployment_config_name);
        let configuration = project.configurations.get(wanted).ok_or_else(|| {
            ApiError::new(
                "DeploymentConfigDoesNotExistException",
                unknown(
                    "deployment configuration",
                    wanted.as_str(),
                    project.configurations.keys().map(AsRef::as_ref),
                ),
            )
        })?;
        if configuration.compute_platform != application.compute_platform {
            return Err(ApiError::new(
                "InvalidDeploymentConfigNameException",
                format!("{wanted} is for {}", configuration.compute_platform.name()),
            ));
        }
        let mut targets = members::targets(project.members(group), ledger);
        let all = targets.len();
        if deploy.options.update_outdated_instances_only {
            targets.retain(|t| members::is_outdated(ledger, &t.name, &registered.revision));
        }
        let spec = Spec {
            up_to_date: u32::try_from(all - targets.len()).unwrap_or(u32::MAX),
            deployment_id: clock::deployment_id(),
            group: group.clone(),
            configuration: configuration.clone(),
            revision: registered.revision.clone(),
            previous_revision: ledger.target_revision.clone(),
            targets,
            creator: Creator::User,
            by: deploy.by.clone(),
            description: deploy.description.clone(),
            rolls_back: None,
            updates: None,
            token: deploy.token.clone(),
            limits: project.settings.limits,
            options: deploy.options.clone(),
        };
        Ok((spec, registered))
    }

    /// Tells everybody about a deployment whose creation is durable, and runs it.
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
        self.run(deployment, false);
    }
}

/// A deployment that is being created.
pub(super) struct Opening {
    pub deployment: Deployment,
    pub record: Record,
    pub ledger: LedgerRecord,
}

/// The entries that create a deployment and give it the group's slot, to be written together.
pub(super) fn opening(
    spec: Arc<Spec>,
    plan: Arc<Plan>,
    ledger: &Ledger,
    now: Timestamp,
) -> (Batch, Opening) {
    let id = spec.deployment_id.clone();
    let key = spec.group_key();
    let record = Record {
        seq: 1,
        at: now,
        event: Event::Created { spec, plan },
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
        revisions: Vec::new(),
    };
    let opening = Opening {
        deployment,
        record,
        ledger: entry,
    };
    (batch, opening)
}

fn occupied(ledger: &Ledger) -> Option<ApiError> {
    let active = ledger.active.as_ref()?;
    Some(ApiError::new(
        "DeploymentLimitExceededException",
        format!("{active} is still running in this group: wait for it, or stop it"),
    ))
}

fn used(mut registered: RegisteredRevision, now: Timestamp) -> RegisteredRevision {
    registered.first_used_time.get_or_insert(now);
    registered.last_used_time = Some(now);
    registered
}

/// "There is no … called …", with the nearest name there is.
pub(super) fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, candidate)) => {
            format!("there is no {kind} called {name}: did you mean {candidate}?")
        }
        None => format!("there is no {kind} called {name}"),
    }
}
