//! Who may call an operation.

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams, Request},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};
use conversations::{AgentActions, Conversations};
use desk::policy::{self, Action, Member, Role, Subject, Verdict, may_ever};
use serde::Deserialize;
use store::Conversation;
use tracing::{Span, field};

use crate::{Caller, Path, Problem, Route, handoff, parameters};

/// The action of the operation that a request was routed to.
#[derive(Debug, Clone, Copy)]
struct OperationAction(Action);

/// The longest id that a path is logged with.
const LOGGED_ID_MAX: usize = 64;

/// The layer around an operation: the handler does not run for a caller who may never do its action, unless the operation is a
/// public one, nor with a query parameter that the operation does not have. It opens the span of the request, with the
/// conversation and the mini program that the path names.
#[tracing::instrument(name = "request", skip_all, fields(
    operation = %route,
    token_id = field::Empty,
    app_id = field::Empty,
    cid = field::Empty,
    uid = field::Empty,
))]
pub(crate) async fn guard(route: &Route, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    record_path(&mut parts).await;
    if route.is_public() {
        return match parameters::check_names(&parts, route.query_parameters) {
            Ok(()) => next.run(Request::from_parts(parts, body)).await,
            Err(problem) => problem.into_response(),
        };
    }
    let caller = match Caller::from_request_parts(&mut parts, &()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    Span::current().record("token_id", &caller.token_id);
    if !may_ever(&policy::Caller::new(&caller.grant, Member::default()), route.action) {
        return refused(&caller).into_response();
    }
    if let Err(problem) = parameters::check_names(&parts, route.query_parameters) {
        return problem.into_response();
    }
    parts.extensions.insert(OperationAction(route.action));
    next.run(Request::from_parts(parts, body)).await
}

/// Records the ids of the path in the request's span. An openid is not recorded, nor what cannot be an id.
async fn record_path(parts: &mut Parts) {
    let Ok(parameters) = RawPathParams::from_request_parts(parts, &()).await else { return };
    let is_id = |text: &str| text.len() <= LOGGED_ID_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    for (name, value) in &parameters {
        if matches!(name, "app_id" | "cid") && is_id(value) {
            Span::current().record(name, value);
        }
    }
}

/// The refusal of what a role or its scopes do not permit.
fn refused(caller: &Caller) -> Problem {
    let detail = match caller.role() {
        Role::Integrator => "The scopes of your token do not permit this.".to_owned(),
        role => format!("The role of your token, {}, does not permit this.", role.as_str()),
    };
    Problem::forbidden(detail)
}

/// Refuses a caller who may not do this to a subject. `what` names the subject for one that is hidden.
pub async fn require(
    conversations: &Conversations,
    caller: &Caller,
    action: Action,
    subject: &Subject<'_>,
    what: &str,
) -> Result<(), Problem> {
    match policy::may(&conversations.caller(caller).await?, action, subject) {
        Verdict::Allow => Ok(()),
        Verdict::Hide => Err(Problem::not_found(what)),
        Verdict::AllowAfterClaim
        | Verdict::AllowInPlaceOfRobot
        | Verdict::ClaimFirst
        | Verdict::Taken
        | Verdict::Refuse => Err(refused(caller)),
    }
}

/// The conversation that a path names, for an operation that its caller may carry out on it. A handler gets a conversation
/// in no other way. What the caller may not see is answered with 404.
#[derive(Debug)]
pub struct Permitted {
    conversation: Conversation,
    first: First,
}

/// What has to happen before a caller writes to the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Nothing,
    Claim,
    ReplaceRobot,
}

#[derive(Deserialize)]
struct ConversationId {
    cid: String,
}

impl<S> FromRequestParts<S> for Permitted
where
    S: Send + Sync,
    Conversations: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Some(OperationAction(action)) = parts.extensions.get().copied() else {
            tracing::error!("a conversation is asked for outside of a guarded operation");
            return Err(Problem::internal());
        };
        let caller = Caller::from_request_parts(parts, state).await?;
        let Path(ConversationId { cid }) = Path::from_request_parts(parts, state).await?;
        Self::find(&Conversations::from_ref(state), &caller, action, &cid).await
    }
}

impl Permitted {
    /// The conversation with this id, if the caller may do this to it.
    pub async fn find(
        conversations: &Conversations,
        caller: &Caller,
        action: Action,
        cid: &str,
    ) -> Result<Self, Problem> {
        let found = conversations.conversation(cid).await?;
        let conversation = found.ok_or_else(|| Problem::not_found("conversation"))?;
        Span::current().record("app_id", &conversation.app_id).record("uid", conversation.thread().uid());
        let first = match conversations.may(caller, action, &conversation).await? {
            Verdict::Allow => First::Nothing,
            Verdict::AllowAfterClaim => First::Claim,
            Verdict::AllowInPlaceOfRobot => First::ReplaceRobot,
            Verdict::ClaimFirst => return Err(handoff::not_assigned()),
            Verdict::Taken => return Err(handoff::taken(conversations, &conversation).await?),
            Verdict::Hide => return Err(Problem::not_found("conversation")),
            Verdict::Refuse => return Err(refused(caller)),
        };
        Ok(Self { conversation, first })
    }

    /// The conversation, to read it.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The conversation, to hand it off.
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }

    /// The conversation, to write to its visitor. A caller who writes into a conversation that no agent has claims it. One who
    /// works as no agent takes the place of the robot, if a robot has it.
    pub async fn claimed(self, actions: &AgentActions, caller: &Caller) -> Result<Conversation, Problem> {
        let Self { conversation, first } = self;
        // Boxed: most requests do not come here, and the decisions would weigh on the future of each.
        match first {
            First::Nothing => Ok(conversation),
            First::Claim => {
                let agent = Box::pin(actions.present_agent(caller)).await?;
                let claimed = Box::pin(actions.claim(conversation, &agent)).await?;
                Ok(claimed.map_err(|error| handoff::refused(error, Some(&agent)))?.conversation)
            }
            First::ReplaceRobot => {
                let replaced = Box::pin(actions.replace_robot(conversation)).await?;
                Ok(replaced.map_err(|error| handoff::refused(error, None))?.conversation)
            }
        }
    }
}
