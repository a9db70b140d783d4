//! One request of the operator's: checked when it is read, filled and sent when it is due.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

use super::template::{Escape, Placeholder, Template, Values};
use crate::model::connections::HttpRequest;
use crate::model::endpoint::Endpoint;
use crate::model::secret::{SecretRef, TextOrSecret};
use crate::providers::secrets::Secrets;
use crate::text::safe;

/// No answer is read any further, in bytes.
const LONGEST_ANSWER: usize = 4 << 20;

/// A request with placeholders, as it was checked.
#[derive(Debug)]
pub(super) struct Request {
    /// As the document calls it: `enter`.
    role: &'static str,
    method: Method,
    /// The URL up to the end of its host, and what follows.
    authority: Template,
    rest: Template,
    headers: Vec<(HeaderName, Template)>,
    body: Option<(Template, Escape)>,
    /// Headers that are secrets, and the token.
    secret_headers: BTreeMap<String, TextOrSecret>,
    token: Option<SecretRef>,
}

/// Why there is no answer of use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It may be otherwise the next time.
    Passing(String),
    /// It won't.
    Lasting(String),
    /// 404.
    NotFound(String),
}

impl Request {
    /// Checks a request.
    ///
    /// # Errors
    /// If a part of it can't be meant, with its name and what to write instead.
    pub(super) fn new(
        role: &'static str,
        request: &HttpRequest,
        usual: Method,
    ) -> Result<Self, String> {
        Self::read(role, request, usual).map_err(|reason| format!("{role}: {reason}"))
    }

    fn read(role: &'static str, request: &HttpRequest, usual: Method) -> Result<Self, String> {
        let method = match &request.method {
            Some(name) => Method::from_bytes(name.as_bytes()).map_err(|_| {
                format!("{name:?} is no method: write GET, PUT, POST, PATCH or DELETE")
            })?,
            None => usual,
        };
        let Some(behind) = request.url.strip_prefix("http://") else {
            return Err(format!(
                "the URL {:?} does not begin with http://, which is all that is spoken",
                request.url
            ));
        };
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at(end);
        let (mut headers, mut secret_headers) = (Vec::new(), BTreeMap::new());
        for (name, value) in &request.headers {
            let known = HeaderName::from_bytes(name.as_bytes());
            let known = known.map_err(|_| format!("{name:?} is no name of a header"))?;
            match value {
                TextOrSecret::Text(text) => headers.push((known, Template::parse(text)?)),
                TextOrSecret::Secret(_) => {
                    secret_headers.insert(name.clone(), value.clone());
                }
            }
        }
        let kind = request.headers.iter();
        let mut kind = kind
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .filter_map(|(_, value)| value.text());
        let escape = match kind.next() {
            None => {
                if request.body.is_some() {
                    let json = Template::parse("application/json")?;
                    headers.push((CONTENT_TYPE, json));
                }
                Escape::Json
            }
            Some(kind) if kind.contains("json") => Escape::Json,
            Some(kind) if kind.contains("x-www-form-urlencoded") => Escape::Percent,
            Some(_) => Escape::Plain,
        };
        let body = match &request.body {
            Some(text) => Some((Template::parse(text)?, escape)),
            None => None,
        };
        let read = Self {
            role,
            method,
            authority: Template::parse(authority)?,
            rest: Template::parse(rest)?,
            headers,
            body,
            secret_headers,
            token: request.token.clone(),
        };
        read.try_out()?;
        Ok(read)
    }

    /// Fills it with values that are as good as any.
    fn try_out(&self) -> Result<(), String> {
        let endpoint = Endpoint {
            host: "192.0.2.1".to_owned(),
            port: 8080,
        };
        let values = Values {
            server: "web-1",
            endpoint: &endpoint,
            weight: 1,
        };
        let url = self.url(values);
        reqwest::Url::parse(&url).map_err(|e| format!("{url} is no URL: {e}"))?;
        if let Some((body, Escape::Json)) = &self.body {
            let text = body.fill(values, Escape::Json);
            serde_json::from_str::<serde_json::Value>(&text).map_err(|e| {
                format!("the body is no JSON: {e}; correct it, or give a header Content-Type")
            })?;
        }
        if self.has(Placeholder::Weight) && !["enter", "weight"].contains(&self.role) {
            return Err("{weight} has a meaning in `enter` and `weight` alone".to_owned());
        }
        Ok(())
    }

    /// Whether a placeholder is in it.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.templates().any(|t| t.has(placeholder))
    }

    /// Whether it is another one for each server.
    pub(super) fn is_by_server(&self) -> bool {
        self.templates().any(Template::is_by_server)
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let headers = self.headers.iter().map(|(_, template)| template);
        let body = self.body.iter().map(|(template, _)| template);
        [&self.authority, &self.rest]
            .into_iter()
            .chain(headers)
            .chain(body)
    }

    fn url(&self, values: Values<'_>) -> String {
        let authority = self.authority.fill(values, Escape::Authority);
        let rest = self.rest.fill(values, Escape::Percent);
        format!("http://{authority}{rest}")
    }

    /// Sends it for one server and answers the body.
    ///
    /// # Errors
    /// If there is no answer, or one that is no success.
    pub(super) async fn send(
        &self,
        (http, secrets): (&reqwest::Client, &Secrets),
        values: Values<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let mut request = http.request(self.method.clone(), self.url(values));
        for (name, template) in &self.headers {
            let value = HeaderValue::from_str(&template.fill(values, Escape::Plain));
            let value = value.map_err(|_| {
                Failure::Lasting(format!(
                    "{}: header {name} can't have this value",
                    self.role
                ))
            })?;
            request = request.header(name, value);
        }
        if let Some((body, escape)) = &self.body {
            request = request.body(body.fill(values, *escape));
        }
        let signed = secrets.sign(request, &self.secret_headers, self.token.as_ref());
        let (request, shown) = signed
            .await
            .map_err(|e| Failure::Lasting(format!("{}: {e}", self.role)))?;
        let lost = |error: &reqwest::Error| {
            Failure::Passing(format!(
                "{} for {}: {}",
                self.role,
                values.server,
                why(error)
            ))
        };
        let answer = request.send().await.map_err(|e| lost(&e))?;
        let status = answer.status();
        let mut body = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|e| lost(&e))?;
            if body.len() + piece.len() > LONGEST_ANSWER {
                return Err(Failure::Lasting(format!(
                    "{}: its answer is longer than {} MiB",
                    self.role,
                    LONGEST_ANSWER >> 20
                )));
            }
            body.extend_from_slice(&piece);
        }
        if status.is_success() {
            return Ok(body);
        }
        let words = format!(
            "{} for {} was answered {}{}",
            self.role,
            values.server,
            status.as_u16(),
            first_line(&shown.mask().bytes(&body).unwrap_or(body))
        );
        Err(match status {
            StatusCode::NOT_FOUND => Failure::NotFound(words),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Failure::Passing(words),
            _ if status.is_server_error() => Failure::Passing(words),
            _ if status.is_redirection() => Failure::Lasting(format!(
                "{words}: redirections are not followed, write where it leads"
            )),
            _ => Failure::Lasting(words),
        })
    }
}

/// What went wrong, without the URL, which may hold a secret.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    // The outermost message of an HTTP client only repeats the address.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(1000)).unwrap_or_default());
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.map_or(String::new(), |line| {
        let line: String = line.chars().take(200).collect();
        format!(": {}", safe(&line))
    })
}
