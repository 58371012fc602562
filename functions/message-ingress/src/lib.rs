//! `POST /callback/{app_id}`: a push from WeChat. Verify, decrypt, store, answer `success`.
//!
//! One conditional write is all that happens here, and in a warm function nothing is read: WeChat hangs up after
//! five seconds and shows the visitor an apology. The answers are few: `success`; 403 for whatever is not a push of
//! WeChat's for one of our bindings, always with the same words; 413 for what is too large to be one; 500 where
//! WeChat should deliver again.

mod credentials;

use credentials::Credentials;
use function::{Env, StartError, http};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use store::{Inbox, NewInbound, Receipt, SharedClock, StoreError, Thread};
use wechat::push::{self, Opened, PushQuery};

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    inbox: Inbox,
    credentials: Credentials,
}

impl Deps {
    /// Reads `TABLE_NAME` and `SECRET_ARN`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault) = env.settings().unprimed_stores(clock)?;
        let credentials = Credentials::new(table.binding_reader(), vault);
        credentials.prefetch().await;
        Ok(Self { inbox: table.inbox(), credentials })
    }
}

/// Why a push is not kept.
enum Refusal {
    Unbound,
    Push(wechat::Error),
    Store(StoreError),
}

/// Answers a push.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.path_parameters();
    let app_id = path.first("app_id").unwrap_or_default();
    match receive(deps, app_id, &request).await {
        Ok(receipt) => {
            tracing::info!(app_id, duplicate = receipt == Receipt::Duplicate, "push kept");
            http::text(StatusCode::OK, wechat::SUCCESS)
        }
        Err(Refusal::Store(error)) => {
            tracing::error!(app_id, error = %http::chain(&error), "push not kept; WeChat will deliver it again");
            http::text(StatusCode::INTERNAL_SERVER_ERROR, "try again")
        }
        Err(Refusal::Push(wechat::Error::TooLarge)) => {
            tracing::warn!(app_id, code = wechat::Error::TooLarge.code(), "push refused");
            http::text(StatusCode::PAYLOAD_TOO_LARGE, "too large")
        }
        Err(refusal) => {
            let code = match refusal {
                Refusal::Push(error) => error.code(),
                Refusal::Unbound | Refusal::Store(_) => "push.unbound",
            };
            tracing::warn!(app_id, code, "push refused");
            http::text(StatusCode::FORBIDDEN, "refused")
        }
    }
}

async fn receive(deps: &Deps, app_id: &str, request: &Request) -> Result<Receipt, Refusal> {
    let opened = open(deps, app_id, request).await?;
    if opened.openid_differs {
        tracing::warn!(app_id, "the URL names another visitor than the message");
    }
    let identity = opened.inbound.identity();
    let new = NewInbound {
        thread: Thread::new(app_id, opened.inbound.from_user_name),
        create_time: identity.create_time,
        identity: identity.key,
        kind: opened.inbound.content.kind().to_owned(),
        content: opened.inbound.content.to_json(),
    };
    deps.inbox.receive(&new).await.map_err(Refusal::Store)
}

/// Opens the push under the credentials this environment knows, and once more under those of the table if they may
/// be out of date: a new key works at once.
async fn open(deps: &Deps, app_id: &str, request: &Request) -> Result<Opened, Refusal> {
    if !wechat::is_app_id(app_id) {
        return Err(Refusal::Unbound);
    }
    let body: &[u8] = request.body().as_ref();
    if body.len() > wechat::MAX_BODY {
        return Err(Refusal::Push(wechat::Error::TooLarge));
    }
    let parameters = request.query_string_parameters();
    let query = PushQuery {
        signature: parameters.first("signature"),
        msg_signature: parameters.first("msg_signature"),
        timestamp: parameters.first("timestamp").unwrap_or_default(),
        nonce: parameters.first("nonce").unwrap_or_default(),
        encrypt_type: parameters.first("encrypt_type"),
        openid: parameters.first("openid"),
    };
    let (known, fresh) = deps.credentials.of(app_id).await.map_err(Refusal::Store)?;
    let known = known.ok_or(Refusal::Unbound)?;
    match push::open(&known, app_id, &query, body) {
        Err(error) if error.may_be_stale() && !fresh => {
            match deps.credentials.reread(app_id).await.map_err(Refusal::Store)? {
                Some(now) if now != known => push::open(&now, app_id, &query, body).map_err(Refusal::Push),
                _ => Err(Refusal::Push(error)),
            }
        }
        opened => opened.map_err(Refusal::Push),
    }
}
