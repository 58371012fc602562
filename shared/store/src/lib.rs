//! What is kept: one DynamoDB table and the vault that seals credentials.
//!
//! # The table
//!
//! Partition key `pk`, sort key `sk`, both strings; every item has a `kind`. Two global indexes hold keys only:
//! `lists` (`lists_pk`, `lists_sk`) for what people page through, `due` (`due_pk`, `due_sk`) for what falls due.
//! Keys only, because an index that holds whole items costs a write for every change of any of them.
//! The stream carries new images. `ttl` ends an item (seconds since 1970); as TTL deletes late, every reader
//! that cares compares the item's own end.
//!
//! Who writes: `conversations` is whichever function decides about conversations by that crate (reception, robot, desk-api),
//! `channel` whichever sends by that one (all of them, delivery and card-send).
//!
//! | Item | `pk` | `sk` | Indexes | Written by |
//! |---|---|---|---|---|
//! | binding: a mini program, its sealed credentials and settings | `binding#<appid>` | `binding` | `lists`: `bindings`, appid | desk-api; callback-verify (verified), channel (credential problem) |
//! | token: its sealed access token and the renewal lease | `binding#<appid>` | `token` | `due`: `tokens`, when to renew | channel |
//! | inbound: a push from WeChat; the key is the message's own identity | `thread#<appid>#<openid>` | `message#<CreateTime>-<MsgId or event>` | `due`: `inbox#<shard>`, until processed | message-ingress; conversations |
//! | outbound: what is said to the visitor, with its state | `thread#<appid>#<openid>` | `message#<seconds>-r<unique>` | `due`: `outbox#<shard>`, until settled; a held text when it has waited too long | conversations, channel |
//! | visitor: the open conversation, the profile, the last session-from, the replies left, the held texts | `thread#<appid>#<openid>` | `visitor` | | conversations, channel |
//! | person: a visitor who came with a verified partnerid | `person#<hash>` | `visitor#<uid>` | | conversations |
//! | conversation: its stage, its plan; `turn` says in clear whether a robot has to answer | `conversation#<cid>` | `conversation` | `lists`: `conversations`, time opened; `due`: `conversations#<shard>`, when the clock looks at it | conversations; channel (first reply) |
//! | event: a change of a conversation | `conversation#<cid>` | `event#<number>` | | with the conversation |
//! | waiting: a conversation in a queue | `queue#<queue>` | `<time less priority>#<cid>` | | with the conversation |
//! | assignment: a conversation of an agent's | `agent#<id>` | `conversation#<time opened>#<cid>` | | with the conversation |
//! | duty: an agent's status, heartbeat, load and capacity | `agent#<id>` | `duty` | `due`: `agents`, when they would be gone | desk-api; with the conversation (load), conversations (gone) |
//! | membership: a group that an agent is or was in | `agent#<id>` | `group#<id>` | | desk-api |
//! | watch: that somebody may wait in a queue | `watch#<queue>` | `watch` | `due`: `queues`, when the clock looks at it | conversations |
//! | group: settings | `group#<id>` | `group` | `lists`: `groups`, time made | desk-api |
//! | agent: settings | `agent#<id>` | `agent` | `lists`: `agents`, time made | desk-api |
//! | merchant: settings | `merchant#<id>` | `merchant` | `lists`: `merchants`, time made | desk-api |
//! | robot: settings, a sealed credential; its version counts what it knows as well | `robot#<id>` | `robot` | `lists`: `robots`, time made | desk-api |
//! | calendar: settings | `calendar#<id>` | `calendar` | `lists`: `calendars`, time made | desk-api |
//! | alias: another name of one of these | `alias#<kind>#<alias>` | `alias` | | with the settings |
//! | question: what a robot knows | `robot#<id>` | `question#<id>` | | desk-api |
//! | media: an upload, found by content and by media id | `media#<appid>` | `content#<sha256>`, `id#<media id>` | | channel |
//! | idempotency: which message an `Idempotency-Key` made | `idempotency#<hash>` | `idempotency` | | desk-api, card-send |
//! | access: a token of our API by its hash | `access#<sha256>` | `access` | `lists`: `access-tokens`, id | desk-api; access (last use) |
//! | `agent_token`: a token of an agent | `agent#<id>` | `token#<id>` | | desk-api |
//! | retired: that the bootstrap token with this hash is refused | `access#<sha256>` | `retired` | | desk-api |
//!
//! | Access pattern | How |
//! |---|---|
//! | keep a push once | conditional put on its own key |
//! | a visitor's messages, oldest first | query `thread#…`, `message#…` |
//! | a conversation's messages | the same, from its first message on, those with its `cid` |
//! | what a decision is about | get the visitor and the conversation |
//! | write a decision | one transaction; the visitor and the conversation must be as they were read, the agent must have room |
//! | what happened in a conversation | query `conversation#…`, `event#…` |
//! | who waits, the first in front; how many, up to a limit | query `queue#…`; the same, counted |
//! | an agent's conversations, the oldest first; their groups | query `agent#…`, `conversation#…`; `group#…` |
//! | the agents of a group | the group's own list, then batch get of their duties |
//! | a group, agent, merchant or robot by whatever `session-from` calls it | get by id, then the alias |
//! | what a robot knows | query `robot#…`, `question#…`, when its version is another than the one in memory |
//! | the visitors who are one person | query `person#…` |
//! | bindings, conversations, settings, tokens of the API, by page | query `lists`, then batch get |
//! | messages nobody processed; sends nobody finished, held texts; conversations to look at | query `due` up to now, shard by shard |
//! | queues to look at; agents who may be gone; tokens to renew | query `due` up to now |
//!
//! A sent reply's id begins with `r`, an event's with `e`, a message's with `m`: within one second a thread
//! sorts as entering, messages, replies.
//!
//! # Decisions
//!
//! A conversation, its place in a queue and its agent's load are never written apart: [`Table::commit`] takes what was
//! read and what shall be, and writes everything that follows in the same transaction. Whoever is told
//! [`Committed::Changed`] reads again and decides again. So no lock is held while anybody thinks, and no function that
//! is stopped leaves anything half done.
//!
//! # The modules
//!
//! [`Table`] is the handle; each module adds its operations to it. [`Vault`] seals and opens. Every write is
//! conditional or says the same a second time, so repeating one is safe. [`StoreError`] says what a caller can act on.

