//! TLS to AWS's endpoints.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::env::{Env, StartError};

/// The root certificates of AWS's endpoints outside China (Amazon Trust Services, "Repository"). They are parsed during
/// init, and there are five instead of the system's 140.
const AMAZON_ROOTS: &[u8] = include_bytes!("../roots/amazon-trust-services.pem");

/// TLS with ring, which trusts the certificates of `AWS_CA_BUNDLE` (AWS SDKs and Tools Reference Guide, "General
/// configuration") where it is set, the system's in the China regions, whose endpoints have other issuers, and Amazon's
/// otherwise.
pub(crate) fn config(env: &Env, region: &str) -> Result<ClientConfig, StartError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = env.get("AWS_CA_BUNDLE") {
        let failed = |error: &dyn std::fmt::Display| StartError::Tls(format!("{path}: {error}"));
        let bundle = std::fs::read(path).map_err(|error| failed(&error))?;
        add(&mut roots, &bundle).map_err(|error| failed(&error))?;
    } else if region.starts_with("cn-") {
        // One that is invalid does not keep the function from starting.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        add(&mut roots, AMAZON_ROOTS).map_err(StartError::Tls)?;
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = config.map_err(|error| StartError::Tls(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Adds the certificates of a PEM file.
fn add(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("no certificate".to_owned()) } else { Ok(()) }
}
