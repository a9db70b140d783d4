//! The bytes of the link: one frame is a tag, a length and so many bytes. Pure, so that every input can be tried.
//!
//! ```text
//! frame    tag (1)  length (4, big endian)  payload
//! request  peer  length of the name (2)  name  digest: 0 or 32 bytes, by its kind  body: the rest
//! peer     0 | 1 and the pin of its key (32) | 2 and its user id (4, big endian) | 3: a user whom the kernel does not name
//! ```
//!
//! A length is looked at before anything is read by it. What a kind of request does not have must not be there.

use crate::agent::trust::Peer;
use crate::identity::Pin;
use crate::identity::command::Verb;
use crate::model::revision::Digest;

/// The bytes before a payload.
pub const HEAD: usize = 5;

/// The longest name: an execution's or task set's id, or the name of an upstream.
pub const NAME: usize = 400;

/// The longest body of a request.
pub const BODY: usize = 1024 * 1024;

/// The bytes of a digest.
const DIGEST: usize = 32;

/// The bytes of a peer at most.
const PEER: usize = 1 + 32;

/// The longest payload: a request's.
pub const LONGEST: usize = PEER + 2 + NAME + DIGEST + BODY;

/// An enumeration of tags, and the list of all of them, in which none can be missing.
macro_rules! tags {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $tag:ident = $byte:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$doc])* $tag = $byte,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$tag),*];
        }
    };
}

tags! {
/// What a request asks for.
Kind {
    /// Who the agent is, and what it knows about its host.
    Info = 1,
    /// Whether a bundle is here.
    HasBundle = 2,
    /// A bundle comes, in the pieces that follow.
    Bundle = 3,
    /// An execution begins.
    Order = 4,
    /// An execution ends after its current event.
    Stop = 5,
    /// Executions go on for another while.
    Renew = 6,
    /// The messages of the log, for ever.
    Follow = 7,
    /// How an upstream is.
    Upstream = 8,
    /// An upstream changes.
    ChangeUpstream = 9,
    /// A command for an `HAProxy`.
    HaProxy = 10,
    /// With what key the agent shows itself, and whose it knows: now, and whenever that changes.
    Trust = 11,
    /// What somebody may do.
    Standing = 12,
    /// An orchestrator introduces itself.
    Introduce = 13,
    /// The agent, or an orchestrator, is to have another key.
    Keys = 14,
    /// The task sets that have tasks here.
    TaskSets = 15,
    /// How a task set is.
    TaskSet = 16,
    /// A task set has tasks here.
    OrderTaskSet = 17,
    /// A task set ends.
    EndTaskSet = 18,
}
}

tags! {
/// How an answer begins.
Status {
    /// It is done, and this is the answer.
    Done = 128,
    /// It was made.
    Made = 129,
    /// It is done, and there is nothing to say.
    Nothing = 130,
    /// The request makes no sense.
    Invalid = 131,
    /// It must not be.
    Forbidden = 132,
    /// There is no such thing.
    Unknown = 133,
    /// Something else has this id, or this place.
    Conflict = 134,
    /// There is too much of it.
    TooLarge = 135,
    /// It was understood, and cannot be done as it is.
    Unprocessable = 136,
    /// The host cannot do it.
    Failed = 137,
    /// The host cannot do it now.
    Unavailable = 138,
    /// Whoever asks may not ask for this.
    Stranger = 139,
    /// The command is not from whom this host obeys, or not for this host.
    Distrusted = 140,
    /// The command came too late or too early by this host's clock, or once more: signed anew, it may be good. The answer is a
    /// [`Problem`](crate::agent::protocol::Problem), with that clock.
    Stale = 141,
    /// The command is from an orchestrator in whose place another one is obeyed.
    Fenced = 142,
    /// The command can't be written down, and so is not carried out.
    Unkept = 143,
    /// It is over, and does not begin again.
    Gone = 144,
}
}

/// Who may ask for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// The front itself, on nobody's behalf or about somebody.
    Front,
    /// Whoever is expected to introduce itself.
    Expected,
    /// Whoever is obeyed.
    Orchestrator,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A request.
    Request(Kind),
    /// The next bytes of what is being sent.
    Piece,
    /// All has been sent.
    End,
    /// The beginning of an answer, with the first of its bytes.
    Answer(Status),
}

