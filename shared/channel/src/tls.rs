//! One TLS configuration for WeChat's API and for addresses that somebody else chose.
//!
//! The roots are compiled in: WeChat and the other hosts may be certified by anybody, and reading the system's store
//! costs each start tens of milliseconds for the same list.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::error::ChannelError;

/// The configuration, made once in a process.
pub(crate) fn config() -> Result<ClientConfig, ChannelError> {
    static CONFIG: OnceLock<Option<ClientConfig>> = OnceLock::new();
    let made = CONFIG.get_or_init(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().ok()?;
        Some(config.with_root_certificates(roots).with_no_client_auth())
    });
    made.clone().ok_or(ChannelError::HttpClient)
}
