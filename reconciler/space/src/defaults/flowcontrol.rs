//! Priority and fairness.

use super::{Fields, Fill, absent, inner, text, zero};

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name.strip_prefix("flowcontrol.v1.")? {
        "FlowSchemaSpec" => |fields| zero(fields, "matchingPrecedence", 1000),
        "PriorityLevelConfigurationSpec" => |fields| {
            if text(fields, "type") == "Exempt"
                && let Some(exempt) = inner(fields, "exempt")
            {
                shares(exempt, 0);
            }
        },
        "ExemptPriorityLevelConfiguration" => |fields| shares(fields, 0),
        "LimitedPriorityLevelConfiguration" => |fields| shares(fields, 30),
        "QueuingConfiguration" => |fields| {
            zero(fields, "handSize", 8);
            zero(fields, "queues", 64);
            zero(fields, "queueLengthLimit", 50);
        },
        _ => return None,
    })
}

fn shares(fields: &mut Fields, nominal: i64) {
    absent(fields, "nominalConcurrencyShares", nominal);
    absent(fields, "lendablePercent", 0);
}
