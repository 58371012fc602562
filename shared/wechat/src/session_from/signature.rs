//! The signature of a partnerid: the named fields `ts` and `sig`.
//!
//! ```text
//! sig = base64url( HMAC-SHA256( secret, "kefu.session-from.v1" LF partnerid LF ts ) )    without padding: 43 characters
//! ```
//!
//! `partnerid` is the id before any percent-encoding; `ts` is the time of signing in seconds since 1970, in decimal digits. The
//! merchant's server signs when the page opens, and the mini program passes the signature on: a mini program cannot keep a secret.
//!
//! A signature is valid for [`MAX_AGE`] seconds. The text is made when the page opens and sent when the visitor taps the button, so
//! the window allows for the time that a page stays open. Within the window the text can be replayed: the signature proves that the
//! merchant named this partnerid, but not for which phone.

use std::fmt;

use base64_simd::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::SessionFrom;

/// How long a signature is valid, in seconds.
pub const MAX_AGE: i64 = 24 * 60 * 60;

/// How far the signer's clock may be ahead, in seconds.
pub const MAX_AHEAD: i64 = 5 * 60;

const CONTEXT: &str = "kefu.session-from.v1";

/// A signature that is not verified yet. The signature itself is left out, because a fresh one can be replayed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ParsedSignature))]
#[serde(deny_unknown_fields)]
pub struct SignatureClaim {
    /// The time of signing, in seconds since 1970.
    pub ts: i64,
    /// The signature as received.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub sig: String,
}

impl SignatureClaim {
    /// Signs a partnerid at a time in seconds since 1970.
    pub fn new(secret: &[u8], partnerid: &str, ts: i64) -> Self {
        Self { ts, sig: sign(secret, partnerid, ts) }
    }
}

impl fmt::Debug for SignatureClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureClaim").field("ts", &self.ts).finish_non_exhaustive()
    }
}

/// The result of verifying a signature. `bad`: it does not match, there is no partnerid, or there is no secret to verify it
/// with; `stale`: it matches, but is too old or too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Valid: the merchant's server named this partnerid.
    Verified,
    /// There is no signature: the partnerid is not verified.
    Unsigned,
    /// The signature does not match, there is no partnerid, or there is no secret to verify it with.
    Bad,
    /// The signature matches, but is older than [`MAX_AGE`] or further ahead than [`MAX_AHEAD`].
    Stale,
}

impl SessionFrom {
    /// Verifies the signature in constant time. `now` is in seconds since 1970.
    pub fn verify(&self, secret: &[u8], now: i64) -> Verification {
        let Some(claim) = &self.signature else { return Verification::Unsigned };
        let Some(partnerid) = &self.partnerid else { return Verification::Bad };
        // Anyone could sign with an empty key.
        if secret.is_empty() {
            return Verification::Bad;
        }
        let Some(mac) = mac(secret, partnerid, claim.ts) else { return Verification::Bad };
        let Ok(sig) = URL_SAFE_NO_PAD.decode_to_vec(&claim.sig) else { return Verification::Bad };
        if mac.verify_slice(&sig).is_err() {
            Verification::Bad
        } else if now.saturating_sub(claim.ts) > MAX_AGE || claim.ts.saturating_sub(now) > MAX_AHEAD {
            Verification::Stale
        } else {
            Verification::Verified
        }
    }
}

/// The `sig` of a partnerid at a time in seconds since 1970.
pub fn sign(secret: &[u8], partnerid: &str, ts: i64) -> String {
    mac(secret, partnerid, ts)
        .map(|mac| URL_SAFE_NO_PAD.encode_to_string(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

/// Always `Some`: HMAC takes a key of any length.
fn mac(secret: &[u8], partnerid: &str, ts: i64) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(format!("{CONTEXT}\n{partnerid}\n{ts}").as_bytes());
    Some(mac)
}
