//! What masters are told at their first boot: one line for each key, which their own script writes into `.env`.
//!
//! The script cuts a value at its first `=` and at `|`, knows no quotes, and takes each run of blanks for one. A value
//! that it would spoil is refused by the field that it comes from.

use std::collections::BTreeMap;

use ovo_api::credentials::GENERATED_SUFFIX;
use ovo_api::spec::{ConfigRestart, ElasticStack, MediaEngine, TurnPlacement};
use ovo_model::{Property, ProviderError, SecretKey, Value};

use super::{Plan, invalid};
use crate::kinds::{CREATE_VERSION, MASTERS, MEDIA};

/// The keys whose values are secrets: they are compared by digests and shown to nobody.
pub(crate) const SECRETS: [&str; 4] = [
    "ELASTICSEARCH_PASSWORD",
    "ELASTICSEARCH_USERNAME",
    "OPENVIDU_PRO_LICENSE",
    "OPENVIDU_SECRET",
];

/// Whether the masters' script takes this value as it is.
pub(crate) fn survives(value: &str) -> bool {
    !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '=' | '|' | '"' | '\'' | '\\'))
}

/// The lines that the template of this release holds. What it cannot hold yet (the shared Redis, the queue, a bucket of
/// our own and the stack's name) comes with those resources.
pub(super) fn lines(plan: &Plan<'_>) -> Result<BTreeMap<&'static str, Property>, ProviderError> {
    let spec = &plan.cluster.spec;
    let word = |yes: bool| if yes { "true" } else { "false" }.to_owned();
    let engine = match spec.media_engine() {
        MediaEngine::Kurento => "kurento",
        MediaEngine::Mediasoup | MediaEngine::Pion => "mediasoup",
    };
    let mut open = vec![
        (
            "DOMAIN_OR_PUBLIC_IP",
            "spec.domainName",
            spec.domain_name.clone(),
        ),
        (
            "OPENVIDU_ENTERPRISE_MEDIA_SERVER",
            "spec.mediaEngine",
            engine.to_owned(),
        ),
        (
            "OPENVIDU_PRO_CLUSTER_ID",
            "spec.clusterID",
            plan.cluster.cluster_id(),
        ),
        (
            "RM_MEDIA_NODES_AUTOSCALING_GROUP_NAME",
            "metadata.annotations",
            plan.names.full(MEDIA),
        ),
        (
            "RM_MASTER_NODES_AUTOSCALING_GROUP_NAME",
            "metadata.annotations",
            plan.names.full(MASTERS),
        ),
        (
            "OPENVIDU_RECORDING",
            "spec.recording.enabled",
            word(spec.recording.enabled()),
        ),
        (
            "OPENVIDU_PRO_COTURN_IN_MEDIA_NODES",
            "spec.turn.placement",
            word(spec.turn.placement() == TurnPlacement::MediaNodes),
        ),
        (
            "OPENVIDU_ENTERPRISE_S3_CONFIG_AUTORESTART",
            "spec.configRestart",
            word(spec.config_restart() == ConfigRestart::Always),
        ),
        (
            "OPENVIDU_PRO_ELASTICSEARCH",
            "spec.elasticStack",
            word(spec.elastic_stack.is_some()),
        ),
    ];
    if let Some(bucket) = spec.storage.bucket.name() {
        let field = "spec.storage.bucket.name";
        open.push(("OPENVIDU_PRO_CONFIG_S3_BUCKET", field, bucket.to_owned()));
    }
    let mut lines: BTreeMap<&'static str, Property> = secrets(plan)
        .into_iter()
        .map(|(key, secret)| {
            let value = Value::Secret {
                key: secret,
                digest: None,
            };
            (key, Property::operator("", CREATE_VERSION).value(value))
        })
        .collect();
    open.extend(spec.elastic_stack.iter().flat_map(addresses));
    for (key, field, value) in open {
        if !survives(&value) {
            return Err(invalid(
                field,
                format!(
                    "the masters' boot script would spoil {value:?}: it takes printable characters but = | \" ' and \\"
                ),
            ));
        }
        lines.insert(key, Property::operator(value, CREATE_VERSION));
    }
    Ok(lines)
}

fn addresses(elastic: &ElasticStack) -> Vec<(&'static str, &'static str, String)> {
    let mut addresses = Vec::new();
    if let Some(url) = &elastic.elasticsearch_url {
        let field = "spec.elasticStack.elasticsearchURL";
        addresses.push(("OPENVIDU_PRO_ELASTICSEARCH_HOST", field, url.clone()));
    }
    if let Some(url) = &elastic.kibana_url {
        let field = "spec.elasticStack.kibanaURL";
        addresses.push(("OPENVIDU_PRO_KIBANA_HOST", field, url.clone()));
    }
    addresses
}

fn secrets(plan: &Plan<'_>) -> Vec<(&'static str, SecretKey)> {
    let spec = &plan.cluster.spec;
    let at = |secret: &str, key: &str| SecretKey {
        secret: secret.to_owned(),
        key: key.to_owned(),
    };
    let license = &spec.license.secret_key_ref;
    let credentials = spec.credentials.as_ref().map_or_else(
        || {
            let name = plan.cluster.metadata.name.as_deref().unwrap_or_default();
            format!("{name}{GENERATED_SUFFIX}")
        },
        |source| source.secret_ref.name.clone(),
    );
    let mut secrets = vec![
        ("OPENVIDU_PRO_LICENSE", at(&license.name, &license.key)),
        ("OPENVIDU_SECRET", at(&credentials, "OPENVIDU_SECRET")),
    ];
    let elastic = spec.elastic_stack.as_ref();
    if let Some(source) = elastic.and_then(|e| e.credentials.as_ref()) {
        let name = &source.secret_ref.name;
        secrets.push(("ELASTICSEARCH_USERNAME", at(name, "username")));
        secrets.push(("ELASTICSEARCH_PASSWORD", at(name, "password")));
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::survives;

    #[test]
    fn what_the_script_would_spoil_is_known() {
        for fine in ["a", "https://example.com:443/elastic", "a-b_c.d!#$%&"] {
            assert!(survives(fine), "{fine}");
        }
        for spoilt in ["", "a=b", "a|b", "a b", "\"a\"", "it's", "a\\b", "é", "a\n"] {
            assert!(!survives(spoilt), "{spoilt:?}");
        }
    }
}
