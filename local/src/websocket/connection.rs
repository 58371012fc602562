//! One open connection.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::WebSocketGateway;
use super::event::Events;
use super::open_connections::Command;

/// How long a connection may last, and how long it may be silent ("Amazon API Gateway quotas", WebSocket API).
const LIFE: SignedDuration = SignedDuration::from_hours(2);
const IDLE: SignedDuration = SignedDuration::from_mins(10);

/// How a connection ended.
struct Ended {
    code: u16,
    reason: &'static str,
    /// Whether the other end has to be told.
    by_gateway: bool,
}

impl Ended {
    const BY_CLIENT: Self =
        Self { code: close_code::NORMAL, reason: "Client-side close frame status not set", by_gateway: false };
    const BROKEN: Self = Self { code: 1006, reason: "", by_gateway: false };
    const GOING_AWAY: Self = Self { code: close_code::AWAY, reason: "Going away", by_gateway: true };
    const TOO_LARGE: Self = Self { code: close_code::SIZE, reason: "Message too long", by_gateway: true };
    const BY_COMMAND: Self = Self { code: close_code::NORMAL, reason: "Connection closed", by_gateway: true };
}

/// A connection that has been accepted.
pub(super) struct OpenSocket {
    gateway: Arc<WebSocketGateway>,
    events: Arc<Events>,
    commands: mpsc::Receiver<Command>,
    ends_at: Timestamp,
}

impl OpenSocket {
    pub(super) fn new(gateway: Arc<WebSocketGateway>, events: Events) -> Self {
        let now = gateway.clock.now();
        let commands = gateway.connections.add(&events.id, &events.source_ip, &events.user_agent, now);
        let ends_at = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        Self { gateway, events: Arc::new(events), commands, ends_at }
    }

    /// Serves the connection until it ends, then tells the function of `$disconnect`.
    pub(super) async fn run(mut self, mut socket: WebSocket) {
        let ended = self.serve(&mut socket).await;
        self.gateway.connections.remove(&self.events.id);
        if ended.by_gateway {
            let frame = CloseFrame { code: ended.code, reason: ended.reason.into() };
            // The client may be gone.
            let _ = socket.send(Message::Close(Some(frame))).await;
        }
        drop(socket);
        let event = self.events.disconnect(ended.code, ended.reason, self.gateway.clock.now());
        let _ = self.gateway.invoke("$disconnect", event).await;
    }

    async fn serve(&mut self, socket: &mut WebSocket) -> Ended {
        let mut shutdown = self.gateway.shutdown.clone();
        loop {
            let idle_until = self.gateway.connections.last_active_at(&self.events.id).checked_add(IDLE);
            let until = idle_until.unwrap_or(Timestamp::MAX).min(self.ends_at);
            tokio::select! {
                biased;
                () = shut_down(&mut shutdown) => return Ended::GOING_AWAY,
                command = self.commands.recv() => match command {
                    Some(Command::Send(text)) => {
                        if socket.send(Message::text(text)).await.is_err() {
                            return Ended::BROKEN;
                        }
                        self.gateway.connections.is_active(&self.events.id, self.gateway.clock.now());
                    }
                    Some(Command::Close) | None => return Ended::BY_COMMAND,
                },
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => self.receive(text.as_str().to_owned()),
                    Some(Ok(Message::Binary(_))) => self.receive(String::new()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) => return Ended::BY_CLIENT,
                    Some(Err(error)) if is_too_large(&error) => return Ended::TOO_LARGE,
                    Some(Err(_)) | None => return Ended::BROKEN,
                },
                () = self.gateway.clock.reached(until) => {
                    let now = self.gateway.clock.now();
                    let last = self.gateway.connections.last_active_at(&self.events.id);
                    if now >= self.ends_at || now.duration_since(last) >= IDLE {
                        return Ended::GOING_AWAY;
                    }
                }
            }
        }
    }

    /// Invokes the function of a message, beside the messages that follow, and sends its answer back.
    fn receive(&self, body: String) {
        let (gateway, events) = (Arc::clone(&self.gateway), Arc::clone(&self.events));
        let now = gateway.clock.now();
        gateway.connections.is_active(&events.id, now);
        tokio::spawn(async move {
            let (key, route) = gateway.api.route_of(&body);
            let Some(route) = route else { return };
            let event = events.message(key, &body, now);
            let request_id = event["requestContext"]["requestId"].clone();
            let text = match gateway.functions.invoke(&route.function, event).await {
                Ok(answer) if route.answers => answer["body"].as_str().map(str::to_owned),
                Ok(_) => None,
                Err(_) => {
                    let error = json!({
                        "message": "Internal server error", "connectionId": events.id, "requestId": request_id,
                    });
                    Some(error.to_string())
                }
            };
            if let Some(text) = text {
                // The connection may have ended.
                let _ = gateway.connections.post(&events.id, text);
            }
        });
    }
}

/// Completes when the bundle shuts down.
async fn shut_down(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the bundle was dropped.
    drop(shutdown.wait_for(|&shut_down| shut_down).await);
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("too long") || error.to_string().contains("too big") {
            return true;
        }
        cause = error.source();
    }
    false
}
