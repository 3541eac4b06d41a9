//! Leadership: one process acts, by a Lease, and only while it can be sure of it.
//!
//! Infrastructure cannot be fenced by Kubernetes. So leadership is no belief but a bound: a call may begin only while
//! the time since the last successful renewal was *sent*, by the longer of two clocks, leaves room for the call within
//! the lease. Whoever waits counts from the moment at which it saw the Lease change, by its own clock, and never
//! believes another machine's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

use super::gate::Gate;
use super::options::{CALL_TIMEOUT, FIELD_MANAGER};
use crate::error::StoreError;

/// How leadership is kept. A lease of 15 s renewed every 3 s survives four lost renewals; both are client-go's
/// proportions.
#[derive(Clone, Debug)]
pub struct LeaseOptions {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who we are: the pod's name. Another process of the same identity would be taken for ourselves.
    pub identity: String,
    /// After so long without a renewal another process may take over.
    pub duration: Duration,
    /// How often it is renewed.
    pub renew_every: Duration,
    /// How often whoever waits looks. 1 s: a Lease that is given back is taken up within two.
    pub look_every: Duration,
    /// How long one call about the Lease may take.
    pub call_timeout: Duration,
}

/// Whether this process leads, for whoever is about to act. Clones ask the same.
#[derive(Clone, Debug)]
pub struct Leadership {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    duration: Duration,
    /// When the last successful renewal was sent.
    renewed: Mutex<Option<Moment>>,
    leads: watch::Sender<bool>,
}

/// A moment on two clocks: one that goes on while the machine is suspended, and one that people set.
#[derive(Clone, Copy, Debug)]
struct Moment {
    boot: Duration,
    wall: SystemTime,
}

/// Holds the Lease, or waits for it.
pub struct Elector {
    leases: Api<Lease>,
    options: LeaseOptions,
    leadership: Leadership,
    seen: Option<Seen>,
}

/// The Lease as it was last seen to change.
struct Seen {
    version: Option<String>,
    at: Moment,
}

// === impl LeaseOptions ===

impl LeaseOptions {
    /// The usual ones.
    pub fn new(namespace: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: "openvidu-operator".to_owned(),
            identity: identity.into(),
            duration: Duration::from_secs(15),
            renew_every: Duration::from_secs(3),
            look_every: Duration::from_secs(1),
            call_timeout: CALL_TIMEOUT,
        }
    }
}

// === impl Moment ===

impl Moment {
    fn now() -> Self {
        let boot = clock_gettime(ClockId::Boottime);
        Self {
            boot: Duration::new(
                u64::try_from(boot.tv_sec).unwrap_or(0),
                u32::try_from(boot.tv_nsec).unwrap_or(0),
            ),
            wall: SystemTime::now(),
        }
    }

    /// How long ago it was, by the clock that says longer.
    fn elapsed(&self) -> Duration {
        let now = Self::now();
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        now.boot.saturating_sub(self.boot).max(wall)
    }

    /// How long ago it was, by the clock that nobody sets.
    fn surely_elapsed(&self) -> Duration {
        Self::now().boot.saturating_sub(self.boot)
    }
}

// === impl Leadership ===

impl Leadership {
    fn new(duration: Duration) -> Self {
        Self {
            state: Arc::new(State {
                duration,
                renewed: Mutex::new(None),
                leads: watch::Sender::new(false),
            }),
        }
    }

    fn renewed(&self) -> Option<Moment> {
        *self
            .state
            .renewed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, renewed: Option<Moment>) {
        *self
            .state
            .renewed
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = renewed;
        self.state.leads.send_replace(renewed.is_some());
    }

    /// Waits until this process leads.
    pub async fn gained(&self) {
        self.reaches(true).await;
    }

    /// Waits until this process does not lead (any more).
    pub async fn lost(&self) {
        self.reaches(false).await;
    }

    async fn reaches(&self, leads: bool) {
        let mut changes = self.state.leads.subscribe();
        // The sender lives in `self`: the channel does not close.
        let _ = changes.wait_for(|now| *now == leads).await;
    }
}

impl Gate for Leadership {
    fn may_begin(&self, call_timeout: Duration) -> bool {
        self.renewed()
            .is_some_and(|renewed| renewed.elapsed() + call_timeout < self.state.duration)
    }
}

// === impl Elector ===

impl Elector {
    /// Waits for nothing yet; [`Elector::run`] does.
    pub fn new(client: Client, options: LeaseOptions) -> Self {
        Self {
            leases: Api::namespaced(client, &options.namespace),
            leadership: Leadership::new(options.duration),
            options,
            seen: None,
        }
    }

    /// What it finds out.
    pub const fn leadership(&self) -> &Leadership {
        &self.leadership
    }

