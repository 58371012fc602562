//! The stable codes of refusals.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// A status and a code that an operation may refuse with.
pub type Refusal = (u16, Code);

macro_rules! codes {
    ($($name:ident = $text:literal: $description:literal,)*) => {
        /// A stable code of a refusal, for a program to act on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $description] $name,)*
        }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as it is written in an answer.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What the code means, in one sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$name => $description,)*
                }
            }
        }
    };
}

codes! {
    // Of any request.
    Malformed = "malformed": "The body is not JSON.",
    Unauthorized = "unauthorized": "There is no valid access token in the `Authorization` header.",
    Forbidden = "forbidden": "The access token does not permit the operation.",
    NotFound = "not_found": "There is no such resource.",
    MethodNotAllowed = "method_not_allowed": "The resource does not have this method; `Allow` lists those that it has.",
    Conflict = "conflict": "Another request changed the resource at the same time. Read it and try again.",
    TooLarge = "too_large": "The body is larger than the operation takes.",
    Invalid = "invalid": "Fields of the request are missing or have values that are not permitted; `errors` names them.",
    Internal = "internal": "An unexpected error. The function's log has the cause.",
    Unavailable = "unavailable": "The database did not accept or answer the call, or the request took too long; `detail` says whether it may have taken effect. `Retry-After` has the seconds to wait.",
    IdempotencyKeyReused = "idempotency.key_reused": "The `Idempotency-Key` was used for a request with another body.",
    // Settings.
    AccessTokenLastAdmin = "access_token.last_admin": "Without the token there would be no valid admin token.",
    AgentAtCapacity = "agent.at_capacity": "The agent has as many conversations as their capacity permits.",
    AgentDisabled = "agent.disabled": "The agent is disabled.",
    AgentHasConversations = "agent.has_conversations": "The agent has open conversations.",
    AgentHasWaiting = "agent.has_waiting": "Conversations wait for the agent.",
    AgentInGroups = "agent.in_groups": "The agent is a member of a group.",
    AgentOffline = "agent.offline": "The agent is offline, or their last heartbeat is too old.",
    AgentTooManyTokens = "agent.too_many_tokens": "Twenty access tokens already name the agent.",
    AliasTaken = "alias.taken": "Another resource of this kind has one of these ids or aliases.",
    SignInInvalid = "sign_in.invalid": "There is no such sign-in code, it was used, or it has expired.",
    BindingExists = "binding.exists": "The mini program is already bound.",
    BindingGone = "binding.gone": "The mini program is no longer bound.",
    CalendarInUse = "calendar.in_use": "Groups use the calendar; `detail` names them.",
    GroupHasWaiting = "group.has_waiting": "Conversations wait for the group.",
    GroupInUse = "group.in_use": "Bindings or merchants use the group; `detail` names them.",
    GroupUnavailable = "group.unavailable": "No agent of the group can take the conversation, and it cannot wait there.",
    QuickReplyTooMany = "quick_reply.too_many": "The agent, or all groups together, have the maximum number of quick replies.",
    QuestionExists = "question.exists": "The robot has a question with this id.",
    RobotInUse = "robot.in_use": "Bindings use the robot; `detail` names them.",
    RobotKnowsEnough = "robot.knows_enough": "The robot has the maximum number of questions.",
    VisitorTooManyNotes = "visitor.too_many_notes": "The visitor has the maximum number of notes.",
    // Conversations and messages.
    ConversationClosed = "conversation.closed": "The conversation is closed. The visitor's next message opens a new one.",
    ConversationNotAssigned = "conversation.not_assigned": "The conversation is not assigned to the agent.",
    ConversationTaken = "conversation.taken": "Another agent has the conversation; `assignee` names them.",
    MessageNotHeld = "message.not_held": "The message is not held, so it cannot be cancelled.",
    MessageOutcomeUnknown = "message.outcome_unknown": "Sending was interrupted; whether the visitor has the message is not known.",
    MessageStopped = "message.stopped": "Sending stopped after some of the parts of a long text.",
    MessageTooLong = "message.too_long": "The text needs more messages than WeChat permits in reply to one.",
    MessageUnsendable = "message.unsendable": "This type of message cannot be sent.",
    // Pictures.
    PictureAddressNotPublic = "picture.address_not_public": "The address of the picture leads into a private network.",
    PictureBadAddress = "picture.bad_address": "The address of the picture is not an https address.",
    PictureMissing = "picture.missing": "There is neither a media id that WeChat still has nor an address to fetch the picture from.",
    PictureRedirects = "picture.redirects": "The address of the picture redirects too often.",
    PictureRefused = "picture.refused": "The address of the picture answers with an error status.",
    PictureTooLarge = "picture.too_large": "The picture is larger than 2 MB.",
    MediaTooLarge = "media.too_large": "The picture is larger than the 4 MB that an answer of this API may have.",
    PictureUnreachable = "picture.unreachable": "The address of the picture does not answer.",
    PictureWrongType = "picture.wrong_type": "The file is not a picture of a type that WeChat takes.",
    // WeChat's limits on replies.
    QuotaExhausted = "quota.exhausted": "All replies that WeChat permits to the visitor's messages are used.",
    QuotaHoldExpired = "quota.hold_expired": "The visitor did not write again in time, so the held text was not sent.",
    QuotaTooManyHeld = "quota.too_many_held": "Twenty texts already wait for the visitor's next message.",
    QuotaWindowClosed = "quota.window_closed": "The visitor's last message is more than 48 hours old.",
    // WeChat's refusals.
    TokenBusy = "token.busy": "The access token for WeChat is being renewed. Try again in a moment.",
    WechatAccessTokenRejected = "wechat.access_token_rejected": "WeChat does not accept the access token.",
    WechatAccountRestricted = "wechat.account_restricted": "WeChat has restricted the mini program's account.",
    WechatAgentAccountRefused = "wechat.agent_account_refused": "WeChat does not accept the agent account.",
    WechatAgentAccountsUnavailable = "wechat.agent_accounts_unavailable": "WeChat's agent accounts are not available to the mini program.",
    WechatAnswerUnreadable = "wechat.answer_unreadable": "WeChat's answer could not be read; whether the request took effect is not known.",
    WechatAuthorizationCodeInvalid = "wechat.authorization_code_invalid": "WeChat does not accept the authorization code.",
    WechatAuthorizationLost = "wechat.authorization_lost": "The mini program has withdrawn its authorization.",
    WechatBrokenOff = "wechat.broken_off": "The connection to WeChat ended early; whether the request took effect is not known.",
    WechatBusy = "wechat.busy": "WeChat is busy. Try again in a moment.",
    WechatClearLimitReached = "wechat.clear_limit_reached": "WeChat's quota was reset as often as WeChat permits.",
    WechatCredentialsRefused = "wechat.credentials_refused": "WeChat does not accept the AppID or the AppSecret.",
    WechatDailyQuotaUsed = "wechat.daily_quota_used": "The mini program's daily quota of WeChat's API is used.",
    WechatInvalidMedia = "wechat.invalid_media": "WeChat does not have the media id, or it is over three days old.",
    WechatInvalidMediaType = "wechat.invalid_media_type": "WeChat does not take files of this type.",
    WechatInvalidOpenid = "wechat.invalid_openid": "WeChat does not know the visitor's openid.",
    WechatIpNotWhitelisted = "wechat.ip_not_whitelisted": "The address of this deployment is not in the mini program's IP allow list.",
    WechatMessageTypeNotPermitted = "wechat.message_type_not_permitted": "WeChat does not permit this type of message.",
    WechatNotPermitted = "wechat.not_permitted": "The mini program lacks the permission for this API of WeChat.",
    WechatPermissionNotGranted = "wechat.permission_not_granted": "The mini program has not granted the permission.",
    WechatPlatformTicketInvalid = "wechat.platform_ticket_invalid": "WeChat does not accept the platform's ticket.",
    WechatRateLimited = "wechat.rate_limited": "WeChat's rate limit is reached. Try again in a moment.",
    WechatRefused = "wechat.refused": "WeChat refused the request; `errcode` has its number.",
    WechatReplyLimitReached = "wechat.reply_limit_reached": "WeChat permits no further reply to the visitor's messages.",
    WechatReplyWindowClosed = "wechat.reply_window_closed": "The visitor's last message is too old for WeChat to permit a reply.",
    WechatRequestInvalid = "wechat.request_invalid": "WeChat finds the request malformed.",
    WechatTextTooLong = "wechat.text_too_long": "The text is longer than WeChat takes.",
    WechatTimedOut = "wechat.timed_out": "WeChat did not answer in time; whether the request took effect is not known.",
    WechatTypingNotShown = "wechat.typing_not_shown": "WeChat does not show the visitor that an agent is typing.",
    WechatUnreachable = "wechat.unreachable": "WeChat cannot be reached; the request was not sent.",
    WechatVisitorUnreachable = "wechat.visitor_unreachable": "The visitor cannot be reached: they blocked the mini program or deleted their account.",
}

