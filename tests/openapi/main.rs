//! The checked-in description of the API is the one that the types give.
//!
//! `UPDATE_OPENAPI=1 cargo test -p tests --test openapi` writes it anew.

use std::path::Path;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

#[test]
fn checked_in_description_is_the_generated_one() {
    let document = desk_api::document(card_send::describe).unwrap();
    let mut generated = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut generated, PrettyFormatter::with_indent(b" "));
    document.serialize(&mut serializer).unwrap();
    generated.push(b'\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/desk-api/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let checked_in = std::fs::read(&path).unwrap();
    assert!(checked_in == generated, "run UPDATE_OPENAPI=1 cargo test -p tests --test openapi");
}
