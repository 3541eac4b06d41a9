//! What people ask of an API server, with their own rights: no watch, no cache, no leadership.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, GetParams, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Client, Config, Resource};
use ovo_api::{OpenViduCluster, OpenViduNode};
use serde_json::{Value, json};

use super::client::client;
use super::error::from_status;
use super::secret_wire::Wire;
use super::subject::Subject;
use super::transport::chain;
use crate::embedded::RecordedEvent;
use crate::error::StoreError;
use crate::event::{ClusterEvent, EventType, ObjectReference};
use crate::key::ObjectKey;
use crate::secret::SecretObject;

/// Field manager of what people change through our commands.
const PEOPLE: &str = "kubectl-openvidu";
/// How long one answer may take. A list of thousands of nodes takes seconds; somebody waits for it at a terminal.
const ANSWER: Duration = Duration::from_secs(30);
/// Objects in one page of a list: as many as kubectl asks for.
const PAGE: u32 = 500;

/// Which API server, and what of it.
#[derive(Clone, Debug, Default)]
pub struct DeskOptions {
    /// The file that says how to reach it; absent: as kubectl finds it, and a pod's service account at last.
    pub kubeconfig: Option<PathBuf>,
    /// The context of that file; absent: its current one.
    pub context: Option<String>,
    /// The namespace; absent: the one of the context.
    pub namespace: Option<String>,
    /// All namespaces instead.
    pub all_namespaces: bool,
}

/// A connection to an API server. Nothing is asked before it is asked for.
#[derive(Clone)]
pub struct Desk {
    client: Client,
    /// Absent: all.
    namespace: Option<String>,
}

// === impl Desk ===

impl Desk {
    /// Reads the configuration. Must be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StoreError::Denied`] where there is none, or it cannot be used.
    pub async fn connect(options: &DeskOptions) -> Result<Self, StoreError> {
        let config = config(options).await.map_err(|why| {
            StoreError::Denied(format!(
                "no API server to ask: {why}; name one with --kubeconfig and --context, or a directory with --local"
            ))
        })?;
        let client = client(config)?;
        let home = || client.default_namespace().to_owned();
        let namespace =
            (!options.all_namespaces).then(|| options.namespace.clone().unwrap_or_else(home));
        Ok(Self { client, namespace })
    }

    /// The same server, this namespace of it.
    #[must_use]
    pub fn within(&self, namespace: &str) -> Self {
        Self {
            client: self.client.clone(),
            namespace: Some(namespace.to_owned()),
        }
    }

