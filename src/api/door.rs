//! Behind the door: nobody reaches the orchestrator but through [`Door::admit`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tempfile::NamedTempFile;

use super::caller::Caller;
use super::command::{Answer, ApiError, Command};
use super::rights::{About, Request, need};
use super::sight::Sight;
use crate::clock;
use crate::model::access::{Right, Where, may};
use crate::model::connections::SourceConnection;
use crate::model::deployment::DeploymentId;
use crate::model::freeze::Scope;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::s3::Destination;
use crate::model::source::Source;
use crate::model::timestamp::Timestamp;
use crate::orchestrator::checks::{no_application, no_environment, no_group};
use crate::orchestrator::hooks::report::HookStatus;
use crate::orchestrator::revisions::Origin;
use crate::orchestrator::{Orchestrator, no_deployment};
use crate::store::audit::{Audit, Fact, Outcome};

/// The code of a refusal for want of a right.
const DENIED: &str = "AccessDeniedException";

/// A denied look is noted at most so often of one user, so that nobody fills the disk by knocking.
const KNOCKS: Duration = Duration::from_mins(1);

/// The orchestrator, and who may ask it what. Every change that somebody asks for is in the audit trail before it is made.
#[derive(Clone, Debug)]
pub struct Door {
    /// Private, so that every way to it asks for the right first.
    orchestrator: Orchestrator,
    audit: Audit,
    /// When a denied look of a user was noted last; and a report that nobody waits for, which is nobody's.
    knocks: Arc<Mutex<BTreeMap<Option<u32>, Timestamp>>>,
}

/// Somebody who may do what was asked for.
#[derive(Debug)]
pub struct Admitted {
    /// To be asked for nothing else.
    pub orchestrator: Orchestrator,
    /// What they may see.
    pub sight: Sight,
}

impl Door {
    /// The door to an orchestrator.
    pub fn new(orchestrator: Orchestrator, audit: Audit) -> Self {
        Self {
            orchestrator,
            audit,
            knocks: Arc::default(),
        }
    }

    /// Lets a look in, or says why not. What somebody may not see is answered as what does not exist.
    ///
    /// # Errors
    /// If the person lacks the right.
    pub async fn admit(
        &self,
        caller: &Caller,
        request: &Request<'_>,
    ) -> Result<Admitted, ApiError> {
        if let Err(error) = self.judge(caller, request) {
            if error.code == DENIED && self.knocks_anew(Some(caller.uid)) {
                let what = json!({ "type": request.name() });
                let fact = fact(caller, request, what);
                self.note_denial(fact, &error).await;
            }
            return Err(error);
        }
        Ok(Admitted {
            orchestrator: self.orchestrator.clone(),
            sight: Sight::new(&self.orchestrator.project(), caller),
        })
    }

    /// Whether a request may come in.
    ///
    /// # Errors
    /// If the person lacks the right.
    pub fn judge(&self, caller: &Caller, request: &Request<'_>) -> Result<(), ApiError> {
        let project = self.orchestrator.project();
        let access = project.access.as_ref();
        let may = |right, place| may(access, &caller.person, right, place);
        if !may(Right::See, Where::Anywhere) {
            return Err(denied(format!(
                "{} has no role in this project: whoever keeps its cutover.yaml gives roles under access.people",
                caller.name
            )));
        }
        let (right, about) = need(request);
        let seen = || Sight::new(&project, caller).project(&project);
        let group;
        let place = match about {
            About::Place(place) => place,
            About::Scope(scope) => {
                group = group_of(scope);
                match (&group, &scope.application) {
                    (Some(key), _) => Where::Group(key),
                    (None, Some(name)) => Where::Application(name),
                    (None, None) => Where::Project,
                }
            }
            About::Deployment(id) => {
                group = self.orchestrator.group_of(id);
                match &group {
                    Some(key) if may(Right::See, Where::Group(key)) => Where::Group(key),
                    _ => return Err(no_deployment(id)),
                }
            }
            About::Environment(name) => {
                let seen = seen();
                if !seen.environments.contains_key(name) {
                    return Err(no_environment(&seen, name));
                }
                Where::Anywhere
            }
        };
        match place {
            Where::Group(key) if !may(Right::See, place) => {
                return Err(no_group(&seen(), key));
            }
            Where::Application(name) | Where::Within(name)
                if !may(Right::See, Where::Within(name)) =>
            {
                return Err(no_application(&seen(), name));
            }
            _ => {}
        }
        if may(right, place) {
            Ok(())
        } else {
            let (name, role) = (&caller.name, right.least_role().name());
            Err(denied(format!(
                "{name} may not do this: it needs the role {role} {}",
                words(place)
            )))
        }
    }

