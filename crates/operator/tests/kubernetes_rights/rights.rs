//! What a service account may do by all that is bound to it.

use std::collections::BTreeSet;

use ovo_kube::Audited;
use serde_json::{Value, json};

use crate::bed::Bed;

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    pub(crate) group: String,
    /// With its subresource, as rules write it.
    pub(crate) resource: String,
    pub(crate) verb: String,
}

/// A Role or a `ClusterRole` that is bound to the account.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Where it counts; everywhere, if none.
    pub(crate) namespace: Option<String>,
    pub(crate) rights: BTreeSet<Right>,
}

// === impl Right ===

impl Right {
    pub(crate) fn new(group: &str, resource: &str, verb: &str) -> Self {
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verb: verb.to_owned(),
        }
    }

    /// What this request needs.
    pub(crate) fn of(asked: &Audited) -> Self {
        let resource = match asked.subresource.as_str() {
            "" => asked.resource.clone(),
            sub => format!("{}/{sub}", asked.resource),
        };
        Self::new(&asked.group, &resource, &asked.verb)
    }

    /// Whether this line names the rule that grants it.
    pub(crate) fn is_named(&self, line: &str) -> bool {
        // The shipped arguments ask for JSON.
        let line = line.replace("\\\"", "\"");
        let Some((_, rule)) = line.split_once("the operator's role lacks {") else {
            return false;
        };
        let rule = rule.split_once('}').map_or(rule, |(rule, _)| rule);
        rule.contains(&format!("apiGroups: [\"{}\"]", self.group))
            && rule.contains(&format!("resources: [\"{}\"]", self.resource))
            && rule.contains(&format!("\"{}\"", self.verb))
    }

    fn rule(&self) -> Value {
        json!({
            "apiGroups": [self.group],
            "resources": [self.resource],
            "verbs": [self.verb],
        })
    }
}

// === impl Role ===

impl Role {
    /// Whether it grants this, where it was asked.
    pub(crate) fn covers(&self, right: &Right, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|n| n == namespace) && self.rights.contains(right)
    }

    /// Lets it grant these and nothing else.
    pub(crate) fn set(&self, bed: &Bed, rights: &BTreeSet<Right>) {
        let rules: Vec<Value> = rights.iter().map(Right::rule).collect();
        let patch = json!({"rules": rules}).to_string();
        let namespace = self.namespace.as_deref().unwrap_or(bed.home);
        let role = ["patch", &self.kind, &self.name, "--namespace", namespace];
        bed.kubectl(&[&role[..], &["--type=merge", "--patch", &patch]].concat());
    }
}

/// All that is bound to the account, by whatever binding.
pub(crate) fn bound(bed: &Bed) -> Vec<Role> {
    let bindings = bed.get(&["rolebindings,clusterrolebindings", "--all-namespaces"]);
    let mine = |binding: &&Value| {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        subjects.into_iter().any(|subject| {
            subject["kind"] == "ServiceAccount"
                && subject["name"] == "openvidu-operator"
                // A binding in a namespace may leave its own one out.
                && subject.get("namespace").unwrap_or(&binding["metadata"]["namespace"]) == bed.home
        })
    };
    let all = bindings["items"].as_array().unwrap().iter().filter(mine);
    all.map(|binding| role(bed, binding)).collect()
}

fn role(bed: &Bed, binding: &Value) -> Role {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let namespace = binding["metadata"]["namespace"].as_str();
    let (kind, name) = (
        word(&binding["roleRef"]["kind"]),
        word(&binding["roleRef"]["name"]),
    );
    let at = namespace.unwrap_or(bed.home);
    let found = bed.get(&[&kind, &name, "--namespace", at]);
    let mut rights = BTreeSet::new();
    for rule in found["rules"].as_array().unwrap() {
        // What a rule may name beside these would be left out in silence.
        let known = ["apiGroups", "resources", "verbs"];
        let mut keys = rule.as_object().unwrap().keys();
        assert!(keys.all(|key| known.contains(&key.as_str())), "{rule}");
        let words =
            |key: &str| -> Vec<String> { rule[key].as_array().unwrap().iter().map(word).collect() };
        for group in words("apiGroups") {
            for resource in words("resources") {
                let verbs = words("verbs").into_iter();
                rights.extend(verbs.map(|verb| Right::new(&group, &resource, &verb)));
            }
        }
    }
    Role {
        kind,
        name,
        namespace: namespace.map(str::to_owned),
        rights,
    }
}
