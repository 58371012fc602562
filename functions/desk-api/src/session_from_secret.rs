//! The secret that signs `session-from`, and the signer that it stands for.

use api::{Created, OptionalJson, Path, Problem, Routes, operation};
use desk::policy::Action;
use serde::{Deserialize, Serialize};
use store::{Binding, BindingChange, ExposeSecret, SigningSecret};
use utoipa::ToSchema;
use wechat::is_app_id;

use crate::{
    bindings,
    parameters::BindingPath,
    services::{Acting, Services},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ManageBindings).route(operation!(create));
}

/// Where the secret comes from.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSessionFromSecret {
    /// The AppID of another bound mini program, whose secret and signer are used; a new secret is made where it is missing.
    #[serde(default)]
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    same_as: Option<String>,
}

/// The secret of a mini program.
#[derive(Serialize, ToSchema)]
struct SessionFromSecret {
    /// The mini program's AppID.
    app_id: String,
    /// The id of the secret's signer. Verified visitors with the same `partnerid` are one person where the signer is the same.
    signer: String,
    /// 32 random bytes in base64url; this text as it stands is the key. It is in this answer only, and missing with `same_as`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

/// Create the secret that signs session-from
///
/// The secret is in this answer only. The one before it becomes invalid at once. It has a new signer, which vouches for visitors from
/// now on: they are joined to one person with others of this signer when they next enter with a valid signature.
///
/// With `same_as` the mini program uses the secret and the signer that another one has now: visitors of both with the same verified
/// `partnerid` are one person. It is a copy. A new secret of either leaves the other as it is, so that they are apart until
/// `same_as` is sent again.
///
/// With the secret the mini program's server, never the mini program itself, signs who a visitor is; a `partnerid` without a
/// valid signature is only a claim (`partnerid_verified` is false).
///
/// Version 2: `sig` = `2.` and base64url without padding of HMAC-SHA-256 with the secret (its text in UTF-8) as the key, over
/// `"kefu.session-from.v2\n" + app_id + "\n" + openid + "\n" + partnerid + "\n" + ts`. `app_id` is the mini program's AppID,
/// `openid` the visitor's, which the server gets from WeChat's `code2Session`; `partnerid` in UTF-8, before any
/// percent-encoding; `ts` is the time of signing in seconds since 1970, in decimal digits. It is accepted until 24 hours after
/// `ts`, and up to 5 minutes before it. For another visitor or mini program it is `bad`.
///
/// Version 1, over `"kefu.session-from.v1\n" + partnerid + "\n" + ts` and without `2.`, is still accepted. It covers no openid:
/// another visitor of the same mini program, or of one with the same secret, who copies it is verified, too.
///
/// Example: with the secret `kefu-test-secret`, the AppID `wx0123456789abcdef`, the openid `oVisitor7`, the partnerid `member-7`
/// and the ts `1767225600`, sig is `2.Vxb0eG2rj9qNts5IzdHY96lxfgxyc0jQU6n8VvFEH2A`. The session-from then has
/// `|partnerid=member-7|ts=1767225600|sig=2.Vxb0eG2rj9qNts5IzdHY96lxfgxyc0jQU6n8VvFEH2A`.
#[utoipa::path(
    post,
    path = "/api/bindings/{app_id}/session-from-secret",
    operation_id = "createSessionFromSecret",
    tag = "session-from",
    params(BindingPath),
    request_body = Option<NewSessionFromSecret>,
    responses((status = 201, description = "The secret.", body = SessionFromSecret)),
)]
async fn create(
    Acting(services): Acting,
    Path(BindingPath { app_id }): Path<BindingPath>,
    OptionalJson(NewSessionFromSecret { same_as }): OptionalJson<NewSessionFromSecret>,
) -> Result<Created<SessionFromSecret>, Problem> {
    let binding = bindings::find(&services, &app_id).await?;
    let signing = match &same_as {
        Some(other) => of_other(&services, &binding, other).await?,
        None => SigningSecret::fresh()?,
    };
    let signer = signing.signer.clone();
    let secret = same_as.is_none().then(|| signing.secret.expose_secret().to_owned());
    let change = BindingChange { session_from_secret: Some(signing), ..BindingChange::default() };
    services.store.binding_writer.change_binding(services.vault(), &binding, change).await?;
    tracing::info!(app_id, signer, "session-from secret set");
    Ok(Created(SessionFromSecret { app_id, signer, secret }))
}

/// The secret and the signer that another mini program has now.
async fn of_other(services: &Services, binding: &Binding, other: &str) -> Result<SigningSecret, Problem> {
    let refused = |detail| Problem::invalid_field("same_as", detail);
    if other == binding.app_id {
        return Err(refused("must be the AppID of another mini program"));
    }
    let other = if is_app_id(other) { services.store.bindings.binding(other).await? } else { None };
    let other = other.ok_or_else(|| refused("is not the AppID of a bound mini program"))?;
    let (Some(sealed), Some(signer)) = (&other.session_from_secret, other.signer()) else {
        return Err(refused("has no secret for session-from; create it there first"));
    };
    Ok(SigningSecret { secret: services.vault().open(sealed).await?, signer: signer.to_owned() })
}