    /// Carries out a command of somebody who may give it. Whoever the command says gave it, it was the caller.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn command(&self, caller: &Caller, command: Command) -> Result<Answer, ApiError> {
        let command = command.signed(&caller.name, caller.uid);
        // Whoever has just lost a role has lost it.
        self.orchestrator.catch_up();
        let request = Request::Command(&command);
        let what = serde_json::to_value(&command).map_err(|error| failed(&error))?;
        let fact = fact(caller, &request, what);
        if let Err(error) = self.let_change(caller, &request) {
            self.note_denial(fact, &error).await;
            return Err(error);
        }
        let orchestrator = self.orchestrator.clone();
        self.act(
            fact,
            Box::pin(async move { Box::pin(orchestrator.command(command)).await }),
        )
        .await
    }

    /// Makes room for a bundle of somebody who may bring one to this application.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn upload(
        &self,
        caller: &Caller,
        application: &Name,
        to: Option<&Destination>,
    ) -> Result<NamedTempFile, ApiError> {
        self.orchestrator.catch_up();
        let request = Request::Upload(application);
        let may = self.let_change(caller, &request);
        if let Err(error) = may.and_then(|()| self.may_keep(caller, to)) {
            let what = json!({ "type": request.name(), "application": application, "to": to });
            self.note_denial(fact(caller, &request, what), &error).await;
            return Err(error);
        }
        self.orchestrator.landing()
    }

    /// Registers a bundle that came in.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn register(
        &self,
        caller: &Caller,
        application: &Name,
        bundle: &Path,
        label: Option<String>,
        to: Option<&Destination>,
    ) -> Result<Answer, ApiError> {
        let request = Request::Upload(application);
        self.let_change(caller, &request)?;
        self.may_keep(caller, to)?;
        let what =
            json!({ "type": request.name(), "application": application, "label": label, "to": to });
        let origin = Origin {
            description: format!("pushed by {}", caller.name),
            source: None,
        };
        let here = &self.orchestrator;
        let fact = fact(caller, &request, what);
        match to {
            None => {
                let registering = here.register(application, bundle, label, origin);
                self.act(fact, registering).await
            }
            Some(to) => {
                let publishing = here.keep_in_s3(application, bundle, label, origin, to);
                self.act(fact, Box::pin(publishing)).await
            }
        }
    }

    /// Whether a request may change something now, whoever asks and however.
    fn let_change(&self, caller: &Caller, request: &Request<'_>) -> Result<(), ApiError> {
        self.judge(caller, request)?;
        self.may_change()?;
        match request {
            Request::Command(command) if !caller.person.owner => self.may_read(command),
            _ => Ok(()),
        }
    }

    /// Whether the orchestrator reads for other users what it is to read: it does so with its owner's rights, and from where
    /// its owner's machine is.
    fn may_read(&self, command: &Command) -> Result<(), ApiError> {
        match command {
            Command::Push { .. } => Err(denied(
                "the orchestrator reads no files for other users: send the bundle itself, as `cutover push` does"
                    .to_owned(),
            )),
            Command::Fetch {
                source: source @ Source::Http(_),
                ..
            } if self.orchestrator.project().connections.source(source).is_none() => Err(denied(
                "the orchestrator goes to no address for other users that connections.sources of cutover.yaml does not have: download it and push the file"
                    .to_owned(),
            )),
            Command::Fetch {
                source: source @ Source::S3(_),
                ..
            } if self.orchestrator.project().connections.source(source).is_none() => Err(denied(
                "the orchestrator reads nothing of S3 for other users that no s3 entry of connections.sources of cutover.yaml has: download it and push the file"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether a bundle of this person may be kept there in S3: for others than its owner the orchestrator writes only where
    /// an entry says so, and in the account that it says.
    fn may_keep(&self, caller: &Caller, to: Option<&Destination>) -> Result<(), ApiError> {
        let Some(to) = to.filter(|_| !caller.person.owner) else {
            return Ok(());
        };
        let project = self.orchestrator.project();
        let known = project.connections.source(&Source::S3(to.object.clone()));
        let same = |known: &SourceConnection| {
            let account = to.account.is_none() || to.account.as_deref() == known.account();
            known.may_be_written() && account
        };
        if known.is_some_and(same) {
            return Ok(());
        }
        Err(denied(
            "the orchestrator writes nothing to S3 for other users that no s3 entry of connections.sources of cutover.yaml has, with `write: true` and this account: push without --to"
                .to_owned(),
        ))
    }

    /// Whether anything may be changed now.
    fn may_change(&self) -> Result<(), ApiError> {
        if self.orchestrator.project().settings.read_only {
            let message = "read-only: nothing can be changed (settings.readOnly in cutover.yaml)";
            return Err(ApiError::new("ReadOnlyException", message));
        }
        Ok(())
    }

    /// Takes down how a hook ended that reports by itself. It has one right, that of its ticket: to say this once.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn report(
        &self,
        deployment: DeploymentId,
        ticket: String,
        status: HookStatus,
    ) -> Result<Answer, ApiError> {
        let hook = self.orchestrator.reporting_hook(&deployment, &ticket);
        let hook = hook.and_then(|hook| {
            // Not for whoever makes something up: it takes a while.
            self.orchestrator.catch_up();
            self.may_change().map(|()| hook)
        });
        let of_whom = |user: String, what: serde_json::Value| Fact {
            uid: None,
            user,
            what,
            place: deployment.to_string(),
            outcome: Outcome::Asked,
            of: None,
            told: None,
        };
        let hook = match hook {
            Ok(hook) => hook,
            Err(error) => {
                if self.knocks_anew(None) {
                    // Anybody may have written it.
                    let what = json!({ "type": "reportHook", "status": status });
                    self.note_denial(of_whom("a hook".to_owned(), what), &error)
                        .await;
                }
                return Err(error);
            }
        };
        let command = Command::ReportHook {
            deployment: deployment.clone(),
            ticket,
            status,
        };
        let what = serde_json::to_value(&command).map_err(|error| failed(&error))?;
        let fact = of_whom(format!("hook {hook}"), what);
        let orchestrator = self.orchestrator.clone();
        self.act(
            fact,
            Box::pin(async move { Box::pin(orchestrator.command(command)).await }),
        )
        .await
    }

    /// Writes down that something is asked for, does it, and writes down what came of it.
    async fn act(
        &self,
        fact: Fact,
        doing: impl Future<Output = Result<Answer, ApiError>>,
    ) -> Result<Answer, ApiError> {
        let asked = self.note(fact.clone()).await?;
        let answer = doing.await;
        let (outcome, told) = match &answer {
            Ok(answer) => (Outcome::Done, serde_json::to_string(&answer.kept()).ok()),
            Err(error) => (Outcome::Refused, Some(error.message.clone())),
        };
        let noted = self.note(Fact {
            outcome,
            told,
            of: Some(asked),
            ..fact
        });
        if let Err(error) = noted.await {
            tracing::error!(%error, asked, "what came of a command is not in the audit trail");
        }
        answer
    }

    async fn note_denial(&self, fact: Fact, error: &ApiError) {
        let (outcome, told) = (Outcome::Denied, Some(error.message.clone()));
        let noted = self.note(Fact {
            outcome,
            told,
            ..fact
        });
        if let Err(error) = noted.await {
            tracing::error!(%error, "a denial is not in the audit trail");
        }
    }

    /// Appends to the audit trail, and waits until it is durable.
    async fn note(&self, fact: Fact) -> Result<u64, ApiError> {
        let audit = self.audit.clone();
        let noting = tokio::task::spawn_blocking(move || audit.append(clock::now(), fact));
        let noted = noting.await.map_err(|error| failed(&error))?;
        noted.map_err(|error| failed(&format_args!("the audit trail can't be written: {error}")))
    }

    /// The audit trail, as it is on the disk.
    ///
    /// # Errors
    /// If the person may not read it, or it can't be read.
    pub async fn trail(&self, caller: &Caller) -> Result<Vec<u8>, ApiError> {
        self.admit(caller, &Request::Audit).await?;
        let audit = self.audit.clone();
        let reading = tokio::task::spawn_blocking(move || audit.read());
        let read = reading.await.map_err(|error| failed(&error))?;
        read.map_err(|error| failed(&error))
    }

    fn knocks_anew(&self, uid: Option<u32>) -> bool {
        let now = clock::steady();
        let mut knocks = self.knocks.lock().unwrap_or_else(PoisonError::into_inner);
        let anew = knocks
            .get(&uid)
            .is_none_or(|last| now.since(*last) >= KNOCKS);
        if anew {
            knocks.insert(uid, now);
        }
        anew
    }
}

/// A request of somebody, before anything is known of its outcome.
fn fact(caller: &Caller, request: &Request<'_>, what: serde_json::Value) -> Fact {
    let place = match need(request).1 {
        About::Place(place) => words(place),
        About::Scope(scope) => format!("in {scope}"),
        About::Deployment(id) => id.to_string(),
        About::Environment(name) => format!("in the environment {name}"),
    };
    Fact {
        uid: Some(caller.uid),
        user: caller.name.clone(),
        what,
        place,
        outcome: Outcome::Asked,
        of: None,
        told: None,
    }
}

/// The deployment group that a scope is, if it is one.
fn group_of(scope: &Scope) -> Option<GroupKey> {
    let (application, group) = scope.application.clone().zip(scope.group.clone())?;
    Some(GroupKey { application, group })
}

/// What went wrong on our side.
fn failed(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new("InternalError", error.to_string())
}

fn denied(message: String) -> ApiError {
    ApiError::new(DENIED, message)
}

/// A place in words.
fn words(place: Where<'_>) -> String {
    match place {
        Where::Anywhere => "anywhere".to_owned(),
        Where::Project => "in the whole project".to_owned(),
        Where::Application(name) => format!("in the whole application {name}"),
        Where::Within(name) => format!("in the application {name}"),
        Where::Group(key) => format!("in {key}"),
    }
}
