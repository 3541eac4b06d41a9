//! OpenVidu's configuration as one resource.

use ovo_api::OpenViduCluster;
use ovo_api::act::ActKind;
use ovo_model::{Property, Resource, ResourceId, SecretKey, Stage, Value};

use super::Build;

/// The kind of the resource.
pub(super) const KIND: &str = "Config";
const CALL: &str = "PutConfig";

/// 64 bits of FNV-1a over named words, in hexadecimal digits. It tells one configuration from another; nobody
/// has an interest in making two alike.
pub(super) fn digest<'a>(words: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in words {
        eat(name);
        eat(&value);
    }
    format!("{hash:016x}")
}

/// The configuration: what is open as a digest, what is secret by reference.
pub(super) fn resource(cluster: &OpenViduCluster, after: &[ResourceId]) -> Resource {
    let spec = &cluster.spec;
    let fixed = [
        ("domain", spec.domain_name.clone()),
        ("cluster", cluster.cluster_id()),
        ("engine", format!("{:?}", spec.media_engine())),
        ("recording", spec.recording.enabled().to_string()),
        ("turn", format!("{:?}", spec.turn)),
        ("modules", format!("{:?}", spec.modules)),
        ("rtmp", spec.ingress.rtmp().to_string()),
    ];
    let own = spec
        .config
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()));
    let set = |value: Value| {
        Property::operator("", CALL)
            .value(value)
            .act(ActKind::ApplyConfig)
    };
    let open = Value::Known(digest(fixed.into_iter().chain(own)).into());
    let build = Build::new(KIND, "cluster", "config", Stage::Config)
        .after(after)
        .with("digest", set(open));
    spec.config_from
        .iter()
        .fold(build, |build, from| {
            let key = SecretKey {
                secret: from.secret_key_ref.name.clone(),
                key: from.secret_key_ref.key.clone(),
            };
            build.with(
                &format!("secret:{}", from.name),
                set(Value::Secret { key, digest: None }),
            )
        })
        .done()
}
