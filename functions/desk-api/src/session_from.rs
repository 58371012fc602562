//! `session-from`: build, parse, and the secret that signs it.

use api::{Created, FieldError, Json, Path, Problem, Routes, operation};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use desk::policy::Action;
use serde::{Deserialize, Serialize};
use store::{BindingChange, SecretString};
use utoipa::ToSchema;
use wechat::session_from::{self, BuildError, Built, Fields, SessionFrom};

use crate::{
    bindings,
    parameters::BindingPath,
    services::{Acting, Services},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::SimulateRouting).route(operation!(build)).route(operation!(parse));
    let _ = routes.allow(Action::ManageBindings).route(operation!(create_secret));
}

/// Build a session-from
///
/// Refused if it has more than 1000 characters or bytes, and if a level of `transfer_action` could not be followed: without an id,
/// or with a value that is not defined.
#[utoipa::path(
    post,
    path = "/api/session-from/build",
    operation_id = "buildSessionFrom",
    tag = "session-from",
    request_body = Fields,
    responses((status = 200, description = "The session-from.", body = Built)),
)]
async fn build(Json(fields): Json<Fields>) -> Result<Json<Built>, Problem> {
    session_from::build(&fields).map(Json).map_err(|error| Problem::invalid(vec![wrong(&error)]))
}

fn wrong(error: &BuildError) -> FieldError {
    let field = match error {
        BuildError::ControlCharacter { field }
        | BuildError::Empty { field }
        | BuildError::Absent { field }
        | BuildError::NoMeaning { field, .. } => field,
        BuildError::PartneridTooLong { .. } => "partnerid",
        BuildError::AvatarNotUrl => "avatar",
        BuildError::TooManyLevels { .. } => "transfer_action",
        BuildError::BadName { .. } => "extra",
        BuildError::BadSignature => "signature",
        _ => "body",
    };
    let message = error.to_string();
    FieldError::new(field, message.strip_prefix(field).unwrap_or(&message).trim_start())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionFromText {
    /// A `session-from` as the mini program passes it. What is beyond 4096 bytes is cut off, as in a push.
    #[schema(max_length = 65_536, example = "sobot|nickname=小林|partnerid=member-7")]
    text: String,
}

/// Parse a session-from
///
/// Any text is a `session-from`; what is unusual is a warning. The answer is what the reception keeps: at most 4096 bytes of the
/// text are read, a nickname has at most 256 bytes, an id 128, an avatar 2048, and `params` and `customer_fields` 4096 bytes of
/// JSON each. JSON that is malformed in a common way (a comma before a closing bracket, a line break or an unescaped quotation
/// mark in a string) is mended, with the warning `json_repaired`.
#[utoipa::path(
    post,
    path = "/api/session-from/parse",
    operation_id = "parseSessionFrom",
    tag = "session-from",
    request_body = SessionFromText,
    responses((status = 200, description = "What the session-from says.", body = SessionFrom)),
)]
async fn parse(Json(SessionFromText { text }): Json<SessionFromText>) -> Json<SessionFrom> {
    Json(session_from::parse_bounded(&text))
}

/// A new secret. No other answer has it.
#[derive(Serialize, ToSchema)]
struct SessionFromSecret {
    /// The mini program's AppID.
    app_id: String,
    /// 32 random bytes in base64url; this text as it stands is the key.
    secret: String,
}

/// Create the secret that signs session-from
///
/// The secret is in this answer only. The one before it becomes invalid at once.
///
/// With it the mini program's server, never the mini program itself, signs who a visitor is; a `partnerid` without a
/// valid signature is only a claim (`partnerid_verified` is false).
///
/// `sig` = base64url without padding of HMAC-SHA-256 with the secret (its text in UTF-8) as the key, over
/// `"kefu.session-from.v1\n" + partnerid + "\n" + ts`. `partnerid` in UTF-8, before any percent-encoding; `ts` is the
/// time of signing in seconds since 1970, in decimal digits. It is accepted until 24 hours after `ts`, and up to 5
/// minutes before it.
///
/// Example: with the secret `kefu-test-secret`, the partnerid `member-7` and the ts `1767225600`, sig is
/// `gSLu8gH17bmc05fXy-p8LuKmVcTj433dTxa9sSzL-n8`. The session-from then has
/// `|partnerid=member-7|ts=1767225600|sig=gSLu8gH17bmc05fXy-p8LuKmVcTj433dTxa9sSzL-n8`.
#[utoipa::path(
    post,
    path = "/api/bindings/{app_id}/session-from-secret",
    operation_id = "createSessionFromSecret",
    tag = "session-from",
    params(BindingPath),
    responses((status = 201, description = "The new secret.", body = SessionFromSecret)),
)]
async fn create_secret(
    Acting(services): Acting,
    Path(BindingPath { app_id }): Path<BindingPath>,
) -> Result<Created<SessionFromSecret>, Problem> {
    let binding = bindings::find(&services, &app_id).await?;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| Problem::internal())?;
    let secret = BASE64_URL_SAFE_NO_PAD.encode(random);
    let session_from_secret = Some(SecretString::from(secret.as_str()));
    let change = BindingChange { session_from_secret, ..BindingChange::default() };
    services.store.binding_writer.change_binding(services.vault(), &binding, change).await?;
    tracing::info!(app_id, "session-from secret created");
    Ok(Created(SessionFromSecret { app_id, secret }))
}
