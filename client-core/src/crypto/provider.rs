//! What OpenMLS works with: our table, our randomness, and the RustCrypto library.
//!
//! The library draws randomness of its own in two places, and both are replaced here by the one [`Randomness`]: its
//! `OpenMlsRand`, and the encapsulation of HPKE. So with a seeded source every byte that leaves this device is determined.
//! What is left: the library fills generators of its own from the system at construction (`RustCrypto::default`,
//! `Hpke::new`) whose output is never used.

use std::{
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ed25519_dalek::SigningKey;
use hpke_rs::{Hpke, Mode};
use hpke_rs_crypto::types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs_rust_crypto::HpkeRustCrypto;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::{
    OpenMlsProvider,
    crypto::OpenMlsCrypto,
    random::OpenMlsRand,
    types::{
        AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeAeadType, HpkeCiphertext,
        HpkeConfig, HpkeKdfType, HpkeKemType, HpkeKeyPair, KemOutput, SignatureScheme,
    },
};
use tls_codec::SecretVLBytes;
use x_wing::{Encapsulate as _, EncapsulationKey, TryCryptoRng, kem::common::rand_core::TryRng};
use zeroize::Zeroizing;

use super::config::SUITE;
use crate::{
    seams::{RandomError, Randomness},
    store::mls::MlsStore,
};

/// What each call into OpenMLS is given.
pub(super) struct Provider<'a> {
    crypto: Crypto<'a>,
    store: MlsStore<'a>,
}

impl<'a> Provider<'a> {
    pub(super) fn new(store: MlsStore<'a>, random: &'a mut dyn Randomness) -> Self {
        Self {
            crypto: Crypto {
                library: RustCrypto::default(),
                random: Mutex::new(random),
            },
            store,
        }
    }
}

impl<'a> OpenMlsProvider for Provider<'a> {
    type CryptoProvider = Crypto<'a>;
    type RandProvider = Crypto<'a>;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &Self::StorageProvider {
        &self.store
    }

    fn crypto(&self) -> &Self::CryptoProvider {
        &self.crypto
    }

    fn rand(&self) -> &Self::RandProvider {
        &self.crypto
    }
}

/// RustCrypto with our randomness. The mutex is there because OpenMLS asks for `Sync`; nobody ever waits for it.
pub(super) struct Crypto<'a> {
    library: RustCrypto,
    random: Mutex<&'a mut dyn Randomness>,
}

impl<'a> Crypto<'a> {
    fn random(&self) -> MutexGuard<'_, &'a mut dyn Randomness> {
        // a poisoned source has no state that a panic could have broken
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// HPKE's sender side (RFC 9180 §5.1.1) with an encapsulation from our randomness.
    fn hpke_sender(
        &self,
        config: &HpkeConfig,
        public_key: &[u8],
        info: &[u8],
    ) -> Result<(Vec<u8>, hpke_rs::Context<HpkeRustCrypto>), CryptoError> {
        let hpke = hpke(config)?;
        let recipient =
            EncapsulationKey::try_from(public_key).map_err(|_| CryptoError::InvalidPublicKey)?;
        let mut draw = Draw {
            random: self.random(),
            failed: false,
        };
        let (encapsulation, secret) = recipient.encapsulate_with_rng(&mut draw);
        if draw.failed {
            return Err(CryptoError::InsufficientRandomness);
        }
        let secret = Zeroizing::new(<[u8; 32]>::from(secret));
        let context = hpke
            .key_schedule(&*secret, info, &[], &[])
            .map_err(|_| CryptoError::SenderSetupError)?;
        Ok((encapsulation.as_slice().to_vec(), context))
    }
}

/// The HPKE of our suite; there is no other.
fn hpke(config: &HpkeConfig) -> Result<Hpke<HpkeRustCrypto>, CryptoError> {
    match config {
        HpkeConfig(
            HpkeKemType::XWingKemDraft6,
            HpkeKdfType::HkdfSha384,
            HpkeAeadType::AesGcm256,
        ) => Ok(Hpke::new(
            Mode::Base,
            KemAlgorithm::XWingDraft06,
            KdfAlgorithm::HkdfSha384,
            AeadAlgorithm::Aes256Gcm,
        )),
        _ => Err(CryptoError::UnsupportedCiphersuite),
    }
}

/// Our randomness in the form that the KEM's crate takes, which knows no failure: one is remembered, and what was made of
/// the missing bytes is thrown away.
struct Draw<'g, 'a> {
    random: MutexGuard<'g, &'a mut dyn Randomness>,
    failed: bool,
}

impl Draw<'_, '_> {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.failed |= self.random.fill(bytes).is_err();
    }
}

