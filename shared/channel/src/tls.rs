//! The TLS configuration for WeChat's API and for untrusted URLs.
//!
//! Mozilla's root certificates are compiled in. Reading the system's store takes tens of milliseconds of each cold start
//! and yields the same list.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::error::ChannelError;

/// The configuration, built once per process. Clones share its session cache (`rustls::client::Resumption`), so that every
/// connection after the first to a host resumes the session: one round trip, and no certificate to verify.
pub(crate) fn config() -> Result<ClientConfig, ChannelError> {
    static CONFIG: OnceLock<Option<ClientConfig>> = OnceLock::new();
    let roots = || RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    CONFIG.get_or_init(|| trusting(roots())).clone().ok_or(ChannelError::HttpClient)
}

fn trusting(roots: RootCertStore) -> Option<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().ok()?;
    Some(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests;
