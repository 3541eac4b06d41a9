//! One round for one cluster.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use ovo_api::OpenViduCluster;
use ovo_api::annotations::{FINALIZER, INFRASTRUCTURE_ID};
use ovo_api::claims::infrastructure_id;
use ovo_api::status::ClusterPhase;
use ovo_model::{EventNote, EventType, Objection};
use ovo_planner::bugs::Bug;
use ovo_planner::check::{Refusal, check};
use ovo_planner::plan_with;
use ovo_planner::tenants::restricted;
use ovo_provider::{Media, Provider, Target};
use ovo_store::{Freshness, ObjectKey, Store, StoreError};
use tracing::field::Empty;
use tracing::{Instrument as _, info_span};

use crate::clock::Clock;
use crate::commit;
use crate::in_use;
use crate::memory::Memory;
use crate::observe::{self, Asking, Ground, IDLE_LOOK_MS};
use crate::options::{Checking, Options};
use crate::report::{EngineError, Report};
use crate::secrets;
use crate::small::Small;
use crate::tenants::{Admission, Stop, Tenants};

/// The loop's effects: where objects are kept, what is made, who is asked, what time it is.
pub struct Engine<S, P, M, C> {
    pub(crate) store: S,
    pub(crate) provider: P,
    pub(crate) media: M,
    pub(crate) clock: C,
    pub(crate) options: Options,
    pub(crate) tenants: Tenants,
    holding: in_use::Turn,
    memories: Mutex<BTreeMap<ObjectKey, Memory>>,
    random: Mutex<fastrand::Rng>,
    stopping: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is replaced whole, so a panic elsewhere leaves nothing half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Store, P: Provider, M: Media, C: Clock> Engine<S, P, M, C> {
    /// An engine that remembers nothing yet.
    pub fn new(store: S, provider: P, media: M, clock: C, options: Options) -> Self {
        let random = fastrand::Rng::with_seed(options.seed);
        Self {
            store,
            provider,
            media,
            clock,
            options,
            tenants: Tenants::default(),
            holding: in_use::Turn::default(),
            memories: Mutex::default(),
            random: Mutex::new(random),
            stopping: AtomicBool::new(false),
        }
    }

    /// The store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// The settings.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The provider.
    pub const fn provider(&self) -> &P {
        &self.provider
    }

    /// Lets rounds end after the step in hand.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn random(&self) -> MutexGuard<'_, fastrand::Rng> {
        lock(&self.random)
    }

    /// One round: observe, plan, check, commit, execute, report. Rounds for one cluster must not overlap.
    pub async fn reconcile(&self, key: &ObjectKey) -> Report {
        let began = self.clock.now().mono;
        let mut memory = lock(&self.memories).remove(key).unwrap_or_default();
        let mut report = Report {
            look_again_in: IDLE_LOOK_MS,
            ..Report::default()
        };
        // A round is a trace of its own, whatever asked for it.
        let span = info_span!(parent: None, "reconcile", cluster = %key, result = Empty);
        let round = self.round(key, &mut memory, &mut report);
        if let Err(error) = round.instrument(span.clone()).await {
            report.look_again_in = match &error {
                EngineError::Store(StoreError::Conflict { .. }) => 0,
                EngineError::Store(StoreError::Full(_)) => 10_000,
                EngineError::Store(_) | EngineError::Elsewhere(_) => self.options.retry_first,
                EngineError::Desired(_) => IDLE_LOOK_MS,
            };
            report.error = Some(error);
        }
        span.record("result", report.result());
        if report.gone {
            self.tenants.gone(key);
        } else {
            lock(&self.memories).insert(key.clone(), memory);
        }
        report.took = self.clock.now().mono.since(began);
        report
    }

