//! Objects as large as the schema lets them be. A rule may cost too much only when it is run: the server gives up then, and would
//! refuse what we accept.

use serde_json::{Map, Value, json};

use crate::common;

/// The largest cluster on machines, and one on which the rules that walk the machines and the keys find something at the very end.
pub(crate) fn on_machines() -> (Value, Value) {
    let host_key = format!("ssh-rsa {}", "A".repeat(2040));
    let address = |network: &str, number: usize| {
        format!("2001:0db8:0000:0000:0000:{network}:0000:{number:04x}")
    };
    let machine = |number: usize| {
        let mut machine = json!({
            "name": format!("{number:0>40}"),
            "role": if number < 4 { "Master" } else { "Media" },
            "address": address("0001", number),
            "hostKey": host_key,
        });
        if number >= 4 {
            machine["publicAddress"] = json!(address("0002", number));
        }
        machine
    };
    let machines: Vec<Value> = (0..200).map(machine).collect();
    let name = |letter: &str| [letter.repeat(62).as_str(); 4].join(".");
    let whole = changed(
        "v3-onprem",
        json!({
            "spec.domainName": name("a"),
            "spec.turn.domainName": name("b"),
            "spec.config": keys("K", 200),
            "spec.configFrom": secret_keys(),
            "spec.disruption.windows": windows(),
            "spec.media.max": 200,
            "spec.media.replicas": 196,
            "spec.infrastructure.onPrem.installer.extraFlags": flags(),
            "spec.infrastructure.onPrem.machines": machines,
        }),
    );
    let mut twice = machine(199);
    twice["address"] = json!(address("0001", 198));
    let mut keys = keys("K", 199);
    keys.insert(format!("ZZZ_{}_TOKEN", "Z".repeat(118)), json!("x"));
    let broken = [
        ("spec.infrastructure.onPrem.machines[199]".to_owned(), twice),
        ("spec.config".to_owned(), Value::Object(keys)),
    ];
    let broken = common::changed(whole.clone(), &broken.into_iter().collect());
    (whole, broken)
}

/// The largest cluster on AWS.
pub(crate) fn on_aws() -> Value {
    let subnets: Vec<String> = (0..16)
        .map(|number| format!("subnet-{number:0>57x}"))
        .collect();
    let types: Vec<String> = (0..20)
        .map(|number| format!("c{number}.{}", "x".repeat(60 - number / 10)))
        .collect();
    let urls: Vec<String> = (0..16)
        .map(|number| format!("turn:{number:0>493}?transport=udp"))
        .collect();
    let tags: Map<String, Value> = (0..40)
        .map(|number| (format!("{number:0>128}"), json!("v".repeat(256))))
        .collect();
    let schedule = json!({"cron": cron(), "timeZone": "A".repeat(64), "duration": "10h", "min": 4});
    let reservation = json!({"start": "2026-12-01T14:00:00Z", "end": "2026-12-01T16:00:00Z", "participants": 300});
    changed(
        "v2-aws",
        json!({
            "spec.config": keys("K", 200),
            "spec.configFrom": secret_keys(),
            "spec.turn": {"placement": "External", "urls": urls},
            "spec.disruption.windows": windows(),
            "spec.media.autoscaling.schedules": vec![schedule; 32],
            "spec.media.autoscaling.reservations": vec![reservation; 64],
            "spec.infrastructure.aws.subnetIDs": subnets,
            "spec.infrastructure.aws.tags": tags,
            "spec.infrastructure.aws.capacity.instanceTypes": types,
        }),
    )
}

fn changed(example: &str, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes have paths")
    };
    common::changed(common::example(example), &changes)
}

/// Configuration keys of full length.
fn keys(start: &str, count: usize) -> Map<String, Value> {
    (0..count)
        .map(|number| (format!("{start}{number:0>127}"), json!("v")))
        .collect()
}

fn secret_keys() -> Vec<Value> {
    (0..64)
        .map(|number| {
            json!({
                "name": format!("F{number:0>127}"),
                "secretKeyRef": {"name": "n".repeat(253), "key": "k".repeat(253)},
            })
        })
        .collect()
}

fn windows() -> Vec<Value> {
    vec![json!({"cron": cron(), "timeZone": "A".repeat(64), "duration": "2h"}); 32]
}

/// As long as it may be.
fn cron() -> String {
    let minutes = vec!["00"; 40].join(",");
    format!("{minutes} 0 1 1 0")
}

fn flags() -> Vec<String> {
    (0..32)
        .map(|number| format!("--flag-{number}={}", "v".repeat(240)))
        .collect()
}
