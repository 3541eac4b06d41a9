//! Machines whose clocks differ: a Lease is as old as it was seen here, whatever time stands in it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::kube::Bed;
use crate::tenants::{HOME, cluster_wide};

/// Far from everybody else's clock, in minutes.
const OFF: i64 = 5;
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/openvidu-system/leases";
/// The lease of the operator here: short, because a test waits for its end.
const DURATION: Duration = Duration::from_secs(4);
const PACE: [&str; 6] = [
    "--lease-duration",
    "4s",
    "--lease-renewal",
    "1s",
    "--call-timeout",
    "1s",
];

/// Minutes from now, as a Lease says it.
fn time(minutes: i64) -> String {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Another process leads, by its own clock.
fn held(bed: &Bed, minutes: i64) {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "openvidu-operator", "namespace": HOME},
        "spec": {
            "holderIdentity": "somebody-else",
            "leaseDurationSeconds": DURATION.as_secs(),
            "acquireTime": time(minutes),
            "renewTime": time(minutes),
            "leaseTransitions": 3,
        },
    });
    bed.post(LEASE, &lease);
}

fn renewed(bed: &Bed, minutes: i64) {
    let patch = json!({"spec": {"renewTime": time(minutes)}}).to_string();
    let lease = [
        "patch",
        "lease",
        "openvidu-operator",
        "--type=merge",
        "-p",
        &patch,
    ];
    bed.ask_in(HOME, &lease);
}

#[test]
fn whoever_renews_with_a_clock_that_is_behind_is_not_taken_over() {
    let bed = cluster_wide(&PACE);
    held(&bed, -OFF);
    let mut serving = bed.serve();
    let waits = || serving.page("/healthz").0 == 200;
    crate::kube::wait_for("it to wait", waits, || serving.said());
    // Three leases long the other one renews, each time five minutes ago.
    let began = Instant::now();
    while began.elapsed() < 3 * DURATION {
        renewed(&bed, -OFF);
        assert!(!serving.leads(), "{}", serving.said());
        std::thread::sleep(Duration::from_millis(500));
    }
    // Then it stops, and its Lease ends.
    serving.until_leads();
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn whoever_is_gone_with_a_clock_that_is_ahead_is_taken_over() {
    let bed = cluster_wide(&PACE);
    held(&bed, OFF);
    let mut serving = bed.serve();
    serving.until_leads();
    let lease = bed.read(&format!("{LEASE}/openvidu-operator")).unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 4);
    assert_eq!(serving.stop(), Some(0));
}
