//! `session-from`: written, read, and the secret that it is signed with.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use function::http::{self, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserialize, Serialize};
use store::{BindingChange, SecretString};
use wechat::session_from::{self, BuildError, Fields};

use crate::{Deps, bindings};

/// Writes a `session-from`.
pub(crate) fn build(request: &Request) -> Result<Response<Body>, Problem> {
    let asked: Fields = http::body(request)?;
    let built = session_from::build(&asked).map_err(|error| Problem::invalid(vec![wrong(&error)]))?;
    Ok(http::json(StatusCode::OK, &built))
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
    let words = error.to_string();
    FieldError::new(field, words.strip_prefix(field).unwrap_or(&words).trim_start())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parse {
    text: String,
}

/// Reads a `session-from`. Any text is one.
pub(crate) fn parse(request: &Request) -> Result<Response<Body>, Problem> {
    let asked: Parse = http::body(request)?;
    Ok(http::json(StatusCode::OK, &session_from::parse(&asked.text)))
}

/// The answer to a new secret: the one place where it is shown.
#[derive(Serialize)]
struct Made<'a> {
    app_id: &'a str,
    secret: &'a str,
}

/// Makes the secret with which the mini program's server signs `session-from`; the one before it ends.
pub(crate) async fn make_secret(deps: &Deps, app_id: &str) -> Result<Response<Body>, Problem> {
    let binding = bindings::find(deps, app_id).await?;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| Problem::internal())?;
    let secret = BASE64_URL_SAFE_NO_PAD.encode(random);
    let session_from_secret = Some(SecretString::from(secret.as_str()));
    let change = BindingChange { session_from_secret, ..BindingChange::default() };
    deps.table().change_binding(deps.vault(), &binding, change).await?;
    tracing::info!(app_id, "a secret for session-from was made");
    Ok(http::json(StatusCode::CREATED, &Made { app_id, secret: &secret }))
}
