//! `cutover open ADDRESS`: the cockpit, at one place.

use super::Exit;
use super::appearance::Appearance;
use super::cockpit::{self, require_terminal};
use super::context::{Context, UsageError, look, usage};
use crate::model::address::Address;

/// Opens the cockpit at an address.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Addresses:\n  home                             what needs a person\n  applications                     every application\n  shop                             the groups of an application\n  shop/production                  the deployments of a group\n  d-7F3KQ21XB                      a deployment\n  d-7F3KQ21XB/web-5                one of its instances\n  d-7F3KQ21XB/:output              what all of its instances wrote\n  d-7F3KQ21XB/web-5/AfterInstall   what one event wrote there\n  hosts, hosts/web-5               every host, or one\n  history                          every deployment, the newest first\n  history/shop/production          those of a group\n  history/hosts/web-5              what a host was given\n\nAn application that is called home, applications, hosts or history, or like a deployment, is written applications/NAME."
)]
pub(super) struct Args {
    /// What to look at, as `c` in the cockpit copies it
    #[arg(value_parser = |text: &str| text.parse::<Address>())]
    address: Address,
    #[command(flatten)]
    appearance: Appearance,
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let preferences = args.appearance.preferences()?;
    let client = context.connect().await?;
    let mut view = look(&client).await?;
    // What is wrong with the address is said whether there is a terminal or not.
    if let Address::Instance(id, _) | Address::Event(id, ..) = &args.address
        && view.summaries.contains_key(id)
    {
        view.hold(client.deployment(id).await.map_err(usage)?);
    }
    view.find(&args.address)
        .map_err(|nowhere| UsageError(nowhere.to_string()))?;
    require_terminal(context, &preferences)?;
    cockpit::at(context, client, preferences, Some(args.address)).await
}
