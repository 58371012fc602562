//! The health of a binding: what works, what does not, and why.

use api::{Caller, Json, Path, Problem, State};
use desk::{
    limits::{Budgets, ModelUse},
    robot::{Robot, RobotKind},
};
use serde::Serialize;
use store::{Binding, BindingStatus, Record, RobotFailure, SealState, StoreError, StoredToken};
use utoipa::ToSchema;

use crate::{
    bindings,
    parameters::BindingPath,
    reception_check::{self, ReceptionWarning},
    services::Services,
};

/// The health of a binding.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// The mini program's AppID.
    app_id: String,
    status: BindingStatus,
    /// Whether all checks passed.
    healthy: bool,
    checks: Vec<Check>,
}

/// One check of a binding.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthCheck)]
struct Check {
    name: CheckName,
    /// Whether the check passed.
    ok: bool,
    /// The result and what to do, for a person.
    detail: String,
    /// The stable code of the failure: one of the codes of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<api::Code>)]
    code: Option<String>,
    /// Of `robot`: the code of the failure, as in the event `robot.answered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failure: Option<String>,
    /// Of `robot`: the HTTP status with which its server refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<u16>,
    /// WeChat's errcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errcode: Option<i64>,
    /// Until when the access token is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
    /// Of the check `reception`: settings that leave visitors without a robot and without an agent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<ReceptionWarning>,
    /// Of `budget`: what language models have used today, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    budget: Option<BudgetUse>,
}

/// What the language models of a mini program have used on a day in UTC, and what they may use.
#[derive(Serialize, ToSchema)]
struct BudgetUse {
    /// Requests to language models.
    model_calls: u64,
    /// Tokens, as far as the models' servers count them.
    model_tokens: u64,
    limits: Budgets,
}

/// What is checked: whether visitors reach an agent or a robot (`reception`), the callback URL, the AppID with the AppSecret, the access token for WeChat, the model or the webhook of the
/// binding's robot (where it has one), whether language models may be asked further today (`budget`, where a model is the binding's robot or was asked), and whether the stored credentials can be opened. A credential under an older version of the stack's secret can; it is sealed again within the hour.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthCheckName)]
#[serde(rename_all = "snake_case")]
enum CheckName {
    Callback,
    Credentials,
    AccessToken,
    Vault,
    Robot,
    Reception,
    Budget,
}

impl Check {
    fn new(name: CheckName, ok: bool, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok,
            detail: detail.into(),
            code: None,
            failure: None,
            status: None,
            errcode: None,
            expires_at: None,
            warnings: Vec::new(),
            budget: None,
        }
    }
}

/// Check a binding
///
/// Says what works and what does not.
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}/health",
    operation_id = "getBindingHealth",
    tag = "bindings",
    params(BindingPath),
    responses((status = 200, description = "The checks.", body = Health)),
)]
pub(crate) async fn read_health(
    State(services): State<Services>,
    caller: Caller,
    Path(BindingPath { app_id }): Path<BindingPath>,
) -> Result<Json<Health>, Problem> {
    bindings::require_readable(&services, &caller, &app_id).await?;
    let binding = bindings::find(&services, &app_id).await?;
    let token = services.store.access_tokens.token(&app_id).await?;
    let vault = vault(&services, &binding, token.as_ref()).await?;
    let reception = reception(&services, &binding).await?;
    let mut checks =
        vec![callback(&binding), credentials(&binding), access_token(&services, token.as_ref()), vault, reception];
    let own = own_robot(&services, &binding).await?;
    checks.extend(budget(&services, &binding, own.as_ref()).await?);
    checks.extend(robot(&services, own).await?);
    let healthy = checks.iter().all(|check| check.ok);
    Ok(Json(Health { status: binding.status(), app_id: binding.app_id, healthy, checks }))
}

fn callback(binding: &Binding) -> Check {
    match binding.verified_at {
        Some(at) => Check::new(CheckName::Callback, true, format!("WeChat checked the callback URL at {at}.")),
        None => Check::new(
            CheckName::Callback,
            false,
            "WeChat has not checked the callback URL yet. In WeChat's console, under message push (消息推送), enter the \
             URL, Token and EncodingAESKey of this binding, choose safe mode (安全模式), and submit.",
        ),
    }
}

fn credentials(binding: &Binding) -> Check {
    match &binding.problem {
        None => Check::new(CheckName::Credentials, true, "WeChat accepts the AppID and the AppSecret."),
        Some(problem) => Check {
            code: Some(problem.code.clone()),
            errcode: Some(problem.errcode),
            ..Check::new(CheckName::Credentials, false, format!("{} (since {})", problem.reason, problem.since))
        },
    }
}

fn access_token(services: &Services, token: Option<&StoredToken>) -> Check {
    let now = services.store.clock.now();
    match token.filter(|token| token.value.is_some()) {
        Some(token) if now < token.expires_at => Check {
            expires_at: Some(token.expires_at.to_string()),
            ..Check::new(CheckName::AccessToken, true, "There is a valid access token.")
        },
        Some(_) => Check::new(CheckName::AccessToken, false, "The access token has expired and is not renewed yet."),
        None => Check::new(CheckName::AccessToken, false, "No access token was fetched yet."),
    }
}

