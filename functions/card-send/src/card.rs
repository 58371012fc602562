//! The card as it is posted, and what is right about it.

use function::http::{FieldError, Problem};
use serde::{Deserialize, Deserializer};

/// Longest title, in characters: what a card shows.
const TITLE_MAX: usize = 64;

/// Longest page path with its query, in bytes.
const PAGEPATH_MAX: usize = 1024;

/// Longest address or media id, in bytes.
const ADDRESS_MAX: usize = 2048;

/// The seed's message. Fields that it does not name are passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Card {
    #[serde(default)]
    pub(crate) cid: Option<String>,
    #[serde(default)]
    pub(crate) uid: Option<String>,
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) msg_type: i64,
    pub(crate) mini_page: MiniPage,
}

/// What is on the card.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MiniPage {
    /// The mini program's picture and name, for the workbench alone.
    #[serde(default)]
    pub(crate) headimg: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) thumb_url: String,
    pub(crate) title: String,
    pub(crate) pagepath: String,
    #[serde(default)]
    pub(crate) thumb_media_id: String,
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(|_| serde::de::Error::custom("must be 26")),
    }
}

impl Card {
    /// Everything that is wrong with the card, by field.
    pub(crate) fn check(&self, path_cid: &str) -> Result<(), Problem> {
        let page = &self.mini_page;
        let mut wrong = Vec::new();
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                wrong.push(FieldError::new(field, detail));
            }
        };
        must(self.cid.as_ref().is_none_or(|cid| cid == path_cid), "cid", "is not the conversation of the address");
        must(self.msg_type == 26, "msgType", "must be 26");
        must(!page.title.trim().is_empty(), "miniPage.title", "must not be empty");
        must(page.title.chars().count() <= TITLE_MAX, "miniPage.title", "must have at most 64 characters");
        must(!page.pagepath.is_empty(), "miniPage.pagepath", "must not be empty");
        must(page.pagepath.len() <= PAGEPATH_MAX, "miniPage.pagepath", "must have at most 1024 bytes");
        must(
            is_page(&page.pagepath),
            "miniPage.pagepath",
            "must be a page of the mini program, such as pages/index/index",
        );
        for (field, text) in [
            ("miniPage.thumbUrl", &page.thumb_url),
            ("miniPage.thumbMediaId", &page.thumb_media_id),
            ("miniPage.headimg", &page.headimg),
            ("miniPage.name", &page.name),
        ] {
            must(text.len() <= ADDRESS_MAX, field, "must have at most 2048 bytes");
        }
        let cover = !page.thumb_media_id.is_empty() || !page.thumb_url.is_empty();
        must(cover, "miniPage.thumbUrl", "is needed where there is no miniPage.thumbMediaId");
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
    }
}

/// A path of app.json, perhaps with a query: no address, no blanks, no control characters.
fn is_page(path: &str) -> bool {
    let page = path.split('?').next().unwrap_or_default();
    !page.contains(':') && !page.starts_with("//") && !path.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(card: serde_json::Value) -> Vec<String> {
        let card: Card = serde_json::from_value(card).unwrap();
        match card.check("c1") {
            Ok(()) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.field).collect(),
        }
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let page = |title: &str, pagepath: &str, media: &str| serde_json::json!({ "title": title, "pagepath": pagepath, "thumbMediaId": media });
        let card = |msg_type: i64, page| serde_json::json!({ "cid": "c1", "msgType": msg_type, "miniPage": page });
        assert!(errors(card(26, page("T", "pages/index/index?a=b", "m"))).is_empty());
        assert!(errors(card(26, page(&"题".repeat(64), "/pages/index/index", "m"))).is_empty());
        assert_eq!(errors(card(25, page("T", "p", "m"))), ["msgType"]);
        assert_eq!(errors(card(26, page(" ", "p", "m"))), ["miniPage.title"]);
        assert_eq!(errors(card(26, page(&"题".repeat(65), "p", "m"))), ["miniPage.title"]);
        assert_eq!(errors(card(26, page("T", "", "m"))), ["miniPage.pagepath"]);
        assert_eq!(errors(card(26, page("T", "https://a.example/", "m"))), ["miniPage.pagepath"]);
        assert_eq!(errors(card(26, page("T", &"p".repeat(1025), "m"))), ["miniPage.pagepath"]);
        assert_eq!(errors(card(26, page("T", "p", ""))), ["miniPage.thumbUrl"]);
        assert_eq!(errors(card(1, page("", "", ""))).len(), 4);
        let other = serde_json::json!({ "cid": "c2", "msgType": "26", "miniPage": page("T", "p", "m") });
        assert_eq!(errors(other), ["cid"]);
    }
}
