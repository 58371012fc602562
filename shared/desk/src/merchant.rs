//! Merchants of a platform, and the routing levels of the `platform_action` of a `session-from`.

use serde::{Deserialize, Serialize};

use crate::{
    Fault,
    routing::{Level, Lookup, Target, TargetKind, Warning, WarningCode},
    staff::{check_aliases, check_name, is_id},
};

/// 商户: a merchant on a platform whose mini program is shared by all merchants. `session-from` identifies the merchant by
/// its `customerCode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NewMerchant, example = json!({ "name": "花店", "customer_code": "shop-7", "group_id": "g0123456789ab" })))]
#[serde(deny_unknown_fields)]
pub struct Merchant {
    /// The display name, 1 to 60 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 60))]
    pub name: String,
    /// `customerCode` of `platform_action`, 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub customer_code: String,
    /// The group that serves the merchant's visitors.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub group_id: String,
    /// Other values of `customerCode` for the same merchant: at most 20 of 1 to 100 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub aliases: Vec<String>,
}

impl Merchant {
    /// Validates the settings.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_name(&mut faults, "name", &self.name);
        check_aliases(&mut faults, &self.aliases);
        if !is_id(&self.customer_code) {
            faults.push(Fault::new("customer_code", "must have 1 to 100 characters, without white space at the ends"));
        }
        if !is_id(&self.group_id) {
            faults.push(Fault::new("group_id", "must be the id of a group"));
        }
        faults
    }
}

/// Returns the levels of a `platform_action`, and warnings for ids that resolve to nothing.
///
/// The levels are the merchant's group and the main account's group (`flowGroupId`), if given; the first overflows to the
/// second under every condition. An unknown merchant or group has no level, so that the caller can fall back to the
/// binding's group. A `transfer_action` with a resolved target takes precedence over a `platform_action`.
pub fn levels_from_platform_action<R: Into<Lookup>>(
    customer_code: &str,
    merchant: Option<&Merchant>,
    flow_group_id: Option<&str>,
    resolve: impl FnOnce(TargetKind, &str) -> R,
) -> (Vec<Level>, Vec<Warning>) {
    let mut levels = Vec::new();
    let mut warnings = Vec::new();
    if let Some(merchant) = merchant {
        let group = Level::from(Target::Group(merchant.group_id.clone()));
        levels.push(Level { given_id: customer_code.to_owned(), ..group });
    } else {
        let detail = format!("no merchant has the customerCode {customer_code:?}");
        warnings.push(Warning { level: 1, code: WarningCode::MerchantNotFound, detail });
    }
    if let Some(id) = flow_group_id {
        match resolve(TargetKind::Group, id).into().target(TargetKind::Group, id, "the flowGroupId is ignored") {
            Ok(target) => levels.push(Level { given_id: id.to_owned(), ..Level::from(target) }),
            Err((code, detail)) => warnings.push(Warning { level: 2, code, detail }),
        }
    }
    if let [first, _] = levels.as_mut_slice() {
        first.overflows = true;
    }
    (levels, warnings)
}
