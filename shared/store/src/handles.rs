//! Narrow handles on the table. Each holds the operations of one capability, so that the type a function keeps shows what
//! its IAM statement in `template.yaml` allows.

use crate::{
    access::ApiToken,
    binding::Binding,
    clock::SharedClock,
    conversation::Conversation,
    error::Result,
    inbox::{NewInbound, Receipt},
    message::Message,
    table::{Page, Table},
};

/// Stores pushes (`PutItem`).
#[derive(Debug, Clone)]
pub struct Inbox(Table);

/// Reads bindings (`GetItem`, and `Query` of the index `lists`).
#[derive(Debug, Clone)]
pub struct BindingReader(Table);

/// Checks a callback URL: reads a binding and marks it as verified (`GetItem`, `UpdateItem`).
#[derive(Debug, Clone)]
pub struct CallbackVerifier(Table);

/// Verifies tokens of the API and records their use (`GetItem` of tokens and agents, `UpdateItem` of tokens).
#[derive(Debug, Clone)]
pub struct TokenVerifier(Table);

/// Finds the access tokens that fall due (`Query` of the index `due`) and takes those of deleted bindings off the
/// schedule (`UpdateItem`).
#[derive(Debug, Clone)]
pub struct TokenSchedule(Table);

/// Finds overdue sends (`Query` of the index `due`) and postpones those that fail (`UpdateItem`).
#[derive(Debug, Clone)]
pub struct OverdueSends(Table);

/// Reads conversations (`GetItem`).
#[derive(Debug, Clone)]
pub struct ConversationReader(Table);

impl Table {
    /// The handle that stores pushes.
    pub fn inbox(&self) -> Inbox {
        Inbox(self.clone())
    }

    /// The handle that reads bindings.
    pub fn binding_reader(&self) -> BindingReader {
        BindingReader(self.clone())
    }

    /// The handle that checks callback URLs.
    pub fn callback_verifier(&self) -> CallbackVerifier {
        CallbackVerifier(self.clone())
    }

    /// The handle that verifies tokens of the API.
    pub fn token_verifier(&self) -> TokenVerifier {
        TokenVerifier(self.clone())
    }

    /// The handle on the renewal schedule of access tokens.
    pub fn token_schedule(&self) -> TokenSchedule {
        TokenSchedule(self.clone())
    }

    /// The handle that finds overdue sends.
    pub fn overdue(&self) -> OverdueSends {
        OverdueSends(self.clone())
    }

    /// The handle that reads conversations.
    pub fn conversation_reader(&self) -> ConversationReader {
        ConversationReader(self.clone())
    }
}

impl Inbox {
    /// See [`Table::receive`].
    pub async fn receive(&self, new: &NewInbound) -> Result<Receipt> {
        self.0.receive(new).await
    }
}

impl BindingReader {
    /// See [`Table::binding`].
    pub async fn binding(&self, app_id: &str) -> Result<Option<Binding>> {
        self.0.binding(app_id).await
    }

    /// See [`Table::bindings`].
    pub async fn bindings(&self, cursor: Option<&str>, limit: i32) -> Result<Page<Binding>> {
        self.0.bindings(cursor, limit).await
    }

    /// See [`Table::clock`].
    pub fn clock(&self) -> &SharedClock {
        self.0.clock()
    }
}

impl CallbackVerifier {
    /// See [`Table::binding`].
    pub async fn binding(&self, app_id: &str) -> Result<Option<Binding>> {
        self.0.binding(app_id).await
    }

    /// See [`Table::mark_verified`].
    pub async fn mark_verified(&self, app_id: &str) -> Result<()> {
        self.0.mark_verified(app_id).await
    }
}

impl TokenVerifier {
    /// See [`Table::api_token`].
    pub async fn api_token(&self, hash: &str) -> Result<Option<ApiToken>> {
        self.0.api_token(hash).await
    }

    /// See [`Table::bootstrap_is_retired`].
    pub async fn bootstrap_is_retired(&self, hash: &str) -> Result<bool> {
        self.0.bootstrap_is_retired(hash).await
    }

    /// See [`Table::agent_is_active`].
    pub async fn agent_is_active(&self, agent: &str) -> Result<bool> {
        self.0.agent_is_active(agent).await
    }

    /// See [`Table::record_token_use`].
    pub async fn record_token_use(&self, token: &ApiToken, hash: &str) -> Result<()> {
        self.0.record_token_use(token, hash).await
    }

    /// See [`Table::clock`].
    pub fn clock(&self) -> &SharedClock {
        self.0.clock()
    }
}

impl TokenSchedule {
    /// See [`Table::due_tokens`].
    pub async fn due_tokens(&self, limit: i32) -> Result<Vec<String>> {
        self.0.due_tokens(limit).await
    }

    /// See [`Table::unschedule_token`].
    pub async fn unschedule_token(&self, app_id: &str) -> Result<()> {
        self.0.unschedule_token(app_id).await
    }
}

impl OverdueSends {
    /// See [`Table::overdue_sends`].
    pub async fn overdue_sends(&self, shard: u8, limit: i32) -> Result<Vec<Message>> {
        self.0.overdue_sends(shard, limit).await
    }

    /// See [`Table::postpone_send`].
    pub async fn postpone_send(&self, message: &Message) -> Result<()> {
        self.0.postpone_send(message).await
    }

    /// See [`Table::clock`].
    pub fn clock(&self) -> &SharedClock {
        self.0.clock()
    }
}

impl ConversationReader {
    /// See [`Table::conversation`].
    pub async fn conversation(&self, cid: &str) -> Result<Option<Conversation>> {
        self.0.conversation(cid).await
    }
}
