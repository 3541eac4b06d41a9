//! The conformance suite's bed over a real API server.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::Status;
use kube::{Client, ResourceExt};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::conformance::{Bed, SeenEvent};
use ovo_store::kubernetes::KubernetesStore;
use ovo_store::{ObjectKey, StoreError, Violation};
use serde_json::{Value, json};

use crate::server::{PATIENCE, Server};

/// A store with the operator's rights, and people with the administrator's.
pub struct KubernetesBed {
    server: Server,
    store: KubernetesStore,
    people: Client,
    /// Tells the namespaces of two beds on one server apart.
    prefix: &'static str,
}

// === impl KubernetesBed ===

impl KubernetesBed {
    pub async fn new(server: &Server, store: KubernetesStore, prefix: &'static str) -> Self {
        Self {
            server: server.clone(),
            store,
            people: server.admin().await,
            prefix,
        }
    }

    fn clusters(&self, key: &ObjectKey) -> Api<OpenViduCluster> {
        Api::namespaced(self.people.clone(), &key.namespace)
    }
}

impl Bed for KubernetesBed {
    type Store = KubernetesStore;

    fn store(&self) -> &KubernetesStore {
        &self.store
    }

    fn hears_within(&self) -> Duration {
        PATIENCE
    }

    async fn namespace(&self, name: &str) -> String {
        self.server
            .namespace(&format!("{}-{name}", self.prefix))
            .await
    }

    async fn apply(&self, document: Value) -> Result<Arc<OpenViduCluster>, StoreError> {
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap();
        let key = ObjectKey::new(text("/metadata/namespace"), text("/metadata/name"));
        // As `kubectl apply --server-side` does it, which is strict about fields that nobody knows.
        let params = PatchParams::apply("kubectl").validation_strict();
        let clusters = self.clusters(&key);
        let document = Patch::Apply(document);
        let applied = clusters.patch(&key.name, &params, &document);
        match applied.await {
            Ok(mut cluster) => {
                cluster.metadata.managed_fields = None;
                Ok(Arc::new(cluster))
            }
            Err(kube::Error::Api(status)) => Err(refusal(&key, &status)),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    async fn delete_cluster(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let clusters = self.clusters(key);
        let deleted = clusters
            .delete(&key.name, &DeleteParams::background())
            .await;
        deleted.map(drop).map_err(other)
    }

    async fn annotate_cluster(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {annotation: value}}}));
        let params = PatchParams {
            field_manager: Some("kubectl-annotate".to_owned()),
            ..PatchParams::default()
        };
        let patched = self.clusters(key).patch(&key.name, &params, &patch).await;
        patched.map(drop).map_err(other)
    }

    async fn annotate_node(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {annotation: value}}}));
        let nodes: Api<OpenViduNode> = Api::namespaced(self.people.clone(), &key.namespace);
        let patched = nodes
            .patch(&key.name, &PatchParams::default(), &patch)
            .await;
        patched.map(drop).map_err(other)
    }

    async fn events(&self, key: &ObjectKey, kind: &str) -> Vec<SeenEvent> {
        let events: Api<Event> = Api::namespaced(self.people.clone(), &key.namespace);
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.sort_by_key(ResourceExt::creation_timestamp);
        let about = |event: &Event| {
            event.regarding.as_ref().is_some_and(|object| {
                object.kind.as_deref() == Some(kind) && object.name.as_ref() == Some(&key.name)
            })
        };
        let about = events.into_iter().filter(about);
        about
            .map(|event| SeenEvent {
                reason: event.reason.unwrap_or_default(),
                note: event.note.unwrap_or_default(),
                count: event
                    .series
                    .map_or(1, |series| u32::try_from(series.count).unwrap()),
            })
            .collect()
    }
}

/// What `kubectl apply` is told, as the port would say it.
fn refusal(key: &ObjectKey, status: &Status) -> StoreError {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut violations: Vec<Violation> = causes
        .map(|cause| Violation {
            field: cause.field.clone(),
            message: cause.message.clone(),
        })
        .collect();
    if violations.is_empty() {
        violations.push(Violation {
            field: "object".to_owned(),
            message: status.message.clone(),
        });
    }
    match status.code {
        // A field that is not in the schema is refused before validation, with another code and no cause.
        400 | 422 | 500 => StoreError::Invalid {
            object: format!("OpenViduCluster {key}"),
            violations,
        },
        _ => StoreError::Unavailable(status.to_string()),
    }
}

fn other(error: kube::Error) -> StoreError {
    match error {
        kube::Error::Api(status) if status.code == 404 => StoreError::NotFound(status.message),
        error => StoreError::Unavailable(error.to_string()),
    }
}
