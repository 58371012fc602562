//! A change of a binding.

use desk::settings::Reception;
use secrecy::SecretString;

use super::{Binding, SigningSecret, vault_seal};
use crate::{
    error::Result,
    item::{AttributeChanges, json, s},
    vault::Vault,
};

/// A change of a binding; what is `None` stays as it is.
#[derive(Debug, Default)]
pub struct BindingChange {
    /// A new name.
    pub name: Option<String>,
    /// A new automatic reply; `Some(None)` removes it.
    pub auto_reply: Option<Option<String>>,
    /// Other settings of reception; `Some(None)` resets them to the defaults.
    pub reception: Option<Option<Reception>>,
    /// A new secret to sign `session-from` with, or that of another binding. It is sealed for this one.
    pub session_from_secret: Option<SigningSecret>,
    /// A new AppSecret; it clears the credential problem.
    pub app_secret: Option<SecretString>,
    /// A new push Token; WeChat has to verify again.
    pub token: Option<SecretString>,
    /// A new EncodingAESKey; the one before it stays valid as the previous.
    pub encoding_aes_key: Option<SecretString>,
}

impl BindingChange {
    /// The names of the fields that it sets or removes.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("name", self.name.is_some()),
            ("auto_reply", self.auto_reply.is_some()),
            ("reception", self.reception.is_some()),
            ("session_from_secret", self.session_from_secret.is_some()),
            ("app_secret", self.app_secret.is_some()),
            ("token", self.token.is_some()),
            ("encoding_aes_key", self.encoding_aes_key.is_some()),
        ];
        fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name)
    }

    /// The attributes to change, the credentials among them sealed.
    pub(super) async fn sealed(&self, vault: &Vault, binding: &Binding) -> Result<AttributeChanges> {
        let app_id = &binding.app_id;
        let mut changes = AttributeChanges::default();
        if let Some(name) = &self.name {
            changes.set("name", s(name));
        }
        match &self.auto_reply {
            Some(Some(text)) => changes.set("auto_reply", s(text)),
            Some(None) => changes.remove("auto_reply"),
            None => {}
        }
        match &self.reception {
            Some(Some(reception)) => changes.set("reception", json(reception)?),
            Some(None) => changes.remove("reception"),
            None => {}
        }
        if let Some(SigningSecret { signer, .. }) = &self.session_from_secret {
            changes.set("session_from_signer", s(signer));
        }
        for (attribute, secret, outdated) in [
            ("session_from_secret", self.session_from_secret.as_ref().map(|signing| &signing.secret), None),
            ("app_secret", self.app_secret.as_ref(), Some("problem")),
            ("token", self.token.as_ref(), Some("verified_at")),
            ("encoding_aes_key", self.encoding_aes_key.as_ref(), None),
        ] {
            if let Some(secret) = secret {
                changes.set(attribute, vault_seal(vault, app_id, secret, attribute).await?);
                if let Some(outdated) = outdated {
                    changes.remove(outdated);
                }
            }
        }
        if self.encoding_aes_key.is_some() {
            let old = vault.open(&binding.encoding_aes_key).await?;
            let attribute = "previous_encoding_aes_key";
            changes.set(attribute, vault_seal(vault, app_id, &old, attribute).await?);
        }
        Ok(changes)
    }
}
