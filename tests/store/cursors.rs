//! A cursor that the store did not issue is refused as invalid, not reported as a database failure.

use jiff::SignedDuration;
use store::{MessageOrder, StoreError};

use crate::support::{Kit, visitor};

/// Encodes as URL-safe base64 without padding, the format of a cursor.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (place, byte)| word | u32::from(*byte) << (16 - 8 * place));
        let letters = (0..=chunk.len()).map(|place| LETTERS[(word >> (18 - 6 * place)) as usize & 63]);
        text.extend(letters.map(char::from));
    }
    text
}

/// Cursors that no list issues.
fn garbage() -> Vec<String> {
    vec![
        String::new(),
        "!".to_owned(),
        "a".to_owned(),
        "====".to_owned(),
        "游标".to_owned(),
        encode(b"\xff\xfe\xfd"),
        encode(&[b'a'; 513]),
        encode(&[b'\n'; 3]),
        encode(b"\0"),
    ]
}

#[test]
fn cursor_is_encoded() {
    assert_eq!([encode(b""), encode(b"f"), encode(b"fo"), encode(b"foo")], ["", "Zg", "Zm8", "Zm9v"]);
    assert_eq!(encode(b"\xfb\xff"), "-_8");
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(page: &Result<T, StoreError>, cursor: &str) {
    assert!(matches!(page, Err(StoreError::Cursor)), "{cursor:?}: {page:?}");
}

#[tokio::test]
async fn lists_refuse_an_invalid_cursor() {
    let kit = Kit::start().await;
    let lists =
        ["", "x", "a\nb", "a\nb\nc\nd", "\n\n", "a\n\nc", "\nb\nc", "a\nb\n"].map(|text| encode(text.as_bytes()));
    for cursor in garbage().iter().chain(&lists) {
        assert_refused(&kit.table.binding_list().bindings(Some(cursor), 10).await, cursor);
        assert_refused(&kit.table.lists().conversations(Some(cursor), 10).await, cursor);
        assert_refused(&kit.table.api_token_writer().api_tokens(Some(cursor), 10).await, cursor);
    }
    assert_eq!(kit.wire.calls("Query"), 0);
}

#[tokio::test]
async fn message_lists_refuse_an_invalid_cursor() {
    let kit = Kit::start().await;
    let conversation = kit.opened(&visitor(), 5, 1).await;
    let before = kit.wire.calls("Query");
    let places =
        ["~", "~~", "", "\u{7f}", "游标", "1772352004000", "1772352004-m1", "1772352004000-m1", "177235200400x-"];
    let places = places.map(|text| encode(text.as_bytes()));
    for cursor in garbage().iter().chain(&places) {
        assert_refused(&kit.table.threads().thread_messages(&visitor(), Some(cursor), 10).await, cursor);
        assert_refused(
            &kit.table
                .threads()
                .conversation_messages(&conversation, MessageOrder::OldestFirst, Some(cursor), 10)
                .await,
            cursor,
        );
    }
    assert_eq!(kit.wire.calls("Query"), before);
    let earlier = encode(b"1772351000000-1772351000-m00000000000000000001");
    assert_eq!(kit.table.threads().thread_messages(&visitor(), Some(&earlier), 10).await.unwrap().items.len(), 1);
    let of_conversation =
        kit.table.threads().conversation_messages(&conversation, MessageOrder::OldestFirst, Some(&earlier), 10).await;
    assert_eq!(of_conversation.unwrap().items.len(), 1);
}

#[tokio::test]
async fn cursor_of_a_missing_message_continues_behind_it() {
    let kit = Kit::start().await;
    for number in 1..=4 {
        kit.advance(SignedDuration::from_secs(1));
        if number != 3 {
            kit.receive_text(&visitor(), i64::from(number), number).await;
        }
    }
    let third = encode(b"1772352003000-1772352003-m00000000000000000003");
    let page = kit.table.threads().thread_messages(&visitor(), Some(&third), 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].content["content"], "text 4");
}
