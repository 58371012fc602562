//! Tests of the store against a database.
//!
//! By default the database is dynoxide, in this process, one per test. `KEFU_TEST_DYNAMODB_URL` names any other
//! server of the protocol; its Secrets Manager is then expected at `KEFU_TEST_SECRETS_URL`. Without that variable a
//! simulation in this process is used. Each test creates its own table as defined in `template.yaml`, and does not
//! delete it on an external server.
//!
//! Time passes only when a test advances it. The emulators differ from DynamoDB:
//!
//! | | dynoxide | moto's server |
//! |---|---|---|
//! | two transactions on one item at once | one after the other, never a `TransactionConflict` | a failed one restores a copy of the whole table and so discards concurrent writes |
//! | `ClientRequestToken` | honoured | ignored: a repeated transaction fails its own conditions |
//! | a start key outside of the query's range | accepted | accepted |
//! | TTL | sweeps when asked to | never |
//! | an index | up to date at once | up to date at once |
//!
//! Therefore an external server gets one request at a time, the tests themselves inject conflicts between transactions
//! (see `support::wire`), and no test depends on TTL: the store compares the times itself.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod access;
mod aliases;
mod assignment;
mod batches;
mod binding_changes;
mod bindings;
mod conversations;
mod cursors;
mod decisions;
mod definition;
mod due_conversations;
mod duty;
mod earlier_assignments;
mod errors;
mod events;
mod held_texts;
mod idempotency;
mod ids;
mod inbox;
mod knowledge;
mod last_admin;
mod lost_answers;
mod media;
mod outbox;
mod page;
mod persons;
mod postponement;
mod push_credentials;
mod queue_checks;
mod queue_length;
mod queues;
mod races;
mod records;
mod reseal;
mod retention;
mod robot_failures;
mod secrecy;
mod settlement;
mod store_outbound;
mod support;
mod threads;
mod timers;
mod tokens;
mod transcript;
mod transitions;
mod turn_slots;
mod unreadable;
mod vault;
mod visitors;
mod what_people_note;
