//! Every rule of both kinds on a real API server: it refuses what our own validation refuses, for the same reasons, and takes what
//! that takes, with the same defaults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../crates/api/tests/rules/case.rs"]
mod case;
#[path = "common/causes.rs"]
mod causes;
#[path = "../../../crates/api/tests/common/mod.rs"]
mod common;
#[path = "common/largest.rs"]
mod largest;

use case::{Case, cases};
use causes::{causes, differences};
use ovo_api::validate::{
    FieldError, broken_cluster_rules, broken_node_rules, validate_node, validate_value,
};
use ovo_api::{OpenViduNode, OpenViduNodeSpec, Role, annotations, apply_defaults};
use ovo_kube::{Answer, ApiServer};
use serde_json::{Value, json};

const CLUSTERS: &str = "openviduclusters";
const NODES: &str = "openvidunodes";

/// One server for all: it takes longer to start than to answer.
#[test]
fn the_server_says_what_we_say() {
    let server = ApiServer::start().unwrap();
    server.install_crds().unwrap();
    let tried = Tried { server: &server };
    let cases = cases();
    assert!(
        cases.len() > 100,
        "there are more rules than {}",
        cases.len()
    );
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let found = tried.case(case, &format!("case-{number}"));
        wrong.extend(found.iter().map(|found| format!("{}: {found}", case.name)));
    }
    for (name, node, old, taken) in nodes() {
        let found = tried.node(&node, old.as_ref(), name, taken);
        wrong.extend(found.iter().map(|found| format!("{name}: {found}")));
    }
    for (name, cluster, taken) in largest() {
        let mut found = tried.cluster(&cluster, None, name, taken);
        if taken {
            let again = format!("{name}-again");
            found.extend(tried.cluster(&cluster, Some(&cluster), &again, true));
        }
        wrong.extend(found.iter().map(|found| format!("{name}: {found}")));
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

struct Tried<'a> {
    server: &'a ApiServer,
}

impl Tried<'_> {
    fn case(&self, case: &Case, namespace: &str) -> Vec<String> {
        let old = case.old();
        let mut found = self.cluster(&case.changed(), old.as_ref(), namespace, false);
        if let Some(near) = case.near() {
            let beside = format!("{namespace}-near");
            let beside = self.cluster(&near, old.as_ref(), &beside, true);
            found.extend(beside.iter().map(|found| format!("neighbour: {found}")));
        }
        found
    }

    /// Where the server, we and what is wanted differ on a cluster that is new, or takes the place of an old one.
    fn cluster(
        &self,
        cluster: &Value,
        old: Option<&Value>,
        namespace: &str,
        taken: bool,
    ) -> Vec<String> {
        let version = self.prepare(CLUSTERS, namespace, old);
        let answer = self.try_out(CLUSTERS, namespace, cluster.clone(), version.as_deref());
        let ours = refusals(validate_value(cluster.clone(), old.cloned()));
        let rules = if ours.is_empty() {
            Vec::new()
        } else {
            broken_cluster_rules(cluster.clone(), old.cloned())
        };
        let mut found = differences(&ours, &rules, &causes(&answer));
        found.extend(verdict(taken, &answer, &ours));
        let mut filled = cluster.clone();
        apply_defaults(&mut filled);
        if answer.code < 300 && answer.body["spec"] != filled["spec"] {
            found.push(format!(
                "the server's defaults are {}, ours {}",
                answer.body["spec"], filled["spec"]
            ));
        }
        found
    }

    fn node(
        &self,
        node: &OpenViduNode,
        old: Option<&OpenViduNode>,
        namespace: &str,
        taken: bool,
    ) -> Vec<String> {
        let value = |node: &OpenViduNode| serde_json::to_value(node).unwrap();
        let version = self.prepare(NODES, namespace, old.map(value).as_ref());
        let answer = self.try_out(NODES, namespace, value(node), version.as_deref());
        let ours = refusals(validate_node(node, old));
        let rules = broken_node_rules(value(node), old.map(value));
        let mut found = differences(&ours, &rules, &causes(&answer));
        found.extend(verdict(taken, &answer, &ours));
        found
    }

    /// Makes a namespace, and in it what is there already: returns its version.
    fn prepare(&self, plural: &str, namespace: &str, old: Option<&Value>) -> Option<String> {
        let made = json!({"metadata": {"name": namespace}});
        let answer = self.send("POST", "/api/v1/namespaces", &made);
        assert_eq!(answer.code, 201, "{}", answer.body);
        let mut old = old?.clone();
        old["metadata"]["namespace"] = json!(namespace);
        let path = format!(
            "/apis/openvidu.io/v1alpha1/namespaces/{namespace}/{plural}?fieldValidation=Strict"
        );
        let answer = self.send("POST", &path, &old);
        assert_eq!(answer.code, 201, "{namespace}: {}", answer.body);
        Some(
            answer.body["metadata"]["resourceVersion"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    }

    /// Asks the server whether it would create it, or put it into the place of the one with this version.
    fn try_out(
        &self,
        plural: &str,
        namespace: &str,
        mut object: Value,
        version: Option<&str>,
    ) -> Answer {
        object["metadata"]["namespace"] = json!(namespace);
        let path = format!("/apis/openvidu.io/v1alpha1/namespaces/{namespace}/{plural}");
        // As kubectl asks: fields that nobody knows are mistakes.
        let query = "dryRun=All&fieldValidation=Strict";
        match version {
            None => self.send("POST", &format!("{path}?{query}"), &object),
            Some(version) => {
                object["metadata"]["resourceVersion"] = json!(version);
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                self.send("PUT", &format!("{path}/{name}?{query}"), &object)
            }
        }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.server.request(method, path, Some(body)).unwrap()
    }
}

/// Whether both take or refuse it as they should.
fn verdict(taken: bool, answer: &Answer, ours: &[FieldError]) -> Option<String> {
    let as_wanted = taken == (answer.code < 300) && taken == ours.is_empty();
    (!as_wanted).then(|| {
        format!(
            "taken should be {taken}: the server says {}, we say {ours:?}",
            answer.code
        )
    })
}

fn refusals(result: Result<(), Vec<FieldError>>) -> Vec<FieldError> {
    result.err().unwrap_or_default()
}

/// The largest objects: a namespace for each, the cluster, and whether it is taken.
fn largest() -> [(&'static str, Value, bool); 3] {
    let (whole, broken) = largest::on_machines();
    [
        ("largest-on-machines", whole, true),
        ("largest-with-mistakes", broken, false),
        ("largest-on-aws", largest::on_aws(), true),
    ]
}

/// What is tried on nodes: a namespace for it, the node, the one that is there already, and whether it is taken.
fn nodes() -> Vec<(&'static str, OpenViduNode, Option<OpenViduNode>, bool)> {
    let written = node("video-w1", "w1");
    let mut annotated = written.clone();
    annotated.metadata.annotations =
        Some([(annotations::DRAIN.to_owned(), "maintenance".to_owned())].into());
    let mut turned = written.clone();
    turned.spec.role = Role::Master;
    let long = "a".repeat(254);
    vec![
        ("written", written.clone(), None, true),
        ("annotated", annotated, Some(written.clone()), true),
        ("turned", turned, Some(written), false),
        ("misnamed", node("mine", "w1"), None, false),
        ("overlong", node("video-w1", &long), None, false),
    ]
}

fn node(name: &str, machine: &str) -> OpenViduNode {
    let spec = OpenViduNodeSpec {
        cluster: "video".to_owned(),
        role: Role::Media,
        machine: machine.to_owned(),
    };
    OpenViduNode::new(name, spec)
}
