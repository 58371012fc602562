//! The validation of a binding's settings and credentials.

use api::{Code, FieldError, Problem};
use desk::staff::is_display_name;
use store::SecretString;
use wechat::{Action, ApiError, EncodingAesKey, Token, client::AccessToken};

use crate::services::Services;

/// Longest AppSecret, in bytes.
const SECRET_MAX: usize = 128;
/// The length of one message of WeChat's, in bytes, so that the automatic reply costs one of the few.
const AUTO_REPLY_MAX: usize = wechat::text::MAX_TEXT;

/// Checks the credentials with WeChat, before anything is stored.
pub(super) async fn check_credentials(
    services: &Services,
    app_id: &str,
    secret: &SecretString,
) -> Result<AccessToken, Problem> {
    services.channel().tokens().verify_credentials(app_id, secret).await.map_err(|error| refused(&error))
}

fn refused(error: &ApiError) -> Problem {
    let ours = matches!(error.action(), Action::FixCredentials | Action::AllowAddress);
    let code = Code::parse(error.code()).unwrap_or(Code::WechatRefused);
    let mut problem = Problem::new(if ours { 422 } else { 502 }, code, error.meaning_en());
    problem.errcode = error.errcode().map(|code| code.0);
    if !ours {
        problem.detail.push_str(" Nothing was changed.");
    }
    problem
}

/// Keeps the access token of the check. A failure does not fail the request: the next reader fetches a token.
pub(super) async fn adopt(services: &Services, app_id: &str, access: &AccessToken) {
    if let Err(error) = services.channel().tokens().store_verified(app_id, access).await {
        tracing::warn!(app_id, %error, "the access token of the check was not stored");
    }
}

/// Adds an error of the field unless it is right.
pub(super) fn check(wrong: &mut Vec<FieldError>, right: bool, field: &str, detail: &str) {
    if !right {
        wrong.push(FieldError::new(field, detail));
    }
}

/// Validates the name.
pub(super) fn check_name(wrong: &mut Vec<FieldError>, name: &str) {
    check(wrong, is_display_name(name), "name", "must have 1 to 60 characters on one line");
}

/// Validates the AppSecret.
pub(super) fn check_secret(wrong: &mut Vec<FieldError>, secret: &str) {
    let right = (1..=SECRET_MAX).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
    check(wrong, right, "app_secret", "must be the AppSecret from WeChat's console, without blanks");
}

/// Validates the automatic reply.
pub(super) fn check_auto_reply(wrong: &mut Vec<FieldError>, text: Option<&str>) {
    let right = text.is_none_or(|text| text.len() <= AUTO_REPLY_MAX);
    check(wrong, right, "auto_reply", "must have at most 2048 bytes");
}

/// The Token of the message push: the given one, or a generated one.
pub(super) fn push_token(wrong: &mut Vec<FieldError>, given: Option<&str>) -> Option<Token> {
    let token = given.map_or_else(Token::generate, Token::parse).ok();
    check(wrong, token.is_some(), "token", "must have 3 to 32 letters or digits");
    token
}

/// The EncodingAESKey of the message push: the given one, or a generated one.
pub(super) fn aes_key(wrong: &mut Vec<FieldError>, given: Option<&str>) -> Option<EncodingAesKey> {
    let key = given.map_or_else(EncodingAesKey::generate, EncodingAesKey::parse).ok();
    check(wrong, key.is_some(), "encoding_aes_key", "must have 43 letters or digits");
    key
}
