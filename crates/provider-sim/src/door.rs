//! The one door to the world that all clones of a provider and its media client share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovo_api::OpenViduCluster;
use ovo_model::{Millis, NodeName, Observation, ProviderError, Scope, Wall};
use ovo_provider::{NodeAnswers, Target};
use ovo_world::{AdversaryConfig, Answer, Dep, Input, RoomId, Script, World};

use crate::interceptor::{CallInfo, CallKind, Interceptor, Moment, Verdict};
use crate::journal::SimJournal;
use crate::sight::sight;

/// Where a served world's time comes from.
pub type Clock = Arc<dyn Fn() -> Wall + Send + Sync>;

/// How many old answers are kept for stale reads.
const HISTORY: usize = 64;
/// How far apart they are at least, in milliseconds. Each is a copy of all that was seen, and what is asked for is a
/// minute old or older.
const APART: Millis = 10_000;

/// A handle on the simulated world. Clones share it.
#[derive(Clone)]
pub struct SimDoor {
    inner: Arc<Mutex<Inner>>,
}

pub(crate) struct Inner {
    pub(crate) world: World,
    journal: Option<SimJournal>,
    clock: Option<Clock>,
    interceptor: Option<Arc<dyn Interceptor>>,
    ordinal: u64,
    known: BTreeMap<Arc<str>, Known>,
}

/// What the door remembers of a deployment.
struct Known {
    dep: Dep,
    /// The object through which it was seen last.
    cluster: Arc<OpenViduCluster>,
    /// The world's mark at the last look.
    looked: u64,
    looks: VecDeque<(Wall, BTreeMap<Scope, Observation>)>,
    readings: VecDeque<(Wall, BTreeMap<NodeName, NodeAnswers>)>,
}

impl SimDoor {
    /// A door to a world whose time somebody else moves.
    pub fn new(world: World) -> Self {
        Self::made(world, None, None)
    }

    /// A door to a world that is kept on disk and whose time is this clock's.
    pub fn served(world: World, journal: SimJournal, clock: Clock) -> Self {
        Self::made(world, Some(journal), Some(clock))
    }

    /// A door to a world whose time is this clock's, kept nowhere.
    pub fn with_clock(world: World, clock: Clock) -> Self {
        Self::made(world, None, Some(clock))
    }

