//! Held texts go out with the visitor's next message.

use channel::{text_part_count, unsent_text};
use desk::{conversation::AuthorRole, held::merge};
use serde_json::json;
use store::{Author, Message, MessageState, NewOutbound, Result, ThreadReader};
use wechat::text::MAX_TEXT;

use crate::decision::Decision;

/// Sends the texts that were held for this visitor, and the rests of those that were sent in part, as far as WeChat grants replies. Consecutive texts of one author in one
/// conversation share a message.
pub(crate) async fn release_held_texts(threads: &ThreadReader, decision: &mut Decision<'_>) -> Result<()> {
    if decision.visitor.held.is_empty() {
        return Ok(());
    }
    let current = decision.message.map(|message| message.id.clone());
    let wanted: Vec<_> = decision.visitor.held.iter().cloned().chain(current.clone()).collect();
    let found = threads.messages_of(&decision.thread, &wanted).await?;
    if found.iter().any(|message| Some(&message.id) == current.as_ref() && message.cid.is_some()) {
        // The message is processed already, which the commit will find. Its released texts may be held again under the
        // id that they would go out with, and a transaction cannot name an item twice.
        return Ok(());
    }
    let held: Vec<_> = found.into_iter().filter(|message| message.state == MessageState::Held).collect();
    let granted = decision.visitor.ledger.quota(decision.now);
    let mut replies = granted.replies_left + granted.uncertain_replies;
    let (mut released, mut sent) = (0, 0);
    for group in held.chunk_by(|one, next| one.author == next.author && one.cid == next.cid) {
        let texts: Vec<_> = group.iter().map(unsent_text).collect();
        let merged = merge(&texts, MAX_TEXT, replies, text_part_count);
        let mut ids = Vec::new();
        for text in &merged.texts {
            replies = replies.saturating_sub(text_part_count(text));
            ids.push(send(decision, &group[0], text, sent));
            sent += 1;
        }
        for (message, place) in group.iter().zip(&merged.places) {
            if let Some(id) = ids.get(*place).or(ids.last()) {
                decision.released.push((message.id.clone(), id.clone()));
            }
        }
        released += merged.taken;
        if merged.taken < group.len() {
            // The order stays: a text that does not fit holds up the later ones.
            break;
        }
    }
    decision.visitor.held = held.iter().skip(released).map(|message| message.id.clone()).collect();
    Ok(())
}

/// Sends a merged text in place of held ones of the same author and conversation as `held`. Returns its id.
fn send(decision: &mut Decision<'_>, held: &Message, text: &str, number: usize) -> String {
    let (id, now) = (decision.outbound_id(&format!("released{number}")), decision.now);
    let parts = text_part_count(text);
    if decision.visitor.ledger.reserve(&id, parts, 0, now).is_err() {
        tracing::error!(id, "no reply is left for a released text");
    }
    decision.send(NewOutbound {
        thread: decision.thread.clone(),
        cid: held.cid.clone(),
        id: id.clone(),
        kind: "text".to_owned(),
        content: json!({ "content": text }),
        author: held.author.clone().unwrap_or(Author::automatic(AuthorRole::Agent)),
        ai: false,
        held: None,
    });
    id
}
