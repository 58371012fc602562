//! What every handler needs.

use std::{ops::Deref, sync::Arc};

use ::conversations::{AgentActions, Conversations, Eraser, KeptPictures};
use api::{Caller, Problem};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use channel::Channel;
use store::{
    AccessTokens, ApiTokenWriter, AuditActor, AuditLog, BindingList, BindingReader, BindingWriter, ConversationReader,
    DutyWriter, Frames, Lists, MediaUploads, ModelUseReader, Queues, QuickReplies, RobotFailureReader, Sessions,
    SettingsReader, SettingsWriter, SharedClock, StaffReader, Table, ThreadReader, Tickets, Vault, VisitorNotes,
};

use crate::{names::NameCache, realtime::Live};

/// The state of the router.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) store: Arc<Store>,
    pub(crate) conversations: Conversations,
    pub(crate) actions: AgentActions,
    /// Asks robots in a trial.
    pub(crate) robots: ::robots::Client,
    pub(crate) names: Arc<NameCache>,
    pub(crate) eraser: Eraser,
    pub(crate) pictures: KeptPictures,
    vault: Vault,
    deployed: Deployed,
}

/// What the deployment says.
#[derive(Debug, Clone)]
pub(crate) struct Deployed {
    /// SHA-256 of the bootstrap admin token.
    pub(crate) bootstrap_hash: Arc<str>,
    /// The address of the WebSocket API.
    pub(crate) realtime_url: Arc<str>,
    /// Whether this is the bundle on one machine.
    pub(crate) is_local: bool,
    /// The connections of browsers.
    pub(crate) live: Live,
}

impl Deref for Services {
    type Target = Deployed;

    fn deref(&self) -> &Deployed {
        &self.deployed
    }
}

/// The services for the caller of an operation. The audit log names the caller in the entry of each change, which is written in
/// the same transaction.
#[derive(Debug)]
pub(crate) struct Acting(pub(crate) Services);

impl FromRequestParts<Services> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, services).await?;
        let actor = Arc::new(AuditActor::from(&*caller));
        let actions = services.actions.by(&actor);
        Ok(Self(Services { store: Arc::new(services.store.by(&actor)), actions, ..services.clone() }))
    }
}

/// The handles on the table that the handlers use themselves.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) clock: SharedClock,
    pub(crate) bindings: BindingReader,
    pub(crate) binding_list: BindingList,
    pub(crate) binding_writer: BindingWriter,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) threads: ThreadReader,
    pub(crate) visitor_notes: VisitorNotes,
    pub(crate) conversations: ConversationReader,
    pub(crate) queues: Queues,
    pub(crate) staff: StaffReader,
    pub(crate) duty_writer: DutyWriter,
    pub(crate) settings: SettingsReader,
    pub(crate) settings_writer: SettingsWriter,
    pub(crate) robot_failures: RobotFailureReader,
    pub(crate) lists: Lists,
    pub(crate) api_token_writer: ApiTokenWriter,
    pub(crate) sessions: Sessions,
    pub(crate) tickets: Tickets,
    pub(crate) audit_log: AuditLog,
    pub(crate) media: MediaUploads,
    pub(crate) model_use: ModelUseReader,
    pub(crate) quick_replies: QuickReplies,
    pub(crate) frames: Frames,
}

impl FromRef<Services> for Conversations {
    fn from_ref(services: &Services) -> Self {
        services.conversations.clone()
    }
}

impl Services {
    pub(crate) fn new(
        table: &Table,
        vault: Vault,
        channel: Channel,
        robots: ::robots::Client,
        deployed: Deployed,
    ) -> Self {
        let pictures = KeptPictures::new(table, channel.clone());
        let conversations = Conversations::new(table, &vault, channel);
        Self {
            store: Arc::new(Store::new(table)),
            actions: AgentActions::new(&conversations, table.duty_writer(), table.token_agents()),
            eraser: Eraser::new(&conversations, table.erasures()),
            pictures,
            conversations,
            robots,
            names: Arc::default(),
            vault,
            deployed,
        }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) fn channel(&self) -> &Channel {
        self.conversations.channel()
    }
}

impl Store {
    fn new(table: &Table) -> Self {
        Self {
            clock: table.clock().clone(),
            bindings: table.bindings(),
            binding_list: table.binding_list(),
            binding_writer: table.binding_writer(),
            access_tokens: table.access_tokens(),
            threads: table.threads(),
            visitor_notes: table.visitor_notes(),
            conversations: table.conversations(),
            queues: table.queues(),
            staff: table.staff(),
            duty_writer: table.duty_writer(),
            settings: table.settings(),
            settings_writer: table.settings_writer(),
            robot_failures: table.robot_failures(),
            lists: table.lists(),
            api_token_writer: table.api_token_writer(),
            sessions: table.sessions(),
            tickets: table.tickets(),
            audit_log: table.audit_log(),
            media: table.media(),
            model_use: table.model_use(),
            quick_replies: table.quick_replies(),
            frames: table.frames(),
        }
    }

    fn by(&self, actor: &Arc<AuditActor>) -> Self {
        Self {
            binding_writer: self.binding_writer.by(actor),
            settings_writer: self.settings_writer.by(actor),
            api_token_writer: self.api_token_writer.by(actor),
            sessions: self.sessions.by(actor),
            frames: self.frames.by(actor),
            ..self.clone()
        }
    }
}
