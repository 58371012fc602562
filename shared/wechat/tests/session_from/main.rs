//! What a contact button says of its visitor, in every form that it may have, and in many that it should not.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod bounds;
mod builder;
mod corpus;
mod examples;
mod limits;
mod properties;
mod signature;
mod signature_v2;
mod support;
