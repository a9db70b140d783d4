//! `cutover hosts add`, `edit` and `remove`: the hosts of `cutover.yaml`; their keys are `host_keys`' affair.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use color_eyre::eyre::bail;

use super::change::{self, Options};
use super::context::{Context, UsageError};
use super::filter;
use super::host_keys::{self, Joining, Waiting};
use super::host_tokens;
use super::print::say;
use super::span::Span;
use super::{Exit, Output};
use crate::api::command::{Answer, Command};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::yaml::Path as FieldPath;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::PROJECT_DOCUMENT;
use crate::store::documents::edit::typed::Tag;
use crate::store::documents::edit::{Changes, New, hosts};
use crate::text::safe;

/// Changes of the list of hosts.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Add a host to cutover.yaml, and print what lets it join
    Add {
        /// The host
        name: Name,
        /// Where its agent listens, such as <https://10.0.0.7:7420>
        #[arg(long, value_name = "URL")]
        address: String,
        /// A tag; groups select hosts by their tags
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<Tag>,
        /// The availability zone
        #[arg(long)]
        zone: Option<String>,
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        joining: Joining,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Change a host of cutover.yaml
    Edit {
        /// The host
        name: Name,
        /// Where its agent listens
        #[arg(long, value_name = "URL")]
        address: Option<String>,
        /// Give it a tag, or a tag another value
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<Tag>,
        /// Take a tag away
        #[arg(long = "untag", value_name = "KEY")]
        untag: Vec<String>,
        /// The availability zone; empty for none
        #[arg(long)]
        zone: Option<String>,
        #[command(flatten)]
        options: Options,
    },
    /// Have the fleets that provisioned hosts terminate them, or AWS a copy of an Auto Scaling group: what deployments that did not succeed
    /// have left
    Terminate {
        /// The hosts, or the names of copies
        #[arg(required = true, value_name = "HOST")]
        names: Vec<Name>,
    },
    /// Print what lets a host join that is in cutover.yaml, or the instances of AWS that a group selects
    Invite {
        /// The host
        #[arg(required_unless_present = "instances", conflicts_with = "instances")]
        name: Option<Name>,
        /// Let all instances of AWS join that this deployment group selects, now and later, by one token for their user data
        #[arg(long, value_name = "APP/GROUP", value_parser = filter::group, conflicts_with_all = ["replace_key", "authority", "wait"])]
        instances: Option<GroupKey>,
        /// For how long that token holds: 12h, 30d. Until it is revoked, if nothing is said
        #[arg(long = "for", value_name = "SPAN", requires = "instances")]
        lasts: Option<Span>,
        /// Its key may be another one from now on: it was installed anew
        #[arg(long)]
        replace_key: bool,
        #[command(flatten)]
        joining: Joining,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Show the tokens by which instances of AWS join
    Tokens {
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Know a host's key no more, at once: it gets and says nothing until it has joined again
    Revoke {
        /// The host
        #[arg(required_unless_present = "token", conflicts_with = "token")]
        name: Option<Name>,
        /// Let no instance join any more by this token; those that have joined stay
        #[arg(long, value_name = "TOKEN")]
        token: Option<String>,
    },
    /// Give hosts, or the orchestrator, another key, while everything goes on
    Rotate {
        /// The hosts
        #[arg(
            required_unless_present = "orchestrator",
            conflicts_with = "orchestrator",
            value_name = "HOST"
        )]
        names: Vec<Name>,
        /// Give the orchestrator another key
        #[arg(long)]
        orchestrator: bool,
        /// The key, with the certificate of an authority for it and those in between (PEM)
        #[arg(long, value_name = "FILE", requires = "orchestrator")]
        certificate: Option<PathBuf>,
    },
    /// Remove a host and its key from the project; nothing is uninstalled on it
    Remove {
        /// The host
        name: Name,
        #[command(flatten)]
        options: Options,
    },
}