impl TryRng for Draw<'_, '_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Draw<'_, '_> {}

impl OpenMlsRand for Crypto<'_> {
    type Error = RandomError;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Self::Error> {
        let mut bytes = [0; N];
        self.random().fill(&mut bytes)?;
        Ok(bytes)
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Self::Error> {
        let mut bytes = vec![0; len];
        self.random().fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl OpenMlsCrypto for Crypto<'_> {
    fn supports(&self, suite: Ciphersuite) -> Result<(), CryptoError> {
        if suite == SUITE {
            Ok(())
        } else {
            Err(CryptoError::UnsupportedCiphersuite)
        }
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        vec![SUITE]
    }

    fn hkdf_extract(
        &self,
        hash: HashType,
        salt: &[u8],
        ikm: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        self.library.hkdf_extract(hash, salt, ikm)
    }

    fn hmac(
        &self,
        hash: HashType,
        key: &[u8],
        message: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        self.library.hmac(hash, key, message)
    }

    fn hkdf_expand(
        &self,
        hash: HashType,
        prk: &[u8],
        info: &[u8],
        len: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        self.library.hkdf_expand(hash, prk, info, len)
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.library.hash(hash, data)
    }

    fn aead_encrypt(
        &self,
        aead: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.library.aead_encrypt(aead, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        aead: AeadType,
        key: &[u8],
        sealed: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.library.aead_decrypt(aead, key, sealed, nonce, aad)
    }

    fn signature_key_gen(
        &self,
        scheme: SignatureScheme,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        if scheme != SignatureScheme::ED25519 {
            return Err(CryptoError::UnsupportedSignatureScheme);
        }
        let mut secret = Zeroizing::new([0; 32]);
        self.random()
            .fill(&mut *secret)
            .map_err(|_| CryptoError::InsufficientRandomness)?;
        let key = SigningKey::from_bytes(&secret);
        Ok((secret.to_vec(), key.verifying_key().to_bytes().to_vec()))
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        key: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.library.verify_signature(scheme, data, key, signature)
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        key: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.library.sign(scheme, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        aad: &[u8],
        content: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        let (encapsulation, mut context) = self.hpke_sender(&config, public_key, info)?;
        let sealed = context
            .seal(aad, content)
            .map_err(|_| CryptoError::HpkeEncryptionError)?;
        Ok(HpkeCiphertext {
            kem_output: encapsulation.into(),
            ciphertext: sealed.into(),
        })
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        secret_key: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.library.hpke_open(config, input, secret_key, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        let (encapsulation, context) = self.hpke_sender(&config, public_key, info)?;
        let secret = context
            .export(exporter_context, exporter_length)
            .map_err(|_| CryptoError::ExporterError)?;
        Ok((encapsulation, secret.into()))
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        encapsulation: &[u8],
        secret_key: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        self.library.hpke_setup_receiver_and_export(
            config,
            encapsulation,
            secret_key,
            info,
            exporter_context,
            exporter_length,
        )
    }

    fn derive_hpke_keypair(
        &self,
        config: HpkeConfig,
        ikm: &[u8],
    ) -> Result<HpkeKeyPair, CryptoError> {
        self.library.derive_hpke_keypair(config, ikm)
    }
}
