//! What status says, and how a test waits for it.

use serde_json::Value;

use crate::kube::{Bed, condition, is_ready};
use crate::tenants::Wanted;

/// Waits for `Stalled` with this reason and all these parts in its message.
pub(crate) fn stalled<'a>(
    bed: &'a Bed,
    namespace: &'a str,
    reason: &'a str,
    parts: &'a [&'a str],
) -> (String, Wanted<'a>) {
    told(bed, namespace, ("Stalled", reason), parts)
}

/// Waits for `DeletionBlocked` in the same way.
pub(crate) fn blocked<'a>(
    bed: &'a Bed,
    namespace: &'a str,
    reason: &'a str,
    parts: &'a [&'a str],
) -> (String, Wanted<'a>) {
    told(bed, namespace, ("DeletionBlocked", reason), parts)
}

fn told<'a>(
    bed: &'a Bed,
    namespace: &'a str,
    (condition, reason): (&'a str, &'a str),
    parts: &'a [&'a str],
) -> (String, Wanted<'a>) {
    let holds = move || {
        bed.cluster_in(namespace)
            .is_some_and(|cluster| says(&cluster, condition, reason, parts))
    };
    let what = format!("{namespace}: {condition}/{reason} {parts:?}");
    (what, Box::new(holds))
}

/// Waits until the cluster is Ready with so many media nodes, and nothing is wrong with it.
pub(crate) fn ready<'a>(bed: &'a Bed, namespace: &'a str, media: i64) -> (String, Wanted<'a>) {
    let holds = move || {
        let cluster = bed.cluster_in(namespace);
        cluster
            .is_some_and(|c| is_ready(&c, media) && condition(&c, "Stalled")["status"] == "False")
    };
    (format!("{namespace}: Ready"), Box::new(holds))
}

/// Waits until there is no such cluster any more.
pub(crate) fn gone<'a>(bed: &'a Bed, namespace: &'a str) -> (String, Wanted<'a>) {
    let holds = move || bed.cluster_in(namespace).is_none();
    (format!("{namespace}: gone"), Box::new(holds))
}

/// Whether a condition is true for this reason, of the newest spec, with all these parts in its message.
fn says(cluster: &Value, of: &str, reason: &str, parts: &[&str]) -> bool {
    let found = condition(cluster, of);
    let message = found["message"].as_str().unwrap_or_default();
    found["status"] == "True"
        && found["reason"] == reason
        && found["observedGeneration"] == cluster["metadata"]["generation"]
        && parts.iter().all(|part| message.contains(part))
}

/// What status records as held.
pub(crate) fn held(bed: &Bed, namespace: &str) -> Vec<String> {
    let cluster = bed.cluster_in(namespace).unwrap_or_default();
    let claims = cluster["status"]["claims"].as_array().cloned();
    let texts = claims.into_iter().flatten();
    texts.map(|c| c.as_str().unwrap().to_owned()).collect()
}
