//! The envelope of every WebSocket message: the CBOR array `[type, id, fields]`.
//!
//! `type` says what `fields` (a map with integer keys) is. `id` ties a reply to its request; it is 0 in frames that ask
//! for no reply. Fields that this version does not know are skipped, types that it does not know are reported with their
//! id, so that a relay can refuse them by [`crate::ErrorCode::UnknownType`].

use minicbor::{Decode, Decoder, Encode, Encoder, data::Type};
use thiserror::Error;

use crate::{
    Opaque, Refusal, check_deterministic,
    limits::bounds,
    messages::{
        AccountManifest, Ack, Announce, Append, Appended, Blocks, Bye, Challenge, ClaimKeyPackages,
        Claimed, Commit, Committed, Conversations, CreateConversation, DeclineRequest, Delivered,
        Done, EndLink, Enroll, Entries, Fetch, FetchGroup, FetchManifest, FindAccount, Found,
        GroupState, Hello, KeyPackageCount, ListBlocks, ListConversations, NewEntry, NewLink, Page,
        Presence, Prove, PublishKeyPackages, PublishManifest, Ready, Recover, Recovered, Register,
        SetBlock, SetHandle, Signal, SignalPush, StoreRecord, is_handle,
    },
};

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Larger than [`bounds::FRAME`].
    #[error("frame too large")]
    TooLarge,
    /// The bytes end within an item.
    #[error("truncated")]
    Truncated,
    /// Bytes follow the item.
    #[error("trailing bytes")]
    TrailingBytes,
    /// Nested deeper than any frame is.
    #[error("nested too deeply")]
    TooDeep,
    /// Valid perhaps, but not the one deterministic encoding (RFC 8949 §4.2.1).
    #[error("not deterministic CBOR")]
    NotDeterministic,
    /// A field is missing, of the wrong type, or out of its bounds.
    #[error("wrong shape")]
    WrongShape,
    /// A type that this version does not know.
    #[error("unknown type {frame_type}")]
    UnknownType {
        /// The number of the type.
        frame_type: u16,
        /// The id of the frame, to answer it.
        id: u32,
    },
}

/// Declares the frames once: number, variant (the name of its struct), and its snake-case name in `PROTOCOL.md`.
macro_rules! frames {
    ($($number:literal $name:ident $label:literal,)+) => {
        /// Everything that crosses the socket.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum Frame {
            $($name($name),)+
        }

        /// Number and name of every frame, as `PROTOCOL.md` lists them.
        pub const FRAME_NAMES: &[(u16, &str)] = &[$(($number, $label)),+];

        impl Frame {
            /// The number of the type on the wire.
            #[must_use]
            pub const fn number(&self) -> u16 {
                match self {
                    $(Self::$name(_) => $number,)+
                }
            }

            /// The name in `PROTOCOL.md`, for logs and metrics.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $label,)+
                }
            }

            fn encode_fields(&self, encoder: &mut Encoder<&mut Vec<u8>>) {
                // writing to a Vec cannot fail, and no encoder of this crate raises an error of its own
                let _infallible = match self {
                    $(Self::$name(fields) => fields.encode(encoder, &mut ()),)+
                };
            }

            fn decode_fields(frame_type: u16, id: u32, decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                match frame_type {
                    $($number => $name::decode(decoder, &mut ()).map(Self::$name).map_err(|_| DecodeError::WrongShape),)+
                    frame_type => Err(DecodeError::UnknownType { frame_type, id }),
                }
            }
        }

        $(impl From<$name> for Frame {
            fn from(fields: $name) -> Self {
                Self::$name(fields)
            }
        })+
    };
}

frames! {
    // handshake
    1 Hello "hello",
    2 Challenge "challenge",
    3 Prove "prove",
    4 Register "register",
    5 Ready "ready",
    6 Recover "recover",
    7 Recovered "recovered",
    8 Enroll "enroll",
    // requests
    16 Append "append",
    17 Commit "commit",
    18 CreateConversation "create_conversation",
    19 PublishKeyPackages "publish_key_packages",
    20 ClaimKeyPackages "claim_key_packages",
    21 Fetch "fetch",
    22 NewLink "new_link",
    23 Announce "announce",
    24 DeclineRequest "decline_request",
    25 SetBlock "set_block",
    26 ListBlocks "list_blocks",
    27 SetHandle "set_handle",
    28 FindAccount "find_account",
    29 EndLink "end_link",
    30 FetchGroup "fetch_group",
    31 PublishManifest "publish_manifest",
    32 FetchManifest "fetch_manifest",
    33 StoreRecord "store_record",
    34 ListConversations "list_conversations",
    // notices: a client sends them and gets no reply
    48 Ack "ack",
    49 Signal "signal",
    // replies
    64 Done "done",
    65 Refusal "refusal",
    66 Appended "appended",
    67 Committed "committed",
    68 KeyPackageCount "key_package_count",
    69 Claimed "claimed",
    70 Page "page",
    71 Blocks "blocks",
    72 Found "found",
    73 GroupState "group_state",
    74 AccountManifest "account_manifest",
    75 Conversations "conversations",
    // pushes
    96 Entries "entries",
    97 Delivered "delivered",
    98 Presence "presence",
    99 SignalPush "signal_push",
    100 Bye "bye",
}

