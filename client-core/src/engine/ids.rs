//! Random ids for use within a transaction, where MLS holds the source of randomness.

use std::cell::RefCell;

use protocol::{ClientId, MessageId};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};

use crate::{error::Result, seams::Randomness};

/// Ids from a seed that was drawn before the transaction.
pub(super) struct Ids(RefCell<ChaCha20Rng>);

impl Ids {
    pub(super) fn draw(random: &mut dyn Randomness) -> Result<Self> {
        Ok(Self(RefCell::new(ChaCha20Rng::from_seed(random.array()?))))
    }

    pub(super) fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.borrow_mut().fill_bytes(&mut bytes);
        bytes
    }

    pub(super) fn client_id(&self) -> ClientId {
        ClientId::new(self.array())
    }

    pub(super) fn message_id(&self) -> MessageId {
        MessageId::new(self.array())
    }
}
