//! The address that signs a browser in when the bundle has started.

use http::Method;
use serde_json::{Value, json};

use crate::demo::{self, ApiClient};
use crate::{Bundle, LocalError};

impl Bundle {
    /// Whether the bundle has the page that people work in.
    pub fn has_console(&self) -> bool {
        self.template.functions.values().any(|function| function.package == "console")
    }

    /// An address that signs a browser in, once within ten minutes: as the agent of the demo or, without one, as the admin.
    pub async fn sign_in_url(&self) -> Result<String, LocalError> {
        let api_client = ApiClient::new(&self.admin_token)?;
        let path = match demo::agent(&api_client, &self.api_url).await? {
            Some(agent) => format!("agents/{agent}/sign-in-code"),
            None => "access-tokens/bootstrap/sign-in-code".to_owned(),
        };
        let made = api_client.send(Method::POST, &format!("{}/api/{path}", self.api_url), &json!({})).await?;
        let url = made["url"].as_str().map(str::to_owned);
        url.ok_or_else(|| LocalError::Demo(format!("no address in {}", Value::from(path))))
    }

    /// The same address for the page that has the workbench and the phone beside each other; without the simulated WeChat, that of the
    /// workbench.
    pub async fn start_url(&self) -> Result<String, LocalError> {
        let url = self.sign_in_url().await?;
        Ok(match (self.phone_url(), url.split_once('#')) {
            (Some(phone), Some((_, code))) => format!("{phone}/desk#{code}"),
            _ => url,
        })
    }
}
