//! The kit is tested on a small backend: whole it passes, and each way of breaking it is found by name.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ovo_api::OpenViduCluster;
use ovo_api::act::ActKind;
use ovo_api::profile::{Profile, V3_HA_ON_PREM};
use ovo_model::{
    Change, Executor, Observation, ObservedResource, Op, Outcome, Ownership, Property,
    ProviderError, Resource, ResourceId, ResourceState, Scalar, Scope, Stage, Step, Value,
};
use ovo_provider::conformance::{Bed, Report, run};
use ovo_provider::{Call, Provider, ScopeChoice, Target};

/// How the backend is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    /// Creating what is there makes another one.
    CreatesAgain,
    /// Creating what is there is an error.
    RefusesItsOwn,
    /// An incomplete read shows nothing.
    EmptyOnError,
    /// An incomplete read leaves the scope out.
    ScopeMissing,
    /// What is deleted is only hidden.
    LeakingDelete,
    /// Deleting what is not there is an error of no class.
    DeleteFailsTwice,
    /// Somebody else's thing is taken for ours.
    TakesForeign,
    /// Somebody else's thing is deleted.
    DeletesForeign,
    /// A value that will never do is called retryable.
    InvalidIsRetryable,
    /// Setting what is not there makes it.
    SetCreates,
    /// What is under way is known to the instance that began it only.
    ForgetsWork,
    /// A create that dies half-way leaves what blocks the next one.
    HalfMade,
    /// Looks answer for more than they were asked.
    AnswersTooMuch,
    /// A change is said to be done and is not made.
    IgnoresSet,
}

#[derive(Clone)]
struct Thing {
    ownership: Ownership,
    properties: BTreeMap<String, Scalar>,
    ready_at: i64,
}

#[derive(Default)]
struct Backend {
    now: i64,
    things: BTreeMap<ResourceId, Thing>,
    /// Whatever exists beside what can be seen.
    hidden: Vec<String>,
    half: Option<ResourceId>,
    spoilt: bool,
}

#[derive(Clone)]
struct Toy {
    bug: Bug,
    backend: Arc<Mutex<Backend>>,
    /// What this very instance began.
    begun: Arc<Mutex<Vec<ResourceId>>>,
}

const SCOPES: [&str; 2] = ["foundation", "state"];

fn scope_of(id: &ResourceId) -> &'static str {
    SCOPES[usize::from(id.kind == "Redis")]
}

impl Provider for Toy {
    fn desired(&self, _: &OpenViduCluster, _: &Profile) -> Result<Vec<Resource>, ProviderError> {
        Ok(wanted(1))
    }

    async fn observe(&self, _: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        let backend = self.backend.lock().unwrap();
        let asked =
            |scope: &&&str| self.bug == Bug::AnswersTooMuch || scopes.wants(&Scope::from(**scope));
        let mut answer = BTreeMap::new();
        for scope in SCOPES.iter().filter(asked) {
            let spoilt = backend.spoilt && *scope == "state";
            let observation = match self.bug {
                Bug::ScopeMissing if spoilt => continue,
                Bug::EmptyOnError if spoilt => Observation::Known {
                    resources: BTreeMap::new(),
                    nodes: BTreeMap::new(),
                },
                _ if spoilt => Observation::unknown("page 2 of 3 did not come"),
                _ => self.known(&backend, scope),
            };
            answer.insert(Scope::from(*scope), observation);
        }
        answer
    }

    async fn execute(
        &self,
        _: &Target,
        step: &Step,
        _: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = step.op.resource().unwrap();
        if self.bug == Bug::HalfMade && matches!(step.op, Op::Create { .. }) {
            let half = self.backend.lock().unwrap().half.replace(id.clone());
            if half.is_some() {
                return Err(ProviderError::Denied(
                    "a lock from before is there".to_owned(),
                ));
            }
            tokio::task::yield_now().await;
            self.backend.lock().unwrap().half = None;
        }
        let mut backend = self.backend.lock().unwrap();
        let there = backend.things.get(id).cloned();
        if let Some(thing) = &there
            && thing.ownership != Ownership::Ours
        {
            let deletes = matches!(step.op, Op::Delete { .. }) && self.bug == Bug::DeletesForeign;
            if !deletes && self.bug != Bug::TakesForeign {
                return Err(ProviderError::Conflict(format!("{id} is not ours")));
            }
        }
        match &step.op {
            Op::Create { properties, .. } => {
                self.create(&mut backend, id, properties, there.is_some())
            }
            Op::Set { properties, .. } => self.set(&mut backend, id, properties),
            Op::Delete { .. } => {
                if backend.things.remove(id).is_none() && self.bug == Bug::DeleteFailsTwice {
                    return Err(ProviderError::Denied("no such thing".to_owned()));
                }
                if self.bug == Bug::LeakingDelete && there.is_some() {
                    backend.hidden.push(format!("disk of {id}"));
                }
                Ok(Outcome::Done)
            }
            other => Err(ProviderError::Denied(format!("{other:?}"))),
        }
    }
}

