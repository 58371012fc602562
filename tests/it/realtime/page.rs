//! A page with a WebSocket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Answer, World};

/// How long a test waits for what must come before it fails.
const LIMIT: Duration = Duration::from_secs(20);

/// A page with an open WebSocket.
pub(super) struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a page gets.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Text(Value),
    Closed(u16),
}

impl World {
    /// The origin of the bundle's own page.
    pub(super) fn origin(&self) -> String {
        self.bundle.api_url()
    }

    /// Asks for a ticket as the page of this origin does.
    pub(super) async fn ticket_from(&self, token: &str, origin: &str) -> Answer {
        let request = self.request(Some(token), Method::POST, "/api/realtime/ticket", None);
        request.header("origin", origin).send().await
    }

    /// A ticket of a session.
    pub(super) async fn ticket(&self, token: &str) -> String {
        self.ticket_from(token, &self.origin()).await.expect(200).text("ticket")
    }

    /// Connects with this query from a page of this origin; the status of a refusal.
    pub(super) async fn connect_with(&self, query: &str, origin: Option<&str>) -> Result<Page, u16> {
        let url = format!("{}/realtime{query}", self.bundle.api_url().replace("http://", "ws://"));
        let mut request = url.into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Page(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects with a ticket from the bundle's own page.
    pub(super) async fn connect(&self, ticket: &str) -> Result<Page, u16> {
        self.connect_with(&format!("?ticket={ticket}"), Some(&self.origin())).await
    }

    /// A page of this session with an open WebSocket. It hears of nothing that was before.
    pub(super) async fn page(&self, token: &str) -> Page {
        self.settle().await;
        let ticket = self.ticket(token).await;
        self.connect(&ticket).await.unwrap_or_else(|status| panic!("refused with {status}"))
    }
}

impl Page {
    pub(super) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match tokio::time::timeout(LIMIT, self.0.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => return Heard::Text(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Heard::Closed(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(1006),
            }
        }
    }

    /// Everything that was sent until now: what comes before the answer to a ping.
    pub(super) async fn heard(&mut self) -> Vec<Value> {
        self.send(r#"{"type":"ping"}"#).await;
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                Heard::Text(text) if text == json!({ "type": "pong" }) => return heard,
                Heard::Text(text) => heard.push(text),
                Heard::Closed(code) => panic!("closed with {code} after {heard:?}"),
            }
        }
    }

    /// The types of the hints until now about this conversation, without repetition.
    pub(super) async fn heard_of(&mut self, cid: &str) -> Vec<String> {
        let heard = self.heard().await.into_iter().filter(|hint| hint["cid"] == cid);
        let mut types: Vec<String> = heard.map(|hint| hint["type"].as_str().unwrap().to_owned()).collect();
        types.sort();
        types.dedup();
        types
    }

    /// The code with which the connection is closed, and what came before.
    pub(super) async fn closed(&mut self) -> (u16, Vec<Value>) {
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                Heard::Text(text) => heard.push(text),
                Heard::Closed(code) => return (code, heard),
            }
        }
    }

    pub(super) async fn close(mut self) {
        self.0.close(None).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }
}
