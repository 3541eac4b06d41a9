//! What listeners and rules do with a request: forward, redirect, or answer by themselves. Answers fill in what a
//! request left out, as the service does.

use crate::region::Region;
use crate::value::{Record, Value};
use crate::wire::Fault;

use super::target_groups;

impl Region {
    /// The actions of a request, filled in.
    pub(super) fn actions(
        &self,
        input: &Record,
        name: &str,
        balancer: &str,
    ) -> Result<Vec<Record>, Fault> {
        let actions: Vec<_> = input.records(name).collect();
        let [action] = actions[..] else {
            return Err(Fault::new(
                "InvalidLoadBalancerAction",
                "exactly one action must be specified",
            ));
        };
        let kind = action.needed("Type");
        let without = |what: &str| {
            Fault::new(
                "InvalidLoadBalancerAction",
                format!("An action of type '{kind}' needs {what}"),
            )
        };
        let full = Record::new().with("Type", kind);
        let full = match kind {
            "forward" => {
                let arn = Self::forwarded(action).ok_or_else(|| without("one target group"))?;
                self.target_groups
                    .seen(&arn, self.now())
                    .ok_or_else(|| target_groups::not_found(&arn))?;
                if self
                    .balancer_of(&arn)
                    .is_some_and(|other| other != balancer)
                {
                    return Err(Fault::new(
                        "TargetGroupAssociationLimit",
                        format!(
                            "Target group '{arn}' cannot be associated with more than one load balancer"
                        ),
                    ));
                }
                let one = Record::new()
                    .with("TargetGroupArn", &arn)
                    .with("Weight", 1_i64);
                let config = Record::new().with("TargetGroups", vec![one]).with(
                    "TargetGroupStickinessConfig",
                    Record::new().with("Enabled", false),
                );
                full.with("TargetGroupArn", &arn)
                    .with("ForwardConfig", config)
            }
            "redirect" => {
                let config = action
                    .record("RedirectConfig")
                    .ok_or_else(|| without("a RedirectConfig"))?;
                let or =
                    |name: &str, default: &str| config.text(name).unwrap_or(default).to_owned();
                let filled = Record::new()
                    .with("Protocol", or("Protocol", "#{protocol}"))
                    .with("Port", or("Port", "#{port}"))
                    .with("Host", or("Host", "#{host}"))
                    .with("Path", or("Path", "/#{path}"))
                    .with("Query", or("Query", "#{query}"))
                    .with("StatusCode", config.needed("StatusCode"));
                full.with("RedirectConfig", filled)
            }
            "fixed-response" => {
                let config = action
                    .record("FixedResponseConfig")
                    .ok_or_else(|| without("a FixedResponseConfig"))?;
                full.with("FixedResponseConfig", Value::Record(config.clone()))
            }
            _ => {
                return Err(Fault::new(
                    "NotImplemented",
                    format!("the simulator does not know actions of type {kind}"),
                ));
            }
        };
        Ok(vec![full.with("Order", action.integer("Order"))])
    }

    /// The one target group of a forwarding action.
    fn forwarded(action: &Record) -> Option<String> {
        if let Some(arn) = action.text("TargetGroupArn") {
            return Some(arn.to_owned());
        }
        let mut groups = action.record("ForwardConfig")?.records("TargetGroups");
        let arn = groups.next()?.text("TargetGroupArn")?.to_owned();
        groups.next().is_none().then_some(arn)
    }

    /// The balancer whose listeners or rules send to a target group.
    pub(crate) fn balancer_of(&self, target_group: &str) -> Option<String> {
        let sends = |actions: &[Record]| {
            actions
                .iter()
                .any(|action| action.text("TargetGroupArn") == Some(target_group))
        };
        let listener = self.listeners.values().find(|l| sends(&l.actions));
        let rule = || {
            let rule = self.rules.values().find(|r| sends(&r.actions))?;
            self.listeners.get(&rule.listener)
        };
        listener.or_else(rule).map(|l| l.balancer.clone())
    }
}
