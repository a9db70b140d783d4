//! A `GET` that may lead elsewhere, into a file.

use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_TYPE, HeaderName, LOCATION};
use reqwest::{Response, StatusCode, Url};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::refusal::{Asked, refusal};
use super::{Place, SourceError, Sources, too_large};
use crate::model::connections::SourceConnection;
use crate::store::bundles::LARGEST;

/// To so many other addresses it may lead.
const LEADS: usize = 5;

/// A header line.
pub(super) type Line<'a> = (HeaderName, &'a str);

impl Sources {
    pub(super) async fn download(
        &self,
        place: &Place,
        known: Option<&SourceConnection>,
        into: File,
    ) -> Result<(), SourceError> {
        let response = self.reach(place, known, None).await?;
        take(place, response, into).await
    }

    /// What is answered in the end to who asks for a place, on a condition; what has not changed is answered so.
    pub(super) async fn reach(
        &self,
        place: &Place,
        known: Option<&SourceConnection>,
        condition: Option<Line<'_>>,
    ) -> Result<Response, SourceError> {
        let unfit = |error: &dyn std::fmt::Display| {
            SourceError::Refused(format!("{} is no address: {error}", place.url))
        };
        let first = Url::parse(&place.url).map_err(|error| unfit(&error))?;
        let mut url = first.clone();
        for _ in 0..=LEADS {
            let asking = self.ask(place, known, &first, &url, condition.clone());
            let response = asking.await?;
            let status = response.status();
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            if !status.is_redirection() {
                let token = known.and_then(SourceConnection::token);
                let ours = url.origin() == first.origin();
                let asked = Asked {
                    who: &place.who,
                    what: &place.what,
                    token: token.filter(|_| ours),
                };
                return Err(refusal(&asked, &response));
            }
            url = next(place, &url, &response)?;
        }
        Err(SourceError::Refused(format!(
            "{} leads from one address to the next without an end: write the one that has the archive",
            place.who
        )))
    }

    /// Who it leads to is told no secret, for it is somebody else.
    async fn ask(
        &self,
        place: &Place,
        known: Option<&SourceConnection>,
        first: &Url,
        url: &Url,
        condition: Option<Line<'_>>,
    ) -> Result<Response, SourceError> {
        let mut request = self.http()?.get(url.clone());
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        if url.origin() == first.origin() {
            for (name, value) in place.headers {
                request = request.header(*name, *value);
            }
            if let Some(known) = known {
                let signing = self.secrets.sign(request, known.headers(), known.token());
                // Nothing of an answer is repeated, so that nothing in it has to be masked.
                let (signed, _) = signing.await.map_err(SourceError::Refused)?;
                request = signed;
            }
        }
        request.send().await.map_err(|error| silent(url, error))
    }
}

/// Where an answer leads.
fn next(place: &Place, url: &Url, response: &Response) -> Result<Url, SourceError> {
    let refuse = |why: &str| SourceError::Refused(format!("{} {why}", place.who));
    let to = response.headers().get(LOCATION);
    let to = to.and_then(|to| url.join(to.to_str().ok()?).ok());
    let to = to.ok_or_else(|| refuse("leads to another address, and does not say which"))?;
    let plain = to.scheme() != "https" && (url.scheme() == "https" || to.scheme() != "http");
    if plain {
        let host = to.host_str().unwrap_or("nowhere");
        return Err(refuse(&format!(
            "leads to {host} without encryption: nobody goes there"
        )));
    }
    Ok(to)
}

/// The body, into the file.
async fn take(place: &Place, response: Response, mut into: File) -> Result<(), SourceError> {
    let who = &place.who;
    let kind = response.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return Err(SourceError::Refused(format!(
            "{who} answers a web page and no archive: check the address, and whether it wants a token (connections.sources of cutover.yaml)"
        )));
    }
    if response.content_length() > Some(LARGEST) {
        return Err(too_large(who));
    }
    let full = |error: std::io::Error| SourceError::NotNow(format!("it can't be kept: {error}"));
    let url = response.url().clone();
    let mut taken = 0;
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| silent(&url, error))?;
        taken += chunk.len() as u64;
        if taken > LARGEST {
            return Err(too_large(who));
        }
        into.write_all(&chunk).await.map_err(full)?;
    }
    into.flush().await.map_err(full)
}

/// An error without the address, which may hold what is not to be shown.
fn silent(url: &Url, error: reqwest::Error) -> SourceError {
    let host = url.host_str().unwrap_or("the server");
    if error.is_timeout() {
        return SourceError::NotNow(format!("{host} does not answer in time: try again"));
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() {
        "can't be reached"
    } else {
        "broke off"
    };
    SourceError::NotNow(format!("{host} {what}: {cause}; try again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(from: &str, to: &str) -> Result<Url, String> {
        let place = Place {
            who: "files.example".to_owned(),
            what: "it".to_owned(),
            url: from.to_owned(),
            headers: &[],
        };
        let mut answer = axum::http::Response::builder().status(302);
        if !to.is_empty() {
            answer = answer.header("location", to);
        }
        let response = Response::from(answer.body("").unwrap());
        let next = next(&place, &Url::parse(from).unwrap(), &response);
        next.map_err(|error| error.to_string())
    }

    #[test]
    fn nobody_is_led_away_from_encryption() {
        let secure = "https://files.example/a";
        for (from, to, there) in [
            (secure, "https://other.example/b", "https://other.example/b"),
            (secure, "/b?token=1", "https://files.example/b?token=1"),
            ("http://files.example/a", "b", "http://files.example/b"),
            ("http://files.example/a", secure, secure),
        ] {
            assert_eq!(leads(from, to).unwrap().as_str(), there);
        }
        let plain = "files.example leads to other.example without encryption: nobody goes there";
        for to in ["http://other.example/b?token=1", "ftp://other.example/b"] {
            assert_eq!(leads(secure, to).unwrap_err(), plain);
        }
        assert!(leads("http://files.example/a", "file:///etc/passwd").is_err());
        for nowhere in ["", "https://"] {
            let refused = leads(secure, nowhere).unwrap_err();
            assert!(refused.contains("does not say which"), "{refused}");
        }
    }
}
