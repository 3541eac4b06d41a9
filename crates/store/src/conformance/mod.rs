//! The conformance suite for stores: one list of cases for every adapter.
//!
//! An adapter's test makes a [`Bed`] and asserts that [`failures`] finds none. Each case works in a namespace of its
//! own.

mod clusters;
mod deletion;
mod events;
pub mod fixture;
mod nodes;
mod secrets;
mod spec;
mod watch;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ovo_api::OpenViduCluster;
use serde_json::Value;

use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::Store;

/// How long a case waits for what a store does by itself, such as collecting garbage, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// An event as the cases look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEvent {
    /// Why.
    pub reason: String,
    /// The sentence.
    pub note: String,
    /// How often.
    pub count: u32,
}

/// A store under test, and what people do to it beside the port.
pub trait Bed: Send + Sync {
    /// The store.
    type Store: Store;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// How long after [`Bed::apply`] and its like, which do not go through the store, the store's cache may take to
    /// hear of it. Zero where the store is what they write to; an API server tells by a watch.
    fn hears_within(&self) -> Duration {
        Duration::ZERO
    }

    /// Makes a namespace that is there and empty. A name is asked for once.
    fn namespace(&self, name: &str) -> impl Future<Output = String> + Send;

    /// What `kubectl apply` does with a cluster's manifest.
    fn apply(
        &self,
        document: Value,
    ) -> impl Future<Output = Result<Arc<OpenViduCluster>, StoreError>> + Send;

    /// What `kubectl delete` does, without waiting.
    fn delete_cluster(
        &self,
        key: &ObjectKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What `kubectl annotate` does to a cluster.
    fn annotate_cluster(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What `kubectl annotate` does to a node.
    fn annotate_node(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The events about an object.
    fn events(&self, key: &ObjectKey, kind: &str) -> impl Future<Output = Vec<SeenEvent>> + Send;
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case.
    pub case: &'static str,
    /// What was wrong.
    pub why: String,
}

/// How a case ends.
pub(crate) type Verdict = Result<(), String>;

/// Fails the case with a sentence when something does not hold.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}
/// Fails the case when two values differ.
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $what:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    return Err(format!("{}: {left:?} instead of {right:?}", $what));
                }
            }
        }
    };
}
/// Takes the value, or fails the case with the error.
macro_rules! ok {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(format!("{}: {error}", stringify!($result))),
        }
    };
}
/// Fails the case unless a call is refused in this way.
macro_rules! refused {
    ($result:expr, $pattern:pat) => {
        match $result {
            Err($pattern) => {}
            other => return Err(format!("{}: {other:?}", stringify!($result))),
        }
    };
}
pub(crate) use {ensure, ensure_eq, ok, refused};

/// Runs the cases that are listed, by module and function.
macro_rules! cases {
    ($bed:expr, $($module:ident :: $case:ident),+ $(,)?) => {{
        let mut failures = Vec::new();
        $(
            let case = concat!(stringify!($module), "::", stringify!($case));
            let namespace = $bed.namespace(&case.replace("::", "-").replace('_', "-")).await;
            let key = ObjectKey::new(namespace, "demo");
            if let Err(why) = $module::$case($bed, &key).await {
                failures.push(Failure { case, why });
            }
        )+
        failures
    }};
}

/// Runs every case and returns those that failed.
pub async fn failures<B: Bed>(bed: &B) -> Vec<Failure> {
    cases!(
        bed,
        spec::the_server_sets_its_own_fields,
        spec::defaults_are_filled_in,
        spec::the_same_again_changes_nothing,
        spec::only_the_spec_moves_the_generation,
        spec::what_is_left_out_goes_and_what_others_wrote_stays,
        spec::a_broken_rule_is_refused_by_field,
        spec::what_may_not_change_is_refused_by_field,
        spec::an_unknown_field_is_refused,
        clusters::a_status_write_changes_nothing_else,
        clusters::the_same_status_again_is_no_write,
        clusters::an_old_version_is_a_conflict,
        clusters::a_missing_cluster_is_not_found,
        clusters::a_cluster_is_adopted_once,
        clusters::racing_writers_lose_nothing,
        clusters::reads_never_lag_behind_own_writes,
        nodes::a_record_is_made_with_its_status,
        nodes::records_are_listed_by_cluster,
        nodes::bad_records_are_refused,
        nodes::a_status_write_changes_nothing_else,
        nodes::a_newer_format_is_not_overwritten,
        nodes::an_annotation_is_removed,
        deletion::without_finalizers_a_record_goes_at_once,
        deletion::finalizers_hold_a_record,
        deletion::finalizers_hold_a_cluster,
        deletion::what_a_cluster_owns_goes_with_it,
        deletion::a_new_object_under_an_old_name_is_another_one,
        secrets::values_come_back_and_never_show,
        secrets::a_second_one_is_refused,
        secrets::an_update_compares_versions,
        secrets::a_finalizer_is_kept,
        events::repeats_join_a_series,
        events::a_long_note_is_cut,
        watch::all_that_is_there_comes_first,
        watch::every_kind_of_change_is_hinted,
    )
}

/// Waits until something holds, for what a store does by itself.
pub(crate) async fn eventually<F: Future<Output = bool> + Send>(
    what: &str,
    holds: impl Fn() -> F + Send,
) -> Verdict {
    within(PATIENCE, what, holds).await
}

/// Waits this long at most until something holds; with no time at all it must hold at once.
pub(crate) async fn within<F: Future<Output = bool> + Send>(
    time: Duration,
    what: &str,
    holds: impl Fn() -> F + Send,
) -> Verdict {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // A time-out asks once before it looks at the clock.
    tokio::time::timeout(time, wait)
        .await
        .map_err(|_| format!("{what}: not within {time:?}"))
}
