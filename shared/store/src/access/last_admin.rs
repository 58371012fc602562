//! The condition that an admin token remains. It is part of the transaction that ends one, so that two callers do not each
//! end the token that the other one relies on.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, builders::ConditionCheckBuilder};
use desk::policy::Grant;

use super::read;
use crate::{
    error::Result,
    item::{Read, at, s},
    keys,
    table::Table,
    transaction::built,
};

impl Table {
    /// The condition under which the tokens with the hashes `ending` may end: the bootstrap token is not retired, or another
    /// admin token is valid. `None` when it is not met now.
    pub(super) async fn admin_remains_check(
        &self,
        ending: &[&str],
        bootstrap: &str,
    ) -> Result<Option<TransactWriteItem>> {
        if self.token_verifier().bootstrap_is_retired(bootstrap).await? {
            return self.other_admin_check(ending).await;
        }
        let not_retired = self.access_check(bootstrap, keys::RETIRED, "attribute_not_exists(pk)");
        condition(not_retired).map(Some)
    }

    /// The condition that an admin token other than those with these hashes is valid. `None` when there is none now. The
    /// bootstrap token does not count.
    pub(super) async fn other_admin_check(&self, ending: &[&str]) -> Result<Option<TransactWriteItem>> {
        let Some(hash) = self.admin_token_hash(ending).await? else {
            return Ok(None);
        };
        let valid = "attribute_exists(pk) AND (attribute_not_exists(expires_at) OR expires_at > :now)";
        let check = self.access_check(&hash, keys::ACCESS, valid);
        condition(check.expression_attribute_values(":now", at(self.clock.now()))).map(Some)
    }

    /// The hash of a valid admin token, other than those with these hashes.
    async fn admin_token_hash(&self, except: &[&str]) -> Result<Option<String>> {
        let now = self.clock.now();
        let mut cursor = None;
        loop {
            let (found, next) = self.list_keys(keys::LIST_ACCESS, cursor.as_deref(), 100).await?;
            for item in self.get_all(&found).await? {
                let token = read(&item)?;
                let hash = keys::access_hash(Read { kind: keys::ACCESS, item: &item }.s("pk")?);
                let counts = token.grant == Grant::Admin && !token.is_expired(now);
                let Some(hash) = hash.filter(|hash| counts && !except.contains(hash)) else { continue };
                let active = match &token.agent_id {
                    Some(agent) => self.token_verifier().agent_is_active(agent).await?,
                    None => true,
                };
                if active {
                    return Ok(Some(hash.to_owned()));
                }
            }
            cursor = next;
            if cursor.is_none() {
                return Ok(None);
            }
        }
    }

    /// A condition on an item of the token with this hash.
    fn access_check(&self, hash: &str, sk: &str, condition: &str) -> ConditionCheckBuilder {
        let check = ConditionCheck::builder().table_name(&self.name);
        check.key("pk", s(keys::access(hash))).key("sk", s(sk)).condition_expression(condition)
    }
}

fn condition(check: ConditionCheckBuilder) -> Result<TransactWriteItem> {
    Ok(TransactWriteItem::builder().condition_check(built(check.build())?).build())
}
