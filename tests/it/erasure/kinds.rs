//! What erasure and export do with each kind of item.

/// What happens to an item of a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is exported as an item of this kind, and erased.
    Exported(&'static str),
    /// It is erased, and says nothing that an exported item does not say.
    Erased,
    /// It is of no visitor.
    Other,
}

/// What happens to items of a kind. A new kind must be considered here.
pub(super) fn fate(kind: &str) -> Fate {
    match kind {
        "inbound" | "outbound" => Fate::Exported("message"),
        "visitor" => Fate::Exported("visitor"),
        "person" => Fate::Exported("person"),
        "conversation" => Fate::Exported("conversation"),
        "event" => Fate::Exported("event"),
        "media" => Fate::Exported("media"),
        "note" => Fate::Exported("note"),
        "upload" => Fate::Exported("upload"),
        "visitor_conversation" | "waiting" | "idempotency" | "erasure" => Fate::Erased,
        // `duty` lists open conversations, and an erased one is closed first. `audit` names visitors by their uid for ever.
        "binding"
        | "callback"
        | "token"
        | "duty"
        | "membership"
        | "watch"
        | "departures"
        | "group"
        | "agent"
        | "merchant"
        | "robot"
        | "calendar"
        | "alias"
        | "frames"
        | "frame_key"
        | "question"
        | "quick_reply"
        | "access"
        | "agent_token"
        | "audit"
        | "reseal"
        | "retired"
        | "robot_failure"
        | "turn_slots"
        | "session"
        | "sign_in"
        | "ticket"
        | "connection"
        | "connections_version" => Fate::Other,
        new => panic!("say what erasure and export do with items of the kind {new:?}"),
    }
}

/// The kinds that the crate page of `store` names, which its own tests compare with the items that it writes.
fn documented() -> Vec<String> {
    let page = include_str!("../../../shared/store/src/lib.rs");
    let rows = page.lines().skip_while(|line| !line.starts_with("//! | Item ")).skip(2);
    let rows = rows.map_while(|line| line.strip_prefix("//! | "));
    rows.map(|row| row.split([':', '|']).next().unwrap().trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn every_kind_of_item_has_a_fate() {
    let kinds = documented();
    assert!(kinds.len() >= 30, "{kinds:?}");
    for kind in kinds {
        fate(&kind);
    }
}
