//! `cutover hosts invite --instances`, `tokens` and `revoke --token`: tokens by which instances of AWS join, with nobody at hand.

use std::str::FromStr;

use color_eyre::eyre::bail;

use super::context::{Context, user};
use super::print::say;
use super::span::Span;
use super::{Exit, Output, table};
use crate::api::command::{Answer, Command};
use crate::identity::enrolment::{TokenState, TokenView};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::text::{date_time, safe};

/// A deployment group, as people type it.
#[derive(Clone, Debug)]
pub(super) struct Place(GroupKey);

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = |text: &str| text.parse::<Name>().map_err(|error| error.to_string());
        let (application, group) = text
            .split_once('/')
            .ok_or("write APPLICATION/GROUP, such as shop/production")?;
        Ok(Self(GroupKey {
            application: name(application)?,
            group: name(group)?,
        }))
    }
}

/// Makes a token, and says where it goes.
pub(super) async fn invite(
    place: &Place,
    lasts: Option<Span>,
    context: &Context,
) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let command = Command::InviteInstances {
        group: place.0.clone(),
        seconds: lasts.map(|span| span.0.as_secs()),
        by: user(),
    };
    let answer = context.send(&client, command).await?;
    let Answer::Offered {
        group,
        id,
        port,
        token,
        orchestrator,
        until,
    } = answer
    else {
        bail!("an unexpected answer");
    };
    let until = until.map_or_else(
        || "until it is revoked".to_owned(),
        |until| format!("until {}", date_time(until)),
    );
    say(format_args!(
        "Instances of {group} join by the token {id}, {until}. In their user data, as root, where cutover is installed:\n\n  \
         cutover agent join --instance --listen :{port} --token {token} --systemd\n\n\
         It shows the key of this orchestrator: {}\n\
         Who can read the user data has the token: `cutover hosts revoke --token {id}` ends it",
        orchestrator.fingerprint()
    ));
    Ok(Exit::Succeeded)
}

/// Lets nobody join by a token any more.
pub(super) async fn revoke(id: &str, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let token = id.to_owned();
    context
        .send(&client, Command::RevokeToken { token })
        .await?;
    say(format_args!(
        "no instance joins by {id} any more; those that have joined stay (`cutover hosts revoke NAME`)"
    ));
    Ok(Exit::Succeeded)
}

/// Shows the tokens, without what they go by.
pub(super) async fn list(output: Output, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let tokens = client.tokens().await.map_err(super::context::usage)?;
    match output {
        Output::Json => say(serde_json::to_string_pretty(
            &serde_json::json!({ "tokens": tokens }),
        )?),
        Output::Text if tokens.is_empty() => {
            say("there is none: `cutover hosts invite --instances APPLICATION/GROUP` makes one");
        }
        Output::Text => {
            let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
            let headings = ["TOKEN", "GROUP", "STATE", "JOINED", "SINCE", "UNTIL", "BY"];
            table::lines(&headings, &rows).into_iter().for_each(say);
        }
    }
    Ok(Exit::Succeeded)
}

fn row(token: &TokenView) -> Vec<String> {
    let state = match token.state {
        TokenState::Holds => "holds",
        TokenState::Expired => "expired",
        TokenState::FormerKey => "names a former key: make another",
    };
    let until = token.until.map_or_else(|| "-".to_owned(), date_time);
    vec![
        token.id.clone(),
        token.place.to_string(),
        state.to_owned(),
        token.joined.to_string(),
        date_time(token.since),
        until,
        safe(&token.by),
    ]
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_a_group_of_an_application() {
        let place: Place = "shop/production".parse().unwrap();
        assert_eq!(place.0.to_string(), "shop/production");
        for wrong in ["shop", "", "shop/", "/production", "a/b/c"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