    fn made(world: World, journal: Option<SimJournal>, clock: Option<Clock>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                world,
                journal,
                clock,
                interceptor: None,
                ordinal: 0,
                known: BTreeMap::new(),
            })),
        }
    }

    /// Lets somebody step in between from now on; `None` lets everything pass.
    pub fn intercept(&self, interceptor: Option<Arc<dyn Interceptor>>) {
        self.lock().interceptor = interceptor;
    }

    /// Looks at the world, and moves its time if there is a clock.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        let mut inner = self.lock();
        inner.tick();
        look(&inner.world)
    }

    /// Changes the world past all doors, unwritten in any journal: for tests.
    pub fn with_world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.lock().world)
    }

    /// Lets everything happen up to this time.
    pub fn advance_to(&self, until: Wall) {
        self.lock().world.advance_to(until);
    }

    /// Makes something happen in a deployment.
    ///
    /// # Errors
    /// When it cannot be written down first.
    pub fn script(
        &self,
        infrastructure_id: &str,
        script: Script,
    ) -> Result<Option<RoomId>, ProviderError> {
        let mut inner = self.lock();
        inner.tick();
        let input = Input::Script {
            deployment: infrastructure_id.into(),
            script,
        };
        match inner.apply(&input)? {
            Answer::Room(room) => Ok(Some(room)),
            Answer::Nothing | Answer::Act(_) => Ok(None),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the world was changed is a bug of the world; the test that found it says so, and the
        // others go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Moves the world's time to its clock's, if it has one.
    pub(crate) fn tick(&mut self) {
        if let Some(now) = self.clock.as_ref().map(|clock| clock()) {
            self.world.advance_to(now);
        }
    }

    /// Writes an input down, then lets it take effect: whatever was answered survives a death.
    pub(crate) fn apply(&mut self, input: &Input) -> Result<Answer, ProviderError> {
        if let Some(journal) = &mut self.journal {
            journal
                .append(self.world.now(), input)
                .map_err(|error| ProviderError::Retryable(error.to_string()))?;
        }
        let answer = self.world.apply(input);
        if let Some(journal) = &mut self.journal {
            journal
                .checkpoint_if_due(&self.world)
                .map_err(|error| ProviderError::Retryable(error.to_string()))?;
        }
        Ok(answer)
    }

    /// Makes sure that the world knows the deployment.
    pub(crate) fn meet(&mut self, target: &Target) -> Result<Dep, ProviderError> {
        self.tick();
        if let Some(known) = self.known.get_mut(&target.infrastructure_id) {
            if Arc::ptr_eq(&known.cluster, &target.cluster) {
                return Ok(known.dep);
            }
            let same = known.cluster.spec.media == target.cluster.spec.media
                && known.cluster.spec.infrastructure == target.cluster.spec.infrastructure;
            known.cluster = target.cluster.clone();
            if same {
                return Ok(known.dep);
            }
        }
        let sight = sight(target);
        if self.world.is_new(&sight) {
            self.apply(&Input::Sight(sight))?;
        }
        let Some(dep) = self.world.find(&target.infrastructure_id) else {
            return Err(ProviderError::NotFound(format!(
                "deployment {}",
                target.infrastructure_id
            )));
        };
        let (cluster, looked) = (target.cluster.clone(), self.world.mark());
        self.known
            .entry(target.infrastructure_id.clone())
            .and_modify(|known| known.dep = dep)
            .or_insert_with(|| Known {
                dep,
                cluster,
                looked,
                looks: VecDeque::new(),
                readings: VecDeque::new(),
            });
        Ok(dep)
    }

    pub(crate) const fn next_ordinal(&mut self) -> u64 {
        self.ordinal += 1;
        self.ordinal - 1
    }

    pub(crate) fn verdict(&self, kind: &CallKind, moment: Moment, ordinal: u64) -> Verdict {
        self.interceptor
            .as_ref()
            .map_or(Verdict::Pass, |interceptor| {
                interceptor.verdict(&CallInfo {
                    kind: kind.clone(),
                    moment,
                    ordinal,
                })
            })
    }

    pub(crate) fn intercepted(&self) -> bool {
        self.interceptor.is_some()
    }

    fn keeps_history(&self) -> bool {
        self.interceptor
            .as_ref()
            .is_some_and(|interceptor| interceptor.wants_history())
    }

    pub(crate) fn has_adversary(&self) -> bool {
        self.world.config().adversary != AdversaryConfig::default()
    }

    pub(crate) fn looked(&self, deployment: &str) -> u64 {
        self.known.get(deployment).map_or(0, |known| known.looked)
    }

    pub(crate) fn remember_look(&mut self, deployment: &str, seen: &BTreeMap<Scope, Observation>) {
        let (mark, now, keeps) = (self.world.mark(), self.world.now(), self.keeps_history());
        if let Some(known) = self.known.get_mut(deployment) {
            known.looked = mark;
            if keeps {
                remember(&mut known.looks, now, seen);
            }
        }
    }

    pub(crate) fn remember_readings(
        &mut self,
        deployment: &str,
        answers: &BTreeMap<NodeName, NodeAnswers>,
    ) {
        let (now, keeps) = (self.world.now(), self.keeps_history());
        if let Some(known) = self.known.get_mut(deployment).filter(|_| keeps) {
            remember(&mut known.readings, now, answers);
        }
    }

    /// The newest whole look that is at least this old.
    pub(crate) fn old_look(
        &self,
        deployment: &str,
        age: Millis,
    ) -> Option<BTreeMap<Scope, Observation>> {
        old(&self.known.get(deployment)?.looks, self.world.now(), age)
    }

    /// The newest readings that are at least this old.
    pub(crate) fn old_readings(
        &self,
        deployment: &str,
        age: Millis,
    ) -> Option<BTreeMap<NodeName, NodeAnswers>> {
        old(&self.known.get(deployment)?.readings, self.world.now(), age)
    }
}

fn remember<T: Clone>(past: &mut VecDeque<(Wall, T)>, now: Wall, answer: &T) {
    if past
        .back()
        .is_some_and(|(last, _)| now.since(*last) < APART)
    {
        return;
    }
    if past.len() >= HISTORY {
        past.pop_front();
    }
    past.push_back((now, answer.clone()));
}

fn old<T: Clone>(past: &VecDeque<(Wall, T)>, now: Wall, age: Millis) -> Option<T> {
    past.iter()
        .rev()
        .find(|(at, _)| now.since(*at) >= age)
        .map(|(_, answer)| answer.clone())
}
