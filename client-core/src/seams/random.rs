use std::fmt;

use protocol::{ClientId, ConversationId, DeviceId, Nonce};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use thiserror::Error;

/// The source of randomness failed. What needed it is given up: nothing falls back to a weaker source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no randomness to be had")]
pub struct RandomError;

/// Where all random bytes come from, those of MLS too.
pub trait Randomness: Send {
    /// Fills the buffer with uniformly random bytes.
    ///
    /// # Errors
    /// [`RandomError`]; the buffer must not be used then.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

impl dyn Randomness + '_ {
    /// Draws an array.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Draws an idempotency key.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn client_id(&mut self) -> Result<ClientId, RandomError> {
        self.array().map(ClientId::new)
    }

    /// Draws the id of a new conversation.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn conversation_id(&mut self) -> Result<ConversationId, RandomError> {
        self.array().map(ConversationId::new)
    }

    /// Draws the id of a new device.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn device_id(&mut self) -> Result<DeviceId, RandomError> {
        self.array().map(DeviceId::new)
    }

    /// Draws a nonce of the handshake.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn nonce(&mut self) -> Result<Nonce, RandomError> {
        self.array().map(Nonce::new)
    }
}

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Randomness for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(|_| RandomError)
    }
}

/// The same bytes for the same seed: for simulations and tests, never for keys that protect anything.
#[derive(Clone)]
pub struct SeededRandom(ChaCha20Rng);

impl SeededRandom {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }
}

impl fmt::Debug for SeededRandom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SeededRandom(…)")
    }
}

impl Randomness for SeededRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}
