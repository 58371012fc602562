//! `GET /callback/{app_id}`: WeChat's check of the callback URL (消息推送, "填写服务器配置").
//!
//! The response to a valid signature is `echostr`, byte for byte. Any other request gets the same 403 without `echostr`, and one
//! whose parameters are not in WeChat's form gets it before anything is read for it. Nothing is cached, so that a check works as
//! soon as the mini program is bound.

use function::{
    CallLimits, Env, StartError,
    callback::{self, Budget, CallbackQuery, QueryMap, UNKNOWN_APP_IDS_PER_SECOND},
    http,
};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use store::{BindingReader, CallbackVerifier, ExposeSecret, SharedClock, StoreError, Vault};
use tracing::{Span, field};
use wechat::{Token, push};

/// The handler's dependencies.
#[derive(Debug, Clone)]
pub struct Deps {
    clock: SharedClock,
    /// Spent by checks that were read for and refused: of unknown AppIDs and with wrong signatures.
    refused: Budget,
    bindings: BindingReader,
    verifier: CallbackVerifier,
    vault: Vault,
}

impl Deps {
    /// Reads `TABLE_NAME` and `SECRET_ARN`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault) = env.settings().stores(clock.clone(), CallLimits::FiveSeconds).await?;
        let refused = Budget::new(UNKNOWN_APP_IDS_PER_SECOND);
        Ok(Self { clock, refused, bindings: table.bindings(), verifier: table.callback_verifier(), vault })
    }
}

/// Why a check gets no `echostr`.
enum Refusal {
    /// It is not WeChat's check of a binding. With the code for the log.
    Check(&'static str),
    /// Too many checks were refused in this second ([`UNKNOWN_APP_IDS_PER_SECOND`]).
    TooMany,
    Store(StoreError),
}

/// Handles WeChat's check.
#[tracing::instrument(name = "callback-verify", skip_all, fields(app_id = field::Empty))]
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.path_parameters();
    let query = request.query_string_parameters();
    let app_id = path.first("app_id").unwrap_or_default();
    if wechat::is_app_id(app_id) {
        Span::current().record("app_id", app_id);
    }
    match verify(deps, app_id, &query).await {
        Ok(echostr) => http::text(StatusCode::OK, echostr),
        Err(Refusal::Check(code)) => {
            tracing::warn!(code, "callback check refused");
            http::text(StatusCode::FORBIDDEN, "refused")
        }
        Err(Refusal::TooMany) => {
            tracing::warn!(code = "push.too_many_unknown", "callback check not looked up");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
        Err(Refusal::Store(error)) => {
            tracing::error!(error = %http::chain(&error), "callback check failed");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
    }
}

/// Verifies that a check is signed with the binding's token, marks the binding as verified, and returns the `echostr`.
async fn verify<'a>(deps: &Deps, app_id: &str, query: &'a QueryMap) -> Result<&'a str, Refusal> {
    const UNBOUND: Refusal = Refusal::Check("push.unbound");
    if !wechat::is_app_id(app_id) {
        return Err(UNBOUND);
    }
    let now = deps.clock.now();
    let signed = CallbackQuery::read(query, now).map_err(|error| Refusal::Check(error.code()))?;
    let echostr = callback::echostr(query).map_err(|error| Refusal::Check(error.code()))?;
    if deps.refused.is_spent(now) {
        return Err(Refusal::TooMany);
    }
    let Some(binding) = deps.bindings.binding(app_id).await.map_err(Refusal::Store)? else {
        let _ = deps.refused.spend(now);
        return Err(UNBOUND);
    };
    let token = deps.vault.open(&binding.token).await.map_err(Refusal::Store)?;
    let Ok(token) = Token::parse(token.expose_secret()) else {
        return Err(UNBOUND);
    };
    let signature = query.first("signature").unwrap_or_default();
    if !push::verify_url(&token, signature, signed.timestamp, signed.nonce) {
        let _ = deps.refused.spend(now);
        return Err(Refusal::Check(wechat::Error::Signature.code()));
    }
    deps.verifier.mark_verified(app_id).await.map_err(Refusal::Store)?;
    tracing::info!("callback verified");
    Ok(echostr)
}