pub(super) async fn run(verb: &Verb, context: &Context) -> color_eyre::Result<Exit> {
    match verb {
        Verb::Terminate { names } => terminate(names, context).await,
        Verb::Invite {
            instances: Some(place),
            lasts,
            ..
        } => host_tokens::invite(place, *lasts, context).await,
        Verb::Invite {
            name: Some(name),
            replace_key,
            joining,
            waiting,
            ..
        } => host_keys::invite(name, *replace_key, (joining, *waiting), context).await,
        Verb::Revoke {
            token: Some(token), ..
        } => host_tokens::revoke(token, context).await,
        Verb::Revoke {
            name: Some(name), ..
        } => host_keys::revoke(name, context).await,
        Verb::Tokens { output } => host_tokens::list(*output, context).await,
        Verb::Rotate {
            names, certificate, ..
        } => host_keys::rotate(names, certificate.as_deref(), context).await,
        Verb::Add {
            name,
            address,
            options,
            joining,
            waiting,
            ..
        } => {
            let done = edit(verb, context)?;
            if done != Exit::Succeeded || options.dry_run || !address.starts_with("https://") {
                return Ok(done);
            }
            host_keys::invite(name, false, (joining, *waiting), context).await
        }
        Verb::Remove { name, options } => {
            let done = edit(verb, context)?;
            if done == Exit::Succeeded && !options.dry_run {
                host_keys::forget(name, context).await?;
            }
            Ok(done)
        }
        // Of those that need one of two, the parser has seen to it.
        Verb::Edit { .. } | Verb::Invite { .. } | Verb::Revoke { .. } => edit(verb, context),
    }
}

/// Changes the document.
fn edit(verb: &Verb, context: &Context) -> color_eyre::Result<Exit> {
    let folder = context.folder()?;
    let path = Path::new(PROJECT_DOCUMENT);
    let mut changes = Changes::of(&folder);
    let now = changes
        .content(path)
        .map_err(|error| change::explain(&error))?;
    let (edits, options) = match verb {
        Verb::Add {
            name,
            address,
            tags,
            zone,
            options,
            ..
        } => {
            let new = New::Host {
                name: name.clone(),
                address: address.clone(),
                tags: tags.clone(),
                zone: zone.clone(),
            };
            let draft = new
                .draft(&folder)
                .map_err(|error| change::explain(&error))?;
            return change::finish(draft.changes(), *options, context);
        }
        Verb::Edit {
            name,
            address,
            tags,
            untag,
            zone,
            options,
        } => {
            let host = find(&now, name)?;
            let mut edits = Vec::new();
            if let Some(address) = address {
                edits.push(Change::Set(host.key("address"), Content::text(address)));
            }
            for tag in tags {
                let path = host.key("tags").key(tag.key.as_str());
                edits.push(Change::Set(path, Content::text(&tag.value)));
            }
            for key in untag {
                edits.push(Change::Remove(host.key("tags").key(key.as_str())));
            }
            match zone.as_deref() {
                Some("") => edits.push(Change::Remove(host.key("zone"))),
                Some(zone) => edits.push(Change::Set(host.key("zone"), Content::text(zone))),
                None => {}
            }
            if edits.is_empty() {
                let message =
                    "nothing says what to change: give --address, --tag, --untag or --zone";
                return Err(UsageError(message.to_owned()).into());
            }
            (edits, options)
        }
        Verb::Terminate { .. }
        | Verb::Invite { .. }
        | Verb::Tokens { .. }
        | Verb::Revoke { .. }
        | Verb::Rotate { .. } => {
            return Ok(Exit::Succeeded);
        }
        Verb::Remove { name, options } => (vec![Change::Remove(find(&now, name)?)], options),
    };
    changes
        .edit(path, &edits)
        .map_err(|error| change::explain(&error))?;
    change::finish(&changes, *options, context)
}

async fn terminate(names: &[Name], context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let hosts = names.to_vec();
    let command = Command::TerminateHosts { hosts };
    let Answer::Terminated { hosts, trouble } = context.send(&client, command).await? else {
        bail!("an unexpected answer");
    };
    for host in hosts {
        say(format_args!("{host} is terminated"));
    }
    match trouble {
        Some(trouble) => bail!("not terminated: {}", safe(&trouble)),
        None => Ok(Exit::Succeeded),
    }
}

fn find(now: &Content, name: &Name) -> Result<FieldPath, UsageError> {
    let names = hosts(now);
    let index = names.iter().position(|have| have == name.as_str());
    match index {
        Some(index) => Ok(FieldPath::root().key("hosts").index(index)),
        None => Err(change::unknown(
            "host",
            name.as_str(),
            names,
            "InstanceNotRegisteredException",
        )),
    }
}