impl Toy {
    fn known(&self, backend: &Backend, scope: &str) -> Observation {
        let begun = self.begun.lock().unwrap();
        let mine = backend
            .things
            .iter()
            .filter(|(id, _)| scope_of(id) == scope);
        let resources = mine.map(|(id, thing)| {
            let forgotten =
                self.bug == Bug::ForgetsWork && id.kind == "Redis" && !begun.contains(id);
            let state = if thing.ready_at <= backend.now && !forgotten {
                ResourceState::Ready
            } else {
                ResourceState::Pending
            };
            let ownership = if self.bug == Bug::TakesForeign {
                Ownership::Ours
            } else {
                thing.ownership.clone()
            };
            let resource = ObservedResource {
                id: id.clone(),
                ownership,
                state,
                properties: thing.properties.clone(),
                outputs: [("endpoint".to_owned(), Scalar::from("10.0.0.9:6379"))].into(),
                progress: None,
            };
            (id.clone(), resource)
        });
        Observation::Known {
            resources: resources.collect(),
            nodes: BTreeMap::new(),
        }
    }

    fn create(
        &self,
        backend: &mut Backend,
        id: &ResourceId,
        properties: &BTreeMap<String, Value>,
        there: bool,
    ) -> Result<Outcome, ProviderError> {
        self.begun.lock().unwrap().push(id.clone());
        match self.bug {
            Bug::CreatesAgain if there => backend.hidden.push(format!("another {id}")),
            Bug::RefusesItsOwn if there => {
                return Err(ProviderError::Conflict("it is there".to_owned()));
            }
            _ => {}
        }
        // Redis takes its time.
        let ready_at = backend.now + if id.kind == "Redis" { 5_000 } else { 0 };
        let properties = properties
            .iter()
            .map(|(k, v)| (k.clone(), scalar(v)))
            .collect();
        let now = backend.now;
        let thing = backend.things.entry(id.clone()).or_insert(Thing {
            ownership: Ownership::Ours,
            properties,
            ready_at,
        });
        let left = thing.ready_at - now;
        Ok(if left > 0 {
            Outcome::InProgress {
                look_again_in: left,
            }
        } else {
            Outcome::Done
        })
    }

    fn set(
        &self,
        backend: &mut Backend,
        id: &ResourceId,
        properties: &BTreeMap<String, Value>,
    ) -> Result<Outcome, ProviderError> {
        if properties.get("size") == Some(&Value::Known(Scalar::Int(-1))) {
            return Err(match self.bug {
                Bug::InvalidIsRetryable => ProviderError::Retryable("400".to_owned()),
                _ => ProviderError::Invalid {
                    field: "spec.size".to_owned(),
                    message: "at least 0".to_owned(),
                },
            });
        }
        if self.bug == Bug::SetCreates {
            self.create(backend, id, properties, false)?;
        }
        let thing = backend
            .things
            .get_mut(id)
            .ok_or_else(|| ProviderError::NotFound(id.to_string()))?;
        if self.bug != Bug::IgnoresSet {
            thing
                .properties
                .extend(properties.iter().map(|(k, v)| (k.clone(), scalar(v))));
        }
        Ok(Outcome::Done)
    }
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Known(scalar) => scalar.clone(),
        other => panic!("unresolved {other:?}"),
    }
}

fn wanted(size: i64) -> Vec<Resource> {
    let resource = |kind: &str, stage, after: &[&str], property: &str, value: Property| Resource {
        id: ResourceId::new(kind, "main"),
        scope: Scope::from(scope_of(&ResourceId::new(kind, "main"))),
        stage,
        role: None,
        after: after
            .iter()
            .map(|kind| ResourceId::new(*kind, "main"))
            .collect(),
        create: Some(format!("Create{kind}")),
        delete: format!("Delete{kind}"),
        retain: false,
        properties: [(property.to_owned(), value)].into(),
    };
    let endpoint = Value::OutputOf {
        resource: ResourceId::new("Redis", "main"),
        output: "endpoint".to_owned(),
    };
    vec![
        resource(
            "Bucket",
            Stage::Foundation,
            &[],
            "size",
            Property::operator(size, "SetBucket"),
        ),
        resource(
            "Redis",
            Stage::State,
            &[],
            "nodes",
            Property::operator(2, "SetRedis").change(Change::Refuse),
        ),
        resource(
            "Config",
            Stage::Config,
            &["Redis", "Bucket"],
            "redis",
            Property::operator(0, "PutConfig").value(endpoint),
        ),
    ]
}

