//! Visitors: what is stored of them beside their messages.

use desk::{
    limits::{Block, Used},
    quota::Ledger,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use wechat::{
    Name, WebUrl,
    session_from::{SignatureVersion, Verification},
};

use crate::{
    error::{Result, StoreError},
    handles::ThreadReader,
    item::{Attributes, Build, Read, n, s},
    keys,
    marks::Marks,
    message::Message,
    preview::Preview,
    retention::Retention,
    table::SERVICE,
    thread::Thread,
};

/// A visitor of a mini program. It is written whole, on condition that its version is the one that was read. Absent fields are left
/// out: with every message the item is written, and each kilobyte costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Visitor {
    /// Their open conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_cid: Option<String>,
    /// The `session-from` they last entered with: the part of it that is read, some 4 KB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_from: Option<String>,
    /// When they entered with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_from_at: Option<Timestamp>,
    /// The verification of its signature then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// The version that its signature says it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_version: Option<SignatureVersion>,
    /// When they were first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_at: Option<Timestamp>,
    /// When they last wrote or entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
    /// When they were last greeted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeted_at: Option<Timestamp>,
    /// What `session-from` says of them.
    pub profile: Profile,
    /// The replies that WeChat has granted and those that were used. Earlier versions stored `null` for an empty one.
    #[serde(deserialize_with = "null_as_default")]
    pub ledger: Ledger,
    /// The ids of the held texts, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
    /// The agent they last talked to, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_agent: Option<(String, Timestamp)>,
    /// What lists show of the messages of their last conversation.
    #[serde(skip_serializing_if = "Preview::is_empty")]
    pub preview: Preview,
    /// Their messages in the current minute.
    #[serde(skip_serializing_if = "is_unused")]
    pub messages: Used,
    /// Their robot turns in the current hour.
    #[serde(skip_serializing_if = "is_unused")]
    pub robot_turns: Used,
    /// That they are blocked, or were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Block>,
    /// What agents note about them.
    #[serde(skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
    /// When their link to the person of their verified `partnerid` was last written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) person_linked_at: Option<Timestamp>,
    /// Since when all that is stored of them is being deleted. What they write meanwhile waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasing_since: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) version: u64,
}

/// What `session-from` says of a visitor. The mini program claims all of it; only a verified `partnerid` is proved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Profile {
    /// The name they gave, at most 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub nickname: Option<String>,
    /// The address of their picture, at most 2048 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub avatar: Option<String>,
    /// Who they are in the customer's own system, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub partnerid: Option<String>,
    /// Whether the `partnerid` came with a valid signature.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub partnerid_verified: bool,
    /// The id of the signer that vouched for the `partnerid`. Missing where it is not verified, and where an earlier version
    /// verified it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub partnerid_signer: Option<String>,
    /// The highest version of the signatures by which this signer vouched for the `partnerid`. Missing where it is not verified.
    /// With 1, the visitor may have copied the signature from another visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub signature_version: Option<SignatureVersion>,
    /// Who they are across one company's mini programs, at most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub unionid: Option<String>,
    /// The robot that was asked for, at most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub robotid: Option<String>,
    /// The merchant they came from, at most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub customer_code: Option<String>,
    /// Free fields of the last `session-from`, in alphabetical order. At most 4096 bytes of JSON.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub params: std::collections::BTreeMap<String, String>,
    /// The customer's own fields of the last `session-from`. At most 4096 bytes of JSON.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub customer_fields: std::collections::BTreeMap<String, String>,
}

impl Profile {
    /// Cleans what a stranger wrote and people see: the nickname has no control, format or bidirectional characters and at most
    /// [`NICKNAME_MAX`] bytes; the avatar is an https address on the public internet, or none.
    pub fn clean(&mut self) {
        self.nickname = self.nickname.take().and_then(|name| Name::cleaned(&name, NICKNAME_MAX)).map(String::from);
        self.avatar = self.avatar.take().and_then(|avatar| WebUrl::of_avatar(&avatar).ok()).map(String::from);
    }

    /// The person that a visitor is, if the `partnerid` is proved.
    pub fn proved(&self) -> Option<ProvedId<'_>> {
        let partnerid = self.partnerid.as_deref().filter(|_| self.partnerid_verified)?;
        Some(ProvedId { partnerid, signer: self.partnerid_signer.as_deref() })
    }
}

/// A person: a verified `partnerid` under the signer that vouched for it. The same `partnerid` under another signer is another
/// person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvedId<'a> {
    /// The `partnerid`.
    pub partnerid: &'a str,
    /// The id of the signer; `None` where an earlier version verified it, without regard to the signer.
    pub signer: Option<&'a str>,
}

fn is_unused(used: &Used) -> bool {
    *used == Used::default()
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    value: D,
) -> std::result::Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

impl Visitor {
    /// Counts their changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Their block, if one is in force at this time.
    pub fn block(&self, now: Timestamp) -> Option<&Block> {
        self.blocked.as_ref().filter(|block| block.is_in_force(now))
    }

