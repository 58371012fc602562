//! Bindings: create with a live check of the credentials, list, read, change, delete.

use desk::settings::Reception;
use function::http::{self, FieldError, Problem};
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{StatusCode, header},
    request::RequestContext,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use store::{Binding, BindingChange, BindingMode, BindingStatus, CredentialProblem, NewBinding, Page, SecretString};
use wechat::{Action, ApiError, EncodingAesKey, Token, client::AccessToken, is_app_id};

use crate::{Deps, page::Wanted, reception};

const NAME_MAX: usize = 60;
const SECRET_MAX: usize = 128;
/// What one message of WeChat's takes, so that the automatic reply costs one of the few.
const AUTO_REPLY_MAX: usize = wechat::text::MAX_TEXT;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    app_id: String,
    app_secret: String,
    token: Option<String>,
    encoding_aes_key: Option<String>,
    auto_reply: Option<String>,
    reception: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    app_secret: Option<String>,
    token: Option<String>,
    encoding_aes_key: Option<String>,
    #[serde(default)]
    auto_reply: Setting<String>,
    #[serde(default)]
    reception: Setting<Value>,
}

/// A setting in a change: not there, or there with a value or with `null`.
#[derive(Default)]
enum Setting<T> {
    #[default]
    Unchanged,
    To(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::To)
    }
}

/// A binding as the API shows it. The credentials are never in it.
#[derive(Serialize)]
struct Shown<'a> {
    app_id: &'a str,
    name: &'a str,
    mode: BindingMode,
    status: BindingStatus,
    callback_url: String,
    auto_reply: Option<&'a str>,
    reception: Reception,
    has_session_from_secret: bool,
    verified_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a CredentialProblem>,
    created_at: String,
    updated_at: String,
}

/// The answer to a new binding: the one place where the push credentials are shown.
#[derive(Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    binding: Shown<'a>,
    token: &'a str,
    encoding_aes_key: &'a str,
}

fn show<'a>(binding: &'a Binding, request: &Request) -> Result<Shown<'a>, Problem> {
    Ok(Shown {
        app_id: &binding.app_id,
        name: &binding.name,
        mode: binding.mode,
        status: binding.status(),
        callback_url: callback_url(request, &binding.app_id),
        auto_reply: binding.auto_reply.as_deref(),
        reception: binding.reception()?,
        has_session_from_secret: binding.session_from_secret.is_some(),
        verified_at: binding.verified_at.map(|at| at.to_string()),
        problem: binding.problem.as_ref(),
        created_at: binding.created_at.to_string(),
        updated_at: binding.updated_at.to_string(),
    })
}

/// The URL to paste into WeChat's console, on the host that this request came to: a custom domain works by itself.
fn callback_url(request: &Request, app_id: &str) -> String {
    let header = |name| request.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let domain = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.domain_name.as_deref(),
        _ => None,
    };
    let host = header("host").or(domain).unwrap_or_default();
    let scheme = header("x-forwarded-proto").filter(|scheme| *scheme == "http").unwrap_or("https");
    format!("{scheme}://{host}/callback/{app_id}")
}

pub(crate) async fn list(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    let page = deps.table().bindings(wanted.cursor(), wanted.limit).await?;
    let items: Vec<_> = page.items.iter().map(|binding| show(binding, request)).collect::<Result<_, _>>()?;
    Ok(http::json(StatusCode::OK, &Page { items, cursor: page.cursor }))
}

pub(crate) async fn read(deps: &Deps, request: &Request, app_id: &str) -> Result<Response<Body>, Problem> {
    let binding = find(deps, app_id).await?;
    Ok(http::json(StatusCode::OK, &show(&binding, request)?))
}

pub(crate) async fn find(deps: &Deps, app_id: &str) -> Result<Binding, Problem> {
    let found = if is_app_id(app_id) { deps.table().binding(app_id).await? } else { None };
    found.ok_or_else(|| Problem::not_found("binding"))
}

pub(crate) async fn create(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let asked: Create = http::body(request)?;
    let mut wrong = Vec::new();
    check(&mut wrong, is_app_id(&asked.app_id), "app_id", "must be an AppID: wx and 16 hexadecimal digits");
    check_name(&mut wrong, &asked.name);
    check_secret(&mut wrong, &asked.app_secret);
    let token = push_token(&mut wrong, asked.token.as_deref());
    let key = aes_key(&mut wrong, asked.encoding_aes_key.as_deref());
    check_auto_reply(&mut wrong, asked.auto_reply.as_deref());
    let reception = match asked.reception {
        Some(given) => Some(reception::merged(deps, &Reception::default(), given, &mut wrong).await?),
        None => None,
    };
    let (Some(token), Some(key), true) = (token, key, wrong.is_empty()) else {
        return Err(Problem::invalid(wrong));
    };
    let bound = || {
        let detail = "This mini program is bound already. Change the binding, or delete it first.";
        Problem::new(StatusCode::CONFLICT, "binding.exists", detail)
    };
    if deps.table().binding(&asked.app_id).await?.is_some() {
        return Err(bound());
    }
    let secret = SecretString::from(asked.app_secret);
    let access = check_credentials(deps, &asked.app_id, &secret).await?;
    let new = NewBinding {
        app_id: asked.app_id,
        name: asked.name.trim().to_owned(),
        app_secret: secret,
        token: SecretString::from(token.expose()),
        encoding_aes_key: SecretString::from(key.expose()),
        auto_reply: asked.auto_reply.filter(|text| !text.is_empty()),
        reception,
    };
    let binding = deps.table().create_binding(deps.vault(), new).await;
    let binding = binding.map_err(|error| match error {
        store::StoreError::Conflict => bound(),
        other => other.into(),
    })?;
    adopt(deps, &binding.app_id, &access).await;
    tracing::info!(app_id = binding.app_id, "mini program bound");
    let shown = Created { binding: show(&binding, request)?, token: token.expose(), encoding_aes_key: key.expose() };
    Ok(http::json(StatusCode::CREATED, &shown))
}

