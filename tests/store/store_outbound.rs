//! An outbound message is stored once before it is sent.

use jiff::SignedDuration;
use store::{Direction, EarlierRequest, MessageState, NewOutbound, StoreError};

use crate::support::{Fault, Kit, outbound, visitor};

#[tokio::test]
async fn outbound_message_is_read_as_it_was_written() {
    let kit = Kit::start().await;
    let new = outbound(&visitor(), &NewOutbound::fresh_id(kit.now()), "您好 🙂");
    assert_eq!(kit.store_outbound(&new, None).await.unwrap(), EarlierRequest::None);
    let kept = kit.message(&visitor(), &new.id).await;
    assert_eq!((kept.direction, kept.state), (Direction::Out, MessageState::Pending));
    assert_eq!((kept.kind.as_str(), &kept.content), ("text", &new.content));
    assert_eq!((kept.cid, kept.author), (new.cid, Some(new.author)));
    assert_eq!((kept.created_at, kept.parts_sent, kept.attempts, kept.failure), (kit.now(), 0, 0, None));
}

#[tokio::test]
async fn second_message_with_an_id_is_refused() {
    let kit = Kit::start().await;
    let new = outbound(&visitor(), "1772352000-r1", "one");
    kit.store_outbound(&new, None).await.unwrap();
    let before = kit.items().await;
    kit.advance(SignedDuration::from_millis(1));
    let other = outbound(&visitor(), "1772352000-r1", "two");
    assert!(matches!(kit.store_outbound(&other, None).await, Err(StoreError::Conflict)));
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn lost_answer_writes_the_message_once() {
    let kit = Kit::start().await;
    let new = outbound(&visitor(), &NewOutbound::fresh_id(kit.now()), "hello");
    kit.wire.fail("PutItem", 1, &Fault::LostAnswer);
    // The retry finds a message of this id; the caller reads it and recognises its own.
    assert!(matches!(kit.store_outbound(&new, None).await, Err(StoreError::Conflict)));
    assert_eq!(kit.wire.calls("PutItem"), 2);
    assert_eq!(kit.items().await.len(), 1);
    assert_eq!(kit.message(&visitor(), &new.id).await.state, MessageState::Pending);
}
