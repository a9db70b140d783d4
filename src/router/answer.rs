//! The body of an answer on its way to the client, and what is to be done when it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::connection::Connection;
use super::idle::Idle;
use super::live::Live;

/// One request at a server: in flight until this is dropped.
#[derive(Debug)]
pub(super) struct Flight(Arc<Live>);

impl Flight {
    pub fn new(live: &Arc<Live>) -> Self {
        live.counters.in_flight.fetch_add(1, Ordering::Relaxed);
        live.counters.requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(live))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why an answer did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the server did not go on in time")]
    Slow,
    #[error("the server broke off: {0}")]
    Broken(hyper::Error),
}

#[derive(Debug)]
pub(super) enum AnswerBody {
    /// A server's, as it comes.
    Server {
        inner: Incoming,
        idle: Idle,
        /// What is held until the end: the request in flight, and the connection if it goes on.
        held: Option<(Flight, Option<Connection>)>,
    },
    /// A sentence of our own.
    Text(Option<Bytes>),
}

impl AnswerBody {
    pub fn new(
        inner: Incoming,
        idle: Duration,
        flight: Flight,
        connection: Option<Connection>,
    ) -> Self {
        let mut body = Self::Server {
            inner,
            idle: Idle::new(idle),
            held: Some((flight, connection)),
        };
        if body.is_end_stream() {
            body.done();
        }
        body
    }

    /// The answer has been read: its connection may serve again.
    fn done(&mut self) {
        if let Self::Server { held, .. } = self
            && let Some((flight, Some(connection))) = held.take()
        {
            flight.0.pool.put(connection);
        }
    }

    /// The answer will never be whole.
    fn failed(&mut self) {
        if let Self::Server { held, .. } = self
            && let Some((flight, _)) = held.take()
        {
            flight.0.counters.failed();
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let (inner, idle) = match &mut *self {
            Self::Text(text) => return Poll::Ready(text.take().map(|t| Ok(Frame::data(t)))),
            Self::Server { inner, idle, .. } => (inner, idle),
        };
        let Poll::Ready(frame) = Pin::new(inner).poll_frame(context) else {
            ready!(idle.poll(context));
            self.failed();
            return Poll::Ready(Some(Err(AnswerError::Slow)));
        };
        idle.progress();
        match &frame {
            Some(Err(_)) => self.failed(),
            None => self.done(),
            // Whoever knows the length does not ask for the end.
            Some(Ok(_)) if self.is_end_stream() => self.done(),
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(AnswerError::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Server { inner, .. } => inner.is_end_stream(),
            Self::Text(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Server { inner, .. } => inner.size_hint(),
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

/// An answer of our own: a plain sentence.
pub(super) fn sentence(status: StatusCode, text: &str) -> Response<AnswerBody> {
    let text = Bytes::from(format!("{} {text}\n", status.as_u16()));
    let mut answer = Response::new(AnswerBody::Text(Some(text)));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer
}
