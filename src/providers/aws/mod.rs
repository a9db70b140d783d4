//! AWS: the accounts of a project, for those who speak to its services. Only a build with the feature `aws` has the SDK for it.

#[cfg(not(feature = "aws"))]
mod absent;
#[cfg(feature = "aws")]
mod copy;
#[cfg(feature = "aws")]
mod credentials;
#[cfg(feature = "aws")]
mod ec2;
#[cfg(feature = "aws")]
mod ecs;
#[cfg(feature = "aws")]
mod hooks;
#[cfg(feature = "aws")]
mod newest;
#[cfg(feature = "aws")]
mod s3;
#[cfg(feature = "aws")]
mod scaling;
#[cfg(feature = "aws")]
mod session;
#[cfg(feature = "aws")]
mod trouble;
#[cfg(feature = "aws")]
mod upload;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "aws")]
pub(crate) use self::trouble::{Kind, Trouble};
use crate::model::connections::{self as model, AwsAccount};

/// What whoever wants AWS is told by a build without it.
#[cfg(not(feature = "aws"))]
pub const ABSENT: &str = "this build has no AWS; build with `--features aws`";

/// Why AWS does not do what it is asked, with what it is called, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// A permission is missing.
    #[error("{0}")]
    Denied(String),
    /// It does not know who asks.
    #[error("{0}")]
    Unknown(String),
    /// It will not, however often it is asked.
    #[error("{0}")]
    Refused(String),
    /// There may be no more of what was asked for.
    #[error("{0}")]
    Full(String),
    /// It has been asked too often, or has trouble of its own.
    #[error("{0}")]
    Busy(String),
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(String),
}

/// The AWS accounts of a project. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    /// As the documents have them now.
    documents: Box<dyn Fn() -> Vec<AwsAccount> + Send + Sync>,
    #[cfg(feature = "aws")]
    sessions: session::Sessions,
}

impl Default for Accounts {
    /// None but what the SDK finds by itself.
    fn default() -> Self {
        Self::new(Vec::new)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = (self.0.documents)();
        f.debug_tuple("Accounts").field(&all).finish()
    }
}

impl Accounts {
    /// Those that `documents` says, whenever one is needed.
    pub fn new(documents: impl Fn() -> Vec<AwsAccount> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            documents: Box::new(documents),
            #[cfg(feature = "aws")]
            sessions: session::Sessions::default(),
        }))
    }

    /// What a service is called in messages, when it is asked in this account.
    pub(crate) fn label(&self, service: &str, account: Option<&str>) -> String {
        let all = (self.0.documents)();
        let meant = model::account(&all, account).ok().flatten();
        match meant.map(|account| account.name.as_str()).or(account) {
            Some(account) => format!("{service} of the AWS account {account}"),
            None => service.to_owned(),
        }
    }

    /// What whoever asks a service is told. Credentials are looked for again if they were the trouble.
    #[cfg(feature = "aws")]
    pub(crate) async fn told(
        &self,
        service: &str,
        account: Option<&str>,
        trouble: Trouble,
    ) -> AskError {
        self.renew(&trouble).await;
        let message = format!("{}: {}", self.label(service, account), trouble.reason);
        match trouble.kind {
            Kind::Refused if trouble.is_denied() => AskError::Denied(message),
            Kind::Refused if trouble.is_limit() => AskError::Full(message),
            Kind::Refused => AskError::Refused(message),
            Kind::Credentials => AskError::Unknown(message),
            Kind::Busy => AskError::Busy(message),
            Kind::Unreachable => AskError::Unreachable(message),
        }
    }

    /// What whoever asks a service is told by a build without AWS.
    #[cfg(not(feature = "aws"))]
    pub(crate) fn absent(&self, service: &str, account: Option<&str>) -> AskError {
        AskError::Refused(format!("{}: {ABSENT}", self.label(service, account)))
    }
}
