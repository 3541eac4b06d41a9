//! What becomes of a cluster that may not be worked on, also where it is being deleted.

use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::annotations::ABANDON;
use ovo_api::spec::DeletionPolicy;
use ovo_model::Millis;
use ovo_provider::{Media, Provider};
use ovo_store::{
    ClusterEvent, EventType, Freshness, ObjectKey, ObjectReference, Store, StoreError,
};

use crate::clock::Clock;
use crate::commit;
use crate::reconcile::Engine;
use crate::report::Report;
use crate::tenants::Stop;

/// When a cluster that waits for another one is looked at again, in milliseconds: nobody tells it that the other let go.
const LOOK_AGAIN_MS: Millis = 10_000;

impl<S: Store, P: Provider, M: Media, C: Clock> Engine<S, P, M, C> {
    /// Says why nothing of this cluster is touched. One that is being deleted is let go where nothing of it may exist, or
    /// where a person says so.
    pub(crate) async fn halt(
        &self,
        key: &ObjectKey,
        cluster: &Arc<OpenViduCluster>,
        stop: Stop,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        report.look_again_in = LOOK_AGAIN_MS;
        let (reason, why) = (stop.objection.reason, stop.objection.message);
        if cluster.metadata.deletion_timestamp.is_none() {
            return self.stall(cluster, reason, why, report).await;
        }
        let deletion = &cluster.spec.deletion;
        let name = &key.name;
        let annotations = cluster.metadata.annotations.as_ref();
        let abandoned = annotations.and_then(|a| a.get(ABANDON)) == Some(name);
        let orphaned = deletion.policy() == DeletionPolicy::Orphan;
        let (blocked, message) = if deletion.protected() {
            (
                "Protected",
                "set spec.deletion.protected to false to let it be taken away".to_owned(),
            )
        } else if cluster.spec.paused() {
            (
                "Paused",
                "deletion waits while spec.paused is true; set it to false to let it go on"
                    .to_owned(),
            )
        } else if !stop.recorded || abandoned || orphaned {
            return self.let_go(key, cluster, abandoned, report).await;
        } else {
            let message = format!(
                "{why}; as long as that is so, nothing can be taken away: put it right, or let go of what is left and \
                 annotate {ABANDON}: \"{name}\""
            );
            (reason, message)
        };
        let said = [
            ("Stalled", "True", reason, &*why),
            ("Ready", "False", reason, &*why),
            ("Reconciling", "False", reason, &*why),
            ("DeletionBlocked", "True", blocked, &*message),
        ];
        self.say(cluster, &said, report).await
    }

    /// Lets the object and its records go; what they stood for is not touched.
    async fn let_go(
        &self,
        key: &ObjectKey,
        cluster: &Arc<OpenViduCluster>,
        abandoned: bool,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let nodes = self.store.nodes(key, Freshness::Live).await?;
        let mut left: Vec<String> = Vec::new();
        for node in &nodes {
            let address = node.status.as_ref().and_then(|s| s.address.as_deref());
            let at = address.map_or_else(String::new, |a| format!(" at {a}"));
            left.push(format!("{}{at}", node.spec.machine));
        }
        let claims = cluster.status.iter().flat_map(|s| s.claims.clone());
        left.extend(claims.filter(|c| !c.starts_with("address/")));
        let (event_type, reason, note) = if abandoned {
            // Events are lost with their namespace, and this is the last that anybody hears of what is left.
            let note = format!("left behind: {}", left.join(", "));
            tracing::warn!(cluster = %key, "{note}");
            (EventType::Warning, "Abandoned", note)
        } else {
            let note = "nothing was built for it, or spec.deletion.policy is Orphan: nothing is taken away";
            (EventType::Normal, "Released", note.to_owned())
        };
        let event = ClusterEvent {
            event_type,
            reason: reason.to_owned(),
            note,
            regarding: ObjectReference {
                kind: "OpenViduCluster".to_owned(),
                key: key.clone(),
                uid: cluster.metadata.uid.clone().unwrap_or_default(),
            },
            at: self.timestamp(),
        };
        if let Err(error) = self.store.record_event(event).await {
            tracing::warn!(cluster = %key, %error, reason, "event not recorded");
        }
        for node in nodes {
            report.writes += commit::remove(&self.store, &node).await?;
        }
        self.release(key, report).await
    }
}
