//! The fixture of every test: its own table and vault, and a clock that the test advances.

pub(crate) mod backend;
pub(crate) mod decision;
pub(crate) mod secrets;
pub(crate) mod staff;
pub(crate) mod wire;

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use desk::{conversation::AuthorRole, policy::Grant, quota::Ledger};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{
    ApiToken, Author, Binding, Clock, Commit, CommitOutcome, Conversation, DueItem, DueKey, DueKind, DuePartition,
    EarlierRequest, IdempotentRequest, InboundRef, ManualClock, Message, NewApiToken, NewBinding, NewInbound,
    NewOutbound, SecretString, SendFailure, SigningSecret, StoreError, Table, Thread, TokenEnd, Vault,
};
use uuid::Uuid;

use secrets::Secret;
use wire::Wire;

pub(crate) use decision::Decision;
pub(crate) use wire::Fault;

/// The signer of the tests' secrets for `session-from`.
pub(crate) const SIGNER: &str = "s0123456789abcdef0123456789abcdef";

/// The secret key of the tests' AWS credentials. Like the other secrets, it must not appear in any text.
pub(crate) const SECRET_ACCESS_KEY: &str = "planted-secret-access-key";
/// The value of the stack's secret.
pub(crate) const MASTER: &str = "planted-master-secret-of-64-letters-0123456789abcdefghijklmnopqr";
pub(crate) const APP_ID: &str = "wx0123456789abcdef";
pub(crate) const OPENID: &str = "oVisitorOfTheShopInTheTown0";
/// 2026-03-01T08:00:00Z, the start time of every test.
pub(crate) const BEGIN: i64 = 1_772_352_000;

/// An item as stored in the table.
pub(crate) type Item = BTreeMap<String, AttributeValue>;

/// The table, the vault and the clock of one test.
pub(crate) struct Kit {
    pub(crate) table: Table,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) secret: Secret,
    pub(crate) wire: Arc<Wire>,
    /// Direct access to the table, bypassing the store.
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Kit {
    pub(crate) async fn start() -> Self {
        let wire = Wire::new(backend::is_external());
        let client = backend::dynamodb(&wire).await;
        let name = format!("kefu-{}", Uuid::now_v7());
        backend::create_table(&client, &name).await;
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(BEGIN).unwrap()));
        let secret = backend::secret(&wire, &name, MASTER, clock.clone()).await;
        let table = Table::new(client.config().clone(), &name, clock.clone());
        Self { table, vault: secret.vault(), clock, secret, wire, client, name }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// All items of the table in the order of their keys.
    pub(crate) async fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut from = None;
        loop {
            let scan = self.client.scan().table_name(&self.name).consistent_read(true).set_exclusive_start_key(from);
            let page = scan.send().await.unwrap();
            items.extend(page.items.unwrap_or_default().into_iter().map(|item| item.into_iter().collect()));
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        items.sort_by_key(|item| (s(item, "pk"), s(item, "sk")));
        items
    }

    /// The items of one kind.
    pub(crate) async fn items_of(&self, kind: &str) -> Vec<Item> {
        self.items().await.into_iter().filter(|item| s(item, "kind") == kind).collect()
    }

    /// Writes an item directly, bypassing the store.
    pub(crate) async fn write(&self, item: Item) {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item.into_iter().collect()));
        put.send().await.unwrap();
    }

    /// Binds a mini program.
    pub(crate) async fn bind(&self, app_id: &str) -> Binding {
        self.table.binding_writer().create_binding(&self.vault, new_binding(app_id)).await.unwrap()
    }

    /// Creates a token of the API that works as no agent.
    pub(crate) async fn api_token(&self, grant: Grant, name: &str) -> (ApiToken, SecretString) {
        let new = NewApiToken::new(grant, name);
        self.table.api_token_writer().create_access_token(new).await.unwrap().unwrap()
    }

    /// Deletes a token of the API; `false` when there is none with this id.
    pub(crate) async fn delete_api_token(&self, id: &str) -> bool {
        self.table.api_token_writer().delete_access_token(id, "").await.unwrap() != TokenEnd::NotFound
    }

    /// Stores a visitor's text with this number, sent this many seconds after the start, and returns the reference
    /// that reception gets.
    pub(crate) async fn receive_text(&self, thread: &Thread, second: i64, number: u32) -> InboundRef {
        let new = text_message(thread, second, number);
        self.receive(new).await
    }

    /// Stores a push and returns the reference that reception gets.
    pub(crate) async fn receive(&self, new: NewInbound) -> InboundRef {
        let (thread, content) = (new.thread.clone(), new.content.clone());
        self.table.inbox().receive(&new).await.unwrap();
        let message = self.thread(&thread).await.into_iter().find(|message| message.content == content).unwrap();
        let Message { id, thread, kind, content, created_at, .. } = message;
        InboundRef { thread, id, kind, content, created_at, received_at: self.now() }
    }

    /// Stores an outbound message as a send does.
    pub(crate) async fn store_outbound(
        &self,
        new: &NewOutbound,
        idempotency: Option<&IdempotentRequest>,
    ) -> store::Result<EarlierRequest> {
        store_outbound(&self.table, new, idempotency).await
    }

    /// Stores a message that waits to be sent, and returns its id.
    pub(crate) async fn pending(&self, thread: &Thread, text: &str) -> String {
        let new = outbound(thread, &NewOutbound::fresh_id(self.now()), text);
        self.store_outbound(&new, None).await.unwrap();
        new.id
    }

    pub(crate) async fn conversation(&self, cid: &str) -> Conversation {
        self.table.conversations().conversation(cid).await.unwrap().unwrap()
    }

    /// All messages of a visitor.
    pub(crate) async fn thread(&self, thread: &Thread) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.table.threads().thread_messages(thread, cursor.as_deref(), 1000).await.unwrap();
            messages.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return messages;
            }
        }
    }

    pub(crate) async fn message(&self, thread: &Thread, id: &str) -> Message {
        self.table.threads().message(thread, id).await.unwrap().unwrap()
    }

    /// The keys of what is due of one kind, partition by partition.
    pub(crate) async fn due_keys(&self, kind: DueKind) -> Vec<DueKey> {
        let mut keys = Vec::new();
        for partition in DuePartition::all() {
            keys.extend(self.table.due_checks().due(&partition, None).await.unwrap());
        }
        keys.retain(|key| key.kind() == kind);
        keys
    }

    /// What is due of one kind, partition by partition. What cannot be read is postponed.
    pub(crate) async fn due(&self, kind: DueKind) -> Vec<DueItem> {
        let mut items = Vec::new();
        for key in self.due_keys(kind).await {
            items.extend(self.table.due_checks().read(&key).await.unwrap());
        }
        items
    }

    /// The ids of all unprocessed messages that are overdue.
    pub(crate) async fn overdue_messages(&self) -> Vec<String> {
        let id = |item| match item {
            DueItem::Message(message) => message.id,
            other => panic!("{other:?}"),
        };
        self.due(DueKind::Message).await.into_iter().map(id).collect()
    }

    /// The ids of all sends that are overdue.
    pub(crate) async fn overdue(&self) -> Vec<String> {
        let id = |item| match item {
            DueItem::Send(message) => message.id,
            other => panic!("{other:?}"),
        };
        self.due(DueKind::Send).await.into_iter().map(id).collect()
    }
}

