//! What works about a binding and what does not, with the cause in words.

use function::http::{self, Problem};
use lambda_http::{Body, Response, http::StatusCode};
use serde::Serialize;
use store::{Binding, BindingStatus, StoredToken};

use crate::{Deps, bindings};

#[derive(Serialize)]
struct Health<'a> {
    app_id: &'a str,
    status: BindingStatus,
    healthy: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl Check {
    fn new(name: &'static str, ok: bool, detail: impl Into<String>) -> Self {
        Self { name, ok, detail: detail.into(), code: None, errcode: None, expires_at: None }
    }
}

pub(crate) async fn read(deps: &Deps, app_id: &str) -> Result<Response<Body>, Problem> {
    let binding = bindings::find(deps, app_id).await?;
    let token = deps.table().token(app_id).await?;
    let checks = vec![callback(&binding), credentials(&binding), access_token(deps, token.as_ref())];
    let healthy = checks.iter().all(|check| check.ok);
    let health = Health { app_id: &binding.app_id, status: binding.status(), healthy, checks };
    Ok(http::json(StatusCode::OK, &health))
}

fn callback(binding: &Binding) -> Check {
    match binding.verified_at {
        Some(at) => Check::new("callback", true, format!("WeChat checked the callback URL at {at}.")),
        None => Check::new(
            "callback",
            false,
            "WeChat has not checked the callback URL yet. In WeChat's console, under message push (消息推送), enter the \
             URL, Token and EncodingAESKey of this binding, choose safe mode (安全模式), and submit.",
        ),
    }
}

fn credentials(binding: &Binding) -> Check {
    match &binding.problem {
        None => Check::new("credentials", true, "WeChat accepts the AppID and the AppSecret."),
        Some(problem) => Check {
            code: Some(problem.code.clone()),
            errcode: Some(problem.errcode),
            ..Check::new("credentials", false, format!("{} (since {})", problem.reason, problem.since))
        },
    }
}

fn access_token(deps: &Deps, token: Option<&StoredToken>) -> Check {
    let now = deps.table().clock().now();
    match token.filter(|token| token.value.is_some()) {
        Some(token) if now < token.expires_at => Check {
            expires_at: Some(token.expires_at.to_string()),
            ..Check::new("access_token", true, "There is a valid access token.")
        },
        Some(_) => Check::new("access_token", false, "The access token has ended and was not renewed yet."),
        None => Check::new("access_token", false, "No access token was fetched yet."),
    }
}
