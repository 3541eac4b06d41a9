//! Runs of scenarios on one API server, each in a namespace of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use ovo_kube::{ADMIN, ApiServer};
use ovo_kube_faults::{Fault, Point};
use ovo_model::Wall;
use ovo_simulation::bed::Bed;
use ovo_simulation::clock::SimClock;
use ovo_simulation::gate::{self, Gate};
use ovo_simulation::manifests::{Shape, Size};
use ovo_simulation::scenario::{End, Scenario, setup};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::home::{KubernetesHome, WorldGate};
use crate::objects::{Objects, difference, objects};
use crate::wire::Wire;

const OPERATOR: &str = "operator";
/// One machine stands by, and the readings of a quiet hour do not take the time of a run.
const SIZE: Size = Size {
    replicas: 3,
    max: 4,
    machines: 4,
    reading_s: 15,
    window: 3,
};
/// How long rights may take to be in force.
const PATIENCE: Duration = Duration::from_secs(30);

/// Changes of a run that the server itself may refuse as outdated. One: the change that was decided before a late request was
/// done. Who looks at the server after a doubt needs no second.
const OUTDATED: usize = 1;

/// A server with the project's kinds, and an operator's account with the rights that are shipped.
pub struct Bench {
    api: ApiServer,
    runtime: Runtime,
    operator: Client,
    people: Client,
    /// The world begins now: what the server stamps is as old for the operator as it is.
    start: Wall,
    runs: AtomicUsize,
}

/// A course of events.
pub type Course = (Shape, Scenario);

/// What is wrong with the operator: nothing, but where a test plants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planted {
    pub engine: ovo_planner::bugs::Bugs,
    pub store: ovo_store::kubernetes::bugs::Bugs,
}

/// One thing that goes wrong.
#[derive(Clone)]
pub enum Trouble {
    /// A request to the API server.
    Request(Point, Fault),
    /// The operator dies at this point of the infrastructure's calls, which has this number.
    World(usize, gate::Point),
}

// === impl Trouble ===

