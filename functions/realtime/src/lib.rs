//! The WebSocket of a workbench: connect, disconnect, and the messages of the page. What the page hears of is sent by `fan-out`.
//!
//! - `$connect?ticket=…` takes a ticket of `POST /api/realtime/ticket`, once, from a page of the origin that asked for it, while its
//!   session is valid.
//! - `{"type":"ping"}` is answered with `{"type":"pong"}`: API Gateway ends a connection that is silent for ten minutes.
//! - `{"type":"heartbeat"}` is the agent's heartbeat. It is answered only where it has no effect, with a hint to look.
//! - Every other message is ignored.

mod event;

pub use event::Event;

use desk::hint::Hint;
use event::EventType;
use function::{Aws, CallLimits, Env, Failure, StartError};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Connecting, DutyWriter, SharedClock, StoreError};

/// Longest message of a page that is read, in bytes.
const MESSAGE_MAX: usize = 4096;

/// Longest ticket that is looked up, in bytes.
const TICKET_MAX: usize = 200;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    connecting: Connecting,
    duty_writer: DutyWriter,
}

impl Deps {
    /// Reads `TABLE_NAME`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let table = settings.text("TABLE_NAME");
        settings.done()?;
        let table = Aws::new(env, CallLimits::FiveSeconds)?.table(&table, clock);
        // A failure here does not end the function: the first event tries again.
        let _ = table.prime("connections").await;
        Ok(Self { connecting: table.connecting(), duty_writer: table.duty_writer() })
    }
}

/// A message of the page.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PageMessage {
    Ping,
    Heartbeat,
    #[serde(other)]
    Unknown,
}

/// Handles an event of the WebSocket API. The answer to a message is sent to the page if it has a body.
pub async fn handle(deps: &Deps, event: Event) -> Result<Value, Failure> {
    let id = &event.request_context.connection_id;
    match event.request_context.event_type {
        EventType::Connect => connect(deps, &event).await,
        EventType::Disconnect => {
            deps.connecting.disconnect(id).await?;
            Ok(answer(200, None))
        }
        EventType::Message => match read(&event) {
            PageMessage::Ping => Ok(answer(200, Some(json!({ "type": "pong" }).to_string()))),
            PageMessage::Heartbeat => heartbeat(deps, id).await,
            PageMessage::Unknown => Ok(answer(200, None)),
        },
    }
}

async fn connect(deps: &Deps, event: &Event) -> Result<Value, Failure> {
    let id = &event.request_context.connection_id;
    let (Some(ticket), Some(origin)) = (event.parameter("ticket"), event.header("origin")) else {
        return Ok(refused("without a ticket or an origin"));
    };
    if ticket.len() > TICKET_MAX {
        return Ok(refused("the ticket is too long"));
    }
    let Some(ticket) = deps.connecting.redeem(ticket, origin).await? else {
        return Ok(refused("the ticket is not valid for this origin"));
    };
    if !deps.connecting.connect(ticket, id).await? {
        return Ok(refused("the session or the agent has ended"));
    }
    Ok(answer(200, None))
}

/// Refuses a connection. The page learns nothing of the reason.
fn refused(reason: &str) -> Value {
    tracing::info!(reason, "connection refused");
    answer(403, None)
}

/// The message of the page; one of another form, or that is too long, is unknown.
fn read(event: &Event) -> PageMessage {
    let body = event.body.as_deref().filter(|body| !event.is_base64_encoded && body.len() <= MESSAGE_MAX);
    body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or(PageMessage::Unknown)
}

async fn heartbeat(deps: &Deps, id: &str) -> Result<Value, Failure> {
    let Some(connection) = deps.connecting.connection(id).await? else {
        // The session was ended while the connection began.
        return Ok(answer(200, Some(Hint::SessionEnded.to_json())));
    };
    let Some(agent) = connection.watcher.agent_id else {
        return Ok(answer(200, None));
    };
    match deps.duty_writer.heartbeat(&agent).await {
        Ok(_) => Ok(answer(200, None)),
        // The agent is offline, or has ended.
        Err(StoreError::Conflict | StoreError::NotFound(_)) => {
            Ok(answer(200, Some(Hint::Duty { agent_id: agent }.to_json())))
        }
        Err(error) => Err(error.into()),
    }
}

fn answer(status: u16, body: Option<String>) -> Value {
    match body {
        Some(body) => json!({ "statusCode": status, "body": body }),
        None => json!({ "statusCode": status }),
    }
}
