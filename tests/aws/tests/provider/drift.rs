//! Each property that the operator decides is changed by hand, found and put back.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use ovo_model::{Change, Owner, Property, ResourceId, Scalar, Value};

use crate::hands;
use crate::site::Site;

/// What is decided by the operator, and was made.
fn decided(property: &Property) -> bool {
    property.owner == Owner::Operator && property.value != Value::Planned
}

type Properties = BTreeMap<ResourceId, BTreeMap<String, Scalar>>;

async fn properties(site: &Site) -> Properties {
    let seen = site.seen().await;
    seen.into_iter().map(|(id, r)| (id, r.properties)).collect()
}

#[tokio::test]
async fn each_property_of_ours_that_somebody_changes_is_put_back() {
    let mut site = Site::start().await;
    // What drops connections is put back only when nobody talks.
    site.masters.say_idle.store(true, Ordering::SeqCst);
    site.settle().await;
    let before = properties(&site).await;
    let (mut drifted, mut fixed, mut failed) = (0, 0, Vec::new());
    for resource in site.account.desired() {
        for (name, property) in &resource.properties {
            if !decided(property) {
                continue;
            }
            if property.change == Change::Refuse {
                // AWS has no call that changes it on what is there.
                fixed += 1;
                continue;
            }
            hands::change(&site, &resource.id, name).await;
            let by_hand = properties(&site).await;
            let of = |all: &Properties| all[&resource.id].get(name).cloned();
            assert_ne!(
                of(&by_hand),
                of(&before),
                "{} {name}: the hand changed nothing that is seen",
                resource.id
            );
            drifted += 1;
            site.settle().await;
            let after = properties(&site).await;
            if after != before {
                failed.push(format!("{} {name}: {:?}", resource.id, of(&after)));
            }
        }
    }
    println!("aws.properties_drifted {drifted}, of which AWS lets nobody change {fixed} more");
    println!("aws.properties_not_repaired {}", failed.len());
    assert_eq!(failed, Vec::<String>::new());
    assert!(drifted >= 120, "{drifted}");
}

/// While somebody may talk, what drops connections waits, and the reason is said.
#[tokio::test]
async fn what_drops_connections_waits_for_silence() {
    let mut site = Site::start().await;
    site.settle().await;
    let media = ResourceId::new("SecurityGroup", "media");
    hands::change(&site, &media, "otherIngress").await;
    let changes = site.account.changes();
    let report = site.settle_but("no fresh answer").await;
    let waiting = &report.plan.as_ref().unwrap().waiting;
    assert!(
        waiting.iter().any(|w| w.step.contains("otherIngress")),
        "{waiting:?}"
    );
    assert_eq!(site.account.changes(), changes, "nothing was changed");
    site.masters.say_idle.store(true, Ordering::SeqCst);
    site.settle().await;
    let left = site.property(&media, "otherIngress").await;
    assert_eq!(left, Some(Scalar::List(Vec::new())));
}

/// Whoever wants reports gets them, and nothing is put back.
#[tokio::test]
async fn drift_is_only_reported_where_the_spec_says_so() {
    let mut site = Site::with(|spec| spec["drift"] = "Report".into()).await;
    site.settle().await;
    let targets = ResourceId::new("TargetGroup", "masters");
    hands::change(&site, &targets, "healthPath").await;
    let changes = site.account.changes();
    let report = site.settle().await;
    assert_eq!(site.account.changes(), changes);
    let conditions = &report.plan.as_ref().unwrap().status.conditions;
    let drift = conditions.iter().find(|c| c.type_ == "Drift").unwrap();
    assert_eq!(drift.status, "True");
    assert!(drift.message.contains("healthPath"), "{}", drift.message);
}
