//! A connection to a server, over which one request goes at a time.

use std::pin::pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::request::RequestBody;
use crate::model::endpoint::Endpoint;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<RequestBody>,
    /// Ends with the connection.
    task: JoinHandle<()>,
}

/// Why a server could not be connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("it did not accept a connection within {} s", CONNECT.as_secs())]
    Slow,
    #[error("it can't be connected to: {0}")]
    Refused(#[from] std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

impl Connection {
    pub async fn open(endpoint: &Endpoint) -> Result<Self, ConnectError> {
        let Endpoint { host, port } = endpoint;
        let stream = timeout(CONNECT, TcpStream::connect((host.as_str(), *port)));
        let stream = stream.await.map_err(|_| ConnectError::Slow)??;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream).await?)
    }

    async fn over<S>(stream: S) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Whoever uses the connection sees its errors.
        let task = tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Self { sender, task })
    }

    /// Whether it takes a request.
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request. Answers the head of what came, and the connection, which takes the next one when the rest has been
    /// read.
    pub async fn send(
        mut self,
        request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Option<Self>), TrySendError<Request<RequestBody>>> {
        let mut sending = pin!(self.sender.try_send_request(request));
        tokio::select! {
            biased;
            answer = &mut sending => answer.map(|answer| (answer, Some(self))),
            _ended = &mut self.task => {
                // A request that is sent in the moment in which the connection ends stays in hyper's queue until its last
                // sender is gone (hyper's issue 4122): nobody would ever hear of it.
                drop(self.sender);
                sending.await.map(|answer| (answer, None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_request_that_meets_the_end_of_its_connection_is_heard_of() {
        for round in 0..40_000 {
            let (ours, theirs) = tokio::io::duplex(1024);
            let connection = Connection::over(ours).await.unwrap();
            let gone = tokio::spawn(async move { drop(theirs) });
            // Of many moments, one is the one.
            for _ in 0..round % 400 * 20 {
                std::hint::spin_loop();
            }
            let sent = connection.send(Request::new(RequestBody::empty()));
            let heard = timeout(Duration::from_secs(10), sent).await;
            assert!(heard.expect("it is heard of").is_err(), "{round}");
            gone.await.unwrap();
        }
    }
}
