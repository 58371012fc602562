//! `POST /callback/{app_id}`: a push from WeChat. Verifies, decrypts and stores it, and responds with `success`.
//!
//! A warm function makes one conditional write and reads nothing: WeChat closes the connection after five seconds and
//! tells the visitor that the service is unavailable (接收消息和事件). The responses are `success`; 403, always with the same
//! body, for a request that is not a push for a binding; 413 for a body larger than any push; 500 where WeChat should
//! deliver the push again. A request whose parameters are not in WeChat's form is refused before anything is read for it.

mod absent;
mod credentials;

use credentials::{Credentials, Lookup};
use function::{
    CallLimits, Env, StartError,
    callback::{CallbackQuery, ParameterError},
    http,
};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use store::{Inbox, NewInbound, Receipt, SharedClock, StoreError, Thread};
use tracing::{Span, field};
use wechat::push::{self, PushQuery, VerifiedPush};

/// The longest openid, in bytes. WeChat's have 28.
const OPENID_MAX: usize = 128;

/// The handler's dependencies.
#[derive(Debug, Clone)]
pub struct Deps {
    clock: SharedClock,
    inbox: Inbox,
    credentials: Credentials,
}

impl Deps {
    /// Reads `TABLE_NAME` and `SECRET_ARN`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault) = env.settings().opening_stores(clock.clone(), CallLimits::FiveSeconds).await?;
        let credentials = Credentials::new(clock.clone(), table.push_credentials(), vault);
        credentials.prefetch().await;
        Ok(Self { clock, inbox: table.inbox(), credentials })
    }
}

/// Why a push is not stored.
enum Refusal {
    Parameters(ParameterError),
    Unbound,
    /// The mini program is not known to this environment, which has read too many unknown ones in this second.
    TooManyUnknown,
    Push(wechat::Error),
    /// The sender is longer than [`OPENID_MAX`].
    OpenidTooLong,
    Store(StoreError),
}

/// Handles a push.
#[tracing::instrument(name = "message-ingress", skip_all, fields(app_id = field::Empty, uid = field::Empty))]
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.path_parameters();
    let app_id = path.first("app_id").unwrap_or_default();
    if wechat::is_app_id(app_id) {
        Span::current().record("app_id", app_id);
    }
    match receive(deps, app_id, &request).await {
        Ok(receipt) => {
            tracing::info!(duplicate = receipt == Receipt::Duplicate, "push stored");
            http::text(StatusCode::OK, wechat::SUCCESS)
        }
        Err(Refusal::Store(error)) => {
            tracing::error!(PushesNotStored = 1, error = %http::chain(&error), "push not stored; WeChat delivers it again");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
        Err(Refusal::TooManyUnknown) => {
            tracing::warn!(code = "push.too_many_unknown", "push not looked up; WeChat delivers it again");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
        Err(Refusal::Push(wechat::Error::TooLarge)) => {
            tracing::warn!(code = wechat::Error::TooLarge.code(), "push refused");
            http::text(StatusCode::PAYLOAD_TOO_LARGE, "too large")
        }
        Err(refusal) => {
            let code = match refusal {
                Refusal::Push(error) => error.code(),
                Refusal::Parameters(error) => error.code(),
                Refusal::OpenidTooLong => "push.openid_too_long",
                Refusal::Unbound | Refusal::TooManyUnknown | Refusal::Store(_) => "push.unbound",
            };
            tracing::warn!(code, "push refused");
            http::text(StatusCode::FORBIDDEN, "refused")
        }
    }
}

async fn receive(deps: &Deps, app_id: &str, request: &Request) -> Result<Receipt, Refusal> {
    let push = open(deps, app_id, request).await?;
    if push.inbound.from_user_name.len() > OPENID_MAX {
        return Err(Refusal::OpenidTooLong);
    }
    let dedup_key = push.inbound.dedup_key();
    let thread = Thread::new(app_id, push.inbound.from_user_name);
    Span::current().record("uid", thread.uid());
    if push.openid_differs {
        tracing::warn!("openid in the URL differs from the message");
    }
    let new = NewInbound {
        thread,
        create_time: dedup_key.create_time,
        identity: dedup_key.id,
        kind: push.inbound.content.kind().to_owned(),
        content: push.inbound.content.to_json(),
    };
    deps.inbox.receive(&new).await.map_err(Refusal::Store)
}

/// Opens the push with the cached credentials, and again with those of the table if the cached ones may be out of date,
/// so that a new key works at once.
async fn open(deps: &Deps, app_id: &str, request: &Request) -> Result<VerifiedPush, Refusal> {
    if !wechat::is_app_id(app_id) {
        return Err(Refusal::Unbound);
    }
    let body: &[u8] = request.body().as_ref();
    if body.len() > wechat::MAX_BODY {
        return Err(Refusal::Push(wechat::Error::TooLarge));
    }
    let parameters = request.query_string_parameters();
    let signed = CallbackQuery::read(&parameters, deps.clock.now()).map_err(Refusal::Parameters)?;
    let query = PushQuery {
        signature: parameters.first("signature"),
        msg_signature: parameters.first("msg_signature"),
        timestamp: signed.timestamp,
        nonce: signed.nonce,
        encrypt_type: parameters.first("encrypt_type"),
        openid: parameters.first("openid"),
    };
    let (cached, is_fresh) = match deps.credentials.get(app_id).await.map_err(Refusal::Store)? {
        Lookup::Cached(credentials) => (credentials, false),
        Lookup::Read(credentials) => (credentials, true),
        Lookup::Unbound => return Err(Refusal::Unbound),
        Lookup::TooManyUnknown => return Err(Refusal::TooManyUnknown),
    };
    match push::open(&cached, app_id, &query, body) {
        Err(error) if error.may_be_stale() && !is_fresh => {
            match deps.credentials.reread(app_id).await.map_err(Refusal::Store)? {
                Some(current) if current != cached => push::open(&current, app_id, &query, body).map_err(Refusal::Push),
                _ => Err(Refusal::Push(error)),
            }
        }
        result => result.map_err(Refusal::Push),
    }
}
