//! Held texts go out together.
//!
//! Each message that goes out takes one of the few replies that WeChat grants, so as many texts as fit share one.

/// What goes out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The messages, in order. Each is of at most the bytes asked for, but for a text that is longer by itself.
    pub texts: Vec<String>,
    /// How many of the held texts are in them; the others stay held.
    pub taken: usize,
    /// For each that is taken, the place of its message among `texts`.
    pub places: Vec<usize>,
}

/// Merges held texts, each on a line of its own, into as few messages as possible, and as many of them as `max_parts`
/// replies allow. They keep their order and each stays whole, so that one that does not fit any more holds up those
/// behind it.
///
/// `max_bytes` is what one message may have; a longer text shares its message with none and takes the replies that
/// `parts_of` says. An empty text adds nothing.
pub fn merge(held: &[String], max_bytes: usize, max_parts: u32, parts_of: impl Fn(&str) -> u32) -> Merged {
    let mut merged = Merged::default();
    let mut left = max_parts;
    for text in held {
        // Filling one message after the other is the least number of them, since none may overtake another.
        match merged.texts.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.len() + 1 + text.len() <= max_bytes => {
                last.push('\n');
                last.push_str(text);
            }
            _ => {
                let Some(rest) = left.checked_sub(parts_of(text).max(1)) else {
                    break;
                };
                left = rest;
                merged.texts.push(text.clone());
            }
        }
        merged.places.push(merged.texts.len().saturating_sub(1));
        merged.taken += 1;
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn held(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// Full parts of so many bytes and what remains, none of them ending inside a character.
    fn parts(max_bytes: usize) -> impl Fn(&str) -> u32 + Copy {
        move |text| {
            let (mut count, mut rest) = (0, text);
            while let Some(first) = rest.chars().next() {
                rest = &rest[rest.floor_char_boundary(max_bytes).max(first.len_utf8())..];
                count += 1;
            }
            count
        }
    }

    #[test]
    fn by_example() {
        type Case<'a> = (&'a str, &'a [&'a str], u32, &'a [&'a str], &'a [usize]);
        let cases: &[Case<'_>] = &[
            ("nothing is held", &[], 5, &[], &[]),
            ("one", &["hello"], 5, &["hello"], &[0]),
            ("two in one", &["hello", "you"], 5, &["hello\nyou"], &[0, 0]),
            ("to the last byte", &["12345", "6789"], 5, &["12345\n6789"], &[0, 0]),
            ("one byte more", &["12345", "67890"], 5, &["12345", "67890"], &[0, 1]),
            ("a short one does not overtake", &["12345", "67890", "a"], 5, &["12345", "67890\na"], &[0, 1, 1]),
            ("bytes, not characters", &["你好", "你好"], 5, &["你好", "你好"], &[0, 1]),
            ("no reply", &["a"], 0, &[], &[]),
            ("as many as fit", &["12345", "67890", "abcde"], 2, &["12345", "67890"], &[0, 1]),
            ("what shares a message needs no reply", &["12345", "67890", "a"], 2, &["12345", "67890\na"], &[0, 1, 1]),
            ("a long one is alone", &["a", "12345678901", "b"], 4, &["a", "12345678901", "b"], &[0, 1, 2]),
            ("a long one that does not fit holds up the rest", &["a", "12345678901", "b"], 2, &["a"], &[0]),
            ("an empty one adds nothing", &["", "a", "", "b"], 1, &["a\nb"], &[0, 0, 0, 0]),
        ];
        for &(name, texts, max_parts, expected, places) in cases {
            let merged = merge(&held(texts), 10, max_parts, parts(10));
            assert_eq!(merged.texts, expected, "{name}");
            assert_eq!(merged.places, places, "{name}");
            assert_eq!(merged.taken, places.len(), "{name}");
        }
    }

    /// The least number of replies for these texts in this order, by trying every way to divide them.
    fn least(texts: &[String], max_bytes: usize) -> u32 {
        let mut least = vec![0; texts.len() + 1];
        for end in 1..=texts.len() {
            let from = |start: usize| {
                let joined = texts[start..end].join("\n");
                let allowed = end - start == 1 || joined.len() <= max_bytes;
                allowed.then(|| least[start] + parts(max_bytes)(&joined))
            };
            least[end] = (0..end).filter_map(from).min().unwrap();
        }
        least[texts.len()]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_reply_is_wasted(
            texts in vec("[a你😀\n]{1,9}", 0..10),
            max_bytes in 1_usize..40,
            max_parts in 0_u32..8,
        ) {
            let merged = merge(&texts, max_bytes, max_parts, parts(max_bytes));
            let (out, kept) = texts.split_at(merged.taken);

            prop_assert_eq!(merged.texts.join("\n"), out.join("\n"));
            prop_assert_eq!(merged.places.len(), merged.taken);
            for (place, message) in merged.texts.iter().enumerate() {
                let of = merged.places.iter().zip(out).filter(|(at, _)| **at == place).map(|(_, text)| text.as_str());
                let of: Vec<_> = of.collect();
                prop_assert_eq!(message, &of.join("\n"));
                prop_assert!(message.len() <= max_bytes || of.len() == 1);
            }

            let used: u32 = merged.texts.iter().map(|text| parts(max_bytes)(text)).sum();
            prop_assert_eq!(used, least(out, max_bytes));
            prop_assert!(used <= max_parts);
            if !kept.is_empty() {
                prop_assert!(least(&texts[..=merged.taken], max_bytes) > max_parts, "one more would have gone");
            }
        }
    }
}
