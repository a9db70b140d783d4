//! `cutover push APP SOURCE`: registers a revision.

use super::print::say;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use color_eyre::eyre::{WrapErr as _, bail};

use super::Exit;
use super::context::{Context, UsageError};
use crate::agent::inspect;
use crate::api::client::Client;
use crate::api::command::{Answer, Command};
use crate::appspec;
use crate::model::application::ComputePlatform;
use crate::model::name::Name;
use crate::model::revision::RegisteredRevision;
use crate::model::s3::{Destination, S3Object};
use crate::model::source::{Source, SourceError};
use crate::store::bundles::{BundleError, Bundles, label_of};
use crate::text::safe;

/// Registers a revision.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose revision it is
    application: Name,
    /// A directory or a .zip, .tar or .tar.gz with an appspec.yml at its root, or the AppSpec of a function: a path,
    /// github:OWNER/REPOSITORY@COMMIT, bitbucket:WORKSPACE/REPOSITORY@COMMIT, or an s3://, http:// or https:// address
    source: Origin,
    /// What people call it, such as 1.8.0; by default the file's or folder's name, REPOSITORY-COMMIT, or FUNCTION:VERSION
    #[arg(long)]
    label: Option<String>,
    /// Keep it in S3, too: what is registered is this version of what is there
    #[arg(long, value_name = "s3://BUCKET/KEY")]
    to: Option<S3Object>,
    /// The AWS account that --to is in, of connections.aws; without it, as connections.sources says
    #[arg(long, value_name = "NAME", requires = "to")]
    account: Option<String>,
}

/// Where a revision is that is to be registered.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// At this path.
    Here(PathBuf),
    /// Where the orchestrator gets it.
    Elsewhere(Source),
}

impl FromStr for Origin {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if Source::is_meant(text) {
            text.parse().map(Self::Elsewhere)
        } else {
            Ok(Self::Here(text.into()))
        }
    }
}

impl Args {
    /// What is sent.
    pub(super) fn request(self) -> Result<Command, UsageError> {
        let (object, account) = (self.to, self.account);
        let to = object.map(|object| Destination { object, account });
        if let (Origin::Elsewhere(source), Some(to)) = (&self.source, &to) {
            return Err(UsageError(format!(
                "{source} is not on this machine, so it can't be sent to {}: push it without --to",
                to.object
            )));
        }
        Ok(self.source.request(self.application, self.label, to))
    }
}

impl Origin {
    fn request(self, application: Name, label: Option<String>, to: Option<Destination>) -> Command {
        match self {
            Self::Here(path) => Command::Push {
                application,
                path,
                label,
                to,
            },
            Self::Elsewhere(source) => Command::Fetch {
                application,
                source,
                label,
            },
        }
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let request = args.request()?;
    let client = context.connect().await?;
    let revision = register(context, &client, request).await?;
    say(format_args!(
        "{}  {}  {} bytes",
        revision.revision.label, revision.revision.digest, revision.revision.size
    ));
    // Which version it was is known only now.
    if let Some(Source::S3(_)) = revision.source {
        say(safe(&revision.description));
    }
    Ok(Exit::Succeeded)
}

/// Registers what is there.
pub(super) async fn bring(
    context: &Context,
    client: &Client,
    application: Name,
    origin: Origin,
    label: Option<String>,
) -> color_eyre::Result<RegisteredRevision> {
    register(context, client, origin.request(application, label, None)).await
}

async fn register(
    context: &Context,
    client: &Client,
    request: Command,
) -> color_eyre::Result<RegisteredRevision> {
    match request {
        Command::Push {
            application,
            path,
            label,
            to,
        } => push(context, client, application, &path, label, to).await,
        request => registered(context.send(client, request).await?),
    }
}

/// Registers what is at this path.
pub(super) async fn push(
    context: &Context,
    client: &Client,
    application: Name,
    path: &Path,
    label: Option<String>,
    to: Option<Destination>,
) -> color_eyre::Result<RegisteredRevision> {
    let path = path
        .canonicalize()
        .map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
    let reads_for_us = client.ping().await?.uid.is_none_or(|owner| {
        let us = nix::unistd::getuid();
        us.is_root() || us.as_raw() == owner
    });
    let answer = if reads_for_us {
        let command = Command::Push {
            application,
            path,
            label,
            to,
        };
        context.send(client, command).await?
    } else {
        // Its owner may not read what we may, and must not read for us what we may not.
        let folder = tempfile::tempdir().wrap_err("no folder for the bundle can be made")?;
        let bundles = Bundles::open(folder.path())?;
        let (label, file) = if is_appspec(&path) {
            (label, path)
        } else {
            let called = label_of(&path);
            let packed = tokio::task::spawn_blocking(move || {
                let packed = bundles.pack(&path)?;
                Ok::<_, BundleError>(bundles.path(&packed.digest))
            });
            (label.or(Some(called)), packed.await??)
        };
        let label = label.as_deref();
        let file = tokio::fs::File::open(file).await?;
        let to = to.as_ref();
        context
            .upload(client, &application, label, to, file)
            .await?
    };
    registered(answer)
}

fn registered(answer: Answer) -> color_eyre::Result<RegisteredRevision> {
    match answer {
        Answer::Registered { revision } => Ok(revision),
        other => bail!("an unexpected answer: {other:?}"),
    }
}

/// Whether a file is an `AppSpec` of a platform without bundles.
fn is_appspec(path: &Path) -> bool {
    let bytes = inspect::content(path).unwrap_or_default();
    let platform = appspec::decode(&bytes).ok();
    let platform = platform.and_then(|text| appspec::platform(&text));
    platform.is_some_and(|platform| platform != ComputePlatform::Server)
}