struct ToyBed {
    bug: Bug,
    backend: Arc<Mutex<Backend>>,
}

impl Bed for ToyBed {
    type P = Toy;

    fn target(&self) -> Target {
        let spec = serde_json::json!({
            "version": "3.8.0",
            "topology": "HighAvailability",
            "domainName": "openvidu.example.com",
            "license": {"secretKeyRef": {"name": "openvidu", "key": "license"}},
            "infrastructure": {"onPrem": {
                "ssh": {"user": "admin", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "id"}}},
                "machines": [],
            }},
        });
        Target {
            cluster: Arc::new(OpenViduCluster::new(
                "demo",
                serde_json::from_value(spec).unwrap(),
            )),
            profile: &V3_HA_ON_PREM,
            infrastructure_id: "a1b2c3d4".into(),
        }
    }

    async fn provider(&self) -> Toy {
        Toy {
            bug: self.bug,
            backend: self.backend.clone(),
            begun: Arc::default(),
        }
    }

    fn resources(&self) -> Vec<Resource> {
        wanted(1)
    }

    fn changed(&self) -> Vec<Resource> {
        wanted(2)
    }

    async fn reset(&self) {
        *self.backend.lock().unwrap() = Backend::default();
    }

    async fn wait(&self, ms: i64) {
        self.backend.lock().unwrap().now += ms;
    }

    async fn spoil_reads(&self, spoilt: bool) -> bool {
        self.backend.lock().unwrap().spoilt = spoilt;
        true
    }

    async fn plant_foreign(&self, resource: &Resource) -> bool {
        let thing = Thing {
            ownership: Ownership::Foreign("another/cluster".to_owned()),
            properties: [("size".to_owned(), Scalar::Int(7))].into(),
            ready_at: 0,
        };
        self.backend
            .lock()
            .unwrap()
            .things
            .insert(resource.id.clone(), thing);
        true
    }

    async fn left(&self) -> Vec<String> {
        let backend = self.backend.lock().unwrap();
        backend
            .things
            .keys()
            .map(ToString::to_string)
            .chain(backend.hidden.iter().cloned())
            .collect()
    }

    fn impossible(&self) -> Option<Step> {
        let op = Op::Set {
            resource: ResourceId::new("Bucket", "main"),
            call: "SetBucket".to_owned(),
            properties: [("size".to_owned(), Value::Known(Scalar::Int(-1)))].into(),
        };
        Some(Step {
            id: op.id(),
            act: ActKind::Update,
            role: None,
            cuts: ovo_api::act::Cuts::Nothing,
            cause: ovo_model::Cause::Drift,
            reason: String::new(),
            executor: Executor::Provider,
            op,
        })
    }
}

async fn tried(bug: Bug) -> Report {
    run(&ToyBed {
        bug,
        backend: Arc::default(),
    })
    .await
}

#[tokio::test]
async fn a_whole_provider_passes_every_check() {
    let report = tried(Bug::None).await;
    assert_eq!(report.complaint(), None);
    assert_eq!(report.left_out, Vec::<&str>::new());
    // Three resources are made and taken away, and each call is died at in three ways.
    assert_eq!(report.crash_points, 18);
}

#[tokio::test]
async fn each_way_of_breaking_it_is_found() {
    for (bug, check) in [
        (Bug::CreatesAgain, "a step done twice is a step done once"),
        (Bug::RefusesItsOwn, "a step done twice is a step done once"),
        (
            Bug::EmptyOnError,
            "an incomplete read is unknown, never empty",
        ),
        (
            Bug::ScopeMissing,
            "an incomplete read is unknown, never empty",
        ),
        (Bug::LeakingDelete, "deletion leaves nothing"),
        (
            Bug::DeleteFailsTwice,
            "a step done twice is a step done once",
        ),
        (
            Bug::DeleteFailsTwice,
            "what is not there is said not to be there",
        ),
        (Bug::TakesForeign, "somebody else's is left alone"),
        (Bug::DeletesForeign, "somebody else's is left alone"),
        (
            Bug::InvalidIsRetryable,
            "a value that will never do names its field",
        ),
        (Bug::SetCreates, "what is not there is said not to be there"),
        (Bug::ForgetsWork, "dying while building"),
        (Bug::HalfMade, "dying while building"),
        (
            Bug::AnswersTooMuch,
            "every scope that is asked for is answered",
        ),
        (Bug::IgnoresSet, "a change is made in place"),
    ] {
        let report = tried(bug).await;
        let found = report.failures.iter().any(|f| f.check == check);
        assert!(
            found,
            "{bug:?} is not found by `{check}`, but: {:?}",
            report.complaint()
        );
    }
}
