//! The signature of a partnerid: the named fields `ts` and `sig`.
//!
//! ```text
//! version 2: sig = "2." base64url( HMAC-SHA256( secret, "kefu.session-from.v2" LF app_id LF openid LF partnerid LF ts ) )
//! version 1: sig =      base64url( HMAC-SHA256( secret, "kefu.session-from.v1" LF partnerid LF ts ) )
//! ```
//!
//! Base64url is without padding: 43 characters. `app_id` is the mini program's AppID, `openid` the visitor's in it (the mini
//! program's server gets it from `code2Session`), `partnerid` the id before any percent-encoding, and `ts` the time of signing in
//! seconds since 1970, in decimal digits. The merchant's server signs when the page opens, and the mini program passes the
//! signature on: a mini program cannot keep a secret.
//!
//! A signature is valid for [`MAX_AGE`] seconds. The text is made when the page opens and sent when the visitor taps the button, so
//! the window allows for the time that a page stays open. Within the window the text can be replayed. A signature of version 2
//! is worth nothing to another visitor, because it covers the openid that WeChat names with the text. One of version 1 proves that
//! the merchant named this partnerid, but not for which visitor: another one who copies the text is verified, too.
//!
//! | `sig` | [`SessionFrom::signature_version`] | Warning | [`Verification`] |
//! |---|---|---|---|
//! | 43 characters of base64url | 1 | | as it matches |
//! | any other text without a dot | 1 | | `bad` |
//! | `2.` and 43 characters of base64url | 2 | | as it matches |
//! | `2.` and anything else: nothing, 42 or 44 characters, `+`, `/`, `=` | 2 | `malformed_signature` | `bad` |
//! | another text before the first dot: `1.…`, `3.…`, `.…` | none | `malformed_signature` | `bad` |

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

/// The bytes of an HMAC-SHA256.
const MAC_LENGTH: usize = 32;

/// The version of a signature, in JSON the number 1 or 2. 1 covers partnerid and time, so that another visitor may copy it; 2 also
/// covers the mini program and the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum SignatureVersion {
    /// Covers partnerid and time.
    V1 = 1,
    /// Covers AppID, openid, partnerid and time.
    V2 = 2,
}

impl From<SignatureVersion> for u8 {
    fn from(version: SignatureVersion) -> Self {
        version as Self
    }
}

impl TryFrom<u8> for SignatureVersion {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err("must be 1 or 2".to_owned()),
        }
    }
}

/// The visitor who enters with a `session-from`, as WeChat names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrant<'a> {
    /// The mini program's AppID.
    pub app_id: &'a str,
    /// The visitor's openid in it.
    pub openid: &'a str,
}

impl Entrant<'_> {
    /// Whether a signature can cover them: both ids are there, and neither has a control character, such as the line feed that
    /// divides the signed text.
    pub fn is_signable(&self) -> bool {
        [self.app_id, self.openid].iter().all(|id| !id.is_empty() && !id.contains(char::is_control))
    }
}

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
    /// Signs a partnerid for this visitor (version 2) or, without one, for any (version 1), at a time in seconds since 1970.
    pub fn new(secret: &[u8], entrant: Option<&Entrant<'_>>, partnerid: &str, ts: i64) -> Self {
        let sig =
            entrant.map_or_else(|| sign_v1(secret, partnerid, ts), |entrant| sign_v2(secret, entrant, partnerid, ts));
        Self { ts, sig }
    }

    /// The version that the signature says it has; `None` if there is no such version.
    pub fn version(&self) -> Option<SignatureVersion> {
        Some(Form::of(&self.sig)?.version)
    }

    /// Whether it has the form of a signature of its version. Of version 1, the alphabet is all that is checked.
    pub fn is_well_formed(&self) -> bool {
        Form::of(&self.sig).is_some_and(|form| match form.version {
            SignatureVersion::V1 => is_base64url(form.mac),
            SignatureVersion::V2 => form.bytes().is_some(),
        })
    }
}

impl fmt::Debug for SignatureClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureClaim").field("ts", &self.ts).finish_non_exhaustive()
    }
}

/// The parts of a `sig`.
struct Form<'a> {
    version: SignatureVersion,
    /// The text after the version.
    mac: &'a str,
}

