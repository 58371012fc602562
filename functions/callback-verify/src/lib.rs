//! `GET /callback/{app_id}`: WeChat's check of the callback URL (消息推送, "填写服务器配置").
//!
//! The response to a valid signature is `echostr`, byte for byte. Any other request gets the same 403 without `echostr`.

use function::{CallLimits, Env, StartError, http};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use store::{BindingReader, CallbackVerifier, ExposeSecret, SharedClock, StoreError, Vault};
use tracing::{Span, field};
use wechat::{Token, push};

/// The longest `echostr` that is returned, in bytes. WeChat's have 19 digits.
const ECHOSTR_MAX: usize = 128;

/// The handler's dependencies.
#[derive(Debug, Clone)]
pub struct Deps {
    bindings: BindingReader,
    verifier: CallbackVerifier,
    vault: Vault,
}

impl Deps {
    /// Reads `TABLE_NAME` and `SECRET_ARN`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault) = env.settings().stores(clock, CallLimits::FiveSeconds).await?;
        Ok(Self { bindings: table.bindings(), verifier: table.callback_verifier(), vault })
    }
}

/// Handles WeChat's check.
#[tracing::instrument(name = "callback-verify", skip_all, fields(app_id = field::Empty))]
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.path_parameters();
    let query = request.query_string_parameters();
    let of = |name| query.first(name).unwrap_or_default();
    let app_id = path.first("app_id").unwrap_or_default();
    if wechat::is_app_id(app_id) {
        Span::current().record("app_id", app_id);
    }
    let echostr = of("echostr");
    match verify(deps, app_id, of("signature"), of("timestamp"), of("nonce")).await {
        Ok(true) if !echostr.is_empty() && echostr.len() <= ECHOSTR_MAX => http::text(StatusCode::OK, echostr),
        Ok(verified) => {
            tracing::warn!(signature_valid = verified, "callback check refused");
            http::text(StatusCode::FORBIDDEN, "refused")
        }
        Err(error) => {
            tracing::error!(error = %http::chain(&error), "callback check failed");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
    }
}

/// Whether the request is signed with the binding's token. Marks the binding as verified if so.
async fn verify(deps: &Deps, app_id: &str, signature: &str, timestamp: &str, nonce: &str) -> Result<bool, StoreError> {
    if !wechat::is_app_id(app_id) {
        return Ok(false);
    }
    let Some(binding) = deps.bindings.binding(app_id).await? else {
        return Ok(false);
    };
    let token = deps.vault.open(&binding.token).await?;
    let Ok(token) = Token::parse(token.expose_secret()) else {
        return Ok(false);
    };
    if !push::verify_url(&token, signature, timestamp, nonce) {
        return Ok(false);
    }
    deps.verifier.mark_verified(app_id).await?;
    tracing::info!("callback verified");
    Ok(true)
}
