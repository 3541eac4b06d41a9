//! Tags of balancers, listeners, rules and target groups.

use crate::ec2::{Tags, tag_set};
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

/// The tags of a creating request.
pub(super) fn asked(input: &Record) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    put(&mut tags, input)?;
    Ok(tags)
}

fn put(tags: &mut Tags, input: &Record) -> Result<(), Fault> {
    for tag in input.records("Tags") {
        let key = tag.needed("Key");
        if key.starts_with("aws:") {
            return Err(Fault::validation(
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        tags.insert(
            key.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        );
    }
    Ok(())
}

impl Region {
    fn elb_tags_mut(&mut self, arn: &str) -> Result<&mut Tags, Fault> {
        let now = self.now();
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let (code, found) = match resource.split('/').next().unwrap_or_default() {
            "targetgroup" => (
                "TargetGroupNotFound",
                self.target_groups.seen_mut(arn, now).map(|g| &mut g.tags),
            ),
            "listener" => (
                "ListenerNotFound",
                self.listeners.seen_mut(arn, now).map(|l| &mut l.tags),
            ),
            "listener-rule" => (
                "RuleNotFound",
                self.rules.seen_mut(arn, now).map(|r| &mut r.tags),
            ),
            _ => (
                "LoadBalancerNotFound",
                self.balancers.seen_mut(arn, now).map(|b| &mut b.tags),
            ),
        };
        found.ok_or_else(|| Fault::new(code, format!("'{arn}' not found")))
    }
}

pub(super) fn add(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    for arn in input.texts("ResourceArns") {
        put(region.elb_tags_mut(&arn)?, input)?;
    }
    Ok(Record::new())
}

pub(super) fn remove(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let keys = input.texts("TagKeys");
    for arn in input.texts("ResourceArns") {
        region
            .elb_tags_mut(&arn)?
            .retain(|key, _| !keys.contains(key));
    }
    Ok(Record::new())
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arns = input.texts("ResourceArns");
    // "You can describe the tags for up to 20 resources in a single call."
    if arns.len() > 20 {
        return Err(Fault::validation(
            "No more than 20 resources can be specified",
        ));
    }
    let mut described = Vec::new();
    for arn in arns {
        let tags = tag_set(region.elb_tags_mut(&arn)?);
        described.push(Record::new().with("ResourceArn", arn).with("Tags", tags));
    }
    Ok(Record::new().with("TagDescriptions", described))
}