mod access;
mod binding;
mod clock;
mod commit;
mod conversation;
mod duty;
mod error;
mod event;
mod inbox;
mod item;
mod keys;
mod media;
mod message;
mod outbox;
mod put_off;
mod question;
mod queue;
mod record;
mod retry;
mod table;
mod token;
mod vault;
mod visitor;

pub use access::{
    AGENT_TOKENS_MAX, AgentEnd, ApiToken, NewApiToken, TOKEN_ALIAS, TOKEN_USE_INTERVAL, TokenEnd, token_hash,
};
pub use binding::{Binding, BindingChange, BindingMode, BindingStatus, CredentialProblem, NewBinding};
pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use commit::{Assign, Commit, Committed};
pub use conversation::{Assigned, Conversation, RobotStage, Stage, TURN_MAX, Turn, Waiting};
pub use desk::policy::Role;
pub use duty::{Duty, GRACE, HEARTBEAT_LIFE};
pub use error::{Result, StoreError};
pub use event::{Event, NewEvent};
pub use inbox::{InboundRef, LEFT_BEHIND, NewInbound, Receipt};
pub use keys::DUE_SHARDS;
pub use media::{MEDIA_LIFE, MEDIA_REUSE, content_hash};
pub use message::{Author, Direction, Message, MessageState, SendFailure, Thread};
pub use outbox::{
    Claim, Claimed, NewOutbound, Once, OutboundRef, PENDING_GRACE, PutDown, SENDING_LEASE, Settled, Settlement,
    VisitorChange,
};
pub use question::{QUESTIONS_MAX, fresh_question_id};
pub use queue::{Entry, PRIORITY_STEP, Queue, place};
pub use record::{Kind, Record, Written};
pub use retry::{Attempt, Attempted, Backoff, Sleep};
pub use secrecy::{ExposeSecret, SecretString};
pub use table::{Page, Table};
pub use token::{LEASE, Lease, StoredToken};
pub use vault::{Sealed, Vault};
pub use visitor::{Profile, Visitor};
