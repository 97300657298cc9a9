//! TLS of the listener: its certificate, and the hash of its key that the handshake of the protocol is bound to.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use protocol::Digest;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

use crate::{
    config::{Config, TlsMode},
    files,
};

/// File of the self-signed certificate in the data directory.
const CERTIFICATE_FILE: &str = "tls-certificate.pem";
/// File of its key.
const KEY_FILE: &str = "tls-key.pem";

/// What the listener serves.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the SubjectPublicKeyInfo of the certificate.
    pub(crate) key_digest: Digest,
}

/// Makes the self-signed certificate of a new relay. Its name and dates mean nothing: clients check the key by the
/// relay's identity, which their link pins.
pub(crate) fn create(dir: &Path) -> anyhow::Result<()> {
    let key = rcgen::KeyPair::generate().context("generate the TLS key")?;
    let mut params = rcgen::CertificateParams::new(vec!["relay.relevo.invalid".to_owned()])
        .context("name the certificate")?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2120, 1, 1);
    let certificate = params.self_signed(&key).context("sign the certificate")?;
    files::write_new(&dir.join(KEY_FILE), key.serialize_pem().as_bytes())?;
    files::write(&dir.join(CERTIFICATE_FILE), certificate.pem().as_bytes())
}

/// Whether a directory has a certificate and its key.
pub(crate) fn exists(dir: &Path) -> bool {
    dir.join(CERTIFICATE_FILE).exists() && dir.join(KEY_FILE).exists()
}

/// Whether a file of this name is one of them.
pub(crate) fn is_file(name: &str) -> bool {
    name == CERTIFICATE_FILE || name == KEY_FILE
}

/// Loads what the configuration says; `None` behind a proxy.
pub(crate) fn load(dir: &Path, config: &Config) -> anyhow::Result<Option<Tls>> {
    // also where it is not in use now
    files::protect(&dir.join(KEY_FILE));
    let (certificate, key) = match config.tls.mode {
        TlsMode::BehindProxy => return Ok(None),
        TlsMode::SelfSigned => (dir.join(CERTIFICATE_FILE), dir.join(KEY_FILE)),
        TlsMode::Files => (
            dir.join(
                config
                    .tls
                    .certificate
                    .as_deref()
                    .context("tls.certificate is not set")?,
            ),
            dir.join(config.tls.key.as_deref().context("tls.key is not set")?),
        ),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("read {}", certificate.display()))?;
    ensure!(
        !chain.is_empty(),
        "no certificate in {}",
        certificate.display()
    );
    let key =
        PrivateKeyDer::from_pem_file(&key).with_context(|| format!("read {}", key.display()))?;

    let provider = Arc::new(aws_lc_rs::default_provider());
    let signing_key = provider
        .key_provider
        .load_private_key(key.clone_key())
        .context("load the TLS key")?;
    let spki = signing_key
        .public_key()
        .context("the TLS key shows no public half")?;
    let key_digest = Digest::of(&[spki.as_ref()]);

    let versions: &[_] = if config.tls.allow_tls12 {
        &[&TLS13, &TLS12]
    } else {
        &[&TLS13]
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .context("choose TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("use the TLS certificate and key")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // a resumed session would save little, and its tickets are memory and state for each idle connection
    config.send_tls13_tickets = 0;
    Ok(Some(Tls {
        config: Arc::new(config),
        key_digest,
    }))
}
