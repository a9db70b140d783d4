//! What this cockpit has sent, and what came of it: nothing leaves without being noted here.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use crate::api::client::ClientError;
use crate::api::command::{Answer, Command};
use crate::api::gate::Refused;
use crate::api::line::{Unsayable, line};
use crate::model::timestamp::Timestamp;

/// How many are kept: the oldest go.
const KEPT: usize = 1000;

/// Why a command has no answer that it was hoped for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// It was refused.
    #[error("{0}")]
    Refused(String),
    /// Nobody knows whether it was taken.
    #[error("{0}")]
    Unknown(String),
}

impl From<Refused> for Unanswered {
    fn from(refused: Refused) -> Self {
        let reason = refused.to_string();
        match refused {
            Refused::Closed(_) | Refused::Client(ClientError::Api(_)) => Self::Refused(reason),
            Refused::Client(ClientError::Connection { .. } | ClientError::Answer(_)) => {
                Self::Unknown(reason)
            }
        }
    }
}

/// A command that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    number: u64,
    pub at: Timestamp,
    /// Who sent it.
    pub by: String,
    /// The command line that does the same.
    pub line: Result<String, Unsayable>,
    /// The same as the door takes it.
    pub raw: String,
    /// When and how it was answered, if it was.
    pub end: Option<(Timestamp, Result<String, Unanswered>)>,
}

impl Request {
    /// How long it took.
    pub(crate) fn took(&self) -> Option<Duration> {
        let (end, _) = self.end.as_ref()?;
        Some(end.since(self.at))
    }

    /// As it is shown: a command line where there is one.
    pub(crate) fn text(&self) -> &str {
        self.line.as_ref().unwrap_or(&self.raw)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The newest last.
    kept: VecDeque<Request>,
    /// How many there were.
    count: u64,
}

impl Sent {
    /// Notes what leaves now; answers its number.
    pub(crate) fn begin(
        &mut self,
        at: Timestamp,
        by: &str,
        command: &Command,
        place: Option<&Path>,
    ) -> u64 {
        self.count += 1;
        self.kept.push_back(Request {
            number: self.count,
            at,
            by: by.to_owned(),
            line: line(command, place),
            raw: serde_json::to_string(command).unwrap_or_default(),
            end: None,
        });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.count
    }

    /// Notes what came of one.
    pub(crate) fn end(&mut self, number: u64, at: Timestamp, result: &Result<Answer, Unanswered>) {
        let mut kept = self.kept.iter_mut().rev();
        if let Some(request) = kept.find(|request| request.number == number) {
            let result = result.as_ref().map(gist).map_err(Clone::clone);
            request.end = Some((at, result));
        }
    }

    /// The newest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Request> {
        self.kept.iter().rev()
    }
}

/// What an answer says, in a sentence, without anything that lets somebody in.
pub(crate) fn gist(answer: &Answer) -> String {
    match answer {
        Answer::Created { deployment } => format!("{deployment} was created"),
        Answer::Taken { message, .. } => message.clone(),
        Answer::Registered { revision } => format!("{} is registered", revision.revision.label),
        Answer::Terminated { trouble, .. } => trouble.clone().unwrap_or("terminated".to_owned()),
        Answer::Notified { answer, .. } => answer.clone(),
        Answer::Invited { host, .. } => format!("{host} may join"),
        Answer::Offered { group, .. } => format!("instances of {group} may join"),
        Answer::Rotated { key, .. } => format!("there is another key: {}", key.fingerprint()),
        Answer::Unlocked { environment, .. } => format!("{environment} is unlocked"),
        Answer::Done => "done".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_kept_and_a_late_answer_finds_its_own() {
        let mut sent = Sent::default();
        let at = |number: u64| Timestamp(i64::try_from(number).unwrap());
        for number in 1..=KEPT as u64 + 5 {
            assert_eq!(
                sent.begin(at(number), "ana", &Command::Shutdown, None),
                number
            );
        }
        assert_eq!(sent.all().count(), KEPT);
        sent.end(5, at(9000), &Ok(Answer::Done));
        assert!(
            sent.all().all(|request| request.end.is_none()),
            "it is gone"
        );
        sent.end(7, at(9000), &Ok(Answer::Done));
        let answered: Vec<u64> = sent
            .all()
            .filter(|request| request.end.is_some())
            .map(|request| request.number)
            .collect();
        assert_eq!(answered, [7]);
    }

    #[test]
    fn a_connection_that_broke_is_no_refusal() {
        let refused = |error: ClientError| Unanswered::from(Refused::Client(error));
        let broke = ClientError::Connection {
            socket: "/x".into(),
            reason: "reset".to_owned(),
        };
        assert!(matches!(refused(broke), Unanswered::Unknown(_)));
        let no = crate::api::command::ApiError::new("X", "no");
        assert!(matches!(refused(no.into()), Unanswered::Refused(_)));
    }
}