    async fn round(
        &self,
        key: &ObjectKey,
        memory: &mut Memory,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let Some(cluster) = self.store.cluster(key, Freshness::Cached).await? else {
            report.gone = true;
            return Ok(());
        };
        let Some(cluster) = self.adopt(key, cluster, report).await? else {
            return Ok(());
        };
        let Some(mut ground) = self.ground(key, cluster, memory, report).await? else {
            return Ok(());
        };
        let seen = self
            .asking(&ground)
            .everything(memory.readings.open())
            .instrument(info_span!("observe"))
            .await;
        let (trial, simulated) = (self.trial(memory), self.options.simulated);
        let snapshot = Arc::new(ground.snapshot(&self.clock, seen, trial, simulated));
        memory.readings = Small::keep(&*snapshot.readings);
        report.snapshot = Some(snapshot.clone());
        let planned = || plan_with(&snapshot, self.options.bugs);
        let plan = Arc::new(info_span!("plan").in_scope(planned));
        report.plan = Some(plan.clone());
        report.look_again_in = plan.look_again_in;
        if self.options.checking == Checking::On {
            report.refused = info_span!("check").in_scope(|| check(&snapshot, &plan));
        }
        if !report.refused.is_empty() {
            return self.refuse(&ground, memory, report).await;
        }
        memory.refused.clear();
        if !plan.release {
            in_use::hold(&self.store, &ground.cluster, &self.holding).await;
        }
        let now = self.clock.now().mono;
        let committed = async {
            let (writes, refused) = commit::nodes(&self.store, &ground, &plan, now, memory).await?;
            report.writes += writes;
            let of = (&*snapshot, &*plan);
            let status = commit::status(&self.store, &ground, of, now, memory).await?;
            Ok::<_, StoreError>((refused, status))
        };
        let (refused, status) = committed.instrument(info_span!("commit")).await?;
        if let Some(written) = status {
            report.writes += 1;
            ground.renew(&written);
        }
        if let Some(within) = memory.held.look_within(now) {
            report.look_again_in = report.look_again_in.min(within);
        }
        commit::events(&self.store, &ground, &plan.events, self.timestamp(), memory).await;
        if let Some(error) = refused {
            return Err(error.into());
        }
        self.execute(&mut ground, &snapshot, &plan, memory, report)
            .instrument(info_span!("execute", steps = plan.steps.len()))
            .await?;
        self.try_out(&ground, &plan, memory, report).await;
        if plan.release {
            // Events are lost with their namespace, and this is the last that anybody hears of what is left.
            for said in plan.events.iter().filter(|e| e.reason == "Abandoned") {
                tracing::warn!(cluster = %key, "{}", said.note);
            }
            self.release(key, report).await?;
        }
        Ok(())
    }

    /// Whom to ask about this cluster.
    pub(crate) const fn asking<'a>(&'a self, ground: &'a Ground) -> Asking<'a, P, M, C> {
        Asking {
            provider: &self.provider,
            media: &self.media,
            clock: &self.clock,
            target: &ground.target,
            secrets: &ground.secrets,
        }
    }