impl Trouble {
    /// Whether the operator dies.
    pub fn kills(&self) -> bool {
        match self {
            Self::Request(_, fault) => fault.kills(),
            Self::World(..) => true,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(point, fault) => write!(f, "{point} {fault:?}"),
            Self::World(number, point) => {
                write!(f, "dies at #{number} {} {:?}", point.label, point.moment)
            }
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The world, and what the objects say in short.
    end: End,
    /// The objects.
    objects: Objects,
}

/// A run in which nothing goes wrong.
pub struct FaultFree {
    outcome: Outcome,
    requests: Vec<Point>,
    calls: Vec<gate::Point>,
}

// === impl Bench ===

impl Bench {
    pub fn start() -> Self {
        let api = ApiServer::builder()
            .user(OPERATOR, &[])
            .flag("--enable-admission-plugins=OwnerReferencesPermissionEnforcement")
            .start()
            .unwrap();
        api.install_crds().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let client = |user| runtime.block_on(client(&api, user));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let bench = Self {
            operator: client(OPERATOR),
            people: client(ADMIN),
            start: Wall(i64::try_from(since.as_millis()).unwrap()),
            runs: AtomicUsize::new(0),
            api,
            runtime,
        };
        bench.grant();
        bench
    }

    /// The shipped rights of one namespace, in each.
    fn grant(&self) {
        let shipped = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../deploy/namespaced/role.yaml"
        );
        let shipped = std::fs::read_to_string(shipped).unwrap();
        let shipped: Vec<Value> = serde_saphyr::from_multiple(&shipped).unwrap();
        let role = shipped.iter().find(|object| object["kind"] == "Role");
        let role = &role.unwrap()["rules"];
        let group = "rbac.authorization.k8s.io";
        let version = format!("{group}/v1");
        let path = format!("/apis/{version}");
        self.create(
            &format!("{path}/clusterroles"),
            &json!({"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": OPERATOR}, "rules": role}),
        );
        self.create(
            &format!("{path}/clusterrolebindings"),
            &json!({
                "apiVersion": version,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": OPERATOR},
                "subjects": [{"kind": "User", "apiGroup": group, "name": OPERATOR}],
                "roleRef": {"kind": "ClusterRole", "apiGroup": group, "name": OPERATOR},
            }),
        );
        let list = http::Request::get("/api/v1/secrets");
        let list = list.body(Vec::new()).unwrap();
        let in_force = async {
            while self.operator.request_text(list.clone()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_force = async { tokio::time::timeout(PATIENCE, in_force).await };
        self.runtime.block_on(in_force).expect("rights in force");
    }

    fn create(&self, path: &str, object: &Value) {
        let made = self.api.request("POST", path, Some(object)).unwrap();
        assert_eq!(made.code, 201, "{path}: {}", made.body);
    }

    fn namespace(&self) -> String {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let name = format!("run-{number:05}");
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.create("/api/v1/namespaces", &object);
        name
    }

    fn run(
        &self,
        (shape, scenario): Course,
        planted: Planted,
        gate: &Gate,
        wire: &Wire,
    ) -> Result<Outcome, String> {
        let mut setup = setup(shape).bugs(planted.engine);
        setup.world.start = self.start;
        setup.size = SIZE;
        let namespace = self.namespace();
        let home = KubernetesHome::new(
            self.runtime.handle().clone(),
            self.operator.clone(),
            self.people.clone(),
            namespace.clone(),
            wire.clone(),
            planted.store,
        );
        let clock = SimClock::new(setup.world.start);
        let world = WorldGate {
            gate: gate.clone(),
            wire: wire.clone(),
        };
        let mut bed = Bed::over(home, &setup, gate, Arc::new(world), clock);
        let end = scenario.run_in(&mut bed)?;
        // A first write that failed draws another id, and names follow from it.
        let id = bed.infrastructure_id();
        let mut names = vec![&*namespace];
        names.extend((!id.is_empty()).then_some(&*id));
        Ok(Outcome {
            end,
            objects: objects(&self.api, &namespace, &names),
        })
    }

    /// The run in which nothing goes wrong.
    ///
    /// # Errors
    /// When it fails.
    pub fn fault_free(&self, course: Course, planted: Planted) -> Result<FaultFree, String> {
        let (gate, wire) = (Gate::open(), Wire::default());
        let outcome = self.run(course, planted, &gate, &wire)?;
        Ok(FaultFree {
            outcome,
            requests: wire.points(),
            calls: gate.points(),
        })
    }

    /// A run in which this goes wrong.
    ///
    /// # Errors
    /// When it ends otherwise than the fault-free run, or does harm on the way.
    pub fn troubled(
        &self,
        course: Course,
        planted: Planted,
        trouble: &Trouble,
        expected: &FaultFree,
    ) -> Result<(), String> {
        let (gate, wire) = match trouble {
            Trouble::Request(point, fault) => (Gate::open(), Wire::at(point.clone(), *fault)),
            Trouble::World(number, _) => (Gate::at(*number, gate::Fault::Crash), Wire::default()),
        };
        let name = format!("{course:?} {trouble}");
        let outcome = self.run(course, planted, &gate, &wire);
        let outcome = outcome.map_err(|words| format!("{name}: {words}"))?;
        if !wire.hit() && !gate.hit() {
            return Err(format!(
                "{name}: the point was not reached: the run is not repeatable"
            ));
        }
        let outdated = wire.outdated();
        if outdated > OUTDATED {
            return Err(format!(
                "{name}: {outdated} changes were refused as outdated"
            ));
        }
        match outcome.difference(&expected.outcome) {
            None => Ok(()),
            Some(words) => Err(format!("{name}: {words}")),
        }
    }
}

// === impl FaultFree ===

impl FaultFree {
    /// Where this run ended otherwise than another one.
    pub fn difference(&self, other: &Self) -> Option<String> {
        self.outcome.difference(&other.outcome)
    }

    /// All that can go wrong.
    pub fn troubles(&self) -> Vec<Trouble> {
        let requests = self.requests.iter().flat_map(|point| {
            let faults = point.faults().iter();
            faults.map(|fault| Trouble::Request(point.clone(), *fault))
        });
        let calls = self.calls.iter().enumerate();
        let calls = calls.map(|(number, point)| Trouble::World(number, point.clone()));
        requests.chain(calls).collect()
    }
}

// === impl Outcome ===

impl Outcome {
    /// Where this is not the one that was expected; `None` where they are the same.
    fn difference(&self, expected: &Self) -> Option<String> {
        if self.end != expected.end {
            let (this, that) = (&self.end, &expected.end);
            return Some(format!("ended as\n{this:#?}\nnot as\n{that:#?}"));
        }
        let found = difference(&self.objects, &expected.objects);
        (!found.is_empty()).then(|| found.join("\n"))
    }
}

async fn client(api: &ApiServer, user: &str) -> Client {
    let path = api.kubeconfig(user).unwrap();
    let kubeconfig = Kubeconfig::read_from(path).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    ovo_store::kubernetes::client(config.unwrap()).unwrap()
}
