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
//! | Item | `pk` | `sk` | Indexes | Written by |
//! |---|---|---|---|---|
//! | binding: a mini program, its sealed credentials and settings | `binding#<appid>` | `binding` | `lists`: `bindings`, appid | desk-api; callback-verify (verified), channel (credential problem) |
//! | token: its sealed access token and the renewal lease | `binding#<appid>` | `token` | `due`: `tokens`, when to renew | channel |
//! | inbound: a push from WeChat; the key is the message's own identity | `thread#<appid>#<openid>` | `message#<CreateTime>-<MsgId or event>` | `due`: `inbox#<shard>`, until processed | message-ingress; reception |
//! | outbound: what is said to the visitor, with its state | `thread#<appid>#<openid>` | `message#<seconds>-r<unique>` | `due`: `outbox#<shard>`, until settled | reception, desk-api, card-send; channel |
//! | visitor: the open conversation, the last session-from | `thread#<appid>#<openid>` | `visitor` | | reception, desk-api |
//! | conversation | `conversation#<cid>` | `conversation` | `lists`: `conversations`, time opened | reception, desk-api |
//! | media: an upload, found by content and by media id | `media#<appid>` | `content#<sha256>`, `id#<media id>` | | channel |
//! | idempotency: which message an `Idempotency-Key` made | `idempotency#<hash>` | `idempotency` | | desk-api, card-send |
//! | access: a token of our API by its hash | `access#<sha256>` | `access` | `lists`: `access-tokens`, id | desk-api |
//!
//! | Access pattern | How |
//! |---|---|
//! | keep a push once | conditional put on its own key |
//! | a visitor's messages, oldest first | query `thread#…`, `message#…` |
//! | a conversation's messages | the same, from its first message on, those with its `cid` |
//! | bindings, conversations, tokens of the API, by page | query `lists`, then batch get |
//! | messages nobody processed; sends nobody finished; tokens to renew | query `due` up to now, shard by shard |
//!
//! A sent reply's id begins with `r`, an event's with `e`, a message's with `m`: within one second a thread
//! sorts as entering, messages, replies.
//!
//! # The modules
//!
//! [`Table`] is the handle; each module adds its operations to it. [`Vault`] seals and opens. Every write is
//! conditional, so repeating one is safe. [`StoreError`] says what a caller can act on.

mod access;
mod binding;
mod clock;
mod conversation;
mod error;
mod inbox;
mod item;
mod keys;
mod media;
mod message;
mod outbox;
mod table;
mod token;
mod vault;

pub use access::{ApiToken, Role, token_hash};
pub use binding::{Binding, BindingChange, BindingMode, BindingStatus, CredentialProblem, NewBinding};
pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use conversation::{Conversation, ConversationState, Visitor};
pub use error::{Result, StoreError};
pub use inbox::{Applied, InboundRef, LEFT_BEHIND, NewInbound, Receipt, Step, StepConversation};
pub use keys::DUE_SHARDS;
pub use media::{MEDIA_LIFE, MEDIA_REUSE, content_hash};
pub use message::{Author, Direction, Message, MessageState, SendFailure, Thread};
pub use outbox::{Claim, Claimed, NewOutbound, Once, OutboundRef, PENDING_GRACE, PutDown, SENDING_LEASE, Settled};
pub use secrecy::{ExposeSecret, SecretString};
pub use table::{Page, Table};
pub use token::{LEASE, Lease, StoredToken};
pub use vault::{Sealed, Vault};
