//! Tickets for the WebSocket, and the end of connections whose session has ended.

use std::time::Duration;

use api::{Caller, Code, Json, Problem, Routes, State, operation};
use axum::http::{HeaderMap, header};
use desk::{hint::Hint, policy::Action};
use function::Connections;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use store::{Connected, Connection, ExposeSecret, StoreError};
use utoipa::ToSchema;

use crate::{host::Host, services::Services};

/// Longest origin of a page, in bytes: a host name has 253 at most.
const ORIGIN_MAX: usize = 300;

/// How long the end of connections takes at most, while the person who ends a session waits.
const CLOSING: Duration = Duration::from_secs(3);

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::OpenConnection).route_refusing(operation!(create_ticket), &[(422, Code::Invalid)]);
}

/// A ticket for the WebSocket.
#[derive(Serialize, ToSchema)]
struct RealtimeTicket {
    /// The address to connect to, with `?ticket=` and the ticket.
    #[schema(format = Uri, example = "wss://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/realtime")]
    url: String,
    /// The ticket. It can be used once.
    ticket: String,
    /// When it expires, 30 seconds after it was made.
    expires_at: Timestamp,
}

/// Make a ticket for the WebSocket
///
/// For a page that has signed in: the connection is opened by `new WebSocket(url + "?ticket=" + ticket)`, from the same origin, while
/// the session lasts. The page gets hints, which name what has changed: `{"v":1,"type":"message","cid":…,"message_id":…}`,
/// `{"v":1,"type":"conversation","cid":…}`, `{"v":1,"type":"queue","group_id":…}`, `{"v":1,"type":"duty","agent_id":…}` and
/// `{"v":1,"type":"session_ended"}`, of what the caller may see. It may send `{"type":"ping"}`, answered with
/// `{"type":"pong"}`, and `{"type":"heartbeat"}`, the heartbeat of its agent. A connection lasts two hours at most, and ten minutes
/// without a message. A hint may be lost, so read what is new after each connection and every minute.
#[utoipa::path(
    post,
    path = "/api/realtime/ticket",
    operation_id = "createRealtimeTicket",
    tag = "sessions",
    responses((status = 200, description = "The ticket.", body = RealtimeTicket)),
)]
async fn create_ticket(
    State(services): State<Services>,
    host: Host,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<RealtimeTicket>, Problem> {
    let Some(id) = &caller.session_id else {
        return Err(Problem::forbidden("Only a session has a WebSocket: sign in with a code."));
    };
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().and_then(|origin| origin.to_str().ok()).filter(|origin| origin.len() <= ORIGIN_MAX);
    let Some(origin) = origin.filter(|_| origins.next().is_none()) else {
        return Err(Problem::invalid_field("Origin", "must be the origin of the page"));
    };
    let session = services.store.sessions.session(id).await?;
    let session = session.ok_or_else(|| Problem::new(401, Code::Unauthorized, "The session has ended."))?;
    let agent = services.conversations.known_agent(&caller).await?;
    let (ticket, expires_at) = services.store.tickets.create_ticket(&session, agent, origin).await?;
    let url = host.websocket_url(&services.realtime_url);
    Ok(Json(RealtimeTicket { url, ticket: ticket.expose_secret().to_owned(), expires_at }))
}

/// The connections of browsers, to close them.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    connected: Connected,
    connections: Connections,
}

impl Live {
    pub(crate) fn new(connected: Connected, connections: Connections) -> Self {
        Self { connected, connections }
    }

    /// Closes the connections whose session has ended. What fails is logged: their sessions have ended all the same, and a
    /// connection without its item hears of nothing.
    pub(crate) async fn close(&self, has_ended: impl Fn(&Connection) -> bool) {
        match tokio::time::timeout(CLOSING, self.close_all(has_ended)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "connections of an ended session were not closed"),
            Err(_) => tracing::error!("connections of an ended session were not closed in time"),
        }
    }

    async fn close_all(&self, has_ended: impl Fn(&Connection) -> bool) -> Result<(), StoreError> {
        let ended = self.connected.connections().await?.into_iter().filter(|connection| has_ended(connection));
        let closed = join_all(ended.map(|connection| async move {
            // Forgotten first, so that nothing more is sent to it.
            let forgotten = self.connected.forget(&connection.id).await;
            self.connections.post(&connection.id, &Hint::SessionEnded.to_json()).await;
            self.connections.close(&connection.id).await;
            forgotten
        }));
        closed.await.into_iter().collect()
    }
}
