//! A signed partnerid: the keyed fields `ts` and `sig`.
//!
//! ```text
//! sig = base64url( HMAC-SHA256( secret, "kefu.session-from.v1" LF partnerid LF ts ) )    without padding: 43 characters
//! ```
//!
//! `partnerid` is the id itself, before any percent-encoding; `ts` is the time of signing in seconds since 1970, in decimal digits.
//! The merchant's server signs when the page is opened and the mini program only carries the result: a secret in a mini program is
//! none.
//!
//! A signature is good for [`MAX_AGE`] seconds, not longer. The text is made when the page opens and sent when the visitor taps the
//! button, so the window is as long as a page may reasonably stay open. Within it whoever has seen the text can send it again: it says
//! that the merchant named this partnerid, not which phone it was for.

use std::fmt;

use base64_simd::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::SessionFrom;

/// How long a signature is good for, in seconds.
pub const MAX_AGE: i64 = 24 * 60 * 60;

/// How far the signer's clock may be ahead of ours, in seconds.
pub const MAX_AHEAD: i64 = 5 * 60;

const CONTEXT: &str = "kefu.session-from.v1";

/// A signature that a text carries, not yet checked. `Debug` and serialisation leave `sig` out: while it is fresh it opens a door.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureClaim {
    /// When it was made, in seconds since 1970.
    pub ts: i64,
    /// The signature as it was sent.
    #[serde(skip_serializing)]
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

/// What a signature is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Right and fresh: the merchant's server has named this partnerid.
    Verified,
    /// There is none: the partnerid is a claim.
    Unsigned,
    /// Wrong, or there is nothing that it could be of, or no secret to check it with.
    Bad,
    /// Right, but older than [`MAX_AGE`] or further ahead than [`MAX_AHEAD`].
    Stale,
}

impl SessionFrom {
    /// Checks the signature in constant time. `now` is in seconds since 1970.
    pub fn verify(&self, secret: &[u8], now: i64) -> Verification {
        let Some(claim) = &self.signature else { return Verification::Unsigned };
        let Some(partnerid) = &self.partnerid else { return Verification::Bad };
        // With an empty key anyone could sign.
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

/// HMAC takes a key of any length, so there always is one.
fn mac(secret: &[u8], partnerid: &str, ts: i64) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(format!("{CONTEXT}\n{partnerid}\n{ts}").as_bytes());
    Some(mac)
}
