//! What people note about visitors, and what they keep for each other: notes, marks, quick replies, frames, uploads.

use std::sync::Arc;

use desk::{conversation::AuthorRole, policy::Role};
use jiff::SignedDuration;
use store::{
    AuditActor, Author, ExposeSecret, Frame, MarksChange, NoteAdded, PictureRef, ReplyOwner, ReplyText, StoreError,
    Upload,
};

use crate::support::{Fault, Kit, concurrently, s, visitor};

fn author() -> Author {
    Author { role: AuthorRole::Agent, name: Some("Lin".to_owned()), agent_id: Some("a1".to_owned()) }
}

/// A visitor who has written.
async fn with_visitor() -> Kit {
    let kit = Kit::start().await;
    kit.opened(&visitor(), 0, 1).await;
    kit
}

async fn erase(kit: &Kit) {
    let actor = Arc::new(AuditActor { token_id: "t1".to_owned(), name: None, role: Role::Admin, agent_id: None });
    let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
    kit.table.erasures().begin(&visitor(), &seen, &actor).await.unwrap();
}

#[tokio::test]
async fn notes_that_are_written_at_once_are_all_there_and_change_the_visitor() {
    let kit = with_visitor().await;
    let before = kit.table.threads().visitor(&visitor()).await.unwrap().version();
    let notes = kit.table.visitor_notes();
    let who = &visitor();
    let added = concurrently(5, |number| {
        let notes = notes.clone();
        async move { notes.add_note(&visitor(), &format!("note {number}"), &author()).await.unwrap() }
    })
    .await;
    assert!(added.iter().all(|added| matches!(added, NoteAdded::Stored(_))), "{added:?}");
    let stored = kit.table.threads().notes(who).await.unwrap();
    assert_eq!((stored.len(), stored[0].author.clone()), (5, author()));
    let after = kit.table.threads().visitor(who).await.unwrap();
    assert_eq!(after.version(), before + 5);
    assert!(notes.delete_note(who, &stored[0].id).await.unwrap());
    assert!(!notes.delete_note(who, &stored[0].id).await.unwrap());
    assert_eq!(kit.table.threads().note(who, &stored[1].id).await.unwrap(), Some(stored[1].clone()));
    // They expire after the period of visitors.
    let item = kit.items_of("note").await.remove(0);
    assert_eq!(
        item["ttl"].as_n().unwrap(),
        &(kit.now() + SignedDuration::from_hours(24 * 400)).as_second().to_string()
    );
}

#[tokio::test]
async fn marks_change_what_they_name_and_store_nothing_where_they_are_empty() {
    let kit = with_visitor().await;
    let notes = kit.table.visitor_notes();
    let change = MarksChange { tags: Some(vec!["VIP".to_owned()]), starred: Some(true), ..MarksChange::default() };
    let marked = notes.mark(&visitor(), &change).await.unwrap().unwrap();
    assert_eq!((marked.marks.tags.len(), marked.marks.starred, &marked.marks.remark_name), (1, true, &None));
    assert_eq!(kit.table.threads().visitor(&visitor()).await.unwrap(), marked);
    let none = MarksChange { tags: Some(Vec::new()), starred: Some(false), ..MarksChange::default() };
    notes.mark(&visitor(), &none).await.unwrap().unwrap();
    let item = kit.items_of("visitor").await.remove(0);
    assert!(!s(&item, "data").contains("marks"), "{item:?}");
}

#[tokio::test]
async fn visitor_who_is_being_erased_gets_no_notes_marks_or_uploads() {
    let kit = with_visitor().await;
    erase(&kit).await;
    let notes = kit.table.visitor_notes();
    assert_eq!(notes.add_note(&visitor(), "late", &author()).await.unwrap(), NoteAdded::NoVisitor);
    let star = MarksChange { starred: Some(true), ..MarksChange::default() };
    assert_eq!(notes.mark(&visitor(), &star).await.unwrap(), None);
    let (media_id, content_type) = ("m".to_owned(), "image/png".to_owned());
    let upload = Upload { media_id, content_type, size: 1, uploaded_at: kit.now() };
    assert!(!kit.table.pictures().note_upload(&visitor(), &upload).await.unwrap());
    let unknown = PictureRef { thread: visitor(), picture: "1-m1".to_owned() };
    assert!(!kit.table.pictures().note_kept(&unknown, 7).await.unwrap(), "the message is gone");
    assert_eq!((kit.items_of("note").await.len(), kit.items_of("upload").await.len()), (0, 0));
}

#[tokio::test]
async fn note_is_not_stored_twice_when_an_answer_is_lost() {
    let kit = with_visitor().await;
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    kit.table.visitor_notes().add_note(&visitor(), "once", &author()).await.unwrap();
    assert_eq!(kit.items_of("note").await.len(), 1);
}

#[tokio::test]
async fn quick_reply_that_has_changed_is_not_replaced() {
    let kit = Kit::start().await;
    let replies = kit.table.quick_replies();
    let text =
        |content: &str| ReplyText { title: "t".to_owned(), shortcut: None, folder: None, content: content.to_owned() };
    let made = replies.create_quick_reply(ReplyOwner::All, text("one"), author()).await.unwrap().unwrap();
    assert_eq!(ReplyOwner::of_id(&made.id), Some(ReplyOwner::All));
    let changed = replies.change_quick_reply(&made, text("two"), author()).await.unwrap();
    let stale = replies.change_quick_reply(&made, text("three"), author()).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    assert_eq!(replies.quick_reply(&made.id).await.unwrap(), Some(changed));
    for wrong in ["", "all", "all-", "x-0123456789abcdef0123456789abcdef", "all-0123456789ABCDEF0123456789abcdef"] {
        assert_eq!(ReplyOwner::of_id(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn frames_that_have_changed_are_not_replaced() {
    let kit = Kit::start().await;
    let frames = kit.table.frames();
    let frame = |url: &str| Frame {
        id: Frame::fresh_id(),
        name: "n".to_owned(),
        url: url.to_owned(),
        app_ids: Vec::new(),
        group_ids: Vec::new(),
    };
    let (seen, one) = (frames.frames().await.unwrap(), frame("https://a.example/"));
    let made = frames.replace_frames(&kit.vault, &seen, std::slice::from_ref(&one)).await.unwrap();
    let stale = frames.replace_frames(&kit.vault, &seen, &[frame("https://b.example/")]).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    assert_eq!(kit.table.frame_reader().frames().await.unwrap().items, [one]);
    let key = frames.key(&kit.vault, &made[0].0).await.unwrap().unwrap();
    assert_eq!(key.expose_secret(), made[0].1.expose_secret());
    assert_eq!(kit.items_of("frame_key").await.len(), 1, "the refused frame has no key");
    assert!(frames.key(&kit.vault, "f000000000000").await.unwrap().is_none());
    // The key of a frame that was deleted meanwhile.
    frames.replace_frames(&kit.vault, &frames.frames().await.unwrap(), &[]).await.unwrap();
    let rotated = frames.rotate_key(&kit.vault, &made[0].0).await.map(drop);
    assert!(matches!(rotated, Err(StoreError::Conflict)), "{rotated:?}");
    assert_eq!(kit.items_of("frame_key").await.len(), 0);
}
