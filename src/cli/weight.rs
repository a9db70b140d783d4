//! `cutover weight ID SHARE`: the replacement's share of the traffic, by hand.

use std::str::FromStr;

use super::context::{Context, UsageError, usage};
use super::{Exit, control};
use crate::engine::input::What;
use crate::model::traffic::Split;

/// Sets the share of the replacement.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    #[command(flatten)]
    control: control::Args,
    /// The replacement's share in percent: 30, or by how much it changes: +10, -10
    #[arg(allow_hyphen_values = true)]
    share: Share,
}

/// A share, or a change of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Exactly(Split),
    More(u8),
    Less(u8),
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "a share is a whole percentage from 0 to 100, or a change such as +10".to_owned();
        let number = |text: &str| {
            let number: u8 = text.parse().map_err(|_| wrong())?;
            Split::new(number).map_err(|_| wrong())
        };
        let text = text.trim_end_matches('%').trim_end();
        if let Some(more) = text.strip_prefix('+') {
            return Ok(Self::More(number(more)?.replacement()));
        }
        if let Some(less) = text.strip_prefix('-') {
            return Ok(Self::Less(number(less)?.replacement()));
        }
        Ok(Self::Exactly(number(text)?))
    }
}

impl Share {
    /// The split that it comes to. Less than nothing is nothing, more than all is all.
    fn of(self, asked: Split) -> Split {
        let from = asked.replacement();
        let share = match self {
            Self::Exactly(split) => return split,
            Self::More(by) => from.saturating_add(by).min(100),
            Self::Less(by) => from.saturating_sub(by),
        };
        Split::new(share).unwrap_or(asked)
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let id = &args.control.deployment;
    let deployment = client.deployment(id).await.map_err(usage)?;
    let Some(asked) = deployment.split() else {
        return Err(UsageError(format!(
            "{id} does not shift traffic by weight: its configuration has no trafficRoutingConfig"
        ))
        .into());
    };
    let (args, what) = args.wish(asked);
    control::run(args, what, context).await
}

impl Args {
    /// What it wants of a deployment that was asked for this split last.
    pub(super) fn wish(self, asked: Split) -> (control::Args, What) {
        let split = self.share.of(asked);
        (self.control, What::Weight { split })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_or_relative() {
        let at = Split::new(95).unwrap();
        let share = |text: &str| {
            text.parse::<Share>()
                .map(|share| share.of(at).replacement())
        };
        assert_eq!(share("30"), Ok(30));
        assert_eq!(share("30%"), Ok(30));
        assert_eq!(share("+10"), Ok(100));
        assert_eq!(share("-10"), Ok(85));
        assert_eq!(share("-100"), Ok(0));
        for wrong in ["101", "", "ten", "+-1", "1.5", "256", "+"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
