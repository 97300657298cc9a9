//! The routes, TLS, and the binary.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use protocol::{Digest, Link, handshake, identity};
use relay_server::{Config, InitOptions, Relay, TlsMode, local_config, run};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::Client,
    people::Person,
    relay::{TestRelay, append, test_config},
};

async fn get(relay: &TestRelay, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(relay.address).await.expect("connect");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    answer
}

#[tokio::test]
async fn the_relay_tells_that_it_is_well_and_what_to_do_with_a_link() {
    let relay = TestRelay::start().await;
    assert!(
        get(&relay, "/healthz", "")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(get(&relay, "/readyz", "").await.starts_with("HTTP/1.1 200"));
    let english = get(&relay, "/i", "").await;
    assert!(
        english.contains("You are invited")
            && english.contains("content-security-policy: default-src 'none'")
    );
    assert!(
        get(&relay, "/c", "Accept-Language: es-ES,es;q=0.9\r\n")
            .await
            .contains("Alguien quiere")
    );
    assert!(
        get(&relay, "/nothing", "")
            .await
            .starts_with("HTTP/1.1 404")
    );
}

#[tokio::test]
async fn only_programs_open_the_socket_and_only_by_its_sub_protocol() {
    let relay = TestRelay::start().await;
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let upgrade = upgrade.to_owned();
    let get = |headers: String| {
        let request = format!(
            "GET /v1/socket HTTP/1.1\r\nHost: relay\r\nConnection: upgrade\r\n{upgrade}{headers}\r\n"
        );
        async move {
            let mut stream = TcpStream::connect(relay.address).await.expect("connect");
            stream.write_all(request.as_bytes()).await.expect("write");
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).await.expect("read");
            String::from_utf8(answer).expect("text")
        }
    };
    let ours = "Sec-WebSocket-Protocol: relevo.v1\r\n";
    assert_eq!(get(ours.to_owned()).await, "HTTP/1.1 101");
    assert_eq!(get(String::new()).await, "HTTP/1.1 400");
    assert_eq!(
        get("Sec-WebSocket-Protocol: chat\r\n".to_owned()).await,
        "HTTP/1.1 400"
    );
    assert_eq!(
        get(format!("{ours}Origin: https://evil.example\r\n")).await,
        "HTTP/1.1 403"
    );
    assert_eq!(
        get(format!("{ours}Origin: tauri://localhost\r\n")).await,
        "HTTP/1.1 101"
    );
}

#[tokio::test]
async fn plain_http_is_refused_on_a_public_address() {
    let dir = tempfile::tempdir().expect("directory");
    let relay = Relay::create(
        dir.path(),
        InitOptions {
            config: test_config(),
        },
    )
    .expect("create");
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("listen");
    let error = run(listener, relay, CancellationToken::new())
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("loopback"), "{error}");
}

/// Accepts any certificate and keeps it: trust comes from the challenge.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
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
            &self.0.signature_verification_algorithms,
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
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn the_challenge_is_bound_to_the_key_of_the_certificate() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::{
        client_async,
        tungstenite::{Message, client::IntoClientRequest as _},
    };

    let dir = tempfile::tempdir().expect("directory");
    let config = Config {
        tls: relay_server::Tls {
            mode: TlsMode::SelfSigned,
            ..Default::default()
        },
        ..test_config()
    };
    let relay = Relay::create(dir.path(), InitOptions { config }).expect("create");
    let id = relay.relay_id();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = listener.local_addr().expect("address");
    let shutdown = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(run(listener, relay, shutdown.clone()));

    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.expect("connect");
    let stream = connector
        .connect(ServerName::from(address.ip()), stream)
        .await
        .expect("TLS");
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .expect("certificates")[0]
        .clone();
    let group = stream
        .get_ref()
        .1
        .negotiated_key_exchange_group()
        .expect("a group");
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
    let mut request = format!("wss://{address}/v1/socket")
        .into_client_request()
        .expect("request");
    request.headers_mut().insert(
        "sec-websocket-protocol",
        "relevo.v1".parse().expect("header"),
    );
    let (mut socket, _) = client_async(request, stream).await.expect("upgrade");
    let hello = protocol::Hello {
        versions: vec![1],
        nonce: protocol::Nonce::new([5; 32]),
        client: "test".to_owned(),
    };
    let bytes = protocol::encode_frame(0, &hello.clone().into());
    socket
        .send(Message::Binary(bytes.into()))
        .await
        .expect("send");
    let Some(Ok(Message::Binary(bytes))) = socket.next().await else {
        panic!("no answer")
    };
    let Ok((_, protocol::Frame::Challenge(challenge))) = protocol::decode_frame(&bytes) else {
        panic!("no challenge")
    };
    identity::verify(
        &challenge.identity_key,
        &handshake::challenge_message(&hello, &challenge),
        &challenge.signature,
    )
    .expect("signed");
    assert_eq!(
        protocol::RelayId::of_identity_key(&challenge.identity_key),
        id
    );
    // the key in the certificate is what the challenge names
    let spki = spki_of(&certificate);
    assert_eq!(challenge.tls_key, Some(Digest::of(&[&spki])));
    shutdown.cancel();
    tasks
        .join_next()
        .await
        .expect("a task")
        .expect("no panic")
        .expect("stops cleanly");
}

