//! Messages to a visitor (发送客服消息, 客服输入状态).

use serde::{Deserialize, Serialize};

use super::{Api, ApiError};
use crate::Outbound;

/// Options of a send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Makes WeChat show "内容由第三方AI生成" below the message.
    pub ai_generated: bool,
}

/// The typing indicator on the visitor's phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Typing {
    /// Shows "对方正在输入" for about 15 seconds.
    #[serde(rename = "Typing")]
    Start,
    /// Hides it.
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

/// The response of a call without a result. `errcode` is required: a response without it does not confirm the call.
#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(rename = "errcode")]
    _errcode: i64,
}

impl Api {
    /// `POST /cgi-bin/message/custom/send`. WeChat allows five messages within 48 hours after each message of the visitor, and two
    /// within one minute after the visitor enters. After an error, check [`ApiError::outcome`] before the message is sent again.
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
        // Not `…/custom/business/send`, which older pages name: that call is for sub-merchants.
        self.post_command("/cgi-bin/message/custom/send", access_token, &body).await
    }

    /// `POST /cgi-bin/message/custom/typing`. WeChat accepts it within 30 seconds of a message between visitor and agent.
    pub async fn typing(&self, access_token: &str, touser: &str, typing: Typing) -> Result<(), ApiError> {
        let body = SetTyping { touser, command: typing };
        self.post_command("/cgi-bin/message/custom/typing", access_token, &body).await
    }

    async fn post_command(&self, path: &str, access_token: &str, body: &impl Serialize) -> Result<(), ApiError> {
        let _: Acknowledgement = self.post(path, &[access_token], &[("access_token", access_token)], body).await?;
        Ok(())
    }
}
