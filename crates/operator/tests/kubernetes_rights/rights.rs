//! What a service account may do by all that is bound to it, and what of that it did.

use std::collections::BTreeSet;

use ovo_kube::Audited;
use serde_json::Value;

use crate::bed::Bed;

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    /// Everywhere, if none.
    pub(crate) namespace: Option<String>,
    pub(crate) group: String,
    /// With its subresource, as rules write it.
    pub(crate) resource: String,
    pub(crate) verb: String,
}

// === impl Right ===

impl Right {
    fn covers(&self, asked: &Audited) -> bool {
        let resource = match asked.subresource.as_str() {
            "" => asked.resource.clone(),
            sub => format!("{}/{sub}", asked.resource),
        };
        let namespace = self.namespace.as_ref();
        namespace.is_none_or(|namespace| *namespace == asked.namespace)
            && self.group == asked.group
            && self.resource == resource
            && self.verb == asked.verb
    }
}

/// All that is bound to the account, by whatever binding.
pub(crate) fn granted(bed: &Bed) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
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
    for binding in bindings["items"].as_array().unwrap().iter().filter(mine) {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let namespace = binding["metadata"]["namespace"].as_str();
        let kind = word(&binding["roleRef"]["kind"]);
        let name = word(&binding["roleRef"]["name"]);
        let at = namespace.unwrap_or(bed.home);
        let role = bed.get(&[&kind, &name, "--namespace", at]);
        for rule in role["rules"].as_array().unwrap() {
            // What a rule may name beside these would be left out in silence.
            assert!(
                rule.as_object()
                    .unwrap()
                    .keys()
                    .all(|key| ["apiGroups", "resources", "verbs"].contains(&key.as_str())),
                "{rule}"
            );
            let words = |key: &str| rule[key].as_array().unwrap().iter().map(word);
            for (group, resource) in
                words("apiGroups").flat_map(|g| words("resources").map(move |r| (g.clone(), r)))
            {
                rights.extend(words("verbs").map(|verb| Right {
                    namespace: namespace.map(str::to_owned),
                    group: group.clone(),
                    resource: resource.clone(),
                    verb,
                }));
            }
        }
    }
    rights
}

/// Those of which nothing that was asked made use.
pub(crate) fn unused<'a>(granted: &'a BTreeSet<Right>, asked: &[Audited]) -> Vec<&'a Right> {
    let used = |right: &&Right| asked.iter().any(|a| a.code != 403 && right.covers(a));
    granted.iter().filter(|right| !used(right)).collect()
}