    /// Puts our finalizer and the infrastructure id on a new object. `None`: it is going and is not ours.
    async fn adopt(
        &self,
        key: &ObjectKey,
        cluster: Arc<OpenViduCluster>,
        report: &mut Report,
    ) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
        let ours = cluster
            .metadata
            .finalizers
            .iter()
            .flatten()
            .any(|f| f == FINALIZER);
        if !ours && cluster.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let known = infrastructure_id(&cluster);
        if ours && known.is_some() {
            return Ok(Some(cluster));
        }
        // Whoever took it off did not mean a second deployment.
        let kept = || self.tenants.id_of(&cluster);
        let id = known.map(str::to_owned).or_else(kept).unwrap_or_else(|| {
            let mut random = self.random();
            (0..8).map(|_| random.lowercase()).collect()
        });
        let version = cluster
            .metadata
            .resource_version
            .clone()
            .unwrap_or_default();
        let cluster = self
            .store
            .adopt_cluster(key, &version, FINALIZER, INFRASTRUCTURE_ID, &id)
            .await?;
        report.writes += 1;
        Ok(Some(cluster))
    }

    /// What is known before the world is looked at. `None`: nothing of this cluster is touched, and status says why.
    async fn ground(
        &self,
        key: &ObjectKey,
        cluster: Arc<OpenViduCluster>,
        memory: &mut Memory,
        report: &mut Report,
    ) -> Result<Option<Ground>, EngineError> {
        let broken = memory.admission.broken(&cluster);
        let standing = match self.admit(key, &cluster, broken).await? {
            Admission::GoOn(standing) => standing,
            Admission::Stop(stop) => {
                self.halt(key, &cluster, stop, report).await?;
                return Ok(None);
            }
        };
        let (original, cluster) = (cluster.clone(), restricted(&cluster, &standing.holds));
        let profile = standing.profile;
        let mut desired = match self.provider.desired(&cluster, profile) {
            Ok(desired) => desired,
            Err(error) => {
                let stop = Stop {
                    objection: Objection {
                        reason: "Invalid",
                        message: error.to_string(),
                    },
                    recorded: standing.recorded,
                };
                self.halt(key, &original, stop, report).await?;
                if report.gone {
                    return Ok(None);
                }
                return Err(EngineError::Desired(error));
            }
        };
        let infrastructure_id = infrastructure_id(&cluster).unwrap_or_default().into();
        let records = observe::by_machine(self.store.nodes(key, Freshness::Cached).await?);
        let keys = secrets::keys(profile);
        let secrets = secrets::read(&self.store, key, &keys, &cluster.spec, &desired, memory).await;
        secrets::fill(&mut desired, &secrets);
        let target = Target {
            cluster: cluster.clone(),
            profile,
            infrastructure_id,
        };
        Ok(Some(Ground {
            cluster,
            records,
            target,
            desired: Arc::new(desired),
            secrets,
            standing,
        }))
    }

    /// Says in status and once in an event why a plan was refused; nothing of it is done.
    async fn refuse(
        &self,
        ground: &Ground,
        memory: &mut Memory,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let text: Vec<String> = report.refused.iter().map(Refusal::to_string).collect();
        let text = text.join("; ");
        tracing::error!(cluster = %ObjectKey::of(&*ground.cluster), reason = %text, "plan refused by the checker");
        if memory.refused != text {
            memory.refused.clone_from(&text);
            let note = EventNote {
                event_type: EventType::Warning,
                reason: "PlanRefused".to_owned(),
                note: text.clone(),
                node: None,
            };
            commit::events(&self.store, ground, &[note], self.timestamp(), memory).await;
        }
        self.stall(&ground.cluster, "PlanRefused", text, report)
            .await?;
        Ok(())
    }

    pub(crate) async fn stall(
        &self,
        cluster: &OpenViduCluster,
        reason: &str,
        message: String,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let said = [
            ("Stalled", "True", reason, &*message),
            ("Ready", "False", reason, &*message),
            ("Reconciling", "False", reason, &*message),
        ];
        self.say(cluster, &said, report).await
    }

    /// Writes conditions (type, status, reason, message), if they are others than before.
    pub(crate) async fn say(
        &self,
        cluster: &OpenViduCluster,
        conditions: &[(&str, &str, &str, &str)],
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let mut object = cluster.clone();
        let generation = object.metadata.generation;
        let deleting = object.metadata.deletion_timestamp.is_some();
        let status = object.status.get_or_insert_default();
        let phase = if deleting {
            ClusterPhase::Deleting
        } else {
            ClusterPhase::Stalled
        };
        let mut changed = status.observed_generation != generation || status.phase != Some(phase);
        status.observed_generation = generation;
        status.phase = Some(phase);
        for (type_, value, reason, message) in conditions {
            changed |= self.put(
                &mut status.conditions,
                type_,
                value,
                reason,
                message,
                generation,
            );
        }
        if changed {
            self.store.replace_cluster_status(&object).await?;
            report.writes += 1;
        }
        Ok(())
    }

    fn put(
        &self,
        list: &mut Vec<Condition>,
        type_: &str,
        status: &str,
        reason: &str,
        message: &str,
        generation: Option<i64>,
    ) -> bool {
        let now = self.clock.now().wall.to_time();
        let old = list.iter().position(|c| c.type_ == type_);
        let since = old.and_then(|i| list.get(i)).filter(|c| c.status == status);
        let new = Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: since.map_or(now, |c| c.last_transition_time.clone()),
            observed_generation: generation,
        };
        match old.and_then(|i| list.get_mut(i)) {
            Some(old) if *old == new => false,
            Some(old) => {
                *old = new;
                true
            }
            None => {
                list.push(new);
                true
            }
        }
    }

    /// Lets the object go: everything that it stood for is gone, or was given up.
    pub(crate) async fn release(
        &self,
        key: &ObjectKey,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let cluster = self.store.cluster(key, Freshness::Live).await?;
        let first = self.options.bugs.has(Bug::ReleasesFirst);
        if !first {
            in_use::release(&self.store, key, cluster.as_deref()).await?;
        }
        let Some(cluster) = cluster else {
            report.gone = true;
            return Ok(());
        };
        let finalizers = cluster
            .metadata
            .finalizers
            .iter()
            .flatten()
            .filter(|f| *f != FINALIZER)
            .cloned()
            .collect();
        let version = cluster
            .metadata
            .resource_version
            .clone()
            .unwrap_or_default();
        match self
            .store
            .set_cluster_finalizers(key, &version, finalizers)
            .await
        {
            Ok(_) | Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        if first {
            in_use::release(&self.store, key, Some(&cluster)).await?;
        }
        report.writes += 1;
        report.gone = true;
        Ok(())
    }

    pub(crate) fn timestamp(&self) -> k8s_openapi::jiff::Timestamp {
        self.clock.now().wall.to_time().0
    }
}