    /// Their open conversation, or the last one that had a message.
    pub(crate) fn latest_cid(&self) -> Option<&str> {
        self.open_cid.as_deref().or(Some(self.preview.cid.as_str())).filter(|cid| !cid.is_empty())
    }

    /// The same visitor with the version that a write gives them.
    #[must_use]
    pub fn once_written(mut self) -> Self {
        self.version += 1;
        self
    }

    /// Whether anything is stored of them beside their messages and conversations.
    pub fn is_stored(&self) -> bool {
        self.version > 0
    }

    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::VISITOR, item };
        let mut visitor: Self = read.data()?;
        visitor.version = read.opt_n("version")?.unwrap_or(0);
        visitor.profile.clean();
        visitor.complete_versions();
        Ok(visitor)
    }

    /// Earlier versions stored no version of a signature, and knew version 1 only.
    fn complete_versions(&mut self) {
        let was_valid = matches!(self.verification, Some(Verification::Verified | Verification::Stale));
        if was_valid && self.signature_version.is_none() {
            self.signature_version = Some(SignatureVersion::V1);
        }
        if self.profile.partnerid_verified && self.profile.signature_version.is_none() {
            self.profile.signature_version = Some(SignatureVersion::V1);
        }
    }

    pub(crate) fn write(&self, thread: &Thread, version: u64, retention: Retention) -> Result<Attributes> {
        let expires_from = self.last_seen_at.filter(|_| self.open_cid.is_none());
        Ok(Build::new(keys::VISITOR, thread.pk(), keys::VISITOR)
            .set("app_id", s(&thread.app_id))
            .set("openid", s(&thread.openid))
            .set("version", n(version))
            .maybe("ttl", expires_from.and_then(|seen| retention.visitors.ttl(seen)))
            .data(self)?
            .done())
    }
}

/// The longest nickname of a visitor, in bytes. WeChat permits 32 characters.
pub const NICKNAME_MAX: usize = 256;

/// How many of the newest messages of a thread are read with its visitor. The replies in flight are usually among them.
const NEWEST: i32 = 4;

impl ThreadReader {
    /// The visitor of a thread; a new one if they were never seen.
    pub async fn visitor(&self, thread: &Thread) -> Result<Visitor> {
        let item = self.0.get(thread.pk(), keys::VISITOR, true).await?;
        item.as_ref().map_or_else(|| Ok(Visitor::default()), Visitor::read)
    }

    /// The visitor of a thread, and the messages that their ledger has in flight, by one request unless one of these is older
    /// than the newest messages. A message that this version cannot read is left out.
    pub async fn visitor_with_sends(&self, thread: &Thread) -> Result<(Visitor, Vec<Message>)> {
        // The visitor sorts behind the messages.
        let newest = self.0.between(&thread.pk(), keys::MESSAGE_PREFIX, keys::VISITOR).scan_index_forward(false);
        let answer = newest.limit(1 + NEWEST).send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let mut items = answer.items.unwrap_or_default();
        let Some(visitor) = items.iter().find(|item| has_sort_key(item, keys::VISITOR)) else {
            return Ok((Visitor::default(), Vec::new()));
        };
        let visitor = Visitor::read(visitor)?;
        let mut in_flight: Vec<_> = visitor.ledger.ids_in_flight().map(keys::message).collect();
        items.retain(|item| in_flight.iter().any(|key| has_sort_key(item, key)));
        in_flight.retain(|key| !items.iter().any(|item| has_sort_key(item, key)));
        let older: Vec<_> = in_flight.into_iter().map(|key| (thread.pk(), key)).collect();
        items.extend(self.0.get_all_consistent(&older).await?);
        Ok((visitor, items.iter().filter_map(|item| Message::read(item).ok()).collect()))
    }

    /// The visitors of these threads, in no order; those never seen are left out.
    pub async fn visitors(&self, threads: &[Thread]) -> Result<Vec<(Thread, Visitor)>> {
        let keys: Vec<_> = threads.iter().map(|thread| (thread.pk(), keys::VISITOR.to_owned())).collect();
        let items = self.0.get_all(&keys).await?;
        let read = |item: &Attributes| {
            let read = Read { kind: keys::VISITOR, item };
            Ok((Thread::new(read.s("app_id")?, read.s("openid")?), Visitor::read(item)?))
        };
        items.iter().map(read).collect()
    }

    /// The threads of the person that the visitor of a mini program is: those of every visitor with this `partnerid` under this
    /// signer. Of what an earlier version linked without a signer, those of this mini program, because it vouched for them.
    pub async fn person(&self, app_id: &str, person: &ProvedId<'_>) -> Result<Vec<Thread>> {
        let items = self.0.partition(keys::person(person), "visitor#", 100).await?;
        let read = |item: &Attributes| {
            let read = Read { kind: keys::PERSON, item };
            Ok(Thread::new(read.s("app_id")?, read.s("openid")?))
        };
        let mut threads = items.iter().map(read).collect::<Result<Vec<_>>>()?;
        threads.retain(|thread| person.signer.is_some() || thread.app_id == app_id);
        Ok(threads)
    }
}

fn has_sort_key(item: &Attributes, sk: &str) -> bool {
    item.get("sk").and_then(|value| value.as_s().ok()).is_some_and(|value| value == sk)
}
