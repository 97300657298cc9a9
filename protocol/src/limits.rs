//! Every limit of the wire, each with its reason.

use minicbor::{Decode, Encode};

/// Bounds that both sides hold whatever a relay's configuration says.
pub mod bounds {
    /// The largest frame in bytes. Fits a post-quantum commit with its welcomes for a few devices.
    pub const FRAME: usize = 64 * 1024;
    /// The largest entry in bytes, so that an entry and its envelope fit a frame.
    pub const ENTRY: usize = 60 * 1024;
    /// The most entries in one append.
    pub const BATCH: usize = 64;
    /// The most welcomes in one commit.
    pub const WELCOMES: usize = 32;
    /// The most key packages in one upload: each is 2.6 KiB with the default suite.
    pub const KEY_PACKAGES: usize = 20;
    /// The largest key package in bytes.
    pub const KEY_PACKAGE: usize = 8 * 1024;
    /// The largest signal in bytes.
    pub const SIGNAL: usize = 4 * 1024;
    /// The largest signal in bytes that the relay keeps: 100 characters of status, whatever the script, and room.
    pub const KEPT_SIGNAL: usize = 768;
    /// The largest manifest in bytes: the most devices in force and the most revoked ones.
    pub const MANIFEST: usize = 24 * 1024;
    /// The most devices of an account that are in force.
    pub const DEVICES: usize = 32;
    /// The most revoked devices in a manifest: a list that a thief filled up has room for one device by which the owner comes back.
    pub const REVOKED: usize = 900;
    /// The most protocol versions a client may offer.
    pub const VERSIONS: usize = 8;
    /// The longest name and version of a client program, in bytes.
    pub const CLIENT_NAME: usize = 64;
    /// The most streams named in `ready`; the rest is pushed all the same.
    pub const NEWS: usize = 500;
    /// The longest link in characters.
    pub const LINK: usize = 250;
    /// The largest recovery record in bytes.
    pub const RECORD: usize = 4 * 1024;
    /// The most accounts on a block list.
    pub const BLOCKS: usize = 1000;
    /// The most conversations in one answer.
    pub const CONVERSATIONS: usize = 500;
    /// The most addresses in a link.
    pub const ADDRESSES: usize = 4;
}

/// What this relay allows, told in `ready`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Limits {
    /// The largest frame in bytes.
    #[n(0)]
    pub frame: u32,
    /// The largest entry in bytes.
    #[n(1)]
    pub entry: u32,
    /// The most entries in one append.
    #[n(2)]
    pub batch: u16,
    /// How many pushed entries may be without acknowledgement before the relay waits.
    #[n(3)]
    pub window_entries: u32,
    /// How many pushed bytes may be without acknowledgement before the relay waits.
    #[n(4)]
    pub window_bytes: u32,
    /// The relay pings after this many seconds of idleness.
    #[n(5)]
    pub ping: u16,
    /// Undelivered entries are kept this many days.
    #[n(6)]
    pub retention: u16,
    /// How many one-time key packages the relay keeps for a device.
    #[n(7)]
    pub key_packages: u16,
}
