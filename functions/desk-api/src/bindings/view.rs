//! What the API shows of a binding.

use api::Problem;
use desk::settings::Reception;
use jiff::Timestamp;
use serde::Serialize;
use store::{Binding, BindingMode, BindingStatus, CredentialProblem};
use utoipa::ToSchema;

use crate::{
    host::Host,
    reception_check::{self, ReceptionWarning},
    schema,
    services::Services,
};

/// A bound mini program, without its credentials.
#[derive(Serialize, ToSchema)]
#[schema(as = Binding)]
pub(crate) struct BindingView {
    app_id: String,
    name: String,
    mode: BindingMode,
    status: BindingStatus,
    /// The URL to enter in WeChat's console, under message push (消息推送).
    #[schema(format = Uri)]
    callback_url: String,
    /// Sent in answer to every message until an agent has replied, where neither a group nor a robot receives the visitor.
    #[schema(required = true)]
    auto_reply: Option<String>,
    reception: Reception,
    /// Whether there is a secret that signs `session-from`.
    has_session_from_secret: bool,
    /// The signer of this secret; null without one. Visitors of all bindings with this signer are one person where their
    /// verified `partnerid` is the same.
    #[schema(required = true)]
    session_from_signer: Option<String>,
    /// When WeChat checked the callback URL.
    #[schema(required = true)]
    verified_at: Option<Timestamp>,
    /// Why WeChat gives no access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schema::CredentialProblem>)]
    problem: Option<CredentialProblem>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A binding as a request has set it.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedBinding {
    #[serde(flatten)]
    binding: BindingView,
    /// Settings of `reception` that leave visitors without a robot and without an agent, as its robots and groups are now.
    warnings: Vec<ReceptionWarning>,
}

/// A new binding with its push credentials.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedBinding {
    #[serde(flatten)]
    binding: BindingView,
    /// Settings of `reception` that leave visitors without a robot and without an agent, as its robots and groups are now.
    warnings: Vec<ReceptionWarning>,
    /// The Token to enter in WeChat's console. No other answer has it.
    token: String,
    /// The EncodingAESKey to enter in WeChat's console. No other answer has it.
    encoding_aes_key: String,
}

impl BindingView {
    pub(super) fn new(binding: Binding, host: &Host) -> Result<Self, Problem> {
        Ok(Self {
            callback_url: host.callback_url(&binding.app_id),
            mode: binding.mode,
            status: binding.status(),
            reception: binding.reception()?,
            has_session_from_secret: binding.session_from_secret.is_some(),
            session_from_signer: binding.signer().map(ToOwned::to_owned),
            app_id: binding.app_id,
            name: binding.name,
            auto_reply: binding.auto_reply,
            verified_at: binding.verified_at,
            problem: binding.problem,
            created_at: binding.created_at,
            updated_at: binding.updated_at,
        })
    }
}

impl ChangedBinding {
    pub(super) async fn new(services: &Services, binding: Binding, host: &Host) -> Result<Self, Problem> {
        let binding = BindingView::new(binding, host)?;
        let warnings = reception_check::warnings(services, &binding.reception).await?;
        Ok(Self { binding, warnings })
    }
}

impl CreatedBinding {
    pub(super) fn new(changed: ChangedBinding, token: &str, encoding_aes_key: &str) -> Self {
        let ChangedBinding { binding, warnings } = changed;
        Self { binding, warnings, token: token.to_owned(), encoding_aes_key: encoding_aes_key.to_owned() }
    }
}