    /// Gets and keeps the Lease; ends only when leadership was held and is lost.
    pub async fn run(&mut self) {
        loop {
            let sent = Moment::now();
            let held = self.leadership.renewed();
            match self.attempt().await {
                Ok(true) => self.leadership.set(Some(sent)),
                Ok(false) if held.is_some() => {
                    tracing::warn!(
                        identity = self.options.identity,
                        "another process leads now"
                    );
                    return self.leadership.set(None);
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "the Lease could not be renewed");
                    // Past its end nobody may act any more; whoever waits may have it already.
                    if held.is_some_and(|held| held.elapsed() >= self.options.duration) {
                        return self.leadership.set(None);
                    }
                }
            }
            let pause = if self.leadership.renewed().is_some() {
                self.options.renew_every
            } else {
                self.options.look_every
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Gives the Lease back, so that whoever waits need not wait for its end. Nothing may be under way any more.
    pub async fn release(&mut self) {
        if self.leadership.renewed().is_none() {
            return;
        }
        self.leadership.set(None);
        let released = async {
            // A renewal that was under way may come in between, once.
            for _ in 0..3 {
                let Some(lease) = self.read().await? else {
                    break;
                };
                let ours = holder(&lease) == Some(&self.options.identity);
                if !ours || self.write(lease, None).await? {
                    break;
                }
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "the Lease was not given back: it ends by itself");
        }
    }

    /// One look, and one write where it is ours or free. Whether we hold it.
    async fn attempt(&mut self) -> Result<bool, StoreError> {
        let Some(lease) = self.read().await? else {
            let fresh = Lease {
                metadata: ObjectMeta {
                    name: Some(self.options.name.clone()),
                    ..ObjectMeta::default()
                },
                spec: None,
            };
            return self.create(fresh).await;
        };
        let version = lease.metadata.resource_version.clone();
        let ours = holder(&lease) == Some(&self.options.identity);
        if self
            .seen
            .as_ref()
            .is_none_or(|seen| seen.version != version)
        {
            self.seen = Some(Seen {
                version,
                at: Moment::now(),
            });
        }
        let free = holder(&lease).is_none_or(String::is_empty);
        if ours || free || self.ended(&lease) {
            let identity = self.options.identity.clone();
            return self.write(lease, Some(identity)).await;
        }
        Ok(false)
    }

    /// Whether nobody has renewed it for as long as its holder asked for, seen from here.
    fn ended(&self, lease: &Lease) -> bool {
        let asked = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_duration_seconds);
        let asked = Duration::from_secs(asked.and_then(|s| u64::try_from(s).ok()).unwrap_or(0));
        self.seen
            .as_ref()
            .is_some_and(|seen| seen.at.surely_elapsed() >= asked.max(self.options.duration))
    }

    async fn read(&self) -> Result<Option<Lease>, StoreError> {
        let name = self.options.name.clone();
        self.bounded(self.leases.get_opt(&name)).await
    }

    async fn create(&self, lease: Lease) -> Result<bool, StoreError> {
        let lease = self.filled(lease, Some(self.options.identity.clone()));
        let parameters = parameters();
        self.won(self.leases.create(&parameters, &lease)).await
    }

    /// Compared by `resourceVersion`: of two that try one succeeds.
    async fn write(&self, lease: Lease, holder: Option<String>) -> Result<bool, StoreError> {
        let lease = self.filled(lease, holder);
        let parameters = parameters();
        self.won(self.leases.replace(&self.options.name, &parameters, &lease))
            .await
    }

    fn filled(&self, mut lease: Lease, holder: Option<String>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let old = lease.spec.take().unwrap_or_default();
        let changes = old.holder_identity != holder;
        let transitions = old.lease_transitions.unwrap_or(0);
        lease.spec = Some(LeaseSpec {
            acquire_time: if changes {
                Some(now.clone())
            } else {
                old.acquire_time
            },
            renew_time: Some(now),
            lease_duration_seconds: i32::try_from(self.options.duration.as_secs()).ok(),
            lease_transitions: Some(transitions + i32::from(changes && holder.is_some())),
            holder_identity: holder,
            ..LeaseSpec::default()
        });
        lease
    }

    /// A write that another one was faster than is no error: it is an answer.
    async fn won(
        &self,
        call: impl Future<Output = Result<Lease, kube::Error>> + Send,
    ) -> Result<bool, StoreError> {
        let answered = async {
            match call.await {
                Ok(_) => Ok(true),
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.bounded(answered).await
    }

    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, StoreError> {
        let what = format!("Lease {}/{}", self.options.namespace, self.options.name);
        match tokio::time::timeout(self.options.call_timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
                Err(StoreError::Denied(format!(
                    "{what}: the operator's role lacks {{apiGroups: [\"coordination.k8s.io\"], resources: [\"leases\"], \
                     verbs: [\"get\", \"create\", \"update\"]}}; the server says: {}",
                    status.message
                )))
            }
            Ok(Err(error)) => Err(StoreError::Unavailable(format!("{what}: {error}"))),
            Err(_) => Err(StoreError::Unavailable(format!(
                "{what}: no answer within {} ms",
                self.options.call_timeout.as_millis()
            ))),
        }
    }
}

fn holder(lease: &Lease) -> Option<&String> {
    lease.spec.as_ref()?.holder_identity.as_ref()
}

fn parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_begins_only_where_the_lease_outlasts_it() {
        let leadership = Leadership::new(Duration::from_secs(15));
        assert!(!leadership.may_begin(Duration::ZERO), "nobody leads yet");
        leadership.set(Some(Moment::now()));
        assert!(leadership.may_begin(Duration::from_secs(5)));
        assert!(!leadership.may_begin(Duration::from_secs(15)));

        let ago = |boot, wall| Moment {
            boot: Moment::now().boot.saturating_sub(Duration::from_secs(boot)),
            wall: SystemTime::now() - Duration::from_secs(wall),
        };
        // Suspended, or its wall clock set forward: the longer counts. Set back: the other one goes on.
        for (boot, wall, may) in [
            (11, 0, false),
            (0, 11, false),
            (8, 8, true),
            (11, 11, false),
        ] {
            leadership.set(Some(ago(boot, wall)));
            assert_eq!(
                leadership.may_begin(Duration::from_secs(5)),
                may,
                "{boot} {wall}"
            );
        }
        leadership.set(Some(Moment {
            wall: SystemTime::now() + Duration::from_hours(1),
            ..ago(11, 0)
        }));
        assert!(
            !leadership.may_begin(Duration::from_secs(5)),
            "a clock set back an hour"
        );
        leadership.set(None);
        assert!(!leadership.may_begin(Duration::ZERO));
    }
}
