//! What holds for any bytes whatever: one function for each decoder, to be fed by the mutation loop or by libFuzzer. Each
//! panics where its property does not hold and returns what came out, so that a loop can prefer inputs that do something
//! new.

use data_encoding::BASE64URL_NOPAD;
use protocol::{
    Address, DecodeError, Key, Link, Opaque, Signature, cbor, check_deterministic, decode_frame,
    encode_frame,
    identity::{
        DeviceCertificate, DskCertificate, IdentityError, LeafIdentity, Manifest, public_key, sign,
    },
};

use crate::tree::Node;

/// A target's name and function.
pub type Target = (&'static str, fn(&[u8]) -> u64);

/// Every target, by the name of its folder in `fuzz-corpus`.
pub const TARGETS: [Target; 4] = [
    ("frame", frame),
    ("link", link),
    ("identity", identity),
    ("strict", strict),
];

/// A frame that is accepted decodes the same again after encoding; without unknown fields it is the very same bytes.
pub fn frame(bytes: &[u8]) -> u64 {
    match decode_frame(bytes) {
        Ok((id, frame)) => {
            let encoded = encode_frame(id, &frame);
            if encoded != bytes {
                // fields that this version does not know are left out, nothing else differs
                assert!(encoded.len() < bytes.len());
                assert!(Node::read(&encoded).is_within(&Node::read(bytes)));
            }
            assert_eq!(decode_frame(&encoded), Ok((id, frame.clone())));
            u64::from(frame.number()) << 8 | size(bytes) << 32
        }
        Err(error) => decode_error(error) | first(bytes) << 32,
    }
}

/// A link that is accepted is the same in both forms and when it is read again. What starts with `#` is taken as the bytes
/// inside of an invite, so that mutations reach them.
pub fn link(bytes: &[u8]) -> u64 {
    let text = match bytes.split_first() {
        Some((b'#', body)) => format!("relevo:i#{}", BASE64URL_NOPAD.encode(body)).into(),
        _ => String::from_utf8_lossy(bytes),
    };
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse(), Ok(address));
        return 1;
    }
    match text.parse::<Link>() {
        Ok(link) => {
            assert_eq!(link.to_app().parse(), Ok(link.clone()));
            if link.to_https().len() <= protocol::bounds::LINK {
                assert_eq!(link.to_https().parse(), Ok(link.clone()));
            }
            0x100 | (link.addresses.len() as u64) << 16 | u64::from(link.issuer.is_some()) << 32
        }
        Err(error) => 0x200 | (error as u64) << 16 | size(bytes) << 32,
    }
}

/// A document that is accepted was signed: changed bytes under an old signature never are. The first byte says whether the
/// rest is taken as it is, or as a body that the right key signs.
pub fn identity(bytes: &[u8]) -> u64 {
    let Some((mode, bytes)) = bytes.split_first() else {
        return 0;
    };
    let outcome = match mode % 4 {
        0 => opened(raw(bytes)),
        1 => opened(manifest(&seal(&dsk(), b"relevo manifest 1", bytes))),
        2 => {
            let root = signing_key(2);
            let bytes = seal(&root, b"relevo dsk certificate 1", bytes);
            opened(DskCertificate::open(&bytes, &public_key(&root)).map(|body| body.version.into()))
        }
        _ => {
            let bytes = seal(&dsk(), b"relevo device certificate 1", bytes);
            opened(DeviceCertificate::open(&bytes, &dsk_certificate()).map(|body| body.created))
        }
    };
    u64::from(mode % 4) | outcome << 8 | size(bytes) << 32
}

/// What the checker accepts is read by an independent reader to its end and written by it in the same way.
pub fn strict(bytes: &[u8]) -> u64 {
    match check_deterministic(bytes) {
        Ok(()) => {
            assert_eq!(Node::read(bytes).write(), bytes);
            let mut decoder = minicbor::Decoder::new(bytes);
            decoder.skip().expect("skip what was checked");
            assert_eq!(decoder.position(), bytes.len());
            0x100 | first(bytes) << 16 | size(bytes) << 32
        }
        Err(error) => decode_error(error) | first(bytes) << 16 | size(bytes) << 32,
    }
}

/// No private key is at work here: what opens is what was signed before.
fn raw(bytes: &[u8]) -> Result<u64, IdentityError> {
    let root = public_key(&signing_key(2));
    let certificate = DskCertificate::open(bytes, &root);
    let device = DeviceCertificate::open(bytes, &dsk_certificate());
    match (certificate, device) {
        (Ok(body), _) => {
            assert_eq!(body.sign(&signing_key(2)), bytes);
            Ok(1)
        }
        (_, Ok(body)) => {
            assert_eq!(body.sign(&dsk()), bytes);
            Ok(2)
        }
        _ => {
            if LeafIdentity::open(bytes).is_ok() {
                return Ok(3);
            }
            let number = manifest(bytes)?;
            assert!(number <= 2, "no such manifest was signed");
            Ok(number)
        }
    }
}

fn manifest(bytes: &[u8]) -> Result<u64, IdentityError> {
    let manifest = Manifest::open(bytes)?;
    assert_eq!(Manifest::open(&manifest.sign(&dsk())), Ok(manifest.clone()));
    assert!(
        manifest
            .devices
            .iter()
            .all(|(device, _)| device.account == manifest.account())
    );
    assert!(
        manifest
            .revoked
            .iter()
            .all(|device| manifest.device(*device).is_none())
    );
    Ok(manifest.number)
}

fn seal(key: &ed25519_dalek::SigningKey, context: &[u8], body: &[u8]) -> Vec<u8> {
    #[derive(minicbor::Encode)]
    #[cbor(map)]
    struct Pair {
        #[n(0)]
        body: Opaque,
        #[n(1)]
        signature: Signature,
    }
    let signature = sign(key, &[context, body].concat());
    cbor::encode(&Pair {
        body: body.to_vec().into(),
        signature,
    })
}

fn signing_key(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

fn dsk() -> ed25519_dalek::SigningKey {
    signing_key(3)
}

fn dsk_certificate() -> DskCertificate {
    let root: Key = public_key(&signing_key(2));
    DskCertificate {
        account: protocol::AccountId::of_root_key(&root),
        dsk: public_key(&dsk()),
        version: 1,
    }
}

fn opened(result: Result<u64, IdentityError>) -> u64 {
    match result {
        Ok(number) => 0x10 | number.min(15) << 8,
        Err(error) => error as u64,
    }
}

fn decode_error(error: DecodeError) -> u64 {
    match error {
        DecodeError::TooLarge => 1,
        DecodeError::Truncated => 2,
        DecodeError::TrailingBytes => 3,
        DecodeError::TooDeep => 4,
        DecodeError::NotDeterministic => 5,
        DecodeError::WrongShape => 6,
        DecodeError::UnknownType { .. } => 7,
    }
}

/// Where in the first bytes the input differs in kind.
fn first(bytes: &[u8]) -> u64 {
    u64::from(bytes.get(1).or(bytes.first()).copied().unwrap_or_default())
}

/// The magnitude of the length.
fn size(bytes: &[u8]) -> u64 {
    u64::from(bytes.len().checked_ilog2().unwrap_or_default())
}
