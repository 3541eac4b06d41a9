//! The shipped manifests and the chart, on a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use ovo_deploy::{Bed, Rendered, difference, objects};
use serde_json::{Value, json};

const RESTRICTED: &str = "pod-security.kubernetes.io/enforce";

/// A protected cluster; what else is in it does not matter here.
fn example() -> String {
    Bed::deploy("../docs/examples/v3-onprem.yaml")
}

fn setup(bed: &Bed) {
    let setup = Bed::deploy("setup");
    bed.kubectl(&format!("apply --server-side --kustomize {setup}"))
        .unwrap();
    bed.kubectl("wait --for=condition=Established crd/openviduclusters.openvidu.io crd/openvidunodes.openvidu.io")
        .unwrap();
}

/// A namespace in which only restricted pods may be.
fn restricted(bed: &Bed, name: &str) {
    let labels = json!({RESTRICTED: "restricted"});
    let metadata = json!({"name": name, "labels": labels});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    bed.kubectl_with("apply --server-side", &namespace).unwrap();
}

fn kustomized(bed: &Bed, overlay: &str) -> Rendered {
    let text = bed
        .kubectl(&format!("kustomize {}", Bed::deploy(overlay)))
        .unwrap();
    objects(&text).unwrap()
}

/// The pod that a Deployment would make.
fn pod_of(objects: &Rendered) -> Value {
    let template = &objects["Deployment/openvidu-operator"]["spec"]["template"];
    let mut pod = template.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("the-pod");
    pod
}

#[test]
fn each_overlay_is_taken_and_its_pod_is_restricted() {
    let bed = Bed::start().unwrap();
    setup(&bed);
    for (overlay, namespace) in [
        ("namespaced", "one"),
        ("demo", "two"),
        ("cluster-wide", "openvidu-system"),
        ("tenants-example", "openvidu-system"),
    ] {
        restricted(&bed, namespace);
        let apply = format!(
            "--namespace {namespace} apply --server-side --kustomize {} {}",
            Bed::deploy(overlay),
            // These overlays bring their own, which is there already.
            if namespace == "openvidu-system" {
                "--force-conflicts"
            } else {
                ""
            }
        );
        bed.kubectl(&format!("{apply} --dry-run=server")).unwrap();
        bed.kubectl(&apply).unwrap();
        let again = bed.kubectl(&format!(
            "--namespace {namespace} diff --server-side --kustomize {}",
            Bed::deploy(overlay)
        ));
        assert_eq!(again.unwrap(), "", "{overlay}");

        let mut pod = pod_of(&kustomized(&bed, overlay));
        let create = format!("--namespace {namespace} create --dry-run=server");
        bed.until(|| bed.kubectl_with(&create, &pod));
        // The server looks: a pod that is not restricted is refused.
        pod["spec"]["containers"][0]["securityContext"] = json!({});
        let why = bed.kubectl_with(&create, &pod).unwrap_err();
        assert!(why.contains("violates PodSecurity"), "{overlay}: {why}");
    }
}

