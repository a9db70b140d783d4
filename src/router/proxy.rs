//! A request from its client to a server and back.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::TrySendError;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::upgrade::{self, OnUpgrade};
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::answer::{AnswerBody, Flight, sentence};
use super::connection::Connection;
use super::head;
use super::live::Live;
use super::request::{BodyError, Progress, RequestBody};
use super::route::Route;
use super::table::Whose;
use super::tunnel;

/// What a client's connection knows.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub route: Arc<Route>,
    /// Its address.
    pub peer: HeaderValue,
    /// What has to end before the router may.
    pub work: TaskTracker,
}

/// What comes of a request that no server answered.
type Failure = (StatusCode, String);

/// What an attempt at one server came to.
enum Attempt {
    Answered(Response<Incoming>, Option<Connection>),
    /// The connection was closed. The request, if nothing of it was sent.
    Closed(Option<Request<RequestBody>>, String),
    Failed(Failure),
}

impl Client {
    /// Answers a request, in whatever way.
    pub async fn answer(self, request: Request<Incoming>) -> Response<AnswerBody> {
        let passed = self.pass(request).await;
        passed.unwrap_or_else(|(status, text)| sentence(status, &text))
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Response<AnswerBody>, Failure> {
        let (mut head, body) = request.into_parts();
        let websocket = head::to_server(&mut head, &self.peer, self.route.behind_proxy);
        let websocket = websocket.map_err(|(status, text)| (status, text.to_owned()))?;
        if self
            .route
            .max_body
            .is_some_and(|most| length(&head.headers) > most)
        {
            return Err(too_large());
        }
        let once_more = head.method.is_idempotent() && body.is_end_stream() && !websocket;
        let (body, progress) = RequestBody::new(body, self.route.max_body, self.route.idle);
        let mut request = Request::from_parts(head, body);
        let client = websocket.then(|| upgrade::on(&mut request));
        let spare = once_more.then(|| copy(&request));
        let (answer, flight, connection) = self.ask(request, spare, &progress).await?;
        self.hand_back(answer, flight, connection, client)
    }

    /// Asks one server, and others only if that can do no harm: nothing was sent, or the request may be repeated and
    /// nothing of an answer was seen.
    async fn ask(
        &self,
        mut request: Request<RequestBody>,
        spare: Option<Request<()>>,
        progress: &Progress,
    ) -> Result<(Response<Incoming>, Flight, Option<Connection>), Failure> {
        let table = self.route.table();
        let side = table.side();
        let mut tried = Vec::new();
        let mut failure = None;
        while let Some((server, whose)) = table.pick(side, &tried) {
            if tried.is_empty() || whose == Whose::Anyone {
                self.route.fell(side, whose);
            }
            tried.push(server);
            let live = &table.servers[server].1;
            let flight = Flight::new(live);
            // A connection that waited may have been closed meanwhile, which says nothing of the server.
            let mut waited = live.pool.take();
            loop {
                let reused = waited.is_some();
                let connection = match waited.take() {
                    Some(connection) => connection,
                    None => match live.pool.connect().await {
                        Ok(connection) => connection,
                        Err(error) => {
                            self.refused(live, &error.to_string());
                            failure = Some(bad_gateway(live, &error.to_string()));
                            break;
                        }
                    },
                };
                let began = Instant::now();
                let attempt = attempt(connection, request, live, self.route.answer, progress);
                let (back, reason) = match attempt.await {
                    Attempt::Answered(answer, connection) => {
                        live.counters.answered(began.elapsed());
                        if answer.status().is_server_error() {
                            live.counters.failed();
                        }
                        return Ok((answer, flight, connection));
                    }
                    Attempt::Failed(failure) => return Err(failure),
                    Attempt::Closed(back, reason) => (back, reason),
                };
                let Some(again) = back.or_else(|| spare.as_ref().map(fresh)) else {
                    live.counters.failed();
                    return Err(bad_gateway(live, &reason));
                };
                request = again;
                if !reused {
                    live.counters.failed();
                    failure = Some(bad_gateway(live, &reason));
                    break;
                }
            }
        }
        Err(failure.unwrap_or_else(|| {
            let text = format!("no server of the route {} is in service", self.route.name);
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }))
    }

    fn refused(&self, live: &Live, reason: &str) {
        live.counters.failed();
        if live.health.refused(reason) {
            tracing::warn!("route {}: {}: {reason}", self.route.name, live.name);
        }
    }

    fn hand_back(
        &self,
        mut answer: Response<Incoming>,
        flight: Flight,
        connection: Option<Connection>,
        client: Option<OnUpgrade>,
    ) -> Result<Response<AnswerBody>, Failure> {
        let status = answer.status();
        head::to_client(answer.headers_mut(), status);
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let idle = self.route.idle;
            return Ok(answer.map(|body| AnswerBody::new(body, idle, flight, connection)));
        }
        let Some(client) = client else {
            let text = "the server changed the protocol, and nobody had asked for that";
            return Err((StatusCode::BAD_GATEWAY, text.to_owned()));
        };
        let server = upgrade::on(&mut answer);
        self.work.spawn(tunnel::join(client, server, flight));
        Ok(answer.map(|_| AnswerBody::Text(None)))
    }
}

/// Sends a request to a server, and waits until its answer begins. What was sent of a body starts the time anew.
async fn attempt(
    connection: Connection,
    request: Request<RequestBody>,
    live: &Live,
    limit: Duration,
    progress: &Progress,
) -> Attempt {
    let mut sending = pin!(connection.send(request));
    let mut error: TrySendError<_> = loop {
        let before = progress.get();
        match timeout(limit, sending.as_mut()).await {
            Ok(Ok((answer, connection))) => return Attempt::Answered(answer, connection),
            Ok(Err(error)) => break error,
            Err(_) if progress.get() != before => {}
            Err(_) => {
                live.counters.failed();
                let text = format!("{} did not begin to answer within {limit:?}", live.name);
                return Attempt::Failed((StatusCode::GATEWAY_TIMEOUT, text));
            }
        }
    };
    let message = error.take_message();
    let error = error.into_error();
    match cause(&error) {
        Some(BodyError::Large) => Attempt::Failed(too_large()),
        Some(body @ BodyError::Slow) => {
            Attempt::Failed((StatusCode::REQUEST_TIMEOUT, body.to_string()))
        }
        Some(body @ BodyError::Broken(_)) => {
            Attempt::Failed((StatusCode::BAD_REQUEST, body.to_string()))
        }
        None => Attempt::Closed(message, error.to_string()),
    }
}

/// What was wrong with the request's body, if that was it.
fn cause(error: &hyper::Error) -> Option<&BodyError> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(body) = error.downcast_ref() {
            return Some(body);
        }
        cause = error.source();
    }
    None
}

/// What a request says of its body's length.
fn length(headers: &hyper::HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    length.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The head of a request without a body, to be sent once more.
fn copy(request: &Request<RequestBody>) -> Request<()> {
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    copy.headers_mut().clone_from(request.headers());
    copy
}

fn fresh(spare: &Request<()>) -> Request<RequestBody> {
    spare.clone().map(|()| RequestBody::empty())
}

fn too_large() -> Failure {
    let text = BodyError::Large.to_string();
    (StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn bad_gateway(live: &Live, reason: &str) -> Failure {
    let text = format!("{} gave no answer: {reason}", live.name);
    (StatusCode::BAD_GATEWAY, text)
}
