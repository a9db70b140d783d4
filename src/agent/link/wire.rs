//! Frames and descriptors on a socket pair.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::LinkError;
use super::frame::{self, HEAD, Request, Status, Tag};

/// So many bytes of what is being sent go into a frame.
pub const PIECE: usize = 256 * 1024;

/// A side that neither reads nor writes for so long is given up.
pub const SILENCE: Duration = Duration::from_mins(1);

/// The bytes that go with a descriptor: one, because none would be the end of the stream.
const COMPANION: [u8; 1] = [1];

/// One end of a channel.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
}

impl Channel {
    /// A channel on this end.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// The next frame. Must not be given up halfway, unless nothing more is read.
    pub async fn read(&mut self) -> Result<(Tag, Vec<u8>), LinkError> {
        let mut head = [0; HEAD];
        self.fill(&mut head).await?;
        let (tag, length) = frame::read_head(head)?;
        let mut payload = vec![0; length];
        self.fill(&mut payload).await?;
        Ok((tag, payload))
    }

    /// The next bytes of what is being sent; none at its end.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        match self.read().await? {
            (Tag::Piece, bytes) => Ok(Some(bytes)),
            (Tag::End, _) => Ok(None),
            _ => Err(LinkError::OutOfTurn),
        }
    }

    /// Sends a request.
    pub async fn request(&mut self, request: &Request) -> Result<(), LinkError> {
        let payload = request.encode()?;
        self.write(&[(Tag::Request(request.kind), &payload)]).await
    }

    /// Sends the next bytes of something.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        for piece in bytes.chunks(PIECE) {
            self.write(&[(Tag::Piece, piece)]).await?;
        }
        Ok(())
    }

    /// Says that all was sent.
    pub async fn end(&mut self) -> Result<(), LinkError> {
        self.write(&[(Tag::End, &[])]).await
    }

    /// Begins an answer.
    pub async fn begin(&mut self, status: Status) -> Result<(), LinkError> {
        self.write(&[(Tag::Answer(status), &[])]).await
    }

    /// Sends a whole answer.
    pub async fn answer(&mut self, status: Status, bytes: &[u8]) -> Result<(), LinkError> {
        let (first, rest) = bytes.split_at(bytes.len().min(PIECE));
        if rest.is_empty() {
            let frames = [(Tag::Answer(status), first), (Tag::End, &[])];
            return self.write(&frames).await;
        }
        self.write(&[(Tag::Answer(status), first)]).await?;
        self.send(rest).await?;
        self.end().await
    }

    /// Waits until the other side is gone. It has nothing to say meanwhile.
    pub async fn hung_up(&mut self) {
        let mut byte = [0];
        let _ = self.stream.read(&mut byte).await;
    }

    async fn fill(&mut self, mut bytes: &mut [u8]) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            match self.stream.read(bytes).await? {
                0 => return Err(LinkError::Gone),
                length => bytes = &mut bytes[length..],
            }
        }
        Ok(())
    }

    async fn write(&mut self, frames: &[(Tag, &[u8])]) -> Result<(), LinkError> {
        let mut bytes = Vec::new();
        for (tag, payload) in frames {
            bytes.extend(frame::head(*tag, payload.len())?);
            bytes.extend_from_slice(payload);
        }
        match timeout(SILENCE, self.stream.write_all(&bytes)).await {
            Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Err(LinkError::Gone),
            Ok(written) => Ok(written?),
            Err(_) => Err(LinkError::Silent),
        }
    }
}

/// A request, which has to come first.
pub async fn requested(channel: &mut Channel) -> Result<Request, LinkError> {
    match channel.read().await? {
        (Tag::Request(kind), payload) => Ok(Request::decode(kind, &payload)?),
        _ => Err(LinkError::OutOfTurn),
    }
}

/// Sends a descriptor.
pub async fn send(control: &UnixStream, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    control
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut messages = SendAncillaryBuffer::new(&mut space);
            let descriptors = [descriptor];
            messages.push(SendAncillaryMessage::ScmRights(&descriptors));
            let bytes = [IoSlice::new(&COMPANION)];
            sendmsg(control.as_fd(), &bytes, &mut messages, SendFlags::NOSIGNAL)?;
            Ok(())
        })
        .await
}

/// Receives a descriptor; none when the control has closed. Can be given up at any moment.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`] when none came with what was sent: this process may have too many files open for one more.
pub async fn receive(control: &UnixStream) -> io::Result<Option<OwnedFd>> {
    control
        .async_io(Interest::READABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut messages = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [0];
            let mut bytes = [IoSliceMut::new(&mut byte)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            let received = recvmsg(control.as_fd(), &mut bytes, &mut messages, flags)?;
            if received.bytes == 0 {
                return Ok(None);
            }
            let descriptor = messages.drain().find_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
                _ => None,
            });
            let lost = || io::Error::new(ErrorKind::InvalidData, "no descriptor came");
            descriptor.map(Some).ok_or_else(lost)
        })
        .await
}
