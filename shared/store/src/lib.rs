//! Persistence: one DynamoDB table, and the vault that seals credentials.
//!
//! # The table
//!
//! Partition key `pk`, sort key `sk`, both strings; every item has a `kind`. Two global indexes project keys only:
//! `lists` (`lists_pk`, `lists_sk`) for what is paged through, `due` (`due_pk`, `due_sk`) for what falls due. They project
//! keys only because an index of whole items costs a write for every change of any of them. The stream carries new images.
//! `ttl` expires an item (seconds since 1970); TTL deletes late, so a reader that depends on it compares the item's own
//! expiry. Messages, closed conversations with their events, and visitors expire after the periods of [`Retention`], each by
//! itself, so that a reader finds any of them without the others.
//!
//! In the column "Written by", `conversations` is every function that decides by that crate (reception, robot, desk-api)
//! and `channel` every function that sends by that one (these and card-send).
//!
//! | Item | `pk` | `sk` | Indexes | Written by |
//! |---|---|---|---|---|
//! | binding: a mini program, its sealed credentials and settings | `binding#<appid>` | `binding` | `lists`: `bindings`, appid | desk-api; callback-verify (verified), channel (credential problem), token-refresh (sealed again) |
//! | callback: a copy of its sealed push credentials | `callbacks` | `<appid>` | | with the binding |
//! | token: its sealed access token and the renewal lease | `binding#<appid>` | `token` | `due`: `tokens`, time of renewal | channel |
//! | inbound: a push from WeChat; the key is the message's own identity | `thread#<appid>#<openid>` | `message#<CreateTime>-<MsgId or event>` | `due`: `due#<shard>`, until processed | message-ingress; conversations |
//! | outbound: a message to the visitor, with its state | `thread#<appid>#<openid>` | `message#<seconds>-r<unique>` | `due`: `due#<shard>`, until settled; for a held text, its expiry | conversations, channel |
//! | visitor: the open conversation, the profile, the last session-from, the reply ledger, the held texts, the messages of the minute, the robot turns of the hour, the block, the last message with what is unread, what agents note | `thread#<appid>#<openid>` | `visitor` | | conversations, channel; desk-api (what agents note) |
//! | upload: a picture that was uploaded to be sent to the visitor | `thread#<appid>#<openid>` | `image-upload#<hash>` | | desk-api |
//! | note: what a person wrote about the visitor for others | `thread#<appid>#<openid>` | `agent-note#<id>` | | desk-api |
//! | `visitor_conversation`: a conversation of the visitor; it expires with the conversation | `thread#<appid>#<openid>` | `conversation#<time opened>#<cid>` | | with the conversation |
//! | person: a visitor with a verified partnerid, by the signer that vouched for it and the partnerid | `person#<hash>` | `visitor#<uid>` | | conversations |
//! | conversation: its stage and plan; `turn` says in clear whether a robot has to answer | `conversation#<cid>` | `conversation` | `lists`: `conversations#<shard>`, time opened; `due`: `due#<shard>`, time of the next check | conversations; channel (first reply) |
//! | event: the changes of a conversation by one decision | `conversation#<cid>` | `event#<number of the first>` | | with the conversation |
//! | waiting: a conversation in a queue | `queue#<queue>` | `<time less priority>#<cid>` | | with the conversation |
//! | duty: an agent's status, heartbeat, capacity, load and the set of their conversations | `agent#<id>` | `duty` | `due`: `due#<shard>`, time of the next check | desk-api; with the conversation (load, set), conversations (timeout) |
//! | membership: a group that an agent is or was in | `agent#<id>` | `group#<id>` | | desk-api |
//! | watch: a queue in which conversations may wait, with the number of those that have joined it, in all and of each mini program | `watch#<queue>` | `watch` | `due`: `due#<shard>`, time of the next check | with the conversation; conversations; with the binding |
//! | departures: how many conversations have left a queue, in all and of each mini program | `watch#<queue>` | `departures#<shard>` | | with the conversation |
//! | group: settings | `group#<id>` | `group` | `lists`: `groups`, time created | desk-api |
//! | agent: settings | `agent#<id>` | `agent` | `lists`: `agents`, time created | desk-api |
//! | merchant: settings | `merchant#<id>` | `merchant` | `lists`: `merchants`, time created | desk-api |
//! | robot: settings, a sealed credential; its version counts changes of its questions as well | `robot#<id>` | `robot` | `lists`: `robots`, time created | desk-api; token-refresh (sealed again) |
//! | calendar: settings | `calendar#<id>` | `calendar` | `lists`: `calendars`, time created | desk-api |
//! | alias: another name of one of these | `alias#<kind>#<alias>` | `alias` | | with the settings |
//! | question: a question of a robot, with its answer | `robot#<id>` | `question#<id>` | | desk-api |
//! | `quick_reply`: a text that is sent often, of an agent, a group or all | `quick-replies#<agent>`, `quick-replies#shared` | `<owner>-<unique>` | | desk-api |
//! | frames: the pages beside conversations | `frames` | `frames` | | desk-api |
//! | `frame_key`: the sealed key of a frame | `frame-keys` | `<frame id>` | | desk-api; token-refresh (sealed again) |
//! | `robot_failure`: why a robot could not be asked last, until it answers | `robot-failure#<id>` | `robot_failure` | | robot |
//! | media: an upload, by content and by media id | `media#<appid>` | `content#<sha256>`, `id#<media id>` | | channel |
//! | idempotency: the message that an `Idempotency-Key` created | `idempotency#<hash>` | `idempotency` | | desk-api, card-send |
//! | access: a token of the API by its hash | `access#<sha256>` | `access` | `lists`: `access-tokens`, id | desk-api; access (last use) |
//! | `sign_in`: a sign-in code by its hash, until it is used or has expired | `sign-in#<sha256>` | `sign_in` | | desk-api |
//! | session: a session of an agent, or of a token that names none, by the hash of its token | `session#<agent or token>` | `<sha256>` | | desk-api; access (last use) |
//! | ticket: a ticket for a connection by its hash, until it is used or has expired | `ticket#<sha256>` | `ticket` | | desk-api; realtime (redeemed) |
//! | connection: a WebSocket of a browser | `connections` | `connection#<connection id>` | | realtime; fan-out, desk-api (ended) |
//! | `connections_version`: how many connections have begun | `connections` | `version` | | realtime |
//! | `agent_token`: a token of an agent | `agent#<id>` | `token#<id>` | | desk-api |
//! | `turn_slots`: the turns of language models and webhooks that a mini program has at this moment, and what its models have used on this day | `turns#<appid>` | `slots#<number>` | | robot |
//! | audit: an entry of the audit log | `audit#<year and month>#<shard>` | `<time>#<id>` | | with the change that it is about: desk-api; access (first use of a token) |
//! | erasure: a visitor who is being erased | `erasure#<uid>` | `erasure` | `due`: `due#<shard>`, when the tick goes on with it | desk-api |
//! | reseal: how far sealing everything again has come | `vault` | `reseal` | | token-refresh |
//! | retired: that the bootstrap token with this hash is refused | `access#<sha256>` | `retired` | | desk-api |
//!
//! | Access pattern | Operation |
//! |---|---|
//! | store a push once | conditional put on its own key |
//! | the messages of a visitor, in the order of their arrival | query `thread#…`, `message#…`, four minutes around the end of a page read again for the next |
//! | the messages of a conversation | the same, from its first message on, filtered by `cid` |
//! | the conversations of a visitor, oldest first | query `thread#…`, `conversation#…` |
//! | the notes about a visitor, oldest first | query `thread#…`, `agent-note#…` |
//! | the pictures that were uploaded for a visitor | query `thread#…`, `image-upload#…` |
//! | the input of a decision | get the visitor, or query it with the newest messages, among them the replies in flight; get the conversation |
//! | write a decision | one transaction, on condition that the visitor and the conversation are unchanged and the agent has capacity |
//! | the history of a conversation | query `conversation#…`, `event#…` |
//! | the conversations in a queue, in order; how many come before one, up to a limit | query `queue#…`; the same, counted |
//! | the length of a queue | query `watch#…` |
//! | the conversations of an agent, oldest first; their groups | query `agent#…`, up to `duty`; `group#…` |
//! | the agents of a group | the group's own list, then batch get of their duties, eventually consistent where the transaction checks them |
//! | a group, agent, merchant or robot by the id that `session-from` names | get by id, then by alias |
//! | the questions of a robot | query `robot#…`, `question#…`, when its version differs from the one in memory |
//! | why a robot could not be asked | get |
//! | the frames; the key of one | get |
//! | the quick replies of an agent; all that are shared | query `quick-replies#…` |
//! | the visitors who are one person | query `person#…` |
//! | the push credentials of the first bindings | query `callbacks` |
//! | what is sealed under an older version of the secret | bindings and robots by page, their tokens, the keys of frames; a transaction for each |
//! | conversations by page, the newest first | query `lists`, 16 shards side by side, then batch get |
//! | erase a visitor | query `thread#…` by page, then delete what each page names, and the page |
//! | the audit log by page, the newest first | query `audit#…`, 4 shards of each month side by side |
//! | bindings, settings, tokens of the API, by page | query `lists`, then batch get |
//! | unprocessed messages, unfinished sends, expired held texts, conversations, agents and queues to check | query `due` up to now, 64 shards side by side; each has all kinds |
//! | a session by its token; the sessions of a person | get; query `session#…` |
//! | who is connected | get the version; query `connections` when it has changed |
//! | tokens to renew | query `due` up to now |
//!
//! `hint` is on a duty whose change is told to browsers, until the next heartbeat, and on a visitor, until the next write.
//!
//! `timer` is on an item that the stream's reader sets a timer for: a conversation or a duty that is due before a tick could see it,
//! a watch or a pending send that a function had no time for. The key in `due` of the first two then ends with `t`.
//!
//! Earlier versions put what is due into the partitions `inbox#<shard>`, `outbox#<shard>`, `conversations#<shard>` (8 shards),
//! `agents` and `queues`, and all conversations into the partition `conversations` of `lists`; these are still read. They wrote an
//! item for each event, and for each conversation of an agent `agent#<id>`, `conversation#<time opened>#<cid>`; these are still
//! read, and the latter become part of the duty.
//!
//! After its second, the id of an outbound message begins with `r`, that of an event with `e`, that of a visitor's message with
//! `m`. The keys of a thread therefore sort by WeChat's seconds; messages are listed in the order of their arrival, see
//! `transcript`.
//!
//! # Persons and signers
//!
//! Each secret for `session-from` has a signer, a random id that is made with it ([`SigningSecret`]). Visitors are one person
//! only if their `partnerid` is the same under the same signer: what one mini program's server calls 42 need not be the 42 of
//! another. A binding that takes over the secret of another has its signer, too. A new secret has a new signer: after a
//! leaked secret is replaced, no visitor joins the persons that it vouched for; visitors join the new person when they next
//! enter with a valid signature.
//!
//! Earlier versions stored no signer. The signer of a secret without one is the AppID of its binding. A visitor whose profile
//! has a verified `partnerid` without a signer has their link under a key of the `partnerid` alone. It stays there until they
//! enter with a valid signature; until then they are joined only to such visitors of the same mini program. An erasure deletes
//! the link under the key that the profile stands for, and an export names both.
//!
//! # Sizes
//!
//! DynamoDB takes items of 400 KB. What visitors and callers send is replaced, never added to without a limit, and bounded in
//! bytes before it is written:
//!
//! | Item | Grows with | Bound |
//! |---|---|---|
//! | inbound | the push | content of 128 KB of JSON, cut where it is longer ([`Inbox::receive`]); openids of 128 bytes |
//! | visitor | `session-from` | 4 KB of the text; the fields of the last one, within the limits of `wechat::session_from::parse_bounded` |
//! | visitor | replies and held texts | 20 sends ([`desk::quota::MAX_SENDS`]), 20 ids of held texts |
//! | conversation | the robot's turn | 20 ids ([`TURN_MAX`]); 2 KB of the last question; 5 questions offered |
//! | conversation | routing and notes | 4 levels, whose ids are of one `session-from`; a summary of 4 KB |
//! | event | one decision | its few events, with at most 4 levels tried each and the summary |
//! | outbound | the message | texts of 10 KB, addresses of 2 KB, WeChat's explanation of 300 bytes |
//! | duty | conversations | the capacity, 100 at most, of 50 bytes each |
//! | visitor | a block | a reason of 200 bytes |
//! | visitor | tags | 20 tags and a name of 64 bytes each |
//! | upload | | fields of fixed size |
//! | note | its text | 2000 bytes; 100 notes of a visitor |
//! | watch, departures | mini programs that use the queue | 64 counters of 20 bytes each |
//! | `turn_slots` | turns, days | 20 slots; the counters of earlier days are removed |
//! | token, media, idempotency, reseal | | fields of fixed size |
//! | binding | settings | 10 texts of 2 KB and 50 keywords of 30 characters |
//! | group | members | 500 ids of existing agents; 20 aliases of 100 characters |
//! | calendar | days | lists of 400, each written by one request of 64 KB |
//! | robot, agent, merchant, question | settings | texts of 4 KB and less; 20 aliases or variants |
//! | frames | frames | 10, of 6 KB each |
//! | `quick_reply` | texts | 2.3 KB; 300 of an agent, 1000 that are shared |
//! | access, `sign_in`, session, ticket, connection | scope of a token; the device | 50 ids of groups, 50 AppIDs; 200 bytes |
//!
//! # Pictures
//!
//! The bytes of pictures are objects of one bucket, by `<uid>/<hash of the message's id or the media id>`: those that visitors send, which
//! WeChat has for three days, and those that agents upload. An inbound message has `picture_size` and an upload is an item, before there is
//! an object; the object goes before the item. So an erasure, which reads the table, leaves none. Where items expire, the bucket's lifecycle
//! deletes their objects by the same period.
//!
//! # Decisions
//!
//! A conversation, its place in a queue and its agent's load are written together: [`Decisions::commit`] takes the state that
//! was read and the state to write, and writes everything that follows from the difference in the same transaction. After
//! [`CommitOutcome::Conflict`] the caller reads and decides again. So no lock is held during a decision, and a function that is
//! stopped leaves nothing half done.
//!
//! # Errors
//!
//! [`StoreError`] says what a caller can act on. Every write is conditional or idempotent, so repeating one is safe.
//!
//! # Modules
//!
//! [`Table`] is the table itself. Its methods give handles, such as [`Inbox`] or [`Decisions`], and each operation is a method
//! of one handle: a function takes its handles when it starts and keeps only those, so that it holds no operation that its IAM
//! statement forbids. Each module adds its operations to the handles. [`Vault`] seals and opens credentials.