/// The SubjectPublicKeyInfo of a P-256 certificate: 91 bytes that begin with its algorithm.
fn spki_of(certificate: &[u8]) -> Vec<u8> {
    let begin = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    ];
    let at = certificate
        .windows(begin.len())
        .position(|window| window == begin)
        .expect("a P-256 key");
    certificate[at..at + 91].to_vec()
}

/// The binary, killed when the test ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn serve(dir: &std::path::Path) -> (Serving, std::net::SocketAddr) {
    let ready = dir.join("ready");
    drop(std::fs::remove_file(&ready));
    let child = Command::new(env!("CARGO_BIN_EXE_relevo-relay"))
        .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
        .arg(dir)
        .arg("--ready-file")
        .arg(&ready)
        .stderr(Stdio::null())
        .spawn()
        .expect("start");
    let serving = Serving(child);
    let begun = std::time::Instant::now();
    loop {
        if let Ok(address) = std::fs::read_to_string(&ready) {
            return (serving, address.parse().expect("address"));
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "does not start");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_and_invites_are_made_while_serving() {
    let dir = tempfile::tempdir().expect("directory");
    let mut config = local_config(
        "127.0.0.1:1".parse().expect("address"),
        vec!["127.0.0.1:1".to_owned()],
    );
    config.tls.mode = TlsMode::BehindProxy;
    let relay = Relay::create(dir.path(), InitOptions { config }).expect("create");
    let (serving, address) = serve(dir.path());

    let output = Command::new(env!("CARGO_BIN_EXE_relevo-relay"))
        .args([
            "invite",
            "new",
            "--uses",
            "2",
            "--expires",
            "1h",
            "--json",
            "--dir",
        ])
        .arg(dir.path())
        .output()
        .expect("invite");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let invite: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let link: Link = invite["url"]
        .as_str()
        .expect("url")
        .parse()
        .expect("a link");
    assert_eq!(
        invite["https"].as_str().expect("https").parse::<Link>(),
        Ok(link.clone())
    );
    assert_eq!(link.relay, relay.relay_id());

    let (ana, bo) = (Person::new(link.relay, 1), Person::new(link.relay, 1));
    let mut ana_client = Client::dial(address).await;
    ana_client
        .register(&ana, ana.device(), link.secret.token())
        .await
        .expect("registers");
    let contact = ana_client.contact_link(1).await;
    let mut bo_client = Client::dial(address).await;
    bo_client
        .register(&bo, bo.device(), link.secret.token())
        .await
        .expect("registers");
    let packages = [crate::client::package(ana.device())];
    let (_, request) = crate::people::direct(bo.device(), ana.account, Some(contact), &packages);
    let conversation = request.conversation;
    bo_client.create(request).await.expect("creates");
    let mut appended = Vec::new();
    for number in 0..40_u8 {
        let request = append(conversation, 1, &[&[number]]);
        bo_client.append(request.clone()).await.expect("appends");
        appended.push(request);
    }
    drop(serving);

    let (_serving, address) = serve(dir.path());
    let mut bo_client = Client::dial(address).await;
    bo_client.login(bo.device()).await.expect("logs in");
    for (number, request) in appended.into_iter().enumerate() {
        assert_eq!(
            bo_client.append(request).await.expect("again").seqs,
            [number as u64 + 2]
        );
    }
}
