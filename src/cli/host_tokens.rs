//! `cutover hosts invite --instances`, `tokens` and `revoke --token`: tokens by which instances of AWS join, with nobody at hand.

use color_eyre::eyre::bail;

use super::context::{Context, usage, user};
use super::print::say;
use super::span::Span;
use super::{Exit, Output, table};
use crate::api::client::Client;
use crate::api::command::{Answer, Command};
use crate::identity::enrolment::{TokenState, TokenView};
use crate::model::group::GroupKey;
use crate::text::{date_time, safe};

/// Makes a token, and says where it goes.
pub(super) async fn invite(
    place: &GroupKey,
    lasts: Option<Span>,
    context: &Context,
) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let command = Command::InviteInstances {
        group: place.clone(),
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
    let tokens = client.tokens().await.map_err(usage)?;
    match output {
        Output::Json => say(serde_json::to_string_pretty(
            &serde_json::json!({ "tokens": tokens }),
        )?),
        Output::Text if tokens.is_empty() => {
            say("there is none: `cutover hosts invite --instances APP/GROUP` makes one");
        }
        Output::Text => {
            let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
            let headings = ["TOKEN", "GROUP", "STATE", "JOINED", "SINCE", "UNTIL", "BY"];
            table::lines(&headings, &rows).into_iter().for_each(say);
        }
    }
    Ok(Exit::Succeeded)
}

/// Says which tokens are worth nothing once the orchestrator has another key.
pub(super) async fn warn_of_former_key(client: &Client) -> color_eyre::Result<()> {
    for token in client.tokens().await.map_err(usage)? {
        say(format_args!(
            "the token {} of {} names the orchestrator's former key: once there is another, `cutover hosts invite --instances {}` makes one for \
             the user data of the instances to come",
            token.id, token.place, token.place
        ));
    }
    Ok(())
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