impl<'a> Form<'a> {
    /// `None` for a version that does not exist.
    fn of(sig: &'a str) -> Option<Self> {
        match sig.split_once('.') {
            None => Some(Self { version: SignatureVersion::V1, mac: sig }),
            Some(("2", mac)) => Some(Self { version: SignatureVersion::V2, mac }),
            Some(_) => None,
        }
    }

    /// The MAC that it has; `None` if it is not base64url of 32 bytes.
    fn bytes(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode_to_vec(self.mac).ok().filter(|mac| mac.len() == MAC_LENGTH)
    }
}

fn is_base64url(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The result of verifying a signature. `bad`: it does not match, is malformed or of an unknown version, was signed for another
/// visitor or mini program, there is no partnerid, or there is no secret to verify it with; `stale`: it matches, but is too old or
/// too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Valid: the merchant's server named this partnerid, and with version 2 for this visitor.
    Verified,
    /// There is no signature: the partnerid is not verified.
    Unsigned,
    /// The signature does not match, there is no partnerid, or there is no secret to verify it with.
    Bad,
    /// The signature matches, but is older than [`MAX_AGE`] or further ahead than [`MAX_AHEAD`].
    Stale,
}

impl SessionFrom {
    /// Verifies the signature in constant time, for the visitor who entered with it. `now` is in seconds since 1970.
    pub fn verify(&self, secret: &[u8], entrant: &Entrant<'_>, now: i64) -> Verification {
        let Some(claim) = &self.signature else { return Verification::Unsigned };
        if !self.matches(claim, secret, entrant).unwrap_or(false) {
            Verification::Bad
        } else if now.saturating_sub(claim.ts) > MAX_AGE || claim.ts.saturating_sub(now) > MAX_AHEAD {
            Verification::Stale
        } else {
            Verification::Verified
        }
    }

    /// `None` if there is nothing to compare.
    fn matches(&self, claim: &SignatureClaim, secret: &[u8], entrant: &Entrant<'_>) -> Option<bool> {
        let partnerid = self.partnerid.as_deref()?;
        // Anyone could sign with an empty key.
        if secret.is_empty() {
            return None;
        }
        let form = Form::of(&claim.sig)?;
        let signed = match form.version {
            SignatureVersion::V1 => text_v1(partnerid, claim.ts),
            SignatureVersion::V2 if entrant.is_signable() => text_v2(entrant, partnerid, claim.ts),
            SignatureVersion::V2 => return None,
        };
        Some(mac(secret, &signed)?.verify_slice(&form.bytes()?).is_ok())
    }
}

/// The `sig` of a partnerid at a time in seconds since 1970, version 1. It holds for every visitor.
pub fn sign_v1(secret: &[u8], partnerid: &str, ts: i64) -> String {
    encoded(secret, &text_v1(partnerid, ts))
}

/// The `sig` of a partnerid for one visitor at a time in seconds since 1970, version 2.
pub fn sign_v2(secret: &[u8], entrant: &Entrant<'_>, partnerid: &str, ts: i64) -> String {
    format!("2.{}", encoded(secret, &text_v2(entrant, partnerid, ts)))
}

fn text_v1(partnerid: &str, ts: i64) -> String {
    format!("kefu.session-from.v1\n{partnerid}\n{ts}")
}

fn text_v2(Entrant { app_id, openid }: &Entrant<'_>, partnerid: &str, ts: i64) -> String {
    format!("kefu.session-from.v2\n{app_id}\n{openid}\n{partnerid}\n{ts}")
}

fn encoded(secret: &[u8], text: &str) -> String {
    mac(secret, text).map(|mac| URL_SAFE_NO_PAD.encode_to_string(mac.finalize().into_bytes())).unwrap_or_default()
}

/// Always `Some`: HMAC takes a key of any length.
fn mac(secret: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// The schema of a version, which cannot be derived.
#[cfg(feature = "openapi")]
mod schema {
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, Schema, Type},
    };

    use super::SignatureVersion;

    impl PartialSchema for SignatureVersion {
        fn schema() -> RefOr<Schema> {
            let description = "The version of a signature of `session-from`. 1 covers partnerid and time, so that another \
                               visitor may copy it; 2 also covers the mini program and the visitor.";
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .description(Some(description))
                .enum_values(Some([1, 2]))
                .into()
        }
    }

    impl ToSchema for SignatureVersion {}
}
