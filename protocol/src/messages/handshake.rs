//! The frames that open a session, in their order.

use minicbor::{Decode, Encode};

use crate::{
    AccountId, DeviceId, Digest, Key, Limits, Nonce, Opaque, Signature, StoreGeneration, StreamId,
    Token,
    cbor::{list, present},
    limits::bounds,
};

/// Client → relay, first frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The protocol versions that the client speaks.
    #[cbor(n(0), decode_with = "list::<{ bounds::VERSIONS }, _, _>")]
    pub versions: Vec<u16>,
    /// Fresh for each connection.
    #[n(1)]
    pub nonce: Nonce,
    /// Name and version of the program, for the relay's statistics: printable ASCII.
    #[n(2)]
    pub client: String,
}

/// Relay → client: proves the relay's identity and asks the client to prove its own.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Challenge {
    /// The version that both will speak: the highest common one.
    #[n(0)]
    pub version: u16,
    /// Fresh for each connection; valid 30 s, once.
    #[n(1)]
    pub nonce: Nonce,
    /// Changes when the relay is restored from a backup.
    #[n(2)]
    pub store_generation: StoreGeneration,
    /// The relay's identity key; its hash is pinned by the link.
    #[n(3)]
    pub identity_key: Key,
    /// SHA-256 of the SubjectPublicKeyInfo of the TLS key that the relay serves; absent behind a proxy.
    #[cbor(n(4), decode_with = "present")]
    pub tls_key: Option<Digest>,
    /// By the identity key, over [`crate::handshake::challenge_message`].
    #[n(5)]
    pub signature: Signature,
}

/// Client → relay: the device proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Prove {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// By the device's login key, over [`crate::handshake::login_message`].
    #[n(2)]
    pub signature: Signature,
    /// Whether contacts may see that this device is connected, and this device them.
    #[n(3)]
    pub announce: bool,
}

/// Client → relay instead of [`Prove`]: a new account by an invite. Safe to repeat: an account that was made by the same
/// manifest is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Register {
    /// Derived from the invite's secret.
    #[n(0)]
    pub token: Token,
    /// The first manifest of the account (n = 1), see [`crate::identity::Manifest`].
    #[n(1)]
    pub manifest: Opaque,
    /// The device that registers; certified in the manifest.
    #[n(2)]
    pub device: DeviceId,
    /// By the device's login key, over [`crate::handshake::registration_message`].
    #[n(3)]
    pub signature: Signature,
    /// As in [`Prove`].
    #[n(4)]
    pub announce: bool,
    /// The relay's own word that it made this account before: brings the account back to a relay that was restored from an
    /// older backup. Then the token is not looked at, and the manifest is the newest one, at most 65536 ahead of the relay's.
    #[cbor(n(5), decode_with = "present")]
    pub receipt: Option<Receipt>,
}

/// Client → relay instead of [`Prove`]: asks for the recovery record that the holder of a recovery code can name and open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Recover {
    /// Derived from the recovery code.
    #[n(0)]
    pub record: Token,
}

/// Relay → client: the recovery record. The client goes on with [`Enroll`] on the same connection.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Recovered {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Its newest manifest, which the next one has to follow.
    #[n(1)]
    pub manifest: Opaque,
    /// What [`crate::StoreRecord`] stored: sealed by the recovery code.
    #[n(2)]
    pub bytes: Opaque,
}

/// Client → relay instead of [`Prove`]: a device that its account certified in a new manifest logs in for the first time.
/// Safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Enroll {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The manifest that follows the one which the relay holds, and certifies the device.
    #[n(1)]
    pub manifest: Opaque,
    /// The device.
    #[n(2)]
    pub device: DeviceId,
    /// By the device's login key, over [`crate::handshake::enrolment_message`].
    #[n(3)]
    pub signature: Signature,
    /// As in [`Prove`].
    #[n(4)]
    pub announce: bool,
}

/// Relay → client: the session is open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ready {
    /// What this relay allows.
    #[n(0)]
    pub limits: Limits,
    /// The relay's clock.
    #[n(1)]
    pub time: u64,
    /// Streams with entries past the device's cursor, newest activity first; at most [`bounds::NEWS`].
    #[cbor(n(2), decode_with = "list::<{ bounds::NEWS }, _, _>")]
    pub news: Vec<News>,
    /// How many unclaimed one-time key packages the relay holds for this device.
    #[n(3)]
    pub key_packages: u16,
    /// The same each time; a client that has none keeps it.
    #[cbor(n(4), decode_with = "present")]
    pub receipt: Option<Receipt>,
    /// How many entries the relay ever took from this device: application entries and commits. A device that remembers
    /// fewer was copied, or restored from an older state, and must not use its keys any more.
    #[n(5)]
    pub sent: u64,
    /// The number of the account's manifest that the relay holds.
    #[n(6)]
    pub manifest: u64,
}

/// One stream that has entries for this device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct News {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// The seq of its last entry.
    #[n(1)]
    pub last: u64,
    /// What lies at and below this seq was declared gone by a restore from backup, or expired.
    #[n(2)]
    pub base: u64,
}

/// The relay's signed word that it made an account, to bring the account back to a relay restored from an older backup.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// When it was made.
    #[n(1)]
    pub time: u64,
    /// By the relay's identity key, over [`crate::handshake::receipt_message`].
    #[n(2)]
    pub signature: Signature,
}