const PIECE: u8 = 64;
const END: u8 = 65;

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No frame begins like this.
    #[error("no frame has the tag {0}")]
    Tag(u8),
    /// The frame is longer than any may be.
    #[error("a frame of {0} bytes is too long")]
    Length(usize),
    /// A request ends too early, has too much, or names what its kind does not have.
    #[error("a request has a wrong {0}")]
    Request(&'static str),
}

/// A request, as it is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub kind: Kind,
    /// On whose behalf; none for what the front wants itself.
    pub peer: Option<Peer>,
    /// Which execution, upstream or task set; empty if the kind has none.
    pub name: String,
    /// Which bundle.
    pub digest: Option<Digest>,
    /// What the front hands on without reading it.
    pub body: Vec<u8>,
}

impl Kind {
    /// Who may ask for it: the one table of it, which the executor goes by.
    pub fn requires(self) -> Required {
        match self {
            Self::Trust | Self::Standing => Required::Front,
            Self::Introduce => Required::Expected,
            Self::Info
            | Self::HasBundle
            | Self::Bundle
            | Self::Order
            | Self::Stop
            | Self::Renew
            | Self::Follow
            | Self::Upstream
            | Self::ChangeUpstream
            | Self::HaProxy
            | Self::TaskSets
            | Self::TaskSet
            | Self::OrderTaskSet
            | Self::EndTaskSet
            | Self::Keys => Required::Orchestrator,
        }
    }

    /// What a signed command has to be for; none if this changes nothing, or what comes by its digest.
    pub fn verb(self) -> Option<Verb> {
        match self {
            Self::Order => Some(Verb::Order),
            Self::Stop => Some(Verb::Stop),
            Self::Renew => Some(Verb::Renew),
            Self::ChangeUpstream => Some(Verb::ChangeUpstream),
            Self::HaProxy => Some(Verb::HaProxy),
            Self::Keys => Some(Verb::Keys),
            Self::OrderTaskSet => Some(Verb::OrderTaskSet),
            Self::EndTaskSet => Some(Verb::EndTaskSet),
            Self::Info
            | Self::HasBundle
            | Self::Bundle
            | Self::Follow
            | Self::Upstream
            | Self::TaskSets
            | Self::TaskSet
            | Self::Trust
            | Self::Standing
            | Self::Introduce => None,
        }
    }

    /// Whether it is about somebody at the other end of a connection.
    fn has_peer(self) -> bool {
        self != Self::Trust
    }

    fn has_name(self) -> bool {
        matches!(
            self,
            Self::Order
                | Self::Stop
                | Self::Upstream
                | Self::ChangeUpstream
                | Self::TaskSet
                | Self::OrderTaskSet
                | Self::EndTaskSet
        )
    }

    fn has_digest(self) -> bool {
        matches!(self, Self::HasBundle | Self::Bundle)
    }

    fn has_body(self) -> bool {
        matches!(
            self,
            Self::Order
                | Self::Stop
                | Self::Renew
                | Self::Follow
                | Self::ChangeUpstream
                | Self::HaProxy
                | Self::Standing
                | Self::Introduce
                | Self::OrderTaskSet
                | Self::EndTaskSet
                | Self::Keys
        )
    }
}

impl Status {
    /// Whether the answer says why it was not done.
    pub fn is_refusal(self) -> bool {
        !matches!(self, Self::Done | Self::Made | Self::Nothing)
    }
}

impl Tag {
    fn byte(self) -> u8 {
        match self {
            Self::Request(kind) => kind as u8,
            Self::Piece => PIECE,
            Self::End => END,
            Self::Answer(status) => status as u8,
        }
    }

    fn of(byte: u8) -> Result<Self, Malformed> {
        let mut kinds = Kind::ALL.iter().copied();
        let mut statuses = Status::ALL.iter().copied();
        match byte {
            PIECE => Some(Self::Piece),
            END => Some(Self::End),
            _ => kinds
                .find(|kind| *kind as u8 == byte)
                .map(Self::Request)
                .or_else(|| {
                    let status = statuses.find(|status| *status as u8 == byte);
                    status.map(Self::Answer)
                }),
        }
        .ok_or(Malformed::Tag(byte))
    }
}

