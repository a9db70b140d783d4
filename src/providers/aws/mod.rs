//! AWS: the accounts of a project, for those who speak to its services. Only a build with the feature `aws` has the SDK for it.

#[cfg(feature = "aws")]
mod ec2;
#[cfg(feature = "aws")]
mod s3;
#[cfg(feature = "aws")]
mod scaling;
#[cfg(feature = "aws")]
mod session;
#[cfg(feature = "aws")]
mod trouble;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "aws")]
pub use self::s3::{S3Error, Stored};
#[cfg(feature = "aws")]
pub(crate) use self::trouble::{Kind, Trouble};
use crate::model::connections::{self as model, AwsAccount};

/// What whoever wants AWS is told by a build without it.
#[cfg(not(feature = "aws"))]
pub const ABSENT: &str = "this build has no AWS; build with `--features aws`";

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
}