#[test]
fn nobody_deletes_a_protected_cluster_by_a_slip() {
    let bed = Bed::start().unwrap();
    setup(&bed);
    bed.kubectl("create namespace video").unwrap();
    let apply = format!(
        "--namespace video apply --server-side --filename {}",
        example()
    );
    bed.kubectl(&apply).unwrap();
    let delete = "--namespace video delete openviduclusters openvidu-ha";
    // A policy takes effect some time after it was written.
    let why = bed.until(
        || match bed.kubectl(&format!("{delete} --dry-run=server")) {
            Ok(deleted) => Err(deleted),
            Err(why) => Ok(why),
        },
    );
    let words = "spec.deletion.protected: OpenViduCluster video/openvidu-ha is protected from deletion; \
                 set spec.deletion.protected to false first, then delete it";
    assert!(why.contains(words), "{why}");
    let why = bed.kubectl(delete).unwrap_err();
    assert!(why.contains(words), "{why}");

    // Nor with its namespace, which waits and says why.
    bed.kubectl("delete namespace video --wait=false").unwrap();
    let conditions = || bed.kubectl("get namespace video --output jsonpath={.status.conditions}");
    bed.until(|| {
        let conditions = conditions()?;
        conditions
            .contains("is protected from deletion")
            .then_some(())
            .ok_or(conditions)
    });
    let there = bed
        .kubectl("--namespace video get openviduclusters openvidu-ha --output jsonpath={.metadata.deletionTimestamp}");
    assert_eq!(there.unwrap(), "");

    // The way out that it names is one.
    let patch = json!({"spec": {"deletion": {"protected": false}}});
    bed.kubectl(&format!(
        "--namespace video patch openviduclusters openvidu-ha --type=merge --patch {patch}"
    ))
    .unwrap();
    bed.until(|| match bed.kubectl("get namespace video") {
        Err(why) if why.contains("NotFound") => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn the_chart_renders_the_same_objects() {
    let bed = Bed::start().unwrap();
    let chart = Bed::deploy("chart");
    for (overlay, namespace, flags) in [
        ("namespaced", "video", ""),
        ("demo", "video", "--set simulate=true"),
        ("cluster-wide", "openvidu-system", "--set mode=ClusterWide"),
    ] {
        let mut expected = kustomized(&bed, overlay);
        expected.extend(kustomized(&bed, "setup"));
        // Helm makes namespaces by a flag of its own, --create-namespace.
        expected.remove("Namespace/openvidu-system");
        let text = bed.helm(&format!(
            "template openvidu-operator {chart} --include-crds --namespace {namespace} {flags}"
        ));
        let mut rendered = objects(&text.unwrap()).unwrap();
        for object in expected.values_mut().chain(rendered.values_mut()) {
            // Where a tool writes it or not, objects go there.
            if object["metadata"]["namespace"] == namespace {
                object["metadata"]
                    .as_object_mut()
                    .unwrap()
                    .remove("namespace");
            }
        }
        let names = |r: &Rendered| r.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&rendered), names(&expected), "{overlay}");
        for (name, object) in &expected {
            let difference = difference(&rendered[name], object);
            assert_eq!(
                difference, None,
                "{overlay}: {name}: helm's and kustomize's"
            );
        }
    }
    for (flag, words) in [
        ("--set mode=Everywhere", "mode"),
        ("--set replica=3", "replica"),
        ("--set-string replicas=many", "replicas"),
    ] {
        let why = bed.helm(&format!("template x {chart} {flag}")).unwrap_err();
        assert!(
            why.contains("values don't meet") && why.contains(words),
            "{why}"
        );
    }
}

/// What the shipped example says.
fn tenants() -> Value {
    let text = std::fs::read_to_string(Bed::deploy("tenants-example/tenants.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// The ConfigMap with the tenants file, what it says, and the rest of the objects.
fn take_tenants(objects: &mut Rendered) -> (Value, Value) {
    let keys = objects.keys();
    let key = keys.into_iter().find(|key| key.starts_with("ConfigMap/"));
    let map = objects.remove(&key.expect("a ConfigMap").clone()).unwrap();
    let text = map["data"]["tenants.yaml"].as_str().unwrap();
    let says = serde_saphyr::from_str(text).unwrap();
    (map, says)
}

#[test]
fn the_tenants_file_comes_with_either_tool_and_a_change_rolls_the_pods() {
    let bed = Bed::start().unwrap();
    setup(&bed);
    restricted(&bed, "openvidu-system");
    let chart = Bed::deploy("chart");
    let values = bed.api.state().join("values.json");
    let template = format!(
        "template openvidu-operator {chart} --namespace openvidu-system --set setup=false --values {}",
        values.display()
    );
    let render = |tenants: &Value| {
        let mode = "ClusterWide";
        std::fs::write(
            &values,
            json!({"mode": mode, "tenants": tenants}).to_string(),
        )
        .unwrap();
        bed.helm(&template)
    };
    let text = render(&tenants()).unwrap();

    // The server takes it.
    let file = bed.api.state().join("rendered.yaml");
    std::fs::write(&file, &text).unwrap();
    bed.kubectl(&format!(
        "--namespace openvidu-system apply --server-side --dry-run=server --filename {}",
        file.display()
    ))
    .unwrap();

    // It says the same, is read where it is mounted, and nothing else differs.
    let mut by_helm = objects(&text).unwrap();
    let mut by_kustomize = kustomized(&bed, "tenants-example");
    let (map, says) = take_tenants(&mut by_helm);
    let (named, same) = take_tenants(&mut by_kustomize);
    assert_eq!((&says, &same), (&tenants(), &tenants()));
    let labels = |map: &Value| map["metadata"]["labels"].clone();
    assert_eq!(labels(&map), labels(&named));
    let mut roll = Vec::new();
    for (objects, map) in [(&mut by_helm, &map), (&mut by_kustomize, &named)] {
        let deployment = objects.get_mut("Deployment/openvidu-operator").unwrap();
        let pod = &mut deployment["spec"]["template"];
        let name = pod["spec"]["volumes"][0]["configMap"]["name"].take();
        assert_eq!(name, map["metadata"]["name"]);
        let mount = &pod["spec"]["containers"][0]["volumeMounts"][0];
        let path = format!(
            "--tenants={}/tenants.yaml",
            mount["mountPath"].as_str().unwrap()
        );
        let arguments = pod["spec"]["containers"][0]["args"].as_array().unwrap();
        assert!(arguments.contains(&json!(path)), "{arguments:?}");
        assert_eq!(mount["readOnly"], true);
        let annotations = pod["metadata"]["annotations"].as_object_mut().unwrap();
        roll.push((name, annotations.remove("checksum/tenants")));
    }
    let (left, right) = (
        &by_helm["Deployment/openvidu-operator"]["spec"],
        &by_kustomize["Deployment/openvidu-operator"]["spec"],
    );
    assert_eq!(difference(left, right), None);

    // The digest is in the one's annotation and in the other's name: pods are made anew where the file changes.
    assert_ne!(roll[1].0, "openvidu-operator-tenants");
    let mut other = tenants();
    other["namespaces"]["video"]["ownIdentity"] = json!("Refused");
    let other = objects(&render(&other).unwrap()).unwrap();
    let other =
        &other["Deployment/openvidu-operator"]["spec"]["template"]["metadata"]["annotations"];
    let before = roll[0].1.as_ref().unwrap();
    assert!(other["checksum/tenants"].is_string() && other["checksum/tenants"] != *before);

    // What the operator would refuse at its start is refused before it is installed.
    for (tenants, words) in [
        (json!({"namespace": {}}), "namespace"),
        (
            json!({"namespaces": {"a": {"ownIdentity": true}}}),
            "ownIdentity",
        ),
        (
            json!({"namespaces": {"a": {"allowedARNs": ["arn:aws:iam::*:role/x"]}}}),
            "allowedARNs",
        ),
    ] {
        let why = render(&tenants).unwrap_err();
        assert!(
            why.contains("values don't meet") && why.contains(words),
            "{why}"
        );
    }
    render(&tenants()).unwrap();
    let why = bed.helm(&format!("{template} --set mode=Namespaced"));
    let why = why.unwrap_err();
    assert!(why.contains("mode") && why.contains("ClusterWide"), "{why}");
}

#[test]
fn helm_installs_upgrades_and_removes() {
    let bed = Bed::start().unwrap();
    let chart = Bed::deploy("chart");
    let release = "openvidu-operator --namespace video";
    bed.helm(&format!(
        "install {release} {chart} --create-namespace --set simulate=true"
    ))
    .unwrap();
    let replicas = || {
        bed.kubectl(
            "--namespace video get deployment openvidu-operator --output jsonpath={.spec.replicas}",
        )
        .unwrap()
    };
    assert_eq!(replicas(), "1");
    bed.kubectl("wait --for=condition=Established crd/openviduclusters.openvidu.io")
        .unwrap();
    bed.until(|| {
        bed.kubectl(&format!(
            "--namespace video apply --server-side --filename {}",
            example()
        ))
    });

    // Before an upgrade people bring the definitions, which helm leaves as they are and calls its own.
    bed.kubectl(&format!(
        "apply --server-side --force-conflicts --filename {}",
        Bed::deploy("../crds")
    ))
    .unwrap();
    bed.helm(&format!("upgrade {release} {chart} --set replicas=3"))
        .unwrap();
    assert_eq!(replicas(), "3");

    bed.helm(&format!("uninstall {release}")).unwrap();
    let left = "--namespace video get deployments,serviceaccounts,roles,rolebindings,services,poddisruptionbudgets,networkpolicies \
                --output name --selector app.kubernetes.io/name=openvidu-operator";
    assert_eq!(bed.kubectl(left).unwrap(), "");
    // The clusters stay, and so do their definitions: an operator that is away ends no conversation.
    bed.kubectl("--namespace video get openviduclusters openvidu-ha")
        .unwrap();
}
