//! What either side says unasked.

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as CborDecodeError,
    encode::{Error as CborEncodeError, Write},
};

use crate::{
    AccountId, ClientId, ConversationId, DeviceId, ErrorCode, Opaque, StreamId,
    cbor::{is_false, only_true, present},
};

/// The device has durably processed a stream up to here. Cumulative.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ack {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// The highest seq processed.
    #[n(1)]
    pub seq: u64,
}

/// Something transient for the connected members of a conversation. Never on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Signal {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// Encrypted.
    #[n(1)]
    pub bytes: Opaque,
    /// Whether it is true until another one takes its place: the relay keeps it for those who connect while this device is
    /// connected.
    #[cbor(n(2), default, skip_if = "is_false", decode_with = "only_true")]
    pub keep: bool,
}

/// The next entries of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entries {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// Ascending by seq, without gaps.
    #[n(1)]
    pub entries: Vec<Entry>,
}

/// One position of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entry {
    /// Its position.
    #[n(0)]
    pub seq: u64,
    /// The device that sent it.
    #[n(1)]
    pub sender: DeviceId,
    /// What it is.
    #[n(2)]
    pub kind: EntryKind,
    /// The incarnation of the group in which it was sealed.
    #[n(3)]
    pub incarnation: u32,
    /// The epoch in which it was sealed; for a commit, the epoch that it ends; for a welcome, the one in which it joins.
    #[n(4)]
    pub epoch: u64,
    /// When the relay stored it.
    #[n(5)]
    pub time: u64,
    /// The sender's idempotency key.
    #[n(6)]
    pub client_id: ClientId,
    /// The conversation that a welcome opens.
    #[cbor(n(7), decode_with = "present")]
    pub conversation: Option<ConversationId>,
    /// Empty where the receiver blocked the sender.
    #[n(8)]
    pub bytes: Opaque,
    /// Of a welcome: the seq of the commit that adds the device, which reads the conversation from the next one.
    #[cbor(n(9), decode_with = "present")]
    pub start: Option<u64>,
}

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// An MLS PrivateMessage with content.
    Application,
    /// An MLS PublicMessage with a commit.
    Commit,
    /// An MLS Welcome; only in an inbox.
    Welcome,
    /// A kind that this version does not know.
    Unknown(u8),
}

impl EntryKind {
    /// The number on the wire and in the relay's store.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Application => 1,
            Self::Commit => 2,
            Self::Welcome => 3,
            Self::Unknown(number) => number,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Application,
            2 => Self::Commit,
            3 => Self::Welcome,
            number => Self::Unknown(number),
        }
    }
}

impl<C> Encode<C> for EntryKind {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), CborEncodeError<W::Error>> {
        encoder.u8(self.number())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for EntryKind {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, CborDecodeError> {
        decoder.u8().map(Self::from_number)
    }
}

/// At least one device of every recipient has the conversation up to here. Derived from cursors, coalesced, not stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Delivered {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The highest such seq.
    #[n(1)]
    pub seq: u64,
}

/// Whether a contact has a device connected.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Presence {
    /// The contact.
    #[n(0)]
    pub account: AccountId,
    /// Whether at least one of its announcing devices is connected.
    #[n(1)]
    pub connected: bool,
    /// When the last one left.
    #[cbor(n(2), decode_with = "present")]
    pub last_seen: Option<u64>,
}

/// A member's signal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignalPush {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The device that sent it, stamped by the relay.
    #[n(1)]
    pub sender: DeviceId,
    /// Encrypted.
    #[n(2)]
    pub bytes: Opaque,
    /// Whether the relay keeps it: whoever cannot open it yet may be able to later.
    #[cbor(n(3), default, skip_if = "is_false", decode_with = "only_true")]
    pub keep: bool,
}

/// The relay closes the connection, and why. Also the answer to a handshake that fails.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Bye {
    /// Why.
    #[n(0)]
    pub code: ErrorCode,
    /// Do not come back before this many milliseconds.
    #[cbor(n(1), decode_with = "present")]
    pub retry_after: Option<u64>,
}