    /// What is looked at, in words.
    pub fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("namespace {namespace}"),
            None => "any namespace".to_owned(),
        }
    }

    /// The server's release.
    pub async fn version(&self) -> Result<String, StoreError> {
        let info = self.client.apiserver_version().await;
        let info = info.map_err(|error| StoreError::Unavailable(chain(&error)))?;
        Ok(info.git_version)
    }

    /// All clusters as the server has them.
    pub async fn clusters(&self) -> Result<Vec<Value>, StoreError> {
        self.list::<OpenViduCluster>(None).await
    }

    /// All nodes as the server has them.
    pub async fn nodes(&self) -> Result<Vec<Value>, StoreError> {
        self.list::<OpenViduNode>(None).await
    }

    /// The events of our objects as the server has them, in no order.
    pub async fn events(&self) -> Result<Vec<Value>, StoreError> {
        let reporter = format!("reportingController={}", super::FIELD_MANAGER);
        self.list::<Event>(Some(&reporter)).await
    }

    /// A Secret.
    ///
    /// # Errors
    ///
    /// [`StoreError::Denied`] where the person may not read it.
    pub async fn secret(&self, key: &ObjectKey) -> Result<Option<SecretObject>, StoreError> {
        let subject = Subject::object::<Secret>("get", key);
        let url = Secret::url_path(&(), Some(&key.namespace));
        let request = request(
            &subject,
            Request::new(url).get(&key.name, &GetParams::default()),
        )?;
        // As text: what the library cannot read itself it would log.
        let text = match self
            .timed(&subject, self.client.request_text(request))
            .await
        {
            Ok(text) => text,
            Err(StoreError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let wire: Result<Wire, _> = serde_json::from_str(&text);
        match wire {
            Ok(wire) => Ok(Some(wire.into())),
            Err(_) => Err(StoreError::Unavailable(format!("{subject} cannot be read"))),
        }
    }

    /// Sets an annotation of a node, or removes it.
    pub async fn annotate_node(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: Option<&str>,
    ) -> Result<(), StoreError> {
        let subject = Subject::object::<OpenViduNode>("patch", key);
        let patch = json!({"metadata": {"annotations": Value::from_iter([(annotation, value)])}});
        let params = PatchParams {
            field_manager: Some(PEOPLE.to_owned()),
            ..PatchParams::default()
        };
        let url = OpenViduNode::url_path(&(), Some(&key.namespace));
        let patch = Request::new(url).patch(&key.name, &params, &Patch::Merge(patch));
        self.ask(&subject, patch).await.map(drop)
    }

    /// Asks for a cluster to be deleted.
    pub async fn delete_cluster(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let subject = Subject::object::<OpenViduCluster>("delete", key);
        let url = OpenViduCluster::url_path(&(), Some(&key.namespace));
        let delete = Request::new(url).delete(&key.name, &DeleteParams::default());
        self.ask(&subject, delete).await.map(drop)
    }

    async fn list<K>(&self, fields: Option<&str>) -> Result<Vec<Value>, StoreError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let subject = Subject::all::<K>("list", self.namespace.clone());
        let url = K::url_path(&(), self.namespace.as_deref());
        let mut items = Vec::new();
        let mut more: Option<String> = None;
        loop {
            let mut params = ListParams::default().limit(PAGE);
            params.field_selector = fields.map(str::to_owned);
            params.continue_token = more.take();
            let mut page = self.ask(&subject, Request::new(&url).list(&params)).await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                // The server leaves these two out of the members of a list.
                let (version, kind) = (K::api_version(&()), K::kind(&()));
                items.extend(found.into_iter().map(|mut item| {
                    item["apiVersion"] = json!(version);
                    item["kind"] = json!(kind);
                    item
                }));
            }
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => more = Some(token.to_owned()),
                _ => return Ok(items),
            }
        }
    }

    async fn ask(
        &self,
        subject: &Subject,
        built: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, StoreError> {
        let request = request(subject, built)?;
        self.timed(subject, self.client.request(request)).await
    }

    async fn timed<T>(
        &self,
        subject: &Subject,
        call: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, StoreError> {
        let verb = subject.verb;
        match tokio::time::timeout(ANSWER, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(kube::Error::Api(status))) => Err(theirs(from_status(subject, &status, None))),
            Ok(Err(error)) => Err(StoreError::Unavailable(format!(
                "{verb} {subject}: {}",
                chain(&error)
            ))),
            Err(_) => Err(StoreError::Unavailable(format!(
                "{verb} {subject}: no answer within {} s",
                ANSWER.as_secs()
            ))),
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// The rights that lack are the person's.
fn theirs(error: StoreError) -> StoreError {
    match error {
        StoreError::Denied(text) => StoreError::Denied(text.replace("the operator's", "your")),
        other => other,
    }
}

fn request(
    subject: &Subject,
    built: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<http::Request<Vec<u8>>, StoreError> {
    built.map_err(|error| StoreError::invalid(subject.to_string(), "request", error.to_string()))
}

async fn config(options: &DeskOptions) -> Result<Config, String> {
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        ..KubeConfigOptions::default()
    };
    if let Some(path) = &options.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(|error| chain(&error))?;
        let config = Config::from_custom_kubeconfig(file, &choice).await;
        return config.map_err(|error| chain(&error));
    }
    if options.context.is_some() {
        let config = Config::from_kubeconfig(&choice).await;
        return config.map_err(|error| chain(&error));
    }
    Config::infer().await.map_err(|error| chain(&error))
}

/// An event of the server as one that we tell of; `None` where it is about nothing or has no time.
pub fn recorded(event: &Value) -> Option<RecordedEvent> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    let regarding = &event["regarding"];
    let at = time(&event["eventTime"]).or_else(|| time(&event["metadata"]["creationTimestamp"]))?;
    let series = &event["series"];
    Some(RecordedEvent {
        event: ClusterEvent {
            event_type: match event["type"].as_str() {
                Some("Warning") => EventType::Warning,
                _ => EventType::Normal,
            },
            reason: text(&event["reason"]).unwrap_or_default(),
            note: text(&event["note"]).unwrap_or_default(),
            regarding: ObjectReference {
                kind: text(&regarding["kind"])?,
                key: ObjectKey::new(text(&regarding["namespace"])?, text(&regarding["name"])?),
                uid: text(&regarding["uid"]).unwrap_or_default(),
            },
            at,
        },
        count: series["count"]
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
        last: time(&series["lastObservedTime"]).unwrap_or(at),
    })
}