mod access;
mod assignment;
mod audit;
mod binding;
mod clock;
mod commit;
mod connection;
mod conversation;
mod conversation_list;
mod due;
mod duty;
mod erasure;
mod error;
mod event;
mod frames;
mod handles;
mod idempotency;
mod image_change;
mod inbox;
mod item;
mod keys;
mod marks;
mod media;
mod message;
mod note;
mod objects;
mod outbox;
mod picture;
mod postpone;
mod preview;
mod push_credentials;
mod question;
mod queue;
mod queue_watch;
mod quick_reply;
mod record;
mod reseal;
mod resource;
mod retention;
mod retry;
mod robot_failure;
mod sending;
mod session;
mod table;
mod thread;
mod timer;
mod token;
mod token_agent;
mod transaction;
mod transcript;
mod turn_slots;
mod vault;
mod visitor;
mod visitor_writes;

pub use access::{
    AGENT_TOKENS_MAX, AgentEnd, ApiToken, NewApiToken, TOKEN_ALIAS, TOKEN_USE_INTERVAL, TokenEnd, token_hash,
};
pub use audit::{
    AuditAction, AuditActor, AuditDetail, AuditEntry, AuditFilter, AuditSubject, AuditSubjectKind, NewAudit,
};
pub use binding::{Binding, BindingChange, BindingMode, BindingStatus, CredentialProblem, NewBinding, SigningSecret};
pub use clock::{Clock, ManualClock, Reached, SharedClock, SystemClock};
pub use commit::{Assign, Commit, CommitOutcome, IgnoredMessage};
pub use connection::{CONNECTION_LIFE, Connection, TICKET_LIFE, Ticket, Watcher};
pub use conversation::{Assigned, Conversation, RobotStage, Stage, TURN_MAX, Turn, TurnRef, Waiting};
pub use desk::policy::Role;
pub use due::{DueItem, DueKey, DueKind, DuePartition, Upcoming};
pub use duty::{Duty, GRACE, HEARTBEAT_LIFE};
pub use erasure::{Erasure, ErasurePage};
pub use error::{Result, StoreError};
pub use event::{Event, NewEvent};
pub use frames::{FRAMES_MAX, Frame, StoredFrames};
pub use handles::{
    AccessTokens, ApiTokenWriter, AuditLog, BindingList, BindingReader, BindingWriter, CallbackVerifier, Connected,
    Connecting, ConversationReader, Decisions, DueChecks, DueNow, DutyWriter, Erasures, FrameReader, Frames, Inbox,
    Lists, MediaUploads, ModelUseReader, Pictures, PushCredentialReader, Queues, QuickReplies, Resealing,
    RobotFailureReader, RobotFailureWriter, Sends, Sessions, SettingsReader, SettingsWriter, StaffReader, ThreadReader,
    Tickets, TokenAgents, TokenSchedule, TokenVerifier, TurnSlots, VisitorNotes,
};
pub use idempotency::{EarlierRequest, IdempotentRequest};
pub use image_change::ImageChange;
pub use inbox::{InboundRef, NewInbound, OVERDUE_AFTER, Receipt};
pub use keys::{CONVERSATION_LIST_SHARDS, DUE_SHARDS};
pub use marks::{Marks, MarksChange, TAG_MAX, TAGS_MAX};
pub use media::{MEDIA_ID_MAX, MEDIA_LIFE, MEDIA_REUSE, content_hash};
pub use message::{Author, Direction, Message, MessageState, SendFailure};
pub use note::{NOTE_MAX, NOTES_MAX, Note, NoteAdded};
pub use objects::{Object, Objects};
pub use outbox::{NewOutbound, PENDING_GRACE};
pub use picture::{PictureRef, Upload};
pub use preview::{LastMessage, Preview, UNREAD_MAX};
pub use push_credentials::SealedPushCredentials;
pub use question::{QUESTIONS_MAX, StoredQuestion, fresh_question_id};
pub use queue::{Entry, PRIORITY_STEP, Queue, place};
pub use queue_watch::{
    COUNTED, QUEUE_CHECKED_AFTER, QUEUE_CHECKED_FOR, QueueLength, QueueLimit, ShareLength, queue_share,
};
pub use quick_reply::{OWN_REPLIES_MAX, QuickReply, ReplyOwner, ReplyText, SHARED_REPLIES_MAX};
pub use record::{Record, Written};
pub use reseal::ResealReport;
pub use resource::{Kind, Resource};
pub use retention::{Retention, RetentionPeriod};
pub use retry::{Attempt, Attempted, Backoff, Sleep};
pub use robot_failure::RobotFailure;
pub use secrecy::{ExposeSecret, SecretString};
pub use sending::{Claim, Claimed, SENDING_LEASE, Settled, Settlement, VisitorChange};
pub use session::{
    BOOTSTRAP, DEVICE_MAX, SESSION_IDLE, SESSION_LIFE, SESSION_USE_INTERVAL, SESSIONS_MAX, SIGN_IN_CODE_LIFE, Session,
    SessionHolder, SessionSource, SignedIn, is_session_token,
};
pub use table::{Page, ReadConsistency, Table};
pub use thread::Thread;
pub use timer::{TIMED_WITHIN, Timer};
pub use token::{LEASE, Lease, StoredToken};
pub use transcript::MessageOrder;
pub use turn_slots::Slot;
pub use vault::{SealState, Sealed, Vault};
pub use visitor::{NICKNAME_MAX, Profile, ProvedId, Visitor};
