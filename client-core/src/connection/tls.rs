//! TLS that records what it saw. It accepts any certificate whose key the server proves to hold, because the relay's
//! identity is proved by the handshake above, bound to this very key; it also notes whether the certificate holds by itself.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::Digest;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use webpki::EndEntityCert;

use crate::seams::TlsFacts;

/// Makes TLS connections.
pub(super) struct Connector {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<Verifier>>,
}

impl Connector {
    pub(super) fn new() -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        // a computer without certificate authorities can still reach a relay that is pinned by its link
        let authorities = Verifier::new(Arc::clone(&provider)).ok().map(Arc::new);
        Self {
            provider,
            authorities,
        }
    }

    pub(super) async fn connect(
        &self,
        name: ServerName<'static>,
        tcp: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, TlsFacts)> {
        let recorder = Arc::new(Recorder {
            provider: Arc::clone(&self.provider),
            authorities: self.authorities.clone(),
            seen: Mutex::new(None),
        });
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await?;
        let seen = *recorder.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map(|facts| (stream, facts))
            .ok_or_else(|| io::Error::other("no certificate was seen"))
    }
}

/// Notes the key of the certificate, and whether the certificate holds for the name by the system's authorities.
struct Recorder {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<Verifier>>,
    seen: Mutex<Option<TlsFacts>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Recorder")
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trusted_certificate = self.authorities.as_ref().is_some_and(|authorities| {
            authorities
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .is_ok()
        });
        let certificate = EndEntityCert::try_from(end_entity)
            .map_err(|error| Error::General(error.to_string()))?;
        let key = Digest::of(&[certificate.subject_public_key_info().as_ref()]);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(TlsFacts {
            key,
            trusted_certificate,
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
