//! Messages to a visitor.

use serde::{Deserialize, Serialize};

use super::{Api, ApiError};
use crate::Outbound;

/// What goes along with a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// WeChat writes "内容由第三方AI生成" in grey below the message.
    pub ai_generated: bool,
}

/// What the visitor sees of the agent's typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Typing {
    /// "对方正在输入", for about 15 seconds.
    #[serde(rename = "Typing")]
    Start,
    /// No longer.
    #[serde(rename = "CancelTyping")]
    Cancel,
}

#[derive(Serialize)]
struct Send<'a> {
    touser: &'a str,
    msgtype: &'static str,
    #[serde(flatten)]
    message: &'a Outbound,
    #[serde(skip_serializing_if = "Option::is_none")]
    aimsgcontext: Option<AiContext>,
}

#[derive(Serialize)]
struct AiContext {
    is_ai_msg: u8,
}

#[derive(Serialize)]
struct SetTyping<'a> {
    touser: &'a str,
    command: Typing,
}

/// A call that acts has taken effect only if WeChat says so in as many words: here `errcode` is never left out.
#[derive(Deserialize)]
struct Done {
    #[serde(rename = "errcode")]
    _errcode: i64,
}

impl Api {
    /// `POST /cgi-bin/message/custom/send`. WeChat allows five messages within 48 hours after each message of the visitor and two within a
    /// minute after entering. After an error look at [`ApiError::outcome`] before anything is sent again.
    pub async fn send(
        &self,
        access_token: &str,
        touser: &str,
        message: &Outbound,
        options: SendOptions,
    ) -> Result<(), ApiError> {
        let body = Send {
            touser,
            msgtype: message.kind(),
            message,
            aimsgcontext: options.ai_generated.then_some(AiContext { is_ai_msg: 1 }),
        };
        // Not `…/custom/business/send`, which the pages named for years: that is for sub-merchants.
        self.act("/cgi-bin/message/custom/send", access_token, &body).await
    }

    /// `POST /cgi-bin/message/custom/typing`. Works within 30 seconds after an exchange with the visitor.
    pub async fn typing(&self, access_token: &str, touser: &str, typing: Typing) -> Result<(), ApiError> {
        let body = SetTyping { touser, command: typing };
        self.act("/cgi-bin/message/custom/typing", access_token, &body).await
    }

    async fn act(&self, path: &str, access_token: &str, body: &impl Serialize) -> Result<(), ApiError> {
        let _: Done = self.post(path, &[access_token], &[("access_token", access_token)], body).await?;
        Ok(())
    }
}
