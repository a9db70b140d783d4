//! What a lab has when somebody looks: revisions, a rollout under way, and another that waits for its traffic.

use std::path::Path;
use std::time::Duration;

use crate::api::client::Client;
use crate::api::command::{Answer, Command, Deploy};
use crate::api::view::View;
use crate::cli::context::{Context, look, user};
use crate::cli::push::push;
use crate::engine::Deployment;
use crate::engine::input::{self, What};
use crate::engine::spec::Options;
use crate::lab::{Fleet, checkout, gallery, project, thumbs};
use crate::model::deployment::{Creator, DeploymentId, DeploymentStatus};
use crate::model::group::{Ec2TagSet, GroupKey, Selection};
use crate::model::tags::TagFilter;

/// What a deployment is about that nobody has to look at.
const BEGINNING: &str = "what the lab begins with";

/// How long the first deployment of an application may take before nobody waits for it any more.
const FIRST: Duration = Duration::from_secs(20);

/// Registers the revisions and begins the deployments that have not been begun. Whatever somebody did since stays as it is.
pub(super) async fn fill(
    context: &Context,
    client: &Client,
    fleet: &mut Fleet,
) -> color_eyre::Result<()> {
    let view = look(client).await?;
    for revision in project::REVISIONS {
        let application = revision.application.parse()?;
        let known = view.revisions.get(&application);
        let known = known.is_some_and(|all| all.iter().any(|r| r.revision.label == revision.label));
        let there = view.project.applications.contains_key(&application);
        if there && !known {
            let path = fleet.folder.join(revision.folder());
            let label = Some(revision.label.to_owned());
            push(context, client, application, &path, label, None).await?;
        }
    }
    let function = key(thumbs::APPLICATION, thumbs::DEPLOYMENT_GROUP)?;
    let has_function = fleet.has_function() && view.project.group(&function).is_some();
    if has_function {
        let revisions = thumbs::revisions();
        register(
            context,
            client,
            (&view, &function),
            &fleet.folder,
            revisions,
        )
        .await?;
        if deployments(&view, &function).is_empty() {
            let about = "the lab's first shift";
            send(context, client, deploy(function, thumbs::SECOND, about)).await?;
        }
    }
    let service = key(gallery::APPLICATION, gallery::DEPLOYMENT_GROUP)?;
    if fleet.has_service() && view.project.group(&service).is_some() {
        let revisions = gallery::revisions();
        register(context, client, (&view, &service), &fleet.folder, revisions).await?;
        if deployments(&view, &service).len() < 2 {
            let wanted = Deploy {
                configuration: Some("CodeDeployDefault.ECSAllAtOnce".parse()?),
                ..deploy(service.clone(), gallery::FIRST, BEGINNING)
            };
            if is_there(context, client, wanted).await? {
                fleet.ask_service().await?;
                let about = "the lab's first canary";
                send(context, client, deploy(service, gallery::SECOND, about)).await?;
            }
        } else {
            fleet.ask_service().await?;
        }
    }
    let shop = key("shop", "production")?;
    let checkout = key(checkout::APPLICATION, checkout::DEPLOYMENT_GROUP)?;
    let begun = deployments(&view, &checkout);
    let has_checkout = fleet.has_checkout() && view.project.group(&checkout).is_some();
    let serves = match begun.len() {
        0 | 1 if has_checkout => first(context, client, &checkout).await?,
        begun => begun > 1,
    };
    if serves {
        fleet.request().await?;
    }
    if deployments(&view, &shop).is_empty() && view.project.group(&shop).is_some() {
        let about = "the lab's first rollout";
        send(context, client, deploy(shop, "1.0.0", about)).await?;
    }
    // The last, so that it is what somebody sees.
    if serves && begun.len() < 2 {
        let about = "waits for somebody to reroute";
        send(context, client, deploy(checkout, checkout::SECOND, about)).await?;
    }
    Ok(())
}

