//! A cluster of each profile, Ready, in namespaces of their own; nobody serves them.

use crate::kube::{Bed, Serving, is_ready, repository};
use crate::tenants::{cluster_wide, id, on_aws};

/// OpenVidu 3 on machines.
pub(crate) const MACHINES: &str = "machines";
/// OpenVidu 2 on groups of a cloud.
pub(crate) const CLOUD: &str = "cloud";

/// The argument that lets the operator act as itself for the cluster in a cloud.
pub(crate) fn tenants() -> String {
    let file = repository("crates/operator/tests/kubernetes_manners/tenants.yaml");
    format!("--tenants={}", file.display())
}

/// A server and an operator's rights, with a cluster of each profile that was Ready when the operator ended.
pub(crate) fn at_rest() -> Bed {
    let bed = cluster_wide(&[&tenants()]);
    bed.settle(1, MACHINES, |_| {});
    on_aws(&bed, CLOUD, |cluster| {
        let annotations = serde_json::json!({"openvidu.io/infrastructure-id": id(CLOUD)});
        cluster["metadata"]["annotations"] = annotations;
    });
    let mut serving = bed.serve();
    until_ready(&bed, &mut serving, MACHINES);
    until_ready(&bed, &mut serving, CLOUD);
    assert_eq!(serving.stop(), Some(0));
    bed
}

/// Waits until the cluster is as its newest spec says, with the two media nodes of the examples.
pub(crate) fn until_ready(bed: &Bed, serving: &mut Serving, namespace: &str) {
    bed.until(serving, &format!("{namespace} to be Ready"), || {
        bed.cluster_in(namespace).is_some_and(|c| is_ready(&c, 2))
    });
}

/// Waits until status speaks of the newest spec.
pub(crate) fn until_seen(bed: &Bed, serving: &mut Serving, namespace: &str) {
    bed.until(
        serving,
        &format!("the change of {namespace} to be seen"),
        || {
            let cluster = bed.cluster_in(namespace).unwrap();
            cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"]
        },
    );
}

/// How many rounds of the cluster have ended in this process.
pub(crate) fn rounds(serving: &Serving, namespace: &str) -> u64 {
    let (_, page) = serving.page("/metrics");
    let of = format!("namespace=\"{namespace}\"");
    let counts = page.lines().filter(|line| {
        line.starts_with("openvidu_operator_reconciles_total{") && line.contains(&of)
    });
    counts
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// Waits until so many further rounds of the cluster have ended: whatever was to be done would have been begun.
pub(crate) fn after_rounds(bed: &Bed, serving: &mut Serving, namespace: &str, further: u64) {
    let begun = rounds(serving, namespace);
    let said = serving.said.clone();
    crate::kube::wait_for(
        &format!("{further} further rounds of {namespace}"),
        || rounds(serving, namespace) >= begun + further,
        || {
            let list = bed
                .api
                .ask(&["get", "openviduclusters", "-A", "-o", "wide"]);
            format!(
                "{}\n{}",
                std::fs::read_to_string(&said).unwrap(),
                list.unwrap_or_default()
            )
        },
    );
}
