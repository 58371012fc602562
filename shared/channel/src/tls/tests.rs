//! Connections to a TLS server that has a session storage, as WeChat's has.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    HandshakeKind, ServerConfig, SupportedProtocolVersion,
    pki_types::PrivateKeyDer,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::wechat_client;

/// A server that reports the handshake of each connection, and a configuration that trusts it.
struct Server {
    url: String,
    handshakes: mpsc::UnboundedReceiver<HandshakeKind>,
    config: ClientConfig,
}

impl Server {
    async fn start(version: &'static SupportedProtocolVersion) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let server = server.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server.with_single_cert(vec![cert.der().clone()], key).unwrap()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let (report, handshakes) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = acceptor.accept(stream).await.unwrap();
                report.send(stream.get_ref().1.handshake_kind().unwrap()).unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
                // The client keeps no connection, so that it ends this one.
                assert_eq!(stream.read(&mut request).await.unwrap_or(0), 0, "a second request on the same connection");
            }
        });
        Self { url, handshakes, config: trusting(roots).unwrap() }
    }

    async fn handshake(&mut self, client: &reqwest::Client) -> HandshakeKind {
        let answer = client.get(&self.url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "{}");
        self.handshakes.recv().await.unwrap()
    }
}

#[tokio::test]
async fn second_connection_resumes_the_session_of_the_first() {
    for version in [&TLS12, &TLS13] {
        let mut server = Server::start(version).await;
        let client = wechat_client(server.config.clone()).unwrap();
        assert_eq!(server.handshake(&client).await, HandshakeKind::Full, "{version:?}");
        for _ in 0..3 {
            assert_eq!(server.handshake(&client).await, HandshakeKind::Resumed, "{version:?}");
        }
    }
}

#[tokio::test]
async fn client_of_the_same_configuration_resumes_the_session_of_another() {
    let mut server = Server::start(&TLS13).await;
    let clients = [(); 2].map(|()| wechat_client(server.config.clone()).unwrap());
    assert_eq!(server.handshake(&clients[0]).await, HandshakeKind::Full);
    assert_eq!(server.handshake(&clients[1]).await, HandshakeKind::Resumed);
}
