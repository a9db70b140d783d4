//! The newest of the objects whose keys begin alike.

use super::{Accounts, Trouble};
use crate::model::s3::S3Object;
use crate::model::timestamp::Timestamp;
use crate::providers::sources::SourceError;

/// So many answers are read, each of up to a thousand objects: it is done over and over.
const PAGES: u32 = 10;

impl Accounts {
    /// The object that came last of those whose keys begin so, with its content's `ETag`, and when it came. Of two that came in
    /// the same second, as far as S3 tells, it is the one with the later key.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn newest(
        &self,
        account: Option<&str>,
        bucket: &str,
        prefix: &str,
    ) -> Result<Option<(S3Object, Timestamp)>, SourceError> {
        let at = |key: &str, e_tag: Option<&str>| S3Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: None,
            e_tag: e_tag.map(|tag| tag.trim_matches('"').to_owned()),
        };
        let place = at(prefix, None);
        let client = self.s3(account, &place).await?;
        let mut newest: Option<(Timestamp, String, Option<String>)> = None;
        let mut further = None;
        for _ in 0..PAGES {
            let sent = client
                .list_objects_v2()
                .bucket(bucket)
                .prefix(prefix)
                .set_continuation_token(further)
                .send();
            let answer = match Box::pin(sent).await {
                Ok(answer) => answer,
                Err(error) => {
                    let trouble = Trouble::of(&error, "s3:ListBucket");
                    return Err(self.no_object(account, &place, trouble).await);
                }
            };
            let whole = answer.contents().iter().filter_map(|one| {
                let key = one.key().filter(|key| !key.ends_with('/'))?;
                let came = one.last_modified()?.to_millis().ok()?;
                Some((
                    Timestamp(came),
                    key.to_owned(),
                    one.e_tag().map(str::to_owned),
                ))
            });
            newest = newest.into_iter().chain(whole).max();
            further = answer.next_continuation_token;
            if further.is_none() {
                return Ok(newest.map(|(came, key, tag)| (at(&key, tag.as_deref()), came)));
            }
        }
        let who = self.label("S3", account);
        Err(SourceError::Refused(format!(
            "{who}: more than {PAGES},000 keys begin with {place}: write more of how they begin, or let old ones expire"
        )))
    }
}
