//! The parameters of the paths.

use serde::Deserialize;
use utoipa::IntoParams;

/// `/api/bindings/{app_id}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct BindingPath {
    /// The mini program's AppID.
    #[param(example = "wx0123456789abcdef")]
    pub(crate) app_id: String,
}

/// `/api/bindings/{app_id}/visitors/{openid}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct VisitorPath {
    /// The mini program's AppID.
    #[param(example = "wx0123456789abcdef")]
    pub(crate) app_id: String,
    /// The visitor's openid.
    pub(crate) openid: String,
}

/// `/api/bindings/{app_id}/visitors/{openid}/notes/{id}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct NotePath {
    /// The mini program's AppID.
    #[param(example = "wx0123456789abcdef")]
    pub(crate) app_id: String,
    /// The visitor's openid.
    pub(crate) openid: String,
    /// The note's id.
    pub(crate) id: String,
}

/// `/api/conversations/{cid}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConversationPath {
    /// The conversation's id.
    pub(crate) cid: String,
}

/// `/api/conversations/{cid}/messages/{id}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MessagePath {
    /// The conversation's id.
    #[allow(dead_code, reason = "describes the parameter that `Permitted` reads")]
    pub(crate) cid: String,
    /// The message's id.
    pub(crate) id: String,
}

/// `/api/robots/{id}/questions/{question_id}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct QuestionPath {
    /// The robot's id.
    pub(crate) id: String,
    /// The question's id.
    pub(crate) question_id: String,
}

/// `/api/agents/{id}/status`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AgentPath {
    /// The agent's id, or `me` for the caller's own agent.
    pub(crate) id: String,
}

/// `/api/groups/{id}` and the like
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IdPath {
    /// The id of the resource.
    pub(crate) id: String,
}
