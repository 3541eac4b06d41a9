//! Prometheus metrics. `docs/metrics.md` lists them; a test compares the two.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ovo_api::act::{ActKind, Role};
use ovo_api::node::NodePhase;
use ovo_engine::{Executed, Report, StepResult};
use ovo_model::{Outcome, ProviderError};
use ovo_planner::check::Rule;
use ovo_store::{Embedded, ObjectKey};
use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode,
};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::view::Occupancies;

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct Cluster {
    namespace: Arc<str>,
    cluster: Arc<str>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Round {
    namespace: Arc<str>,
    cluster: Arc<str>,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Step {
    namespace: Arc<str>,
    cluster: Arc<str>,
    act: Word<ActKind>,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    namespace: Arc<str>,
    cluster: Arc<str>,
    rule: Word<Rule>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct Nodes {
    namespace: Arc<str>,
    cluster: Arc<str>,
    role: Word<Role>,
    phase: Word<NodePhase>,
}

/// A word of ours as a label's value.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
struct Word<T>(T);

impl<T: std::fmt::Debug> EncodeLabelValue for Word<T> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        write!(encoder, "{:?}", self.0)
    }
}

type Shown = BTreeMap<Cluster, Box<[(Role, NodePhase)]>>;

/// Counts what rounds do. Clones share the counts.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    rounds: Family<Round, Counter>,
    duration: Family<Cluster, Histogram, fn() -> Histogram>,
    steps: Family<Step, Counter>,
    plan_refusals: Family<Refused, Counter>,
    ends_refused: Family<Cluster, Counter>,
    last_round: Family<Cluster, Gauge<f64, std::sync::atomic::AtomicU64>>,
    ready: Family<Cluster, Gauge>,
    rooms: Family<Cluster, Gauge>,
    participants: Family<Cluster, Gauge>,
    waiting: Family<Cluster, Gauge>,
    nodes: Family<Nodes, Gauge>,
    /// Which counts of nodes each cluster has.
    shown: Arc<Mutex<Shown>>,
    speed: u32,
}

