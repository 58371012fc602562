//! The signature of a `session-from` that is built.

use serde::{Deserialize, Serialize};

/// The mini program and the visitor that a signature is made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignFor {
    /// The mini program's AppID.
    #[cfg_attr(feature = "openapi", schema(max_length = 18))]
    pub app_id: String,
    /// The visitor's openid, at most 128 bytes. With it the signature is of version 2 and holds for this visitor only; without it,
    /// of version 1.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub openid: Option<String>,
}

/// A signature in a request; answers leave out `sig`.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "only a schema")]
pub(super) struct SignatureFields {
    /// Seconds since 1970.
    ts: i64,
    /// The formulas are those of `POST /api/bindings/{app_id}/session-from-secret`.
    #[schema(max_length = 1000)]
    sig: String,
}

/// Something in a built `session-from` that is permitted and unsafe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BuiltSessionFromWarning))]
pub struct BuildWarning {
    /// The field.
    pub field: &'static str,
    /// The stable code.
    #[serde(rename = "code")]
    pub kind: BuildWarningKind,
    /// What may happen and what to do, for a person.
    pub detail: &'static str,
}

/// The stable code of a warning about a built `session-from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BuiltSessionFromWarningCode))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BuildWarningKind {
    /// The signature is of version 1 and covers no openid.
    SignatureWithoutOpenid,
}

/// The warning about a signature of version 1.
pub(super) const WITHOUT_OPENID: BuildWarning = BuildWarning {
    field: "signature",
    kind: BuildWarningKind::SignatureWithoutOpenid,
    detail: "A signature of version 1 covers no openid: another visitor of the same mini program who copies this session-from \
             within its day is verified as this partnerid. Sign version 2, for the visitor's openid.",
};
