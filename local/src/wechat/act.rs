//! What a visitor does, as the document that is pushed for it.

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
use super::state::{Sim, World};

/// The body of `POST /sim/visitors/{openid}/{act}`.
#[derive(Deserialize)]
pub(super) struct Act {
    pub(super) app_id: String,
    // What the acts carry.
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
    // How it is pushed.
    msg_id: Option<Value>,
    create_time: Option<i64>,
    pub(super) deliveries: Option<usize>,
    pub(super) wait: Option<bool>,
}

/// A push with what it means for the phone.
pub(super) struct Composed {
    pub(super) document: String,
    pub(super) msgtype: String,
    pub(super) content: Value,
    pub(super) msg_id: Option<String>,
    pub(super) create_time: i64,
}

/// Puts the document together, in the order of WeChat's own samples.
pub(super) fn compose(
    world: &mut World,
    sim: &Sim,
    act: &Act,
    openid: &str,
    kind: &str,
    now: Timestamp,
) -> Result<Composed, Problem> {
    let app = world.mini_programs.get(&act.app_id).ok_or_else(|| Problem::unknown(&act.app_id))?;
    let format = app.push.as_ref().map_or(Format::Xml, |push| push.format);
    let create_time = act.create_time.unwrap_or_else(|| now.as_second());
    let head =
        [("ToUserName", json!(app.original_id)), ("FromUserName", json!(openid)), ("CreateTime", json!(create_time))];
    let msg_id = || match act.msg_id.clone() {
        Some(Value::String(text)) => text.parse::<u64>().map_or(json!(text), |number| json!(number)),
        Some(forced) => forced,
        None => Value::Null,
    };
    let msg_id = msg_id();
    let (msgtype, fields, content): (&str, Vec<(&str, Value)>, Value) = match kind {
        "enter" => {
            let from = act.session_from.clone().unwrap_or_default();
            let event = "user_enter_tempsession";
            let fields = vec![("MsgType", json!("event")), ("Event", json!(event)), ("SessionFrom", json!(from))];
            ("event", fields, json!({ "event": event, "session_from": from }))
        }
        "text" => {
            let text = act.content.clone().ok_or_else(|| Problem::invalid("content is missing"))?;
            let fields = vec![("MsgType", json!("text")), ("Content", json!(text)), ("MsgId", Value::Null)];
            ("text", fields, json!({ "content": text }))
        }
        "image" => {
            let (media_id, url) = picture(world, sim, act, now)?;
            let fields = vec![
                ("MsgType", json!("image")),
                ("PicUrl", json!(url)),
                ("MediaId", json!(media_id)),
                ("MsgId", Value::Null),
            ];
            ("image", fields, json!({ "media_id": media_id, "url": url }))
        }
        "card" => card(world, sim, act, now)?,
        "raw" => return raw(world, act, head, format, create_time),
        _ => return Err(Problem::invalid(format!("a visitor cannot {kind:?}: enter, text, image, card, raw"))),
    };
    let msg_id = match msg_id {
        Value::Null if msgtype != "event" => json!(world.msg_id()),
        other => other,
    };
    let numbered = fields.into_iter().map(|(name, value)| (name, if name == "MsgId" { msg_id.clone() } else { value }));
    let fields: Vec<(String, Value)> =
        head.into_iter().chain(numbered).map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Composed {
        document: format.render(&fields),
        msgtype: msgtype.to_owned(),
        content,
        msg_id: (msgtype != "event").then(|| plain(&msg_id)),
        create_time,
    })
}

type Parts = (&'static str, Vec<(&'static str, Value)>, Value);

fn card(world: &mut World, sim: &Sim, act: &Act, now: Timestamp) -> Result<Parts, Problem> {
    let title = act.title.clone().ok_or_else(|| Problem::invalid("title is missing"))?;
    let page = act.page_path.clone().ok_or_else(|| Problem::invalid("page_path is missing"))?;
    let thumb_url = match act.thumb_url.as_deref().unwrap_or(phone::COVER_PATH) {
        path if path.starts_with('/') => format!("{}{path}", sim.url),
        address => address.to_owned(),
    };
    let thumb = match thumb_url.as_str() {
        "" => String::new(),
        _ => world.keep(&act.app_id, "image/png", Bytes::from_static(phone::COVER), now),
    };
    let fields = vec![
        ("MsgType", json!("miniprogrampage")),
        ("MsgId", Value::Null),
        ("Title", json!(title)),
        ("AppId", json!(act.app_id)),
        ("PagePath", json!(page)),
        ("ThumbUrl", json!(thumb_url)),
        ("ThumbMediaId", json!(thumb)),
    ];
    let content = json!({
        "title": title,
        "appid": act.app_id,
        "pagepath": page,
        "thumb_url": thumb_url,
        "thumb_media_id": thumb,
    });
    Ok(("miniprogrampage", fields, content))
}

/// The picture of an image message: the bytes that came with it, or the bundled cover.
fn picture(world: &mut World, sim: &Sim, act: &Act, now: Timestamp) -> Result<(String, String), Problem> {
    let bytes = match act.media_base64.as_deref() {
        None => Bytes::from_static(phone::COVER),
        Some(text) => {
            let text = text.rsplit_once("base64,").map_or(text, |(_, data)| data);
            STANDARD.decode(text).map(Bytes::from).map_err(|_| Problem::invalid("media_base64 is not base64"))?
        }
    };
    let kind = Media::kind(&bytes).ok_or_else(|| Problem::invalid("media_base64 is not a PNG, JPEG or GIF"))?;
    let media_id = world.keep(&act.app_id, kind, bytes, now);
    let url = act.pic_url.clone().unwrap_or_else(|| media_url(&sim.url, &media_id));
    Ok((media_id, url))
}

/// Any other kind: the fields as given, with what every push has put where it is missing; or a whole document.
fn raw(
    world: &mut World,
    act: &Act,
    head: [(&str, Value); 3],
    format: Format,
    create_time: i64,
) -> Result<Composed, Problem> {
    if let Some(document) = act.document.clone() {
        let msgtype = format.field(&document, "MsgType").unwrap_or_else(|| "raw".to_owned());
        let msg_id = format.field(&document, "MsgId");
        let content = json!({ "document": document, "event": format.field(&document, "Event") });
        return Ok(Composed { document, msgtype, content, msg_id, create_time });
    }
    let given = act.fields.clone().ok_or_else(|| Problem::invalid("fields or document is missing"))?;
    let msgtype = given.get("MsgType").and_then(Value::as_str).unwrap_or("raw").to_owned();
    let missing = head.into_iter().filter(|(name, _)| !given.contains_key(*name));
    let mut fields: Vec<(String, Value)> = missing.map(|(name, value)| (name.to_owned(), value)).collect();
    fields.extend(given.clone());
    if msgtype != "event" && !given.contains_key("MsgId") {
        fields.push(("MsgId".to_owned(), act.msg_id.clone().unwrap_or_else(|| json!(world.msg_id()))));
    }
    let of = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let mut content = Value::Object(given.clone());
    content["event"] = json!(of("Event"));
    Ok(Composed {
        document: format.render(&fields),
        msg_id: of("MsgId").map(plain),
        create_time: of("CreateTime").and_then(Value::as_i64).unwrap_or(create_time),
        msgtype,
        content,
    })
}

/// A value as its text, without a string's quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
