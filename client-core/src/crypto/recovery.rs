//! The recovery code: what a person writes down, and what brings an account back when every device is lost.

mod link;

use std::fmt;

use bip39::{Language, Mnemonic};
use hkdf::Hkdf;
use protocol::Token;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::link::RecoveryLink;
use crate::seams::{RandomError, Randomness};

/// How many words a code has: 256 bits and a checksum of 8, by 11 bits a word.
const WORDS: usize = 24;

/// Why words are not a recovery code. No word is in it: it may come near a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecoveryCodeError {
    /// The word at this position, from 1, is not in the list.
    #[error("word {0} is not known")]
    UnknownWord(usize),
    /// It has this many words, or more than a code has; not 24.
    #[error("{0} words instead of 24")]
    Count(usize),
    /// Every word is known, but they do not belong together: one is another than was written down, or the order differs.
    #[error("the words do not belong together")]
    Checksum,
}

/// 256 random bits from which everything of an account's recovery derives. Wiped when dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<[u8; 32]>);

impl RecoveryCode {
    /// Draws a new code.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate(random: &mut dyn Randomness) -> Result<Self, RandomError> {
        let mut code = Zeroizing::new([0; 32]);
        random.fill(&mut *code)?;
        Ok(Self(code))
    }

    /// Wraps the raw bytes, as they were stored.
    #[must_use]
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The raw bytes, for the encrypted database only, until the person confirmed having written the code down.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The code as 24 English words of BIP-39.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        // 32 bytes always have words
        Mnemonic::from_entropy_in(Language::English, self.0.as_slice())
            .map(|words| words.words().collect())
            .unwrap_or_default()
    }

    /// Reads the 24 words, in letters of either case. What is between them does not matter: spaces, lines, commas, numbers.
    ///
    /// # Errors
    /// [`RecoveryCodeError`].
    pub fn parse(text: &str) -> Result<Self, RecoveryCodeError> {
        let mut words = Zeroizing::new(String::with_capacity(WORDS * 9));
        let mut count = 0;
        let separate = |letter: char| !letter.is_alphabetic();
        // one more than fit, so that too many are noticed
        for word in text
            .split(separate)
            .filter(|word| !word.is_empty())
            .take(WORDS + 1)
        {
            count += 1;
            let word = Zeroizing::new(word.to_ascii_lowercase());
            if Language::English.find_word(&word).is_none() {
                return Err(RecoveryCodeError::UnknownWord(count));
            }
            words.push_str(&word);
            words.push(' ');
        }
        if count != WORDS {
            return Err(RecoveryCodeError::Count(count));
        }
        let words = Mnemonic::parse_in_normalized(Language::English, &words)
            .map_err(|_| RecoveryCodeError::Checksum)?;
        let (entropy, _) = words.to_entropy_array();
        let entropy = Zeroizing::new(entropy);
        let mut code = Zeroizing::new([0; 32]);
        code.iter_mut()
            .zip(entropy.iter())
            .for_each(|(to, from)| *to = *from);
        Ok(Self(code))
    }

    /// The name under which the relay keeps the record. It tells nothing of the key.
    #[must_use]
    pub fn record_id(&self) -> Token {
        Token::new(*self.derive(b"relevo recovery record 1"))
    }

    /// The key that seals the record.
    pub(super) fn record_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"relevo recovery key 1")
    }

    /// HKDF-SHA-256 (RFC 5869) of the code.
    fn derive(&self, info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut output = Zeroizing::new([0; 32]);
        #[expect(
            clippy::expect_used,
            reason = "HKDF-SHA-256 fails only above 255 × 32 bytes of output"
        )]
        Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(info, &mut *output)
            .expect("expand 32 bytes");
        output
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode(…)")
    }
}