pub(crate) fn visitor() -> Thread {
    Thread::new(APP_ID, OPENID)
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// A secret for `session-from`, under the signer [`SIGNER`].
pub(crate) fn signing(text: &str) -> SigningSecret {
    SigningSecret { secret: secret(text), signer: SIGNER.to_owned() }
}

pub(crate) fn new_binding(app_id: &str) -> NewBinding {
    NewBinding {
        app_id: app_id.to_owned(),
        name: "The shop".to_owned(),
        app_secret: secret("planted-app-secret"),
        token: secret("plantedPushToken"),
        encoding_aes_key: secret("plantedEncodingAesKey0123456789012345678901"),
        auto_reply: Some("Someone will be with you soon.".to_owned()),
        reception: None,
    }
}

pub(crate) fn text_message(thread: &Thread, second: i64, number: u32) -> NewInbound {
    NewInbound {
        thread: thread.clone(),
        create_time: BEGIN + second,
        identity: format!("m{number:020}"),
        kind: "text".to_owned(),
        content: json!({ "content": format!("text {number}") }),
    }
}

pub(crate) fn event(thread: &Thread, second: i64, identity: &str, content: Value) -> NewInbound {
    NewInbound {
        thread: thread.clone(),
        create_time: BEGIN + second,
        identity: identity.to_owned(),
        kind: "event".to_owned(),
        content,
    }
}

pub(crate) fn outbound(thread: &Thread, id: &str, text: &str) -> NewOutbound {
    NewOutbound {
        thread: thread.clone(),
        cid: Some("c1".to_owned()),
        id: id.to_owned(),
        kind: "text".to_owned(),
        content: json!({ "content": text }),
        author: Author { role: AuthorRole::Agent, name: Some("Lin".to_owned()), agent_id: None },
        ai: false,
        held: None,
    }
}

/// Stores an outbound message by a decision that changes nothing else.
pub(crate) async fn store_outbound(
    table: &Table,
    new: &NewOutbound,
    idempotency: Option<&IdempotentRequest>,
) -> store::Result<EarlierRequest> {
    match table.decisions().commit(Commit { sends: vec![new.clone()], idempotency, ..Commit::default() }).await? {
        CommitOutcome::Written(_) => Ok(EarlierRequest::None),
        CommitOutcome::DuplicateRequest => table.decisions().earlier_request(new, idempotency.unwrap()).await,
        _ => Err(StoreError::Conflict),
    }
}

/// A ledger that is unique to this number.
pub(crate) fn ledger_of(number: u32) -> Ledger {
    let at = Timestamp::from_second(1_772_352_000 + i64::from(number)).unwrap();
    let mut ledger = Ledger::default();
    ledger.record_message(at, at);
    ledger
}

pub(crate) fn failure(code: &str) -> SendFailure {
    SendFailure { code: code.to_owned(), errcode: Some(45015), detail: "In words.".to_owned() }
}

/// The automatic answer to a message.
pub(crate) fn reply(message: &InboundRef, cid: &str) -> NewOutbound {
    let id = NewOutbound::derived_message_id(0, "auto_reply", &message.thread, &message.id, message.created_at);
    NewOutbound {
        cid: Some(cid.to_owned()),
        author: Author::automatic(AuthorRole::AutoReply),
        ..outbound(&message.thread, &id, "Someone will be with you soon.")
    }
}

/// Runs `count` futures of `make` concurrently.
pub(crate) async fn concurrently<T, F>(count: usize, make: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = (0..count).map(|number| tokio::spawn(make(number))).collect();
    join_all(running).await.into_iter().map(Result::unwrap).collect()
}

/// DynamoDB's response for a cancelled transaction.
pub(crate) fn cancelled(reasons: &[&str]) -> Fault {
    let reasons: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Fault::Answer(400, json!({ "__type": kind, "message": "cancelled", "CancellationReasons": reasons }).to_string())
}

/// A string attribute of an item, or an empty string if it is missing.
pub(crate) fn s(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
