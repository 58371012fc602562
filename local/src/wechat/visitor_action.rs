//! Actions of a visitor, and the documents that WeChat pushes for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::document::Format;
use super::media::Media;
use super::phone;
use super::problem::Problem;
use super::send::media_url;
use super::state::{Sim, WeChatState};

/// The body of `POST /sim/visitors/{openid}/{action}`.
#[derive(Deserialize)]
pub(super) struct VisitorAction {
    pub(super) app_id: String,
    // The content of the action.
    session_from: Option<String>,
    content: Option<String>,
    media_base64: Option<String>,
    pic_url: Option<String>,
    title: Option<String>,
    #[serde(alias = "pagepath")]
    page_path: Option<String>,
    thumb_url: Option<String>,
    fields: Option<Map<String, Value>>,
    document: Option<String>,
    // The form of the push.
    msg_id: Option<Value>,
    create_time: Option<i64>,
    pub(super) deliveries: Option<usize>,
    pub(super) wait: Option<bool>,
}

/// The message of an action: the document to push and the item for the phone's chat.
pub(super) struct VisitorMessage {
    pub(super) document: String,
    pub(super) msgtype: String,
    pub(super) content: Value,
    pub(super) msg_id: Option<String>,
    pub(super) create_time: i64,
}

/// Creates the message. The fields of the document have the order of WeChat's samples.
pub(super) fn compose(
    state: &mut WeChatState,
    sim: &Sim,
    action: &VisitorAction,
    openid: &str,
    kind: &str,
    now: Timestamp,
) -> Result<VisitorMessage, Problem> {
    let app = state.mini_programs.get(&action.app_id).ok_or_else(|| Problem::unknown(&action.app_id))?;
    let format = app.push.as_ref().map_or(Format::Xml, |push| push.format);
    let create_time = action.create_time.unwrap_or_else(|| now.as_second());
    let head =
        [("ToUserName", json!(app.original_id)), ("FromUserName", json!(openid)), ("CreateTime", json!(create_time))];
    let msg_id = || match action.msg_id.clone() {
        Some(Value::String(text)) => text.parse::<u64>().map_or(json!(text), |number| json!(number)),
        Some(given) => given,
        None => Value::Null,
    };
    let msg_id = msg_id();
    let (msgtype, fields, content) = match kind {
        "enter" => enter(action),
        "text" => text(action)?,
        "image" => image(state, sim, action, now)?,
        "card" => card(state, sim, action, now)?,
        "raw" => return raw(state, action, head, format, create_time),
        _ => return Err(Problem::invalid(format!("unknown action {kind:?}: use enter, text, image, card or raw"))),
    };
    let msg_id = match msg_id {
        Value::Null if msgtype != "event" => json!(state.msg_id()),
        other => other,
    };
    let with_msg_id =
        fields.into_iter().map(|(name, value)| (name, if name == "MsgId" { msg_id.clone() } else { value }));
    let fields: Vec<(String, Value)> =
        head.into_iter().chain(with_msg_id).map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(VisitorMessage {
        document: format.render(&fields),
        msgtype: msgtype.to_owned(),
        content,
        msg_id: (msgtype != "event").then(|| plain(&msg_id)),
        create_time,
    })
}

/// The message type, the fields of the document after the common ones, and the content for the phone. A null `MsgId` is replaced by
/// a new one.
type Parts = (&'static str, Vec<(&'static str, Value)>, Value);

fn enter(action: &VisitorAction) -> Parts {
    let from = action.session_from.clone().unwrap_or_default();
    let event = "user_enter_tempsession";
    let fields = vec![("MsgType", json!("event")), ("Event", json!(event)), ("SessionFrom", json!(from))];
    ("event", fields, json!({ "event": event, "session_from": from }))
}

fn text(action: &VisitorAction) -> Result<Parts, Problem> {
    let text = action.content.clone().ok_or_else(|| Problem::invalid("content is missing"))?;
    let fields = vec![("MsgType", json!("text")), ("Content", json!(text)), ("MsgId", Value::Null)];
    Ok(("text", fields, json!({ "content": text })))
}