impl Code {
    /// The code that is written like this, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// The HTTP status of an answer that says that something was not sent for this reason: 422 where the caller has to change what
    /// they send, 409 where the visitor or the binding does not permit it, 503 where it may be sent again in a moment, 502 where WeChat
    /// or the mini program's account did not take it.
    pub fn status_of_failed_send(self) -> u16 {
        match self.as_str() {
            // The visitor has to write first, or nothing that the caller sends reaches them.
            "wechat.reply_window_closed"
            | "wechat.reply_limit_reached"
            | "wechat.invalid_openid"
            | "wechat.visitor_unreachable"
            | "binding.gone" => 409,
            // WeChat does not take what the caller has given.
            "wechat.invalid_media"
            | "wechat.invalid_media_type"
            | "wechat.message_type_not_permitted"
            | "wechat.request_invalid"
            | "wechat.text_too_long" => 422,
            "unavailable" | "token.busy" => 503,
            code if code.starts_with("quota.") => 409,
            code if code.starts_with("picture.") || code.starts_with("message.") => 422,
            _ => 502,
        }
    }

    /// The codes with which a send may fail.
    pub fn of_failed_sends() -> impl Iterator<Item = Refusal> {
        let is_of_send = |code: &Self| {
            let text = code.as_str();
            *code != Self::MessageNotHeld
                && (matches!(code, Self::BindingGone | Self::TokenBusy | Self::Unavailable)
                    || ["message.", "picture.", "quota.", "wechat."].iter().any(|prefix| text.starts_with(prefix)))
        };
        Self::ALL.iter().copied().filter(is_of_send).map(|code| (code.status_of_failed_send(), code))
    }

    /// The codes with which a check of an AppID and an AppSecret may fail: 422 where the caller or the account's owner
    /// has to correct something, 502 where WeChat did not carry the check out.
    pub fn of_refused_credentials() -> impl Iterator<Item = Refusal> {
        let of_wechat = |code: &Self| code.as_str().starts_with("wechat.");
        Self::ALL.iter().copied().filter(of_wechat).flat_map(|code| [(422, code), (502, code)])
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let description = Self::ALL.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.description()));
        let description = description.collect::<Vec<_>>().join("\n");
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .description(Some(format!("Stable; for a program to act on.\n\n{description}")))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProblemCode".into()
    }
}
