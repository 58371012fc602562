//! What the store promises, checked against a database.
//!
//! By default the database is dynoxide, in this process, one per test. `KEFU_TEST_DYNAMODB_URL` names any other
//! server of the protocol; its Secrets Manager is then expected at `KEFU_TEST_SECRETS_URL`, and a double in this
//! process stands in where that is not set. Each test makes its own table, by the definition in `template.yaml`, and
//! leaves it behind on such a server.
//!
//! Time stands still until a test moves it. What the emulators do not do as DynamoDB does:
//!
//! | | dynoxide | moto's server |
//! |---|---|---|
//! | two transactions on one item at once | one after the other, never a `TransactionConflict` | one that fails puts a copy of the whole table back, over what others wrote meanwhile |
//! | `ClientRequestToken` | honoured | ignored: a repeated transaction fails its own conditions |
//! | a start key outside of the query's range | accepted | accepted |
//! | TTL | sweeps when asked to | never |
//! | an index | up to date at once | up to date at once |
//!
//! So a server of somebody else's gets one request at a time, conflicts between transactions are answered by the test
//! itself (see `support::wire`), and nothing rests on TTL: the store compares the times itself.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

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
mod duty;
mod errors;
mod events;
mod held;
mod idempotency;
mod ids;
mod inbox;
mod knowledge;
mod looks;
mod lost_answers;
mod media;
mod outbox;
mod page;
mod put_down;
mod queues;
mod races;
mod records;
mod secrecy;
mod settlement;
mod support;
mod threads;
mod tokens;
mod transitions;
mod unreadable;
mod vault;
mod visitors;
mod watches;
