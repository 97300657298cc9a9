//! Refusals: stable codes that a program acts on. No text crosses the wire.

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as CborDecodeError,
    encode::{Error as CborEncodeError, Write},
};

use crate::{ConversationId, Digest, cbor::present};

/// Declares the codes once: number, name and whether the same request may succeed later.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $number:literal $name:ident $retry:ident,)+) => {
        /// Why a relay refused a request or closed a session.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
            /// A code that this version does not know. Not retryable.
            Unknown(u16),
        }

        impl ErrorCode {
            /// Every code that this version knows, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)+
                    Self::Unknown(number) => number,
                }
            }

            /// Reads the number on the wire.
            #[must_use]
            pub const fn from_number(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)+
                    number => Self::Unknown(number),
                }
            }

            /// Whether the same request, unchanged, may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self {
                    $(Self::$name => retryable!($retry),)+
                    Self::Unknown(_) => false,
                }
            }
        }
    };
}

macro_rules! retryable {
    (retry) => {
        true
    };
    (final) => {
        false
    };
}

error_codes! {
    /// The frame could not be decoded, or came at a moment where it has no place.
    1 BadFrame final,
    /// The relay does not know this type of frame.
    2 UnknownType final,
    /// No common protocol version.
    3 UnsupportedVersion final,
    /// The proof of the handshake does not hold: wrong key, unknown account or unknown device, alike.
    4 NotAuthenticated final,
    /// The device was revoked by its account.
    5 Revoked final,
    /// A newer connection of the same device took over.
    6 Replaced final,
    /// The link is unknown, used up, revoked or expired, alike.
    7 BadLink final,
    /// The device is not a member of this conversation, or there is no such conversation, alike.
    8 NotMember final,
    /// Another epoch is current: process the entries up to the one named in the refusal and seal again.
    9 StaleEpoch final,
    /// A direct conversation of these two accounts exists; the refusal names it.
    10 Exists final,
    /// The commit, a welcome or the group information does not hold.
    11 InvalidCommit final,
    /// No key package to be had: unknown account, blocked or none left, alike.
    12 NoKeyPackages final,
    /// The other account has not consented to this conversation.
    13 NoConsent final,
    /// The same client id came with other bytes.
    14 IdConflict final,
    /// Larger than a limit in [`crate::Limits`].
    15 TooLarge final,
    /// A quota of the account is used up.
    16 Quota retry,
    /// Too many requests; wait as long as the refusal says.
    17 RateLimited retry,
    /// The relay cannot do this now: its disk is full, or it is overloaded or stopping.
    18 Unavailable retry,
    /// A fault of the relay.
    19 Internal retry,
    /// The documents of an account or device contradict each other or what the relay holds.
    20 BadIdentity final,
    /// Nothing authenticated arrived in time, or pings stayed unanswered.
    21 TimedOut retry,
    /// The client did not read for too long.
    22 SlowReader retry,
    /// The handle belongs to another account.
    23 Taken final,
    /// There is no such account, or it may not be seen, alike.
    24 NotFound final,
}

impl<C> Encode<C> for ErrorCode {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), CborEncodeError<W::Error>> {
        encoder.u16(self.number())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ErrorCode {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, CborDecodeError> {
        decoder.u16().map(Self::from_number)
    }
}

/// The reply to a request that the relay did not carry out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refusal {
    /// Why.
    #[n(0)]
    pub code: ErrorCode,
    /// With [`ErrorCode::RateLimited`] and [`ErrorCode::Unavailable`]: milliseconds to wait.
    #[cbor(n(1), decode_with = "present")]
    pub retry_after: Option<u64>,
    /// With [`ErrorCode::StaleEpoch`]: the current incarnation.
    #[cbor(n(2), decode_with = "present")]
    pub incarnation: Option<u32>,
    /// With [`ErrorCode::StaleEpoch`]: the current epoch.
    #[cbor(n(3), decode_with = "present")]
    pub epoch: Option<u64>,
    /// With [`ErrorCode::StaleEpoch`]: the seq of the commit that made the current epoch.
    #[cbor(n(4), decode_with = "present")]
    pub seq: Option<u64>,
    /// With [`ErrorCode::StaleEpoch`]: SHA-256 of the commit that made the current epoch.
    #[cbor(n(5), decode_with = "present")]
    pub winner: Option<Digest>,
    /// With [`ErrorCode::Exists`]: the conversation that is there.
    #[cbor(n(6), decode_with = "present")]
    pub conversation: Option<ConversationId>,
}

impl Refusal {
    /// A refusal that needs no details.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            retry_after: None,
            incarnation: None,
            epoch: None,
            seq: None,
            winner: None,
            conversation: None,
        }
    }
}
