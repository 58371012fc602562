//! Handles on the table. Each holds the operations of one capability, so that the handles that a function keeps show what its
//! IAM statement in `template.yaml` allows. Only [`TokenVerifier`] and [`ApiTokenWriter`] reach `access#…`, and only
//! [`SettingsWriter`], [`BindingWriter`], [`ApiTokenWriter`] and [`TokenAgents`] write settings.

use crate::table::Table;

macro_rules! handles {
    ($($(#[$doc:meta])+ $handle:ident $accessor:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone)]
            pub struct $handle(pub(crate) Table);
        )+

        impl Table {
            $(
                #[doc = concat!("See [`", stringify!($handle), "`].")]
                pub fn $accessor(&self) -> $handle {
                    $handle(self.clone())
                }
            )+
        }
    };
}

handles! {
    /// Stores pushes (`PutItem` of `thread#…`).
    Inbox inbox;

    /// Reads bindings (`GetItem` of `binding#…`).
    BindingReader bindings;

    /// Reads push credentials (`GetItem` of `binding#…`, `Query` of `callbacks`).
    PushCredentialReader push_credentials;

    /// Pages through the bindings (`Query` of the index `lists`, `BatchGetItem` of `binding#…`).
    BindingList binding_list;

    /// Creates, changes and deletes bindings (`PutItem`, `UpdateItem`, `DeleteItem` of `binding#…` and `callbacks`).
    BindingWriter binding_writer;

    /// Marks a binding as verified (`UpdateItem` of `binding#…`).
    CallbackVerifier callback_verifier;

    /// Reads and renews WeChat's access tokens, and records why WeChat refuses one (`GetItem` and `UpdateItem` of `binding#…`).
    AccessTokens access_tokens;

    /// Finds the access tokens that fall due (`Query` of the index `due`).
    TokenSchedule token_schedule;

    /// Seals credentials again under the current version of the secret (`GetItem` and `PutItem` of `vault`, `Query` of the index
    /// `lists`, `Query` of `frame-keys`, `BatchGetItem` of `binding#…` and `robot#…`, `UpdateItem` of all three, `PutItem` of `callbacks`).
    Resealing resealing;

    /// Reads visitors and their messages (`GetItem`, `BatchGetItem` and `Query` of `thread#…`, `Query` of `person#…`).
    ThreadReader threads;

    /// Writes decisions: a visitor and a conversation, with the queue entry, the assignment, the load, the events and the sends
    /// that follow from the change (`PutItem`, `UpdateItem` and `DeleteItem` of `thread#…`, `person#…`, `conversation#…`, `queue#…`,
    /// `watch#…`, `agent#…`, `idempotency#…`).
    Decisions decisions;

    /// Changes what people note about visitors (`GetItem`, `Query`, `PutItem` and `DeleteItem` of `thread#…`).
    VisitorNotes visitor_notes;

    /// Claims and settles sends (`UpdateItem` and `PutItem` of `thread#…`).
    Sends sends;

    /// Reads and records uploads of pictures (`GetItem` and `PutItem` of `media#…`).
    MediaUploads media;

    /// Keeps pictures of visitors and those that are uploaded for them (`GetItem`, `Query`, `PutItem` and `UpdateItem` of `thread#…`;
    /// `s3:GetObject`, `s3:PutObject` and `s3:DeleteObject`).
    Pictures pictures;

    /// Reads conversations and their events (`GetItem`, `BatchGetItem` and `Query` of `conversation#…`).
    ConversationReader conversations;

    /// Reads queues and their lengths (`Query` of `queue#…` and `watch#…`).
    Queues queues;

    /// Reads agents on duty, their conversations and groups (`GetItem`, `BatchGetItem` and `Query` of `agent#…`).
    StaffReader staff;

    /// Sets the status of agents and records heartbeats (`UpdateItem` of `agent#…`).
    DutyWriter duty_writer;

    /// Finds and reads what the minute tick has to process, postpones what fails, schedules the next checks and reconciles the
    /// conversations of an agent (`Query` of the index `due`, of `agent#…`,
    /// `queue#…` and `watch#…`; `GetItem` of `thread#…` and `agent#…`;
    /// `BatchGetItem` of `conversation#…`; `UpdateItem` of all these and of `watch#…`; `DeleteItem` of `agent#…`).
    DueChecks due_checks;

    /// Takes and gives back the slots of a mini program's turns (`UpdateItem` of `turns#…`).
    TurnSlots turn_slots;

    /// Reads what the language models of a mini program have used (`Query` of `turns#…`).
    ModelUseReader model_use;

    /// Makes the check of a queue, or a pending send, due at once, with a timer (`UpdateItem` of `watch#…` and `thread#…`).
    DueNow due_now;

    /// Reads groups, agents, merchants, robots with their questions, and calendars (`GetItem` and `Query` of their partitions,
    /// `GetItem` of `alias#…`).
    SettingsReader settings;

    /// Writes groups, agents, merchants, robots with their questions, and calendars (`PutItem`, `UpdateItem` and `DeleteItem` of
    /// their partitions and of `alias#…`).
    SettingsWriter settings_writer;

    /// Reads why robots could not be asked (`GetItem` of `robot-failure#…`).
    RobotFailureReader robot_failures;

    /// Records why robots could not be asked (`PutItem` and `DeleteItem` of `robot-failure#…`).
    RobotFailureWriter robot_failure_writer;

    /// Reads the frames (`GetItem` of `frames`).
    FrameReader frame_reader;

    /// Reads and writes the frames and their keys (`GetItem` and `PutItem` of `frames` and `frame-keys`, `DeleteItem` of `frame-keys`,
    /// `PutItem` of `audit#…`).
    Frames frames;

    /// Reads and writes quick replies (`GetItem`, `Query`, `PutItem` and `DeleteItem` of `quick-replies#…`).
    QuickReplies quick_replies;

    /// Pages through conversations and settings (`Query` of the index `lists`, `BatchGetItem`).
    Lists lists;

    /// Adds entries to the audit log and reads it (`PutItem` and `Query` of `audit#…`).
    AuditLog audit_log;

    /// Erases visitors (`PutItem`, `GetItem` and `DeleteItem` of `erasure#…`; `GetItem`, `Query`, `PutItem` and `DeleteItem` of
    /// `thread#…`; `Query` and `DeleteItem` of `conversation#…`; `GetItem` and `DeleteItem` of `media#…`; `DeleteItem` of
    /// `person#…` and `idempotency#…`; `PutItem` of `audit#…`; `s3:DeleteObject`).
    Erasures erasures;

    /// Creates the agent that the holder of a token of the API works as (`PutItem` and `UpdateItem` of `agent#…`, `PutItem` of
    /// `alias#…`).
    TokenAgents token_agents;

    /// Creates, lists, rotates and deletes tokens of the API, and ends those of an agent together with the agent (`access#…`,
    /// `agent#…`, `alias#…`, `Query` of the index `lists`).
    ApiTokenWriter api_token_writer;

    /// Makes sign-in codes and exchanges them for sessions, lists and ends sessions (`GetItem`, `PutItem` and `DeleteItem` of
    /// `sign-in#…`; `Query`, `PutItem` and `DeleteItem` of `session#…`; `ConditionCheckItem` of `access#…` and `agent#…`).
    Sessions sessions;

    /// Makes tickets for WebSocket connections (`PutItem` of `ticket#…`).
    Tickets tickets;

    /// Redeems tickets, and keeps and forgets connections (`DeleteItem` of `ticket#…`; `ConditionCheckItem` of `session#…` and
    /// `agent#…`; `GetItem`, `PutItem`, `UpdateItem` and `DeleteItem` of `connections`).
    Connecting connecting;

    /// Reads who is connected, and forgets connections that have ended (`GetItem`, `Query` and `DeleteItem` of `connections`).
    Connected connected;

    /// Verifies tokens of the API and of sessions, and records their use (`GetItem` of `access#…`, `session#…` and `agent#…`,
    /// `UpdateItem` of `access#…` and `session#…`).
    TokenVerifier token_verifier;
}
