//! The crate's documentation names every item of the table, with its keys and indexes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use desk::{
    conversation::AuthorRole,
    policy::{Grant, Role},
};
use jiff::SignedDuration;
use serde_json::json;
use store::{
    AuditActor, Author, Claimed, ExposeSecret, Frame, IdempotentRequest, Kind, NewApiToken, NewOutbound, NoteAdded,
    ReplyOwner, ReplyText, RobotFailure, SessionHolder, SessionSource, Stage, Thread, Upload, token_hash,
};

use crate::support::{
    APP_ID, Decision, Item, Kit, outbound, reply, s, secret,
    staff::{assigned, group, queued},
    visitor,
};

const PAGE: &str = include_str!("../../shared/store/src/lib.rs");

/// A row of the documentation's table of items: patterns of the keys and of the index keys.
#[derive(Debug, Default)]
struct Row {
    pk: Vec<String>,
    sk: Vec<String>,
    lists: Option<String>,
    due: Option<String>,
}

fn rows() -> BTreeMap<String, Row> {
    let rows = PAGE.lines().skip_while(|line| !line.starts_with("//! | Item ")).skip(2);
    let rows = rows.map_while(|line| line.strip_prefix("//! | ")?.strip_suffix('|'));
    rows.map(|row| {
        let [item, pk, sk, indexes, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("five columns: {row}")
        };
        let index = |name: &str| {
            let (_, rest) = indexes.split_once(&format!("`{name}`: `"))?;
            Some(rest.split('`').next().unwrap_or_default().to_owned())
        };
        let row = Row { pk: quoted(pk), sk: quoted(sk), lists: index("lists"), due: index("due") };
        (item.split(':').next().unwrap_or_default().trim_matches('`').to_owned(), row)
    })
    .collect()
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns whether a text matches a pattern such as `thread#<appid>#<openid>`.
fn is_like(pattern: &str, text: &str) -> bool {
    let (mut rest, mut after_gap) = (text, false);
    for part in pattern.split('<') {
        let literal = part.split_once('>').map_or(part, |(_, literal)| literal);
        let Some(at) = rest.find(literal).filter(|at| if after_gap { *at > 0 || literal.is_empty() } else { *at == 0 })
        else {
            return false;
        };
        rest = &rest[at + literal.len()..];
        after_gap = true;
    }
    if pattern.ends_with('>') { !rest.is_empty() } else { rest.is_empty() }
}

/// Creates at least one item of each kind.
async fn everything(kit: &Kit) {
    kit.bind(APP_ID).await;
    let lease = kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap().unwrap();
    let end = kit.now() + SignedDuration::from_hours(2);
    kit.table.access_tokens().renew_token(&kit.vault, &lease, &secret("token"), end, end).await.unwrap();
    kit.table.resealing().reseal(&kit.vault).await.unwrap();
    kit.api_token(Grant::Admin, "Chen").await;
    kit.table.media().remember_media(APP_ID, "hash", "media-1").await.unwrap();
    for kind in [Kind::Group, Kind::Agent, Kind::Merchant, Kind::Robot, Kind::Calendar] {
        let record = kit.table.settings_writer().new_record_of(kind, json!({}), vec!["4711".to_owned()]);
        kit.table.settings_writer().create_record(&record, None).await.unwrap();
        if kind == Kind::Robot {
            kit.table.settings_writer().create_question(&record.id, "q1", &json!({})).await.unwrap();
            let failure = RobotFailure { code: "robot.timeout".to_owned(), status: None, message: None, at: kit.now() };
            kit.table.robot_failure_writer().robot_failed(&record.id, &failure).await.unwrap();
        }
    }
    kit.online("a1", 5).await;
    let agent_token = NewApiToken { agent_id: Some("a1".to_owned()), ..NewApiToken::new(Grant::Agent, "Lin") };
    kit.table.api_token_writer().create_access_token(agent_token).await.unwrap().unwrap();
    let holder = SessionHolder {
        grant: Grant::Agent,
        name: "Lin".to_owned(),
        agent_id: Some("a1".to_owned()),
        source: SessionSource::Agent,
    };
    let sessions = kit.table.sessions();
    let (code, _) = sessions.create_code(holder.clone(), None).await.unwrap().unwrap();
    let session = sessions.sign_in(code.expose_secret(), "browser").await.unwrap().unwrap().session;
    let (ticket, _) = kit.table.tickets().create_ticket(&session, Some("a1".to_owned()), "https://o").await.unwrap();
    let ticket = kit.table.connecting().redeem(ticket.expose_secret(), "https://o").await.unwrap().unwrap();
    assert!(kit.table.connecting().connect(ticket, "c1=").await.unwrap());
    kit.table.tickets().create_ticket(&session, None, "https://o").await.unwrap();
    sessions.create_code(holder, None).await.unwrap().unwrap();
    let actor = Arc::new(AuditActor { token_id: "t1".to_owned(), name: None, role: Role::Admin, agent_id: None });
    let tokens = kit.table.api_token_writer().by(&actor);
    assert!(tokens.retire_bootstrap(&token_hash("bootstrap")).await.unwrap());
    kit.table.settings_writer().note_members("g1", &BTreeSet::from(["a1".to_owned()]), &BTreeSet::new()).await.unwrap();

    let erased = Thread::new(APP_ID, "oErased");
    let seen = kit.table.threads().visitor(&erased).await.unwrap();
    kit.table.erasures().begin(&erased, &seen, &actor).await.unwrap();

    let message = kit.receive_text(&visitor(), 0, 1).await;
    let mut decision = Decision::about(&kit.table, &message).await.event("conversation.created").proving("p-1");
    decision.after.as_mut().unwrap().next_check_at = Some(kit.now());
    let (answer, stage) = (reply(&message, &decision.cid()), assigned("a1", kit.now()));
    kit.written(decision.says(answer).to(stage)).await;
    kit.receive_text(&visitor(), 1, 2).await;
    let waits = kit.opened_in(&Thread::new(APP_ID, "oAnother"), Stage::Unassigned).await;
    kit.written(Decision::on(&kit.table, &waits.cid).await.to(queued(&group("g1"), &waits, kit.now()))).await;
    kit.passes_through(&group("g2")).await;
    kit.table.turn_slots().take(APP_ID, &waits.cid, 5, kit.now()).await.unwrap().unwrap();
    let idempotency =
        IdempotentRequest { scope: ["agent", "say", "k1"].map(str::to_owned), fingerprint: "f1".to_owned() };
    let said = outbound(&visitor(), &NewOutbound::fresh_id(kit.now()), "hello");
    kit.store_outbound(&said, Some(&idempotency)).await.unwrap();
    assert!(matches!(kit.table.sends().claim(&visitor(), &said.id).await.unwrap(), Claimed::Ours(_)));
    what_people_note(kit).await;
}

/// Notes, quick replies, frames and uploads.
async fn what_people_note(kit: &Kit) {
    let author = Author::automatic(AuthorRole::Admin);
    let added = kit.table.visitor_notes().add_note(&visitor(), "note", &author).await.unwrap();
    assert!(matches!(added, NoteAdded::Stored(_)), "{added:?}");
    for owner in [ReplyOwner::All, ReplyOwner::Agent("a0123456789ab".to_owned())] {
        let (title, content) = ("title".to_owned(), "content".to_owned());
        let text = ReplyText { title, shortcut: None, folder: None, content };
        kit.table.quick_replies().create_quick_reply(owner, text, author.clone()).await.unwrap().unwrap();
    }
    let (frames, url) = (kit.table.frames(), "https://shop.example/".to_owned());
    let frame = Frame { id: Frame::fresh_id(), name: "n".to_owned(), url, app_ids: Vec::new(), group_ids: Vec::new() };
    let seen = frames.frames().await.unwrap();
    frames.replace_frames(&kit.vault, &seen, &[frame]).await.unwrap();
    let (media_id, content_type) = ("media-1".to_owned(), "image/png".to_owned());
    let upload = Upload { media_id, content_type, size: 1, uploaded_at: kit.now() };
    assert!(kit.table.pictures().note_upload(&visitor(), &upload).await.unwrap());
}

#[tokio::test]
async fn crate_page_describes_every_item() {
    let kit = Kit::start().await;
    Box::pin(everything(&kit)).await;
    let rows = rows();
    let items = kit.items().await;
    let kinds: BTreeSet<_> = items.iter().map(|item| s(item, "kind")).collect();
    assert_eq!(kinds, rows.keys().cloned().collect(), "the kinds of stored items are the documented ones");
    let mut indexed = BTreeSet::new();
    for item in &items {
        let kind = s(item, "kind");
        let row = &rows[&kind];
        for (name, patterns) in [("pk", &row.pk), ("sk", &row.sk)] {
            let key = s(item, name);
            assert!(patterns.iter().any(|pattern| is_like(pattern, &key)), "{kind}: {name} {key:?}, {patterns:?}");
        }
        for (name, pattern) in [("lists", &row.lists), ("due", &row.due)] {
            let at = s(item, &format!("{name}_pk"));
            assert_eq!(
                s(item, &format!("{name}_sk")).is_empty(),
                at.is_empty(),
                "an index has both keys or none: {item:?}"
            );
            if at.is_empty() {
                continue;
            }
            let like = pattern.as_ref().is_some_and(|pattern| is_like(pattern, &at));
            assert!(like, "{kind}: {name} {at:?}, {pattern:?}");
            indexed.insert((kind.clone(), name));
        }
    }
    for (kind, row) in &rows {
        for (name, pattern) in [("lists", &row.lists), ("due", &row.due)] {
            assert_eq!(indexed.contains(&(kind.clone(), name)), pattern.is_some(), "{kind}: {name}");
        }
    }
    assert!(all_text(&items), "every key is a string");
}

fn all_text(items: &[Item]) -> bool {
    items.iter().all(|item| ["pk", "sk", "kind"].iter().all(|name| !s(item, name).is_empty()))
}

#[test]
fn key_patterns_match_their_keys_only() {
    for (pattern, text) in [
        ("binding", "binding"),
        ("a#<b>", "a#1"),
        ("<a>#<b>", "1#2#3"),
        ("message#<CreateTime>-<MsgId or event>", "message#17-m1"),
    ] {
        assert!(is_like(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in
        [("binding", "bindings"), ("a#<b>", "a#"), ("a#<b>", "b#1"), ("<a>#<b>", "#2"), ("a#<b>#c", "a#1")]
    {
        assert!(!is_like(pattern, text), "{pattern} {text}");
    }
}
