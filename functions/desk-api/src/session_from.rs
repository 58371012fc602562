//! `session-from`: build, sign and parse.

use api::{Caller, FieldError, Json, Problem, Routes, State, operation, require};
use desk::policy::{Action, Subject};
use serde::Deserialize;
use store::ExposeSecret;
use utoipa::ToSchema;
use wechat::{
    is_app_id,
    session_from::{self, BuildError, Built, Entrant, Fields, SessionFrom, SignFor, SignatureClaim},
};

use crate::services::Services;

/// Longest openid, in bytes: those of WeChat have 28.
const OPENID_MAX: usize = 128;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::SimulateRouting).route(operation!(build)).route(operation!(parse));
}

/// Build a session-from
///
/// Refused if it has more than 1000 characters or bytes, and if a level of `transfer_action` could not be followed: without an id,
/// or with a value that is not defined.
///
/// With `sign` the `partnerid` is signed with the mini program's secret: version 2 for the visitor with this `openid`, version 1
/// without one. Only who may create the secret may sign with it (the role `admin`). A signature of version 1 covers no openid, so
/// that another visitor of the same mini program may copy it; `warnings` says so.
#[utoipa::path(
    post,
    path = "/api/session-from/build",
    operation_id = "buildSessionFrom",
    tag = "session-from",
    request_body = Fields,
    responses((status = 200, description = "The session-from.", body = Built)),
)]
async fn build(
    State(services): State<Services>,
    caller: Caller,
    Json(mut fields): Json<Fields>,
) -> Result<Json<Built>, Problem> {
    if let Some(sign) = fields.sign.take() {
        fields.signature = Some(signed(&services, &caller, &fields, &sign).await?);
    }
    session_from::build(&fields).map(Json).map_err(|error| Problem::invalid(vec![wrong(&error)]))
}

/// Signs the partnerid with the secret of the mini program. The secret is a credential of the binding: who signs with it says who
/// a visitor is.
async fn signed(
    services: &Services,
    caller: &Caller,
    fields: &Fields,
    sign: &SignFor,
) -> Result<SignatureClaim, Problem> {
    let app_id = sign.app_id.as_str();
    let subject = Subject::MiniProgram(app_id);
    require(&services.conversations, caller, Action::ManageBindings, &subject, "binding").await?;
    let partnerid = fields.partnerid.as_deref().unwrap_or_default();
    let entrant = sign.openid.as_deref().map(|openid| Entrant { app_id, openid });
    let wrong: Vec<_> = [
        (partnerid.is_empty(), "partnerid", "is missing: it is what is signed"),
        (fields.signature.is_some(), "sign", "cannot be given together with signature"),
        (
            entrant.is_some_and(|entrant| !entrant.is_signable() || entrant.openid.len() > OPENID_MAX),
            "sign.openid",
            "must have 1 to 128 bytes and no control characters",
        ),
    ]
    .into_iter()
    .filter(|(is_wrong, ..)| *is_wrong)
    .map(|(_, field, detail)| FieldError::new(field, detail))
    .collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let of_app_id = |detail| Problem::invalid_field("sign.app_id", detail);
    let binding = if is_app_id(app_id) { services.store.bindings.binding(app_id).await? } else { None };
    let binding = binding.ok_or_else(|| of_app_id("is not the AppID of a bound mini program"))?;
    let sealed = binding.session_from_secret.as_ref();
    let sealed = sealed.ok_or_else(|| of_app_id("has no secret for session-from; create it first"))?;
    let secret = services.vault().open(sealed).await?;
    let now = services.store.clock.now().as_second();
    Ok(SignatureClaim::new(secret.expose_secret().as_bytes(), entrant.as_ref(), partnerid, now))
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
        BuildError::BadSignature | BuildError::Unsigned => "signature",
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
