//! Held texts go out with the visitor's next message.

use channel::{standing, text_parts, update_ledger};
use desk::held::{HeldText, merge};
use serde_json::{Value, json};
use store::{Author, MessageState, NewOutbound, Result};
use wechat::text::MAX_TEXT;

use crate::{Conversations, decision::Decision};

impl Conversations {
    /// Lets out what was held for this visitor, in as few messages as possible, as far as WeChat grants replies.
    pub(crate) async fn release(&self, decision: &mut Decision<'_>) -> Result<()> {
        if decision.visitor.held.is_empty() {
            return Ok(());
        }
        let because = decision.message.map(|message| message.id.clone());
        let wanted: Vec<_> = decision.visitor.held.iter().cloned().chain(because.clone()).collect();
        let found = self.table.messages_of(&decision.thread, &wanted).await?;
        if found.iter().any(|message| Some(&message.id) == because.as_ref() && message.cid.is_some()) {
            // It was processed before, which the commit will say. What it let out may be held again, under the very id
            // that it would go out by, and a transaction that names an item twice says nothing but that.
            return Ok(());
        }
        let held: Vec<_> = found.into_iter().filter(|message| message.state == MessageState::Held).collect();
        let texts: Vec<HeldText> = held
            .iter()
            .map(|message| HeldText {
                id: message.id.clone(),
                author: message.author.as_ref().and_then(|author| author.name.clone()).unwrap_or_default(),
                text: message.content.get("content").and_then(Value::as_str).unwrap_or_default().to_owned(),
            })
            .collect();
        let now = decision.now;
        let granted = standing(&decision.visitor, now);
        let merged = merge(&texts, MAX_TEXT, granted.replies_left + granted.uncertain_replies, text_parts);
        let (out, kept) = held.split_at(merged.taken.min(held.len()));
        decision.visitor.held = kept.iter().map(|message| message.id.clone()).collect();
        let author = out.first().and_then(|message| message.author.clone());
        let author = author.unwrap_or(Author { role: "agent".to_owned(), name: None });
        let cid = out.first().and_then(|message| message.cid.clone());
        let mut ids = Vec::new();
        for (number, text) in merged.texts.iter().enumerate() {
            let id = decision.id(&format!("released{number}"));
            let parts = text_parts(text);
            if update_ledger(&mut decision.visitor, now, |ledger| ledger.reserve(&id, parts, 0, now)).is_err() {
                tracing::error!(app_id = decision.thread.app_id, id, "a released text has no reply left");
            }
            decision.send(NewOutbound {
                thread: decision.thread.clone(),
                cid: cid.clone(),
                id: id.clone(),
                kind: "text".to_owned(),
                content: json!({ "content": text }),
                author: author.clone(),
                ai: false,
                held: None,
            });
            ids.push(id);
        }
        for (message, text) in out.iter().zip(merged.places) {
            if let Some(id) = ids.get(text).or(ids.last()) {
                decision.released.push((message.id.clone(), id.clone()));
            }
        }
        Ok(())
    }
}
