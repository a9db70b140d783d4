//! Letting a host join.

use super::{Choice, Statement};
use crate::api::command::Command;
use crate::model::name::Name;
use crate::tui::model::Model;

/// What an invitation of a host would do; `None` if the documents do not have it.
pub(crate) fn invite(model: &Model, host: &Name) -> Option<Statement> {
    let hosts = &model.view.as_ref()?.project.hosts;
    let known = hosts.iter().find(|known| known.name == *host)?;
    let command = |replace_key| Command::InviteHost {
        host: host.clone(),
        replace_key,
        authority: None,
        by: model.user.clone(),
    };
    let open = !known.address.starts_with("https://");
    Some(Statement {
        title: format!("Let {host} join?"),
        decided: vec![
            format!(
                "{host} will be looked for at {}. It joins by a token, which is shown once and holds for a while.",
                known.address
            ),
            "Whoever has the token may join in its place.".to_owned(),
        ],
        now: Vec::new(),
        warnings: Vec::new(),
        seen: None,
        accept: Choice {
            label: "let it join".to_owned(),
            command: command(false),
        },
        alternative: Some(Choice {
            label: "let it join with another key: it was installed anew".to_owned(),
            command: command(true),
        }),
        blocked: open.then(|| {
            format!(
                "at {} nobody needs a key: give it an https:// address first",
                known.address
            )
        }),
    })
}
