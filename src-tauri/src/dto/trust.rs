use client_core::crypto;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Secret;

/// The two numbers that both people compare, and how far that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SafetyNumber {
    /// Twelve groups of five digits.
    pub(crate) groups: Vec<String>,
    /// The same as a QR code: a complete SVG document.
    pub(crate) qr: String,
    pub(crate) verified: bool,
}

/// How a compared number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Comparison {
    Same,
    Different,
    Unreadable,
}

impl From<crypto::Comparison> for Comparison {
    fn from(comparison: crypto::Comparison) -> Self {
        match comparison {
            crypto::Comparison::Same => Self::Same,
            crypto::Comparison::Different => Self::Different,
            crypto::Comparison::Unreadable => Self::Unreadable,
        }
    }
}

/// The recovery code, as long as the person has not confirmed it.
#[derive(Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryCode {
    pub(crate) words: Vec<&'static str>,
    /// As a QR code: a complete SVG document.
    pub(crate) qr: String,
    /// Which two words are asked, counted from 1.
    pub(crate) ask: Vec<usize>,
}

/// A word that was asked.
#[derive(Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AskedWord {
    /// Counted from 1.
    pub(crate) position: usize,
    pub(crate) word: Secret,
}