/// Registers those revisions of an application that it has not.
async fn register(
    context: &Context,
    client: &Client,
    (view, group): (&View, &GroupKey),
    folder: &Path,
    revisions: impl Iterator<Item = (&'static str, String)>,
) -> color_eyre::Result<()> {
    let known = view.revisions.get(&group.application);
    for (label, file) in revisions {
        if !known.is_some_and(|all| all.iter().any(|r| r.revision.label == label)) {
            let (path, label) = (folder.join(file), Some(label.to_owned()));
            push(
                context,
                client,
                group.application.clone(),
                &path,
                label,
                None,
            )
            .await?;
        }
    }
    Ok(())
}

fn key(application: &str, group: &str) -> color_eyre::Result<GroupKey> {
    Ok(GroupKey {
        application: application.parse()?,
        group: group.parse()?,
    })
}

fn deployments(view: &View, group: &GroupKey) -> Vec<DeploymentId> {
    let all = view.summaries.values();
    let ours = all.filter(|summary| summary.group == *group);
    ours.map(|summary| summary.deployment_id.clone()).collect()
}

/// Asked twice, it is created once: it is known by what it is about.
fn deploy(group: GroupKey, revision: &str, about: &str) -> Deploy {
    Deploy {
        token: Some(format!("{group} {revision} of the lab")),
        group,
        revision: revision.to_owned(),
        configuration: None,
        target_instances: None,
        description: about.to_owned(),
        options: Options::default(),
        verify_artifact: false,
        creator: Creator::User,
        by: user(),
        uid: None,
    }
}

async fn send(
    context: &Context,
    client: &Client,
    deploy: Deploy,
) -> color_eyre::Result<DeploymentId> {
    match context.send(client, Command::Deploy(deploy)).await? {
        Answer::Created { deployment } => Ok(deployment),
        other => color_eyre::eyre::bail!("an unexpected answer: {other:?}"),
    }
}

/// Brings the first revision of `checkout` into service, all at once and without waiting for anybody, and says whether it is
/// there. If not, the cockpit shows why.
async fn first(context: &Context, client: &Client, group: &GroupKey) -> color_eyre::Result<bool> {
    let filter = TagFilter {
        key: Some(checkout::SET.to_owned()),
        value: Some(checkout::FIRST_SET.to_owned()),
        ..TagFilter::default()
    };
    let replacement = Selection {
        ec2_tag_set: Some(Ec2TagSet {
            ec2_tag_set_list: vec![vec![filter]],
        }),
        ..Selection::default()
    };
    let wanted = Deploy {
        configuration: Some("CodeDeployDefault.AllAtOnce".parse()?),
        target_instances: Some(Box::new(replacement)),
        ..deploy(group.clone(), checkout::FIRST, BEGINNING)
    };
    is_there(context, client, wanted).await
}

/// Begins a deployment and waits for nobody but it; says whether it has succeeded.
async fn is_there(context: &Context, client: &Client, wanted: Deploy) -> color_eyre::Result<bool> {
    let id = send(context, client, wanted).await?;
    let deadline = tokio::time::Instant::now() + FIRST;
    while tokio::time::Instant::now() < deadline {
        let deployment = client.deployment(&id).await?;
        if deployment.status.is_terminal() {
            return Ok(deployment.status == DeploymentStatus::Succeeded);
        }
        hurry(context, client, &deployment).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(false)
}

/// Ends a wait, if the deployment is in one.
async fn hurry(context: &Context, client: &Client, it: &Deployment) {
    let Some((before, _)) = it.wait_ends() else {
        return;
    };
    let control = input::Command {
        what: What::Continue { before },
        by: user(),
        uid: None,
        why: Some("nobody waits for the lab's first".to_owned()),
        seen: Some(it.decided),
    };
    let command = Command::Control {
        deployment: it.id().clone(),
        control,
    };
    // Refused if it has gone on meanwhile: the next look tells.
    let _gone_on = context.send(client, command).await;
}
