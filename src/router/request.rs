//! The body of a request on its way to a server: as it comes, within limits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::idle::Idle;

#[derive(Debug)]
pub(super) struct RequestBody {
    /// `None` for a request without a body that is sent once more.
    inner: Option<Incoming>,
    left: u64,
    idle: Idle,
    progress: Progress,
}

/// How much of a body has been passed on so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Option<Arc<AtomicU64>>);

impl Progress {
    /// In bytes; a request without a body makes none.
    pub fn get(&self) -> u64 {
        let bytes = self.0.as_ref().map(|bytes| bytes.load(Ordering::Relaxed));
        bytes.unwrap_or(0)
    }
}

/// Why a body did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than this route allows")]
    Large,
    #[error("the body did not go on in time")]
    Slow,
    #[error("the body broke off: {0}")]
    Broken(hyper::Error),
}

impl RequestBody {
    pub fn new(inner: Incoming, most: Option<u64>, idle: Duration) -> (Self, Progress) {
        let bytes = (!inner.is_end_stream()).then(Arc::default);
        let progress = Progress(bytes);
        let body = Self {
            inner: Some(inner),
            left: most.unwrap_or(u64::MAX),
            idle: Idle::new(idle),
            progress: progress.clone(),
        };
        (body, progress)
    }

    pub fn empty() -> Self {
        Self {
            inner: None,
            left: 0,
            idle: Idle::new(Duration::MAX),
            progress: Progress::default(),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = &mut *self;
        let Some(inner) = &mut body.inner else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(inner).poll_frame(context) else {
            ready!(body.idle.poll(context));
            return Poll::Ready(Some(Err(BodyError::Slow)));
        };
        body.idle.progress();
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(BodyError::Broken)?;
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        if let Some(bytes) = &body.progress.0 {
            bytes.fetch_add(length, Ordering::Relaxed);
        }
        match body.left.checked_sub(length) {
            Some(left) => body.left = left,
            None => return Poll::Ready(Some(Err(BodyError::Large))),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.inner.as_ref().map(Body::size_hint);
        hint.unwrap_or(SizeHint::with_exact(0))
    }
}
