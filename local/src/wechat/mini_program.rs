//! A mini program in WeChat's console, and its page on the phone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chat::Visitor;
use super::push::Config;
use super::tokens::Tokens;
use super::{api_error, random};

/// The content of a mini program's page on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    /// The `session-from` of the contact button, with placeholders `{{…}}` that the page fills in.
    pub(super) session_from: String,
    /// The value of `{{params}}`.
    pub(super) params: String,
    /// The value of `{{partnerid}}`.
    pub(super) partnerid: String,
    pub(super) send_message_title: String,
    pub(super) send_message_path: String,
    /// A URL, or a path on this server.
    pub(super) send_message_img: String,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            session_from: "sobot|{{userInfo.nickName}}|{{userInfo.avatarUrl}}|{{params}}|partnerid={{partnerid}}"
                .to_owned(),
            params: r#"{"page":"item","item_id":"7"}"#.to_owned(),
            partnerid: "member-7".to_owned(),
            send_message_title: "云南小粒咖啡豆 250 克".to_owned(),
            send_message_path: "pages/item/item?id=7".to_owned(),
            send_message_img: "/phone/cover.png".to_owned(),
        }
    }
}

/// A mini program as in WeChat's console.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MiniProgram {
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) original_id: String,
    pub(super) name: String,
    pub(super) push: Option<Config>,
    pub(super) verified: bool,
    pub(super) frozen: bool,
    pub(super) whitelist: Option<Vec<String>>,
    pub(super) tokens: Tokens,
    pub(super) page: Page,
    pub(super) visitors: BTreeMap<String, Visitor>,
}

impl MiniProgram {
    /// A new mini program, without a push configuration.
    pub(super) fn new(app_id: &str, app_secret: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            app_secret: app_secret.to_owned(),
            original_id: format!("gh_{}", random::hex::<6>()),
            name: format!("小程序 {}", app_id.get(app_id.len().saturating_sub(4)..).unwrap_or(app_id)),
            push: None,
            verified: false,
            frozen: false,
            whitelist: None,
            tokens: Tokens::default(),
            page: Page::default(),
            visitors: BTreeMap::new(),
        }
    }

    /// Resets the `AppSecret` (重置): the previous secret and all tokens become invalid.
    pub(super) fn reset_secret(&mut self, secret: &str) {
        if self.app_secret != secret {
            secret.clone_into(&mut self.app_secret);
            self.tokens.revoke_all(api_error::INVALID_CREDENTIAL);
        }
    }

    /// Whether the text has the form of an app ID.
    pub(super) fn is_app_id(text: &str) -> bool {
        text.strip_prefix("wx").is_some_and(|rest| {
            rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    }
}
