//! What a call is about, for the words of its errors.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use kube::Resource;

use crate::key::ObjectKey;

/// A verb and what it is done to.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The verb as RBAC knows it.
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) subresource: Option<&'static str>,
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    /// Absent for a list.
    pub(crate) name: Option<String>,
    /// The version that the caller knew.
    pub(crate) version: Option<String>,
    /// Size of what is sent, in bytes.
    pub(crate) bytes: usize,
}

// === impl Subject ===

impl Subject {
    /// A verb on one object.
    pub(crate) fn object<K: Resource<DynamicType = ()>>(
        verb: &'static str,
        key: &ObjectKey,
    ) -> Self {
        Self {
            name: Some(key.name.clone()),
            ..Self::all::<K>(verb, Some(key.namespace.clone()))
        }
    }

    /// A verb on all objects of a namespace, or of all namespaces.
    pub(crate) fn all<K: Resource<DynamicType = ()>>(
        verb: &'static str,
        namespace: Option<String>,
    ) -> Self {
        Self {
            verb,
            group: K::group(&()).into_owned(),
            plural: K::plural(&()).into_owned(),
            subresource: None,
            kind: K::kind(&()).into_owned(),
            namespace,
            name: None,
            version: None,
            bytes: 0,
        }
    }

    pub(crate) fn status(self) -> Self {
        Self {
            subresource: Some("status"),
            ..self
        }
    }

    pub(crate) fn at(self, version: Option<&str>) -> Self {
        Self {
            version: version.map(str::to_owned),
            ..self
        }
    }

    pub(crate) fn sized(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// Whether what the server says of it may hold a value that nobody may see.
    pub(crate) fn is_secret(&self) -> bool {
        self.kind == Secret::kind(&())
    }

    /// The resource as RBAC knows it: `openvidunodes/status`.
    pub(crate) fn resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.plural),
            None => self.plural.clone(),
        }
    }

    /// The resource with its group: `openvidunodes.openvidu.io`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// Where: `in namespace video`, or `in all namespaces`.
    pub(crate) fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in all namespaces".to_owned(),
        }
    }
}

impl fmt::Display for Subject {
    /// `OpenViduNode video/demo-w1`, or `openvidunodes in namespace video`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.namespace) {
            (Some(name), Some(namespace)) => write!(f, "{} {namespace}/{name}", self.kind),
            (Some(name), None) => write!(f, "{} {name}", self.kind),
            (None, _) => write!(f, "{} {}", self.plural, self.place()),
        }
    }
}
