//! Rules for where the deployment runs, and for AWS.

use schemars::Schema;
use serde_json::{Value, json};

use super::{CelRule, attach, tell, text};

/// Rules for `spec.infrastructure`.
pub(crate) fn infrastructure(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            "",
            "has(self.aws) != has(self.onPrem)",
            "%s",
            "has(self.aws) ? 'aws and onPrem are both set: a cluster runs on exactly one of them; remove one' : 'neither aws nor onPrem is set: a cluster runs on exactly one of them; add one'",
        ),
        tell(
            "",
            "has(self.aws) == has(oldSelf.aws) && has(self.onPrem) == has(oldSelf.onPrem)",
            "is %s and cannot become %s: a running cluster does not move; put it back and create a second cluster",
            "(has(oldSelf.aws) ? 'aws' : 'onPrem'), (has(self.aws) ? 'aws' : 'onPrem')",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for `spec.infrastructure.aws`.
pub(crate) fn aws(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            ".region",
            "self.region == oldSelf.region",
            "is %s and cannot become %s: a running cluster does not move; put it back and create a second cluster",
            "oldSelf.region, self.region",
        ),
        tell(
            ".vpcID",
            "self.vpcID == oldSelf.vpcID",
            "is %s and cannot become %s: a running cluster does not move; put it back and create a second cluster",
            "oldSelf.vpcID, self.vpcID",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for `spec.infrastructure.aws.images`.
pub(crate) fn images(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        ".media",
        "self.master.id != self.media.id",
        "master and media name the same image: OpenVidu publishes one for each; copy both ids from its template",
    )];
    attach(schema, RULES);
}

/// Rules for `spec.infrastructure.aws.tags`, a map.
pub(crate) fn tags(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        text(
            "",
            "self.all(key, key.size() > 0 && key.size() <= 128)",
            "a tag's name has from 1 to 128 characters: rename it",
        ),
        tell(
            "",
            "!self.exists(key, key.startsWith('aws:') || key.startsWith('openvidu.io/') || key.startsWith('ov-') || key == 'Name')",
            "%s: tags with such names belong to AWS, OpenVidu or the operator; remove it",
            "self.filter(key, key.startsWith('aws:') || key.startsWith('openvidu.io/') || key.startsWith('ov-') || key == 'Name')[0]",
        ),
    ];
    // AWS allows 50 tags on a resource, and 256 characters in a value; ten are left to the operator and OpenVidu.
    schema.insert("maxProperties".to_owned(), Value::from(40));
    schema.insert(
        "additionalProperties".to_owned(),
        json!({ "type": "string", "maxLength": 256 }),
    );
    attach(schema, RULES);
}
