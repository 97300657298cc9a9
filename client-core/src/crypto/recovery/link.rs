//! The recovery code as a QR code holds it: with where the relay is, so that scanning is all there is to do.

use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use minicbor::{Decode, Encode};
use protocol::{Address, LinkError, RelayId, bounds, cbor};
use zeroize::Zeroizing;

use super::RecoveryCode;
use crate::crypto::secret::{self, Secret};

const PREFIX: &str = "relevo:r#";

/// The version of the text's CBOR.
const VERSION: u8 = 1;
/// In bytes: one address of the longest host name fits.
const LONGEST: usize = 512;

/// A recovery code and the relay on which its account lives. `Debug` does not show the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryLink {
    /// Where the relay is; tried in order.
    pub addresses: Vec<Address>,
    /// The relay's identity, pinned.
    pub relay: RelayId,
    /// The code.
    pub code: RecoveryCode,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u8,
    #[n(1)]
    addresses: Vec<String>,
    #[n(2)]
    relay: RelayId,
    #[n(3)]
    code: Secret,
}

impl RecoveryLink {
    /// `relevo:r#…`, the text of the QR code. There is no form for a browser: the code is for this app alone.
    ///
    /// Of many or long addresses it holds the first ones, so that it stays as short as a link and a camera can read it. The
    /// first is always in it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let most = self.addresses.len().min(bounds::ADDRESSES);
        (2..=most)
            .rev()
            .map(|count| self.text_with(count))
            .find(|text| text.len() <= bounds::LINK)
            .unwrap_or_else(|| self.text_with(1))
    }

    fn text_with(&self, addresses: usize) -> Zeroizing<String> {
        let addresses = self.addresses.iter().take(addresses);
        let body = secret::encode(&Body {
            version: VERSION,
            addresses: addresses.map(ToString::to_string).collect(),
            relay: self.relay,
            code: Secret::new(self.code.0.clone()),
        });
        let len = BASE64URL_NOPAD.encode_len(body.len());
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len().saturating_add(len)));
        text.push_str(PREFIX);
        BASE64URL_NOPAD.encode_append(&body, &mut text);
        text
    }
}

impl FromStr for RecoveryLink {
    type Err = LinkError;

    /// Accepts the text with white space around it. Nothing is contacted and nothing changes.
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let fragment = text
            .strip_prefix(PREFIX)
            .filter(|_| text.len() <= LONGEST)
            .ok_or(LinkError::NotALink)?;
        let bytes = BASE64URL_NOPAD
            .decode(fragment.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| LinkError::Damaged)?;
        if matches!(bytes.as_slice(), [0xa1..=0xb7, 0, version, ..] if *version > VERSION) {
            return Err(LinkError::TooNew);
        }
        let body: Body = cbor::decode(&bytes).map_err(|_| LinkError::Damaged)?;
        // a new field means a new version: what a person sees as one code has one form
        let one_form = *secret::encode(&body) == *bytes;
        let addresses = 1..=bounds::ADDRESSES;
        if body.version != VERSION || !one_form || !addresses.contains(&body.addresses.len()) {
            return Err(LinkError::Damaged);
        }
        Ok(Self {
            addresses: body
                .addresses
                .iter()
                .map(|address| address.parse())
                .collect::<Result<_, _>>()?,
            relay: body.relay,
            code: RecoveryCode(Zeroizing::new(*body.code.as_bytes())),
        })
    }
}
