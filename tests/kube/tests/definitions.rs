//! Both kinds as the API server has them, and as kubectl shows them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/kubectl.rs"]
mod kubectl;
#[path = "common/status.rs"]
mod status;
#[path = "common/until.rs"]
mod until;

use kubectl::{apply, kubectl, patch_status, run, server};
use ovo_kube::ApiServer;
use serde_json::{Value, json};
use until::until;

/// The cells of a table that kubectl printed, line by line.
fn cells(table: &str) -> Vec<Vec<&str>> {
    table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn both_kinds_are_served_and_explained() {
    let server = server();
    for name in ["openviduclusters.openvidu.io", "openvidunodes.openvidu.io"] {
        let crd = run(&server, &format!("get crd {name} --output=json"));
        let crd: Value = serde_json::from_str(&crd).unwrap();
        let conditions = crd["status"]["conditions"].as_array().unwrap();
        let status = |kind: &str| {
            conditions
                .iter()
                .find(|condition| condition["type"] == kind)
                .map(|condition| condition["status"].clone())
        };
        assert_eq!(status("NamesAccepted"), Some(json!("True")), "{name}");
        assert_eq!(status("Established"), Some(json!("True")), "{name}");
        // It is only there when something is wrong with the schema.
        assert_eq!(status("NonStructuralSchema"), None, "{conditions:#?}");
    }
    let kinds = run(
        &server,
        "api-resources --categories=openvidu --no-headers --sort-by=name",
    );
    assert_eq!(
        cells(&kinds),
        [
            "openviduclusters ovc openvidu.io/v1alpha1 true OpenViduCluster",
            "openvidunodes ovn openvidu.io/v1alpha1 true OpenViduNode",
        ]
        .map(|line| line.split(' ').collect::<Vec<_>>())
    );

    // The server publishes what it explains a moment after it serves it.
    let explain = |field: &str| until(|| kubectl(&server, "explain", &[field]));
    let replicas = explain("ovc.spec.media.replicas");
    assert!(replicas.contains("FIELD: replicas <integer>"), "{replicas}");
    assert!(replicas.contains("How many nodes serve"), "{replicas}");
    let state = explain("ovn.status.drain.signals.state");
    assert!(
        state.contains("ENUM:") && state.contains("Unconfirmed"),
        "{state}"
    );
}

#[test]
fn tables_show_what_people_look_for() {
    let server = server();
    apply(&server, "v2-aws").unwrap();
    write(
        &server,
        "openviduclusters",
        "openvidu-multimaster",
        &status::of_cluster(),
    );
    table(
        &run(&server, "get ovc --output=wide"),
        "NAME VERSION READY MASTERS MEDIA ROOMS PEOPLE AS-OF STATUS AGE URL REGION LOAD",
        "openvidu-multimaster 2.32.1 False 2 4 41 377 * Scaling * https://example.com eu-west-1 44",
    );
    let narrow = run(&server, "get ovc");
    assert_eq!(cells(&narrow)[0].last(), Some(&"AGE"), "{narrow}");

    let node = json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": "OpenViduNode",
        "metadata": {"name": "video-w1"},
        "spec": {"cluster": "video", "role": "Media", "machine": "w1"},
    });
    let path = "/apis/openvidu.io/v1alpha1/namespaces/video/openvidunodes";
    let made = server.request("POST", path, Some(&node)).unwrap();
    assert_eq!(made.code, 201, "{}", made.body);
    write(&server, "openvidunodes", "video-w1", &status::of_node());
    table(
        &run(&server, "get ovn --output=wide"),
        "NAME CLUSTER ROLE PHASE ROOMS PEOPLE LOAD AS-OF SINCE REASON AGE INSTANCE ADDRESS ZONE VERSION",
        "video-w1 video Media Draining 3 9 12 * * asked-for * w1 10.5.0.11 eu-west-1a 3.8.0",
    );
    let narrow = run(&server, "get ovn");
    assert_eq!(cells(&narrow)[0].last(), Some(&"AGE"), "{narrow}");

    let of = |cluster: &str| {
        run(
            &server,
            &format!("get ovn --field-selector=spec.cluster={cluster} --output=name"),
        )
    };
    assert_eq!(of("video"), "openvidunode.openvidu.io/video-w1");
    assert_eq!(of("other"), "");
}

/// Writes a whole status, and sees that the server keeps all of it.
fn write(server: &ApiServer, plural: &str, name: &str, status: &Value) {
    let crd = run(
        server,
        &format!("get crd {plural}.openvidu.io --output=json"),
    );
    let crd: Value = serde_json::from_str(&crd).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    assert_eq!(status::missing(schema, status, "status"), [""; 0]);
    patch_status(server, &format!("{plural}/{name}"), status);
    let kept = run(server, &format!("get {plural} {name} --output=json"));
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(&kept["status"], status);
}

/// Compares a table of one line; `*` stands for an age, such as 3m5s.
fn table(seen: &str, columns: &str, line: &str) {
    let seen = cells(seen);
    assert_eq!(seen[0].join(" "), columns);
    let wanted: Vec<&str> = line.split(' ').collect();
    assert_eq!(seen[1].len(), wanted.len(), "{seen:?}");
    for ((seen, wanted), column) in seen[1].iter().zip(wanted).zip(columns.split(' ')) {
        if wanted == "*" {
            let age = seen.starts_with(|c: char| c.is_ascii_digit())
                && seen.ends_with(['s', 'm', 'h', 'd', 'y']);
            assert!(age, "{column}: {seen}");
        } else {
            assert_eq!(*seen, wanted, "{column}");
        }
    }
}