fn image(state: &mut WeChatState, sim: &Sim, action: &VisitorAction, now: Timestamp) -> Result<Parts, Problem> {
    let (media_id, url) = picture(state, sim, action, now)?;
    let fields =
        vec![("MsgType", json!("image")), ("PicUrl", json!(url)), ("MediaId", json!(media_id)), ("MsgId", Value::Null)];
    Ok(("image", fields, json!({ "media_id": media_id, "url": url })))
}

fn card(state: &mut WeChatState, sim: &Sim, action: &VisitorAction, now: Timestamp) -> Result<Parts, Problem> {
    let title = action.title.clone().ok_or_else(|| Problem::invalid("title is missing"))?;
    let page = action.page_path.clone().ok_or_else(|| Problem::invalid("page_path is missing"))?;
    let thumb_url = match action.thumb_url.as_deref().unwrap_or(phone::COVER_PATH) {
        path if path.starts_with('/') => format!("{}{path}", sim.url),
        address => address.to_owned(),
    };
    let thumb = match thumb_url.as_str() {
        "" => String::new(),
        _ => state.store_media(&action.app_id, "image/png", Bytes::from_static(phone::COVER), now),
    };
    let fields = vec![
        ("MsgType", json!("miniprogrampage")),
        ("MsgId", Value::Null),
        ("Title", json!(title)),
        ("AppId", json!(action.app_id)),
        ("PagePath", json!(page)),
        ("ThumbUrl", json!(thumb_url)),
        ("ThumbMediaId", json!(thumb)),
    ];
    let content = json!({
        "title": title,
        "appid": action.app_id,
        "pagepath": page,
        "thumb_url": thumb_url,
        "thumb_media_id": thumb,
    });
    Ok(("miniprogrampage", fields, content))
}

/// Stores the picture of an image message: the given bytes, or the bundled cover. Returns its media id and URL.
fn picture(
    state: &mut WeChatState,
    sim: &Sim,
    action: &VisitorAction,
    now: Timestamp,
) -> Result<(String, String), Problem> {
    let bytes = match action.media_base64.as_deref() {
        None => Bytes::from_static(phone::COVER),
        Some(text) => {
            let text = text.rsplit_once("base64,").map_or(text, |(_, data)| data);
            STANDARD.decode(text).map(Bytes::from).map_err(|_| Problem::invalid("media_base64 is not base64"))?
        }
    };
    let kind = Media::content_type(&bytes).ok_or_else(|| Problem::invalid("media_base64 is not a PNG, JPEG or GIF"))?;
    let media_id = state.store_media(&action.app_id, kind, bytes, now);
    let url = action.pic_url.clone().unwrap_or_else(|| media_url(&sim.url, &media_id));
    Ok((media_id, url))
}

/// A message of any other type: the given document, or the given fields with the common fields added where they are missing.
fn raw(
    state: &mut WeChatState,
    action: &VisitorAction,
    head: [(&str, Value); 3],
    format: Format,
    create_time: i64,
) -> Result<VisitorMessage, Problem> {
    if let Some(document) = action.document.clone() {
        let msgtype = format.field(&document, "MsgType").unwrap_or_else(|| "raw".to_owned());
        let msg_id = format.field(&document, "MsgId");
        let content = json!({ "document": document, "event": format.field(&document, "Event") });
        return Ok(VisitorMessage { document, msgtype, content, msg_id, create_time });
    }
    let given = action.fields.clone().ok_or_else(|| Problem::invalid("fields or document is missing"))?;
    let msgtype = given.get("MsgType").and_then(Value::as_str).unwrap_or("raw").to_owned();
    let missing = head.into_iter().filter(|(name, _)| !given.contains_key(*name));
    let mut fields: Vec<(String, Value)> = missing.map(|(name, value)| (name.to_owned(), value)).collect();
    fields.extend(given.clone());
    if msgtype != "event" && !given.contains_key("MsgId") {
        fields.push(("MsgId".to_owned(), action.msg_id.clone().unwrap_or_else(|| json!(state.msg_id()))));
    }
    let field = |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let mut content = Value::Object(given.clone());
    content["event"] = json!(field("Event"));
    Ok(VisitorMessage {
        document: format.render(&fields),
        msg_id: field("MsgId").map(plain),
        create_time: field("CreateTime").and_then(Value::as_i64).unwrap_or(create_time),
        msgtype,
        content,
    })
}

/// The text of a value; a string without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
