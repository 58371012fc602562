//! `GET /callback/{app_id}`: WeChat checks that the URL is ours (消息推送, "填写服务器配置").
//!
//! The answer to a right signature is `echostr`, byte for byte. To anything else it is always the same refusal, and
//! `echostr` is not reflected.

use function::{Env, StartError, http};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use store::{CallbackVerifier, ExposeSecret, SharedClock, StoreError, Vault};
use wechat::{Token, push};

/// Longest `echostr` that is given back. WeChat's have 19 digits.
const ECHOSTR_MAX: usize = 128;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    bindings: CallbackVerifier,
    vault: Vault,
}

impl Deps {
    /// Reads `TABLE_NAME` and `SECRET_ARN`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault) = env.settings().stores(clock).await?;
        Ok(Self { bindings: table.callback_verifier(), vault })
    }
}

/// Answers WeChat's check.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.path_parameters();
    let query = request.query_string_parameters();
    let of = |name| query.first(name).unwrap_or_default();
    let app_id = path.first("app_id").unwrap_or_default();
    let echostr = of("echostr");
    match check(deps, app_id, of("signature"), of("timestamp"), of("nonce")).await {
        Ok(true) if !echostr.is_empty() && echostr.len() <= ECHOSTR_MAX => http::text(StatusCode::OK, echostr),
        Ok(verified) => {
            tracing::warn!(app_id, signature_right = verified, "callback check refused");
            http::text(StatusCode::FORBIDDEN, "refused")
        }
        Err(error) => {
            tracing::error!(app_id, error = %http::chain(&error), "callback check failed");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
    }
}

async fn check(deps: &Deps, app_id: &str, signature: &str, timestamp: &str, nonce: &str) -> Result<bool, StoreError> {
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
    deps.bindings.mark_verified(app_id).await?;
    tracing::info!(app_id, "callback verified");
    Ok(true)
}