/// The bytes before a payload of this length, which must not be longer than [`LONGEST`].
pub fn head(tag: Tag, length: usize) -> Result<[u8; HEAD], Malformed> {
    let too_long = Malformed::Length(length);
    let short = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    let [a, b, c, d] = short.ok_or(too_long)?.to_be_bytes();
    Ok([tag.byte(), a, b, c, d])
}

/// What frame begins with these bytes, and how many follow.
pub fn read_head(bytes: [u8; HEAD]) -> Result<(Tag, usize), Malformed> {
    let [tag, a, b, c, d] = bytes;
    let tag = Tag::of(tag)?;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let most = match tag {
        Tag::End => 0,
        Tag::Request(_) | Tag::Piece | Tag::Answer(_) => LONGEST,
    };
    if length > most {
        return Err(Malformed::Length(length));
    }
    Ok((tag, length))
}

impl Request {
    /// A request of a kind on somebody's behalf, that says nothing more.
    pub fn of(peer: Peer, kind: Kind) -> Self {
        Self {
            peer: Some(peer),
            ..Self::new(kind)
        }
    }

    /// A request of a kind that says nothing more.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            peer: None,
            name: String::new(),
            digest: None,
            body: Vec::new(),
        }
    }

    /// Its payload.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        self.check()?;
        let length = u16::try_from(self.name.len()).map_err(|_| Malformed::Request("name"))?;
        let mut bytes = peer_bytes(self.peer);
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(self.digest.iter().flat_map(Digest::to_bytes));
        bytes.extend(&self.body);
        Ok(bytes)
    }

    /// The request of this kind with this payload.
    pub fn decode(kind: Kind, payload: &[u8]) -> Result<Self, Malformed> {
        let wrong = Malformed::Request;
        let (peer, rest) = read_peer(payload).ok_or(wrong("peer"))?;
        let (length, rest) = rest.split_first_chunk().ok_or(wrong("name"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (name, rest) = rest.split_at_checked(length).ok_or(wrong("name"))?;
        let name = std::str::from_utf8(name).map_err(|_| wrong("name"))?;
        let (digest, body) = if kind.has_digest() {
            let (digest, body) = rest.split_first_chunk::<DIGEST>().ok_or(wrong("digest"))?;
            (Some(Digest::from_bytes(digest)), body)
        } else {
            (None, rest)
        };
        let request = Self {
            kind,
            peer,
            name: name.to_owned(),
            digest,
            body: body.to_vec(),
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), Malformed> {
        let Self { kind, .. } = self;
        if self.peer.is_some() != kind.has_peer() {
            return Err(Malformed::Request("peer"));
        }
        let named = (1..=NAME).contains(&self.name.len());
        if named != kind.has_name() || !named && !self.name.is_empty() {
            return Err(Malformed::Request("name"));
        }
        if self.digest.is_some() != kind.has_digest() {
            return Err(Malformed::Request("digest"));
        }
        if self.body.len() > BODY || !kind.has_body() && !self.body.is_empty() {
            return Err(Malformed::Request("body"));
        }
        Ok(())
    }
}

fn peer_bytes(peer: Option<Peer>) -> Vec<u8> {
    match peer {
        None => vec![0],
        Some(Peer::Key(pin)) => [&[1], pin.as_bytes().as_slice()].concat(),
        Some(Peer::User(Some(user))) => [&[2], user.to_be_bytes().as_slice()].concat(),
        Some(Peer::User(None)) => vec![3],
    }
}

fn read_peer(bytes: &[u8]) -> Option<(Option<Peer>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    Some(match tag {
        0 => (None, rest),
        1 => {
            let (pin, rest) = rest.split_first_chunk()?;
            (Some(Peer::Key(Pin::from_bytes(*pin))), rest)
        }
        2 => {
            let (user, rest) = rest.split_first_chunk()?;
            (Some(Peer::User(Some(u32::from_be_bytes(*user)))), rest)
        }
        3 => (Some(Peer::User(None)), rest),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn requests() -> impl Strategy<Value = Request> {
        let body = proptest::collection::vec(any::<u8>(), 0..200);
        let peer = prop_oneof![
            any::<[u8; 32]>().prop_map(|pin| Peer::Key(Pin::from_bytes(pin))),
            any::<Option<u32>>().prop_map(Peer::User),
        ];
        let digest = any::<[u8; 32]>();
        let parts = (0..Kind::ALL.len(), peer, "[^\0]{1,100}", digest, body);
        parts.prop_map(|(kind, peer, name, digest, body)| {
            let kind = Kind::ALL[kind];
            Request {
                kind,
                peer: kind.has_peer().then_some(peer),
                name: if kind.has_name() { name } else { String::new() },
                digest: kind.has_digest().then(|| Digest::from_bytes(&digest)),
                body: if kind.has_body() { body } else { Vec::new() },
            }
        })
    }

    #[test]
    fn every_first_byte_is_one_frame_or_none() {
        let known: Vec<u8> = (0..=255).filter(|byte| Tag::of(*byte).is_ok()).collect();
        let expected: Vec<u8> = (1..=18).chain([64, 65]).chain(128..=144).collect();
        assert_eq!(known, expected);
        for byte in known {
            assert_eq!(Tag::of(byte).unwrap().byte(), byte);
        }
    }

    #[test]
    fn lengths_have_a_limit() {
        let order = Tag::Request(Kind::Order);
        assert_eq!(
            read_head(head(order, LONGEST).unwrap()),
            Ok((order, LONGEST))
        );
        let over = Err(Malformed::Length(LONGEST + 1));
        assert_eq!(head(order, LONGEST + 1), over.map(|()| [0; HEAD]));
        assert_eq!(
            read_head([4, 255, 255, 255, 255]),
            Err(Malformed::Length(u32::MAX as usize))
        );
        assert_eq!(read_head([END, 0, 0, 0, 1]), Err(Malformed::Length(1)));
        let name = |length| Request {
            name: "x".repeat(length),
            ..Request::of(Peer::User(None), Kind::Stop)
        };
        assert!(name(NAME).encode().is_ok());
        for wrong in [0, NAME + 1, 100_000] {
            assert_eq!(name(wrong).encode(), Err(Malformed::Request("name")));
        }
        let body = |length| Request {
            body: vec![0; length],
            ..Request::of(Peer::User(None), Kind::Renew)
        };
        assert!(body(BODY).encode().is_ok());
        assert_eq!(body(BODY + 1).encode(), Err(Malformed::Request("body")));
    }

    proptest! {
        #[test]
        fn a_request_comes_as_it_was_sent(request in requests()) {
            let payload = request.encode().unwrap();
            prop_assert!(payload.len() <= LONGEST);
            prop_assert_eq!(Request::decode(request.kind, &payload), Ok(request));
        }

        /// What is read from any bytes is a request that would be sent as just these bytes.
        #[test]
        fn there_is_one_way_to_say_it(
            kind in 0..Kind::ALL.len(),
            payload in proptest::collection::vec(any::<u8>(), 0..80),
            short in any::<bool>(),
        ) {
            let mut payload = payload;
            if short && payload.len() > 3 {
                // A peer and a length that may be right.
                payload[0] %= 5;
                let at = read_peer(&payload).map_or(1, |(_, rest)| payload.len() - rest.len());
                if at + 1 < payload.len() {
                    payload[at] = 0;
                    payload[at + 1] %= 48;
                }
            }
            let kind = Kind::ALL[kind];
            if let Ok(request) = Request::decode(kind, &payload) {
                prop_assert_eq!(request.encode(), Ok(payload));
                prop_assert!(request.name.len() <= NAME && request.body.len() <= BODY);
            }
        }

        #[test]
        fn a_request_that_is_cut_off_is_none(request in requests(), cut in any::<proptest::sample::Index>()) {
            let payload = request.encode().unwrap();
            let cut = cut.index(payload.len());
            if let Ok(read) = Request::decode(request.kind, &payload[..cut]) {
                // Only a body may be shorter: how long it is says the frame.
                prop_assert_eq!((&read.name, &read.digest), (&request.name, &request.digest));
                prop_assert_eq!(read.peer, request.peer);
                prop_assert!(request.body.starts_with(&read.body));
            }
        }

        #[test]
        fn any_head_is_a_frame_or_refused(bytes in any::<[u8; HEAD]>()) {
            if let Ok((tag, length)) = read_head(bytes) {
                prop_assert!(length <= LONGEST);
                prop_assert_eq!(head(tag, length), Ok(bytes));
            }
        }
    }
}
