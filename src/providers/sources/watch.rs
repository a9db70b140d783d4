//! What is at a place now, without getting it: how it is known again, and where.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Response, StatusCode};

use super::download::Line;
use super::{SourceError, Sources, at};
use crate::model::automatic::Place;
use crate::model::connections::SourceConnection;
use crate::model::source::Source;
use crate::model::timestamp::Timestamp;

/// How long a look may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Something that is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Where it can be had.
    pub source: Source,
    /// What it is known by: another one is something else.
    pub mark: String,
    /// When it came there, where several things can be in one place.
    pub modified: Option<Timestamp>,
}

impl Sources {
    /// The newest that is at a place, if anything is. `mark` is what was seen there last, which need not be sent again.
    ///
    /// # Errors
    /// If nobody can tell.
    pub async fn newest(
        &self,
        place: &Place,
        known: Option<&SourceConnection>,
        mark: Option<&str>,
    ) -> Result<Option<Sighting>, SourceError> {
        let looking = async {
            match place {
                Place::Http(address) => self.at_address(address, known, mark).await,
                Place::S3 { bucket, prefix } => {
                    let account = known.and_then(SourceConnection::account);
                    let looking = self.accounts.newest(account, bucket, prefix);
                    let found = Box::pin(looking).await?;
                    Ok(found.map(|(object, modified)| Sighting {
                        mark: object.to_string(),
                        source: Source::S3(object),
                        modified: Some(modified),
                    }))
                }
            }
        };
        let looked = tokio::time::timeout(PATIENCE, looking).await;
        looked.unwrap_or_else(|_| {
            let message = format!("{place} was not seen within {} s", PATIENCE.as_secs());
            Err(SourceError::NotNow(message))
        })
    }

    async fn at_address(
        &self,
        address: &str,
        known: Option<&SourceConnection>,
        mark: Option<&str>,
    ) -> Result<Option<Sighting>, SourceError> {
        let place = at(address);
        let found = |mark: String| Sighting {
            source: Source::Http(address.to_owned()),
            mark,
            modified: None,
        };
        let condition = mark.and_then(condition);
        let response = match self.reach(&place, known, condition).await {
            Ok(response) => response,
            Err(SourceError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(mark.map(|mark| found(mark.to_owned())));
        }
        let mark = mark_of(&response).ok_or_else(|| {
            SourceError::Refused(format!(
                "{} sends neither an ETag nor a Last-Modified with {address}, so that nobody can tell what is new there: let it send one",
                place.who
            ))
        })?;
        Ok(Some(found(mark)))
    }
}

/// By what each is asked for that an answer is known by.
const MARKS: [(HeaderName, HeaderName); 2] =
    [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];

/// What an answer is known by: a header line of it.
fn mark_of(response: &Response) -> Option<String> {
    MARKS.iter().find_map(|(name, _)| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(format!("{name}: {value}"))
    })
}

/// The header line that asks for something else than what is known by this.
fn condition(mark: &str) -> Option<Line<'_>> {
    let (known, value) = mark.split_once(": ")?;
    let (_, asked) = MARKS.into_iter().find(|(name, _)| name == known)?;
    Some((asked, value))
}
