//! Which groups a merchant of a platform has.

use serde::{Deserialize, Serialize};

use crate::{
    Fault,
    routing::{Level, Target, TargetKind, Warning, WarningCode},
    staff::{check_aliases, check_name, is_id},
};

/// 商户: a shop on a platform whose mini program serves them all. `session-from` names it by its `customerCode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merchant {
    /// A name for people, 1 to 60 characters.
    pub name: String,
    /// `customerCode` of `platform_action`, 1 to 100 characters.
    pub customer_code: String,
    /// The group that its visitors go to.
    pub group_id: String,
    /// Other codes that mean it: at most 20 of 1 to 100 characters.
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl Merchant {
    /// What is wrong with these settings; nothing if they can be used.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_name(&mut faults, "name", &self.name);
        check_aliases(&mut faults, &self.aliases);
        if !is_id(&self.customer_code) {
            faults.push(Fault::new("customer_code", "must have 1 to 100 characters"));
        }
        if !is_id(&self.group_id) {
            faults.push(Fault::new("group_id", "must be the id of a group"));
        }
        faults
    }
}

/// The levels of a `platform_action`: the merchant's group, which overflows for any reason to the main account's
/// group (`flowGroupId`) if there is one. Who is unknown has no level, so that the binding's own group may take the
/// visitor; a `transfer_action` that leads anywhere has precedence over all this.
pub fn levels_from_platform_action(
    customer_code: &str,
    merchant: Option<&Merchant>,
    flow_group_id: Option<&str>,
    resolve: impl FnOnce(TargetKind, &str) -> Option<Target>,
) -> (Vec<Level>, Vec<Warning>) {
    let mut levels = Vec::new();
    let mut warnings = Vec::new();
    if let Some(merchant) = merchant {
        let group = Level::from(Target::Group(merchant.group_id.clone()));
        levels.push(Level { named: customer_code.to_owned(), ..group });
    } else {
        let detail = format!("no merchant has the customerCode {customer_code:?}");
        warnings.push(Warning { level: 1, code: WarningCode::MerchantNotFound, detail });
    }
    if let Some(id) = flow_group_id {
        if let Some(target) = resolve(TargetKind::Group, id) {
            levels.push(Level { named: id.to_owned(), ..Level::from(target) });
        } else {
            let detail = format!("no group has the flowGroupId {id:?}; it is left out");
            warnings.push(Warning { level: 2, code: WarningCode::TargetNotFound, detail });
        }
    }
    if let [merchants, _] = levels.as_mut_slice() {
        merchants.overflows = true;
    }
    (levels, warnings)
}
