//! Safety numbers: what two people compare to know that no relay stands between them.
//!
//! A number depends on account and root key only, so it outlives every device. It is long to compute, so that nobody searches
//! for a root key with a number that looks like another's.

use std::fmt;

use protocol::{AccountId, Key};
use sha2::{Digest as _, Sha512};

/// The version is in it: another way to compute the number starts from another context.
const CONTEXT: &[u8] = b"relevo safety number 1";

/// How often SHA-512 is applied: a few milliseconds of work.
const ROUNDS: u32 = 5200;

/// The digits of one account, and of two.
const ACCOUNT_DIGITS: usize = 30;
const DIGITS: usize = 2 * ACCOUNT_DIGITS;

/// Digits that stand together.
const GROUP: usize = 5;

/// Before the digits in the text of a QR code.
const PREFIX: &str = "relevo:s#";

/// The longest text that is looked at: 60 digits, each on a line of its own, and the prefix.
const MAX_TEXT: usize = 256;

/// The 30 digits of an account, as every device of everybody computes them.
///
/// SHA-512 over context ‖ account ‖ root key, then 5,199 times over digest ‖ root key; six numbers of five bytes each,
/// big-endian, from the start of the digest, modulo 100,000, with leading zeros.
#[must_use]
pub fn safety_number(account: AccountId, root_key: &Key) -> String {
    let first = Sha512::new()
        .chain_update(CONTEXT)
        .chain_update(account.as_bytes())
        .chain_update(root_key.as_bytes())
        .finalize();
    let digest = (1..ROUNDS).fold(first, |digest, _| {
        Sha512::new()
            .chain_update(digest)
            .chain_update(root_key.as_bytes())
            .finalize()
    });
    digest
        .chunks_exact(5)
        .take(ACCOUNT_DIGITS / GROUP)
        .map(|chunk| {
            let number = chunk
                .iter()
                .fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
            format!("{:05}", number % 100_000)
        })
        .collect()
}

/// The number of two accounts: the same for both people. Its `Display` is 12 groups of five digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber(String);

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same number: both talk to whom they think.
    Same,
    /// Another number. Somebody may stand between, or it is that of another conversation.
    Different,
    /// No safety number at all, such as one cut off when it was copied.
    Unreadable,
}

impl SafetyNumber {
    /// The number of two accounts, in any order.
    #[must_use]
    pub fn of(own: (AccountId, &Key), peer: (AccountId, &Key)) -> Self {
        let mut numbers = [own, peer].map(|(account, root_key)| safety_number(account, root_key));
        numbers.sort_unstable();
        Self(numbers.concat())
    }

    /// The 60 digits without spaces.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// `relevo:s#` and the digits: the text of the QR code.
    #[must_use]
    pub fn to_qr_text(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// Compares with what the other person showed: the digits with any spaces, lines and hyphens between them, or the text of
    /// the QR code.
    #[must_use]
    pub fn compare(&self, text: &str) -> Comparison {
        let text = text.trim();
        if text.len() > MAX_TEXT {
            return Comparison::Unreadable;
        }
        let digits: String = text
            .strip_prefix(PREFIX)
            .unwrap_or(text)
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .collect();
        if digits.len() != DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            Comparison::Unreadable
        } else if digits == self.0 {
            Comparison::Same
        } else {
            Comparison::Different
        }
    }
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, digit) in self.0.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                formatter.write_str(" ")?;
            }
            write!(formatter, "{digit}")?;
        }
        Ok(())
    }
}
