//! Queues, claims, transfers, agent timeouts and the end of conversations.

mod agent_timeout;
mod claims;
mod closing;
mod drain;
mod drain_continuation;
mod earlier_assignments;
mod failing;
mod left_messages;
mod max_queue;
mod max_wait;
mod order;
mod simultaneous_arrivals;
mod simultaneous_logins;
mod timers;
mod transfer_to_own_group;
mod transfers;