fn duration_buckets() -> Histogram {
    // From 1 ms, a round of an idle cluster in memory, to 65 s, one in which every machine times out.
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

/// Asks the store only when somebody looks.
#[derive(Debug)]
struct StoreWrites(Embedded);

impl prometheus_client::collector::Collector for StoreWrites {
    fn encode(
        &self,
        mut encoder: prometheus_client::encoding::DescriptorEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        use prometheus_client::encoding::EncodeMetric as _;
        let counter = ConstCounter::new(self.0.writes());
        let metric = encoder.encode_descriptor(
            "openvidu_operator_store_writes",
            "Writes to the store that had an effect since the start",
            None,
            counter.metric_type(),
        )?;
        counter.encode(metric)
    }
}

impl Metrics {
    /// Counts from zero; what the embedded store counts itself is asked from it, where it is the store. The engine's clock runs `speed` times as fast as the machine's.
    pub(crate) fn new(store: Option<&Embedded>, speed: u32) -> Self {
        let mut registry = Registry::default();
        let build = Family::<Vec<(&str, &str)>, Gauge>::default();
        build
            .get_or_create(&vec![("version", env!("CARGO_PKG_VERSION"))])
            .set(1);
        registry.register(
            "openvidu_operator_build_info",
            "The release that runs; always 1",
            build,
        );
        if let Some(store) = store {
            registry.register_collector(Box::new(StoreWrites(store.clone())));
        }

        let rounds = Family::default();
        registry.register(
            "openvidu_operator_reconciles",
            "Rounds, by how they ended",
            Family::clone(&rounds),
        );
        let duration = Family::new_with_constructor(duration_buckets as fn() -> Histogram);
        registry.register_with_unit(
            "openvidu_operator_reconcile_duration",
            "How long a round took, the steps that it carried out included",
            Unit::Seconds,
            duration.clone(),
        );
        let steps = Family::default();
        registry.register(
            "openvidu_operator_steps",
            "Steps, by kind of act and result",
            Family::clone(&steps),
        );
        let plan_refusals = Family::default();
        registry.register(
            "openvidu_operator_plan_refusals",
            "Plans that the checker refused as a whole, by the rule that was broken",
            Family::clone(&plan_refusals),
        );
        let ends_refused = Family::default();
        registry.register(
            "openvidu_operator_ends_refused",
            "Ends of nodes in the committed intent that the last live read stopped",
            Family::clone(&ends_refused),
        );
        let last_round = Family::default();
        registry.register_with_unit(
            "openvidu_operator_last_round_timestamp",
            "When the last round of the cluster ended, in seconds since 1970",
            Unit::Seconds,
            Family::clone(&last_round),
        );
        let ready = Family::default();
        registry.register(
            "openvidu_cluster_ready",
            "Whether the condition Ready is True",
            Family::clone(&ready),
        );
        let rooms = Family::default();
        registry.register(
            "openvidu_cluster_rooms",
            "Rooms with somebody in them at the last look",
            Family::clone(&rooms),
        );
        let participants = Family::default();
        registry.register(
            "openvidu_cluster_participants",
            "People at the last look",
            Family::clone(&participants),
        );
        let waiting = Family::default();
        registry.register(
            "openvidu_cluster_waiting_steps",
            "Steps that wait for something",
            Family::clone(&waiting),
        );
        let nodes = Family::default();
        registry.register(
            "openvidu_cluster_nodes",
            "Nodes, by role and phase",
            Family::clone(&nodes),
        );
        Self {
            registry: Arc::new(registry),
            rounds,
            duration,
            steps,
            plan_refusals,
            ends_refused,
            last_round,
            ready,
            rooms,
            participants,
            waiting,
            nodes,
            shown: Arc::default(),
            speed: speed.max(1),
        }
    }

    /// All of it in the OpenMetrics text format.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts one round.
    pub(crate) fn count(&self, key: &ObjectKey, report: &Report) {
        let cluster = self.shared(key);
        let Cluster {
            namespace,
            cluster: name,
        } = &cluster;
        let result = report.result();
        self.rounds
            .get_or_create(&Round {
                namespace: namespace.clone(),
                cluster: name.clone(),
                result,
            })
            .inc();
        let real =
            std::time::Duration::from_millis(u64::try_from(report.took).unwrap_or(0)) / self.speed;
        self.duration
            .get_or_create(&cluster)
            .observe(real.as_secs_f64());
        self.last_round.get_or_create(&cluster).set(unix_seconds());
        for executed in &report.executed {
            let act = Word(executed.step.act);
            let result = result_of(executed);
            self.steps
                .get_or_create(&Step {
                    namespace: namespace.clone(),
                    cluster: name.clone(),
                    act,
                    result,
                })
                .inc();
        }
        for rule in Rule::SAFETY {
            // At 0 from the first round on: a first refusal must be seen to be more than none.
            let labels = Refused {
                namespace: namespace.clone(),
                cluster: name.clone(),
                rule: Word(rule),
            };
            drop(self.plan_refusals.get_or_create(&labels));
        }
        for refusal in &report.refused {
            let rule = Word(refusal.rule);
            self.plan_refusals
                .get_or_create(&Refused {
                    namespace: namespace.clone(),
                    cluster: name.clone(),
                    rule,
                })
                .inc();
        }
        let refused = u64::try_from(report.ends_refused()).unwrap_or(u64::MAX);
        self.ends_refused.get_or_create(&cluster).inc_by(refused);
        if report.gone {
            self.forget(&cluster);
        } else {
            self.state(&cluster, report);
        }
    }

    fn state(&self, cluster: &Cluster, report: &Report) {
        let (Some(snapshot), Some(plan)) = (&report.snapshot, &report.plan) else {
            return;
        };
        let is_ready = plan
            .status
            .conditions
            .iter()
            .any(|c| c.type_ == "Ready" && c.status == "True");
        self.ready.get_or_create(cluster).set(i64::from(is_ready));
        let now = Occupancies::of(snapshot);
        self.rooms
            .get_or_create(cluster)
            .set(i64::from(now.total.rooms));
        self.participants
            .get_or_create(cluster)
            .set(i64::from(now.total.participants));
        self.waiting
            .get_or_create(cluster)
            .set(i64::try_from(plan.waiting.len()).unwrap_or(i64::MAX));
        let mut counts: BTreeMap<(Role, NodePhase), i64> = BTreeMap::new();
        for (role, phase) in crate::view::phases(snapshot, plan).into_values() {
            if phase != NodePhase::Gone {
                *counts.entry((role, phase)).or_default() += 1;
            }
        }
        self.show_nodes(cluster, &counts);
    }

    /// The labels of a cluster, made once and shared by all that is counted of it.
    fn shared(&self, key: &ObjectKey) -> Cluster {
        let made = Cluster {
            namespace: Arc::from(&*key.namespace),
            cluster: Arc::from(&*key.name),
        };
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shown.get_key_value(&made).map(|(known, _)| known.clone());
        known.unwrap_or(made)
    }

    /// Replaces a cluster's counts of nodes: a phase that nobody is in any more is not shown.
    fn show_nodes(&self, cluster: &Cluster, counts: &BTreeMap<(Role, NodePhase), i64>) {
        let labels = |&(role, phase): &(Role, NodePhase)| Nodes {
            namespace: cluster.namespace.clone(),
            cluster: cluster.cluster.clone(),
            role: Word(role),
            phase: Word(phase),
        };
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if counts.is_empty() {
            shown.remove(cluster)
        } else {
            shown.insert(cluster.clone(), counts.keys().copied().collect())
        };
        let before = before.unwrap_or_default();
        for over in before.iter().filter(|over| !counts.contains_key(over)) {
            self.nodes.remove(&labels(over));
        }
        for (now, count) in counts {
            self.nodes.get_or_create(&labels(now)).set(*count);
        }
    }

    /// What is gone is not shown as it was last.
    fn forget(&self, cluster: &Cluster) {
        for family in [&self.ready, &self.rooms, &self.participants, &self.waiting] {
            family.remove(cluster);
        }
        self.last_round.remove(cluster);
        self.show_nodes(cluster, &BTreeMap::new());
    }
}

fn result_of(executed: &Executed) -> &'static str {
    match &executed.result {
        StepResult::Answered(Outcome::Done) => "done",
        StepResult::Answered(Outcome::InProgress { .. }) => "in_progress",
        StepResult::Refused(_) => "refused",
        StepResult::Held => "held",
        StepResult::Failed(error) => match error {
            ProviderError::Retryable(_) => "retryable",
            ProviderError::Throttled { .. } => "throttled",
            ProviderError::Denied(_) => "denied",
            ProviderError::Invalid { .. } => "invalid",
            ProviderError::NotFound(_) => "not_found",
            ProviderError::Conflict(_) => "conflict",
        },
    }
}

fn unix_seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