/// Whether visitors reach an agent or a robot.
async fn reception(services: &Services, binding: &Binding) -> Result<Check, Problem> {
    let warnings = reception_check::warnings(services, &binding.reception()?).await?;
    let details: Vec<_> = warnings.iter().map(|warning| warning.detail).collect();
    let detail = if details.is_empty() { "Visitors reach an agent or a robot.".to_owned() } else { details.join(" ") };
    let is_empty = warnings.is_empty();
    Ok(Check { warnings, ..Check::new(CheckName::Reception, is_empty, detail) })
}

/// The robot of the binding.
async fn own_robot(services: &Services, binding: &Binding) -> Result<Option<Record<Robot>>, StoreError> {
    match binding.reception()?.robot_id {
        Some(id) => services.store.settings.record::<Robot>(&id).await,
        None => Ok(None),
    }
}

/// Whether language models may be asked further today. `None` where none is the binding's robot and none was asked.
async fn budget(
    services: &Services,
    binding: &Binding,
    robot: Option<&Record<Robot>>,
) -> Result<Option<Check>, StoreError> {
    let used = services.store.model_use.model_use(&binding.app_id, services.store.clock.now()).await?;
    let is_model = robot.is_some_and(|robot| matches!(robot.settings.kind, RobotKind::Chat { .. }));
    if !is_model && used == ModelUse::default() {
        return Ok(None);
    }
    let limits = binding.reception()?.budgets;
    let is_used_up = limits.are_used_up(used);
    let ModelUse { calls, tokens } = used;
    let of = |limit: u64| if limit == 0 { "without a limit".to_owned() } else { format!("of {limit}") };
    let (of_calls, of_tokens) = (of(limits.model_calls_per_day.into()), of(limits.model_tokens_per_day));
    let numbers =
        format!("Today, in UTC, {calls} calls ({of_calls}) and {tokens} tokens ({of_tokens}) of language models.");
    let detail = if is_used_up {
        format!("{numbers} The models are not asked before tomorrow, unless reception.budgets is raised.")
    } else {
        numbers
    };
    let budget = Some(BudgetUse { model_calls: calls, model_tokens: tokens, limits });
    Ok(Some(Check { budget, ..Check::new(CheckName::Budget, !is_used_up, detail) }))
}

/// Whether the model or the webhook of the binding's robot answered when it was last asked. `None` where the binding has no such
/// robot.
async fn robot(services: &Services, robot: Option<Record<Robot>>) -> Result<Option<Check>, StoreError> {
    let Some(robot) = robot else { return Ok(None) };
    let id = robot.id;
    if matches!(robot.settings.kind, RobotKind::Faq { .. }) {
        return Ok(None);
    }
    let name = robot.settings.name;
    let Some(failure) = services.store.robot_failures.robot_failure(&id).await? else {
        return Ok(Some(Check::new(CheckName::Robot, true, format!("No failure of the robot {name} is known."))));
    };
    let RobotFailure { code, status, message, at } = failure;
    let status_text = status.map_or_else(String::new, |status| format!(", HTTP {status}"));
    let message = message.map_or_else(String::new, |message| format!(": {message}"));
    let detail = format!(
        "The robot {name} ({id}) could not be asked at {at} ({code}{status_text}){message}. POST /api/robots/{id}/try asks it \
         again."
    );
    Ok(Some(Check { failure: Some(code), status, ..Check::new(CheckName::Robot, false, detail) }))
}

/// Whether the stored credentials can be opened, and how many are sealed under an older version of the secret.
async fn vault(services: &Services, binding: &Binding, token: Option<&StoredToken>) -> Result<Check, StoreError> {
    let sealed = [
        ("AppSecret", Some(&binding.app_secret)),
        ("Token", Some(&binding.token)),
        ("EncodingAESKey", Some(&binding.encoding_aes_key)),
        ("previous EncodingAESKey", binding.previous_encoding_aes_key.as_ref()),
        ("secret of session-from", binding.session_from_secret.as_ref()),
        ("access token", token.and_then(|token| token.value.as_ref())),
    ];
    let (mut older, mut unreadable) = (0_u32, Vec::new());
    for (name, sealed) in sealed {
        let Some(sealed) = sealed else { continue };
        match services.vault().state(sealed).await? {
            SealState::Current => {}
            SealState::Older => older += 1,
            SealState::Unreadable => unreadable.push(name),
        }
    }
    let detail = match (unreadable.is_empty(), older) {
        (true, 0) => "All credentials are sealed under the current version of the stack's secret.".to_owned(),
        (true, _) => format!(
            "{older} credentials are sealed under an older version of the stack's secret. They are sealed again within the hour; \
             keep the older version until then."
        ),
        (false, _) => format!(
            "No version of the stack's secret opens these: {}. Enter them again with PATCH; the secret of session-from is made \
             anew, and an access token is renewed by itself.",
            unreadable.join(", ")
        ),
    };
    Ok(Check::new(CheckName::Vault, unreadable.is_empty(), detail))
}
