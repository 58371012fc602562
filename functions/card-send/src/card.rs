//! The card as it is posted, and its validation.

use api::{FieldError, Problem};
use serde::{Deserialize, Deserializer};
use store::MEDIA_ID_MAX;
use utoipa::ToSchema;
use wechat::{
    Name, NameError,
    text::{clean_line, is_blank},
};

/// Longest title, in characters: what a card shows.
const TITLE_MAX: usize = 64;

/// Longest page path with its query, in bytes.
const PAGEPATH_MAX: usize = 1024;

/// Longest address or name, in bytes.
const ADDRESS_MAX: usize = 2048;

/// A mini program card (智齿, 小程序卡片对接文档 §4.2). Other fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Card {
    /// The conversation of the path, if given.
    #[serde(default)]
    #[schema(max_length = 512)]
    pub(crate) cid: Option<String>,
    /// The visitor's `uid`, if given.
    #[serde(default)]
    #[schema(max_length = 512)]
    pub(crate) uid: Option<String>,
    /// 26, as a number or as text.
    #[serde(deserialize_with = "number_or_text")]
    #[schema(value_type = CardType)]
    pub(crate) msg_type: i64,
    pub(crate) mini_page: MiniPage,
}

/// What is on the card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MiniPage {
    /// The https address of the mini program's picture, for the workbench alone; at most 2048 bytes.
    #[serde(default)]
    #[schema(max_length = 2048)]
    pub(crate) headimg: String,
    /// The mini program's name, for the workbench alone; at most 2048 bytes.
    #[serde(default)]
    #[schema(max_length = 2048)]
    pub(crate) name: String,
    /// The address of the cover, at most 2048 bytes. Needed where there is no `thumbMediaId`.
    #[serde(default)]
    #[schema(max_length = 2048)]
    pub(crate) thumb_url: String,
    /// What the card shows.
    #[schema(min_length = 1, max_length = 64)]
    pub(crate) title: String,
    /// A page of the mini program with its query, at most 1024 bytes.
    #[schema(min_length = 1, max_length = 1024, example = "pages/index/index?from=card")]
    pub(crate) pagepath: String,
    /// A media id of the cover that WeChat gave, at most 512 bytes.
    #[serde(default)]
    #[schema(max_length = 512)]
    pub(crate) thumb_media_id: String,
}

/// The type of a card, as a number or as text.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum CardType {
    Number(i64),
    Text(String),
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match CardType::deserialize(deserializer)? {
        CardType::Number(number) => Ok(number),
        CardType::Text(text) => text.parse().map_err(|_| serde::de::Error::custom("must be 26")),
    }
}

impl Card {
    /// Refuses a card with every field that is wrong.
    pub(crate) fn check(&self, path_cid: &str, is_web_url: impl Fn(&str) -> bool) -> Result<(), Problem> {
        let page = &self.mini_page;
        let mut wrong = Vec::new();
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                wrong.push(FieldError::new(field, detail));
            }
        };
        must(self.cid.as_ref().is_none_or(|cid| cid == path_cid), "cid", "is not the conversation of the address");
        must(self.msg_type == 26, "msgType", "must be 26");
        let title = Name::parse(&clean_line(&page.title), ADDRESS_MAX);
        must(!is_blank(&page.title), "miniPage.title", "must not be empty");
        must(page.title.chars().count() <= TITLE_MAX, "miniPage.title", "must have at most 64 characters");
        must(title != Err(NameError::Invisible), "miniPage.title", "must have no format or bidirectional characters");
        must(!page.pagepath.is_empty(), "miniPage.pagepath", "must not be empty");
        must(page.pagepath.len() <= PAGEPATH_MAX, "miniPage.pagepath", "must have at most 1024 bytes");
        must(
            is_page(&page.pagepath),
            "miniPage.pagepath",
            "must be a page of the mini program, such as pages/index/index",
        );
        must(page.thumb_url.len() <= ADDRESS_MAX, "miniPage.thumbUrl", "must have at most 2048 bytes");
        let headimg = page.headimg.is_empty() || is_web_url(&page.headimg);
        must(headimg, "miniPage.headimg", "must be an https address on the public internet, of at most 2048 bytes");
        let name = page.name.is_empty() || Name::parse(&page.name, ADDRESS_MAX).is_ok();
        must(
            name,
            "miniPage.name",
            "must have at most 2048 bytes, without control, format and bidirectional characters",
        );
        must(page.thumb_media_id.len() <= MEDIA_ID_MAX, "miniPage.thumbMediaId", "must have at most 512 bytes");
        let cover = !page.thumb_media_id.is_empty() || !page.thumb_url.is_empty();
        must(cover, "miniPage.thumbUrl", "is needed where there is no miniPage.thumbMediaId");
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
    }
}

/// Whether this is a path of app.json, with or without a query: no address, no blanks, no control characters.
fn is_page(path: &str) -> bool {
    let page = path.split('?').next().unwrap_or_default();
    !page.contains(':') && !page.starts_with("//") && !path.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(card: serde_json::Value) -> Vec<String> {
        let card: Card = serde_json::from_value(card).unwrap();
        match card.check("c1", |_| true) {
            Ok(()) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.field).collect(),
        }
    }

    #[test]
    fn card_with_wrong_fields_is_refused_with_all_of_them() {
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
