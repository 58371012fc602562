//! TLS servers on loopback, with a certificate authority of their own.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::error::{BenchError, at};

/// Listens on a free port of the loopback interface.
pub(crate) async fn listen() -> Result<(TcpListener, SocketAddr), BenchError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(at("loopback"))?;
    let address = listener.local_addr().map_err(at("loopback"))?;
    Ok((listener, address))
}

/// The certificate of a new certificate authority, in PEM, and a TLS server with a certificate of it for `localhost`.
pub(crate) fn certificates() -> Result<(String, TlsAcceptor), BenchError> {
    certify().map_err(|error| BenchError::Tls(error.to_string()))
}

fn certify() -> Result<(String, TlsAcceptor), Box<dyn std::error::Error>> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "bench");
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?.pem();
    let key = KeyPair::generate()?;
    let issuer = Issuer::new(authority, authority_key);
    let leaf = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    Ok((ca, TlsAcceptor::from(Arc::new(config))))
}

/// Serves each connection, until the future is dropped.
pub(crate) async fn accept<F, S>(listener: TcpListener, acceptor: TlsAcceptor, serve: F)
where
    F: Fn(TlsStream<TcpStream>) -> S + Clone + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            // A client whose handshake fails logs the reason itself.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream).await;
            }
        });
    }
}
