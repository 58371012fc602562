//! Parses a decrypted document into a visitor's message or an event.
//!
//! Source: WeChat's page 接收消息和事件. Fields come in any order, with or without CDATA. The last of repeated fields counts, and a
//! missing field is an empty string. Only `CreateTime` is required, because the deduplication key needs it.

mod content;
mod dedup;

use std::borrow::Cow;

pub use content::Content;
pub use dedup::DedupKey;

use crate::{Error, fields};

/// A message or an event, as WeChat pushed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The receiving mini program: its original id `gh_…`, or its appid in pushes to a cloud function.
    pub to_user_name: String,
    /// The visitor's openid. Empty for events that have no sender.
    pub from_user_name: String,
    /// The time of the message by WeChat's clock, in seconds since 1970 in UTC.
    pub create_time: i64,
    /// `MsgId` as written: up to 20 digits (more than a double holds), or a longer text. Events have none.
    pub msg_id: Option<String>,
    /// The content.
    pub content: Content,
    dedup_id: dedup::DedupId,
}

impl Inbound {
    /// Parses a decrypted document in XML or JSON.
    pub fn parse(document: &(impl AsRef<[u8]> + ?Sized)) -> Result<Self, Error> {
        let document = document.as_ref();
        let mut fields = Fields::default();
        fields::visit(document, |name, value| fields.set(name, value))
            .map_err(|error| error.into_error(Error::Message))?;
        fields.into_inbound(document)
    }

    /// The deduplication key within one appid and one openid. Two deliveries of one push have the same key; two messages
    /// never have.
    pub fn dedup_key(&self) -> DedupKey {
        DedupKey { create_time: self.create_time, id: self.dedup_id.as_str().to_owned() }
    }
}

/// The fields of all kinds of message that are parsed further.
#[derive(Default)]
struct Fields<'a> {
    to_user_name: Cow<'a, str>,
    from_user_name: Cow<'a, str>,
    create_time: Cow<'a, str>,
    msg_type: Cow<'a, str>,
    msg_id: Cow<'a, str>,
    event: Cow<'a, str>,
    session_from: Cow<'a, str>,
    content: Cow<'a, str>,
    pic_url: Cow<'a, str>,
    media_id: Cow<'a, str>,
    title: Cow<'a, str>,
    app_id: Cow<'a, str>,
    page_path: Cow<'a, str>,
    thumb_url: Cow<'a, str>,
    thumb_media_id: Cow<'a, str>,
}

impl<'a> Fields<'a> {
    fn set(&mut self, name: &str, value: Cow<'a, str>) {
        let field = match name {
            "ToUserName" => &mut self.to_user_name,
            "FromUserName" => &mut self.from_user_name,
            "CreateTime" => &mut self.create_time,
            "MsgType" => &mut self.msg_type,
            "MsgId" => &mut self.msg_id,
            "Event" => &mut self.event,
            "SessionFrom" => &mut self.session_from,
            "Content" => &mut self.content,
            "PicUrl" => &mut self.pic_url,
            "MediaId" => &mut self.media_id,
            "Title" => &mut self.title,
            "AppId" => &mut self.app_id,
            "PagePath" => &mut self.page_path,
            "ThumbUrl" => &mut self.thumb_url,
            "ThumbMediaId" => &mut self.thumb_media_id,
            _ => return,
        };
        *field = value;
    }

    fn into_inbound(self, document: &[u8]) -> Result<Inbound, Error> {
        let create_time = self.create_time.trim_ascii().parse().map_err(|_| Error::CreateTime)?;
        let msg_type = self.msg_type.trim_ascii();
        let msg_id = Some(self.msg_id.trim_ascii()).filter(|id| !id.is_empty());
        let event = (msg_type == "event").then(|| self.event.trim_ascii());
        let dedup_id = match (event, msg_id) {
            (None, Some(id)) => dedup::DedupId::of_message(id),
            (event, _) => dedup::DedupId::of_event(event.unwrap_or(msg_type), document),
        };
        let msg_id = msg_id.map(str::to_owned);
        let content = match (msg_type, event) {
            ("text", _) => Content::Text { content: self.content.into_owned() },
            ("image", _) => Content::Image { pic_url: self.pic_url.into_owned(), media_id: self.media_id.into_owned() },
            ("miniprogrampage", _) => Content::MiniProgramPage {
                title: self.title.into_owned(),
                app_id: self.app_id.into_owned(),
                page_path: self.page_path.into_owned(),
                thumb_url: self.thumb_url.into_owned(),
                thumb_media_id: self.thumb_media_id.into_owned(),
            },
            (_, Some(content::ENTER_TEMP_SESSION)) => {
                Content::EnterTempSession { session_from: self.session_from.into_owned() }
            }
            (msg_type, event) => Content::Other {
                msg_type: msg_type.to_owned(),
                event: event.map(str::to_owned),
                raw: std::str::from_utf8(document).map_err(|_| Error::NotUtf8)?.to_owned(),
            },
        };
        Ok(Inbound {
            to_user_name: self.to_user_name.trim_ascii().to_owned(),
            from_user_name: self.from_user_name.trim_ascii().to_owned(),
            create_time,
            msg_id,
            content,
            dedup_id,
        })
    }
}
