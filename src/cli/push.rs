//! `cutover push APP PATH`: registers a revision.

use super::print::say;
use std::path::{Path, PathBuf};

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
use crate::store::bundles::{BundleError, Bundles, label_of};

/// Registers a revision.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose revision it is
    application: Name,
    /// A directory or a .zip, .tar or .tar.gz with an appspec.yml at its root; for a function, its AppSpec
    path: PathBuf,
    /// What people call it, such as 1.8.0; by default the file's or folder's name, or a function's name and version
    #[arg(long)]
    label: Option<String>,
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let revision = push(context, &client, args.application, &args.path, args.label).await?;
    say(format_args!(
        "{}  {}  {} bytes",
        revision.revision.label, revision.revision.digest, revision.revision.size
    ));
    Ok(Exit::Succeeded)
}

/// Registers what is at this path.
pub(super) async fn push(
    context: &Context,
    client: &Client,
    application: Name,
    path: &Path,
    label: Option<String>,
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
        context.upload(client, &application, label, file).await?
    };
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
