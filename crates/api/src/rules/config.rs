//! Rules for OpenVidu's own configuration keys.
//!
//! The keys that follow from other fields are refused by name, so that there is one place to look; those that
//! may hold a secret belong into a Secret.

use schemars::Schema;
use serde_json::{Value, json};

use super::{CelRule, attach, tell, text};

/// Keys that the operator writes itself, for OpenVidu 2 and 3.
macro_rules! owned {
    () => {
        "^(DOMAIN_OR_PUBLIC_IP|DOMAIN_NAME|CERTIFICATE_TYPE|OPENVIDU_SECRET|OPENVIDU_EDITION|OPENVIDU_RECORDING|OPENVIDU_RECORDING_PATH|OPENVIDU_PRO_LICENSE|OPENVIDU_PRO_CLUSTER_(ID|MODE|ENVIRONMENT|MEDIA_NODES|PATH|TEST)|OPENVIDU_PRO_CLUSTER_AUTOSCALING(_.*)?|OPENVIDU_PRO_COTURN_IN_MEDIA_NODES|OPENVIDU_PRO_RECORDING_STORAGE|OPENVIDU_PRO_ELASTICSEARCH(_HOST)?|OPENVIDU_PRO_KIBANA_HOST|OPENVIDU_PRO_CONFIG_S3_BUCKET|OPENVIDU_PRO_AWS_S3_BUCKET|OPENVIDU_PRO_AWS_(ACCESS|SECRET)_KEY|OPENVIDU_PRO_AWS_REGION|OPENVIDU_ENTERPRISE_MEDIA_SERVER|OPENVIDU_ENTERPRISE_S3_CONFIG_AUTORESTART|OPENVIDU_ENTERPRISE_HA_.*|ELASTICSEARCH_(USERNAME|PASSWORD)|MULTI_MASTER_.*|KMS_URIS|COTURN_(IP|PORT|SHARED_SECRET_KEY)|RM_.*|REDIS_.*|AWS_.*|LIVEKIT_API_(KEY|SECRET)|OPENVIDU_RTC_ENGINE|ENABLED_MODULES|(MASTER|MEDIA)_NODE_.*|MONGO_(ADMIN_.*|REPLICA_SET_KEY)|MINIO_(ACCESS|SECRET)_KEY|(DASHBOARD|GRAFANA)_ADMIN_.*|MEET_INITIAL_.*|V2COMPAT_OPENVIDU_SECRET)$"
    };
}

/// Keys that may hold a secret.
macro_rules! secret {
    () => {
        "(SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|LICENSE|CREDENTIAL|HEADERS|PRIVATE_KEY|ACCESS_KEY|API_KEY|MONGO_URI|_PASS$|_KEY$)"
    };
}

/// Rules for `spec.config`, a map.
pub(crate) fn config_keys(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            "",
            "self.all(key, key.matches('^[A-Z][A-Z0-9_]{0,127}$'))",
            "\"%s\" is no configuration key: use upper-case letters, digits and _ only, as OpenVidu names its keys",
            "self.filter(key, !key.matches('^[A-Z][A-Z0-9_]{0,127}$'))[0]",
        ),
        tell(
            "",
            concat!("!self.exists(key, key.matches('", owned!(), "'))"),
            "%s follows from other fields of the spec or from the credentials Secret: remove it here",
            concat!("self.filter(key, key.matches('", owned!(), "'))[0]"),
        ),
        tell(
            "",
            concat!(
                "!self.exists(key, key.matches('",
                secret!(),
                "') && !key.matches('",
                owned!(),
                "'))"
            ),
            "%s may hold a secret: put its value into a Secret and name that in spec.configFrom",
            concat!(
                "self.filter(key, key.matches('",
                secret!(),
                "') && !key.matches('",
                owned!(),
                "'))[0]"
            ),
        ),
    ];
    schema.insert("maxProperties".to_owned(), Value::from(200));
    // OpenVidu's configuration is a file of lines.
    schema.insert(
        "additionalProperties".to_owned(),
        json!({ "type": "string", "maxLength": 4096, "pattern": "^[^\\r\\n]*$" }),
    );
    attach(schema, RULES);
}

/// Rules for a member of `spec.configFrom`.
pub(crate) fn config_from(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            ".name",
            "self.name.matches('^[A-Z][A-Z0-9_]{0,127}$')",
            "\"%s\" is no configuration key: use upper-case letters, digits and _ only, as OpenVidu names its keys",
            "self.name",
        ),
        tell(
            ".name",
            concat!("!self.name.matches('", owned!(), "')"),
            "%s follows from other fields of the spec or from the credentials Secret: remove it here",
            "self.name",
        ),
    ];
    attach(schema, RULES);
}

/// Rules that stand on the spec.
pub(super) const ON_SPEC: &[CelRule] = &[text(
    ".configFrom",
    "!has(self.config) || !has(self.configFrom) || !self.configFrom.exists(f, f.name in self.config)",
    "a key stands in spec.config too: name it in one of them only",
)];