/// Encodes one frame. A value beyond its bounds is encoded all the same: the sender keeps to [`bounds`].
#[must_use]
pub fn encode_frame(id: u32, frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    let mut encoder = Encoder::new(&mut bytes);
    // writing to a Vec cannot fail
    let _infallible = encoder
        .array(3)
        .and_then(|encoder| encoder.u16(frame.number()))
        .and_then(|encoder| encoder.u32(id));
    frame.encode_fields(&mut encoder);
    bytes
}

/// Decodes one frame and its id.
///
/// # Errors
/// [`DecodeError`]; the connection that sent such bytes is not trusted further, except after `UnknownType`.
pub fn decode_frame(bytes: &[u8]) -> Result<(u32, Frame), DecodeError> {
    if bytes.len() > bounds::FRAME {
        return Err(DecodeError::TooLarge);
    }
    check_deterministic(bytes)?;
    let mut decoder = Decoder::new(bytes);
    let wrong = |_| DecodeError::WrongShape;
    if decoder.array().map_err(wrong)? != Some(3) {
        return Err(DecodeError::WrongShape);
    }
    let frame_type = decoder.u16().map_err(wrong)?;
    let id = decoder.u32().map_err(wrong)?;
    if decoder.datatype().map_err(wrong)? != Type::Map {
        return Err(DecodeError::WrongShape);
    }
    let frame = Frame::decode_fields(frame_type, id, &mut decoder)?;
    frame.check_bounds()?;
    Ok((id, frame))
}

impl Frame {
    /// Checks the sizes that hold whatever a relay's configuration says. The counts were checked while decoding.
    fn check_bounds(&self) -> Result<(), DecodeError> {
        let within = match self {
            Self::Hello(hello) => {
                // it ends up in logs
                let printable = hello.client.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                !hello.versions.is_empty() && hello.client.len() <= bounds::CLIENT_NAME && printable
            }
            Self::Register(register) => register.manifest.len() <= bounds::MANIFEST,
            Self::Enroll(enroll) => enroll.manifest.len() <= bounds::MANIFEST,
            Self::Recovered(recovered) => {
                recovered.manifest.len() <= bounds::MANIFEST
                    && recovered.bytes.len() <= bounds::RECORD
            }
            Self::PublishManifest(publish) => publish.manifest.len() <= bounds::MANIFEST,
            Self::AccountManifest(account) => account.manifest.len() <= bounds::MANIFEST,
            Self::StoreRecord(store) => {
                !store.bytes.is_empty() && store.bytes.len() <= bounds::RECORD
            }
            Self::SetHandle(set) => set.handle.as_deref().is_none_or(is_handle),
            Self::FindAccount(find) => is_handle(&find.handle),
            Self::Append(append) => {
                let sized =
                    |entry: &NewEntry| !entry.bytes.is_empty() && fits_an_entry(&entry.bytes);
                !append.entries.is_empty() && append.entries.iter().all(sized)
            }
            Self::Commit(commit) => {
                fits_an_entry(&commit.commit)
                    && commit.welcomes.iter().all(|it| fits_an_entry(&it.bytes))
            }
            Self::CreateConversation(create) => {
                fits_an_entry(&create.commit)
                    && create.welcomes.iter().all(|it| fits_an_entry(&it.bytes))
            }
            Self::PublishKeyPackages(publish) => publish
                .packages
                .iter()
                .chain(&publish.last_resort)
                .all(fits_a_key_package),
            Self::Claimed(claimed) => {
                claimed.manifest.len() <= bounds::MANIFEST
                    && claimed
                        .packages
                        .iter()
                        .all(|it| fits_a_key_package(&it.bytes))
            }
            Self::Appended(appended) => appended.seqs.len() == appended.times.len(),
            Self::Signal(signal) => signal.bytes.len() <= most_of_signal(signal.keep),
            Self::SignalPush(signal) => signal.bytes.len() <= most_of_signal(signal.keep),
            Self::Entries(push) => push.entries.iter().all(|entry| fits_an_entry(&entry.bytes)),
            Self::Page(page) => page.entries.iter().all(|entry| fits_an_entry(&entry.bytes)),
            Self::Challenge(_)
            | Self::Ready(_)
            | Self::Prove(_)
            | Self::ClaimKeyPackages(_)
            | Self::Fetch(_)
            | Self::NewLink(_)
            | Self::Announce(_)
            | Self::Recover(_)
            | Self::DeclineRequest(_)
            | Self::SetBlock(_)
            | Self::ListBlocks(_)
            | Self::EndLink(_)
            | Self::FetchGroup(_)
            | Self::FetchManifest(_)
            | Self::ListConversations(_)
            | Self::Blocks(_)
            | Self::Found(_)
            | Self::GroupState(_)
            | Self::Conversations(_)
            | Self::Ack(_)
            | Self::Done(_)
            | Self::Refusal(_)
            | Self::Committed(_)
            | Self::KeyPackageCount(_)
            | Self::Delivered(_)
            | Self::Presence(_)
            | Self::Bye(_) => true,
        };
        if within {
            Ok(())
        } else {
            Err(DecodeError::WrongShape)
        }
    }
}

/// A commit or welcome is pushed as an entry later: one that did not fit there would block the stream for good.
fn fits_an_entry(bytes: &Opaque) -> bool {
    bytes.len() <= bounds::ENTRY
}

const fn most_of_signal(kept: bool) -> usize {
    if kept {
        bounds::KEPT_SIGNAL
    } else {
        bounds::SIGNAL
    }
}

fn fits_a_key_package(bytes: &Opaque) -> bool {
    bytes.len() <= bounds::KEY_PACKAGE
}