pub(crate) async fn change(deps: &Deps, request: &Request, app_id: &str) -> Result<Response<Body>, Problem> {
    let asked: Change = http::body(request)?;
    let mut wrong = Vec::new();
    if let Some(name) = &asked.name {
        check_name(&mut wrong, name);
    }
    if let Some(secret) = &asked.app_secret {
        check_secret(&mut wrong, secret);
    }
    let token = asked.token.as_deref().and_then(|token| push_token(&mut wrong, Some(token)));
    let key = asked.encoding_aes_key.as_deref().and_then(|key| aes_key(&mut wrong, Some(key)));
    let auto_reply = match asked.auto_reply {
        Setting::Unchanged => None,
        Setting::To(text) => Some(text.filter(|text| !text.is_empty())),
    };
    check_auto_reply(&mut wrong, auto_reply.as_ref().and_then(Option::as_deref));
    let binding = find(deps, app_id).await?;
    let reception = match asked.reception {
        Setting::Unchanged => {
            // The answer shows the settings: unreadable ones refuse the request before anything is changed.
            binding.reception()?;
            None
        }
        Setting::To(None) => Some(None),
        Setting::To(Some(patch)) => {
            Some(Some(reception::merged(deps, &binding.reception()?, patch, &mut wrong).await?))
        }
    };
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let secret = asked.app_secret.map(SecretString::from);
    let access = match &secret {
        Some(secret) => Some(check_credentials(deps, app_id, secret).await?),
        None => None,
    };
    let change = BindingChange {
        name: asked.name.map(|name| name.trim().to_owned()),
        auto_reply,
        reception,
        app_secret: secret,
        token: token.map(|token| SecretString::from(token.expose())),
        encoding_aes_key: key.map(|key| SecretString::from(key.expose())),
        ..BindingChange::default()
    };
    let binding = deps.table().change_binding(deps.vault(), &binding, change).await?;
    if let Some(access) = access {
        adopt(deps, app_id, &access).await;
    }
    tracing::info!(app_id, "binding changed");
    Ok(http::json(StatusCode::OK, &show(&binding, request)?))
}

pub(crate) async fn delete(deps: &Deps, app_id: &str) -> Result<Response<Body>, Problem> {
    if !is_app_id(app_id) || !deps.table().delete_binding(app_id).await? {
        return Err(Problem::not_found("binding"));
    }
    tracing::info!(app_id, "binding deleted");
    Ok(http::empty())
}

/// Asks WeChat, before anything is kept, whether the credentials are right.
async fn check_credentials(deps: &Deps, app_id: &str, secret: &SecretString) -> Result<AccessToken, Problem> {
    deps.channel().tokens().verify_credentials(app_id, secret).await.map_err(|error| refused(&error))
}

fn refused(error: &ApiError) -> Problem {
    let ours = matches!(error.action(), Action::FixCredentials | Action::AllowAddress);
    let status = if ours { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_GATEWAY };
    let mut problem = Problem::new(status, error.code(), error.meaning_en());
    problem.errcode = error.errcode().map(|code| code.0);
    if !ours {
        problem.detail.push_str(" Nothing was kept.");
    }
    problem
}

/// That the token could not be kept is no failure of the request: the next reader fetches one.
async fn adopt(deps: &Deps, app_id: &str, access: &AccessToken) {
    if let Err(error) = deps.channel().tokens().store_verified(app_id, access).await {
        tracing::warn!(app_id, %error, "the first access token was not kept");
    }
}

fn check(wrong: &mut Vec<FieldError>, right: bool, field: &str, detail: &str) {
    if !right {
        wrong.push(FieldError::new(field, detail));
    }
}

fn check_name(wrong: &mut Vec<FieldError>, name: &str) {
    let right = !name.trim().is_empty() && name.chars().count() <= NAME_MAX && !name.contains(char::is_control);
    check(wrong, right, "name", "must have 1 to 60 characters");
}

fn check_secret(wrong: &mut Vec<FieldError>, secret: &str) {
    let right = (1..=SECRET_MAX).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
    check(wrong, right, "app_secret", "must be the AppSecret from WeChat's console, without blanks");
}

fn check_auto_reply(wrong: &mut Vec<FieldError>, text: Option<&str>) {
    let right = text.is_none_or(|text| text.len() <= AUTO_REPLY_MAX);
    check(wrong, right, "auto_reply", "must have at most 2048 bytes");
}

fn push_token(wrong: &mut Vec<FieldError>, given: Option<&str>) -> Option<Token> {
    let token = given.map_or_else(Token::generate, Token::parse).ok();
    check(wrong, token.is_some(), "token", "must have 3 to 32 letters or digits");
    token
}

fn aes_key(wrong: &mut Vec<FieldError>, given: Option<&str>) -> Option<EncodingAesKey> {
    let key = given.map_or_else(EncodingAesKey::generate, EncodingAesKey::parse).ok();
    check(wrong, key.is_some(), "encoding_aes_key", "must have 43 letters or digits");
    key
}
