//! The kit for any provider, over the simulated world in both its shapes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use ovo_api::OpenViduCluster;
use ovo_api::act::ActKind;
use ovo_api::spec::Retention;
use ovo_model::{
    Millis, NodeName, Op, Ownership, Resource, ResourceId, Scalar, SecretDigest, Step, Value, Wall,
};
use ovo_provider::conformance::{Bed, Report, run};
use ovo_provider::{Provider, Target};
use ovo_provider_sim::{
    CallInfo, CallKind, Interceptor, Moment, SimDoor, SimProvider, Verdict, desired,
};
use ovo_world::{Script, World, WorldConfig};
use support::{Hand, ID, step, v2, v3};

/// Cuts every look off half-way.
struct Spoiler;

impl Interceptor for Spoiler {
    fn verdict(&self, call: &CallInfo) -> Verdict {
        match (&call.kind, call.moment) {
            (CallKind::Observe(_), Moment::Before) => Verdict::Partial,
            _ => Verdict::Pass,
        }
    }
}

struct SimBed {
    cluster: OpenViduCluster,
    hand: Mutex<Hand>,
}

impl SimBed {
    fn new(cluster: OpenViduCluster) -> Self {
        let hand = Mutex::new(Hand::new(cluster.clone(), WorldConfig::demo()));
        Self { cluster, hand }
    }

    fn door(&self) -> SimDoor {
        self.hand.lock().unwrap().door().clone()
    }
}

fn filled(cluster: &OpenViduCluster) -> Vec<Resource> {
    let mut resources = desired(cluster, cluster.spec.profile().unwrap()).unwrap();
    for property in resources.iter_mut().flat_map(|r| r.properties.values_mut()) {
        if let Value::Secret { digest, key } = &mut property.value {
            *digest = Some(SecretDigest(format!("digest of {key}")));
        }
    }
    // The order in which they can be made: what needs others after them.
    let mut ordered: Vec<Resource> = Vec::new();
    while !resources.is_empty() {
        let next = resources
            .iter()
            .position(|r| r.after.iter().all(|id| ordered.iter().any(|o| o.id == *id)));
        ordered.push(resources.remove(next.expect("no circle")));
    }
    ordered
}

impl Bed for SimBed {
    type P = SimProvider;

    fn target(&self) -> Target {
        self.hand.lock().unwrap().target.clone()
    }

    async fn provider(&self) -> SimProvider {
        SimProvider::new(self.door())
    }

    fn resources(&self) -> Vec<Resource> {
        filled(&self.cluster)
    }

    fn changed(&self) -> Vec<Resource> {
        let mut other = self.cluster.clone();
        other
            .spec
            .config
            .insert("CHANGED".to_owned(), "yes".to_owned());
        other.spec.media.instance_type = Some("c5.4xlarge".to_owned());
        filled(&other)
    }

    async fn reset(&self) {
        let hand = Hand::new(self.cluster.clone(), WorldConfig::demo());
        hand.observe();
        *self.hand.lock().unwrap() = hand;
    }

    async fn wait(&self, ms: Millis) {
        let door = self.door();
        let now = door.look(World::now);
        door.advance_to(Wall(now.0 + ms));
    }

    async fn spoil_reads(&self, spoilt: bool) -> bool {
        self.door()
            .intercept(spoilt.then(|| Arc::new(Spoiler) as Arc<dyn Interceptor>));
        true
    }

    async fn plant_foreign(&self, resource: &Resource) -> bool {
        let owner = "other000".to_owned();
        let script = if resource.id.kind == "Machine" {
            Script::Claim {
                node: NodeName::from(resource.id.name.as_str()),
                owner,
            }
        } else {
            Script::Plant {
                resource: resource.id.clone(),
                ownership: Ownership::Foreign(owner),
            }
        };
        self.door().script(ID, script).unwrap();
        true
    }

    async fn left(&self) -> Vec<String> {
        self.door().look(|world| {
            let deployment = world.deployment(world.find(ID).unwrap());
            let buckets = deployment
                .resources()
                .filter(|id| id.kind == "Bucket")
                .map(ToString::to_string);
            deployment.leftovers().into_iter().chain(buckets).collect()
        })
    }

    fn impossible(&self) -> Option<Step> {
        let op = Op::Create {
            resource: ResourceId::new("Redis", "cluster"),
            call: "CreateRedis".to_owned(),
            properties: [
                ("nodeType".to_owned(), Value::Planned),
                ("n".to_owned(), Value::Known(Scalar::Int(1))),
            ]
            .into(),
        };
        Some(step(op, ActKind::Create))
    }
}

fn passes(cluster: OpenViduCluster) -> Report {
    let bed = SimBed::new(cluster);
    let report = run(&bed)
        .now_or_never()
        .expect("nothing in the simulator is waited for");
    assert_eq!(report.complaint(), None);
    assert!(report.left_out.is_empty(), "{:?}", report.left_out);
    report
}

#[test]
fn machines() {
    let report = passes(v3(2));
    assert!(
        report.crash_points >= 3 * 14,
        "{} crash points",
        report.crash_points
    );
}

#[test]
fn groups() {
    let mut cluster = v2();
    // The kit deletes what it made; empty groups are all that it can delete.
    cluster.spec.masters.min = Some(0);
    cluster.spec.media.min = Some(0);
    cluster.spec.storage.bucket.deletion_policy = Some(Retention::Delete);
    let report = passes(cluster);
    assert!(
        report.crash_points >= 3 * 30,
        "{} crash points",
        report.crash_points
    );
}

#[test]
fn a_cluster_on_the_wrong_infrastructure_is_refused_by_field() {
    let (cluster, other) = (v3(1), v2());
    let provider = SimProvider::new(SimDoor::new(World::new(1, WorldConfig::default())));
    let answer = provider.desired(&cluster, other.spec.profile().unwrap());
    assert!(
        matches!(answer, Err(ovo_model::ProviderError::Invalid { field, .. }) if field == "spec.infrastructure")
    );
}
