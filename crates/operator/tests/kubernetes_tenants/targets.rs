//! Where a spec would send the operator.

use serde_json::{Value, json};

use crate::says::{held, ready, stalled};
use crate::tenants::{Wanted, cluster_wide, id};

/// A namespace, what is wrong with its cluster, the field and the value that are named.
type Case = (&'static str, fn(&mut Value), &'static str, &'static str);

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNDyCKfm+RQ2XG6WENyl0jFFZlHybQFvvmhVuFv2afX";

fn on_prem(cluster: &mut Value) -> &mut Value {
    &mut cluster["spec"]["infrastructure"]["onPrem"]
}

const CASES: [Case; 6] = [
    (
        "metadata",
        |c| on_prem(c)["machines"][0]["address"] = "169.254.169.254".into(),
        "machines[0].address",
        "169.254.169.254 is the metadata service",
    ),
    (
        "loopback",
        |c| on_prem(c)["machines"][4]["address"] = "127.0.0.1".into(),
        "machines[4].address",
        "127.0.0.1 is a loopback address",
    ),
    (
        "sixth",
        |c| on_prem(c)["machines"][4]["address"] = "fd00:ec2::254".into(),
        "machines[4].address",
        "fd00:ec2::254 is the metadata service",
    ),
    (
        "jump",
        |c| on_prem(c)["ssh"]["jumpHost"] = json!({"address": "localhost", "hostKey": KEY}),
        "ssh.jumpHost.address",
        "localhost is a loopback name",
    ),
    (
        "number",
        |c| on_prem(c)["ssh"]["jumpHost"] = json!({"address": "2130706433", "hostKey": KEY}),
        "ssh.jumpHost.address",
        "2130706433 is an address in another form",
    ),
    (
        "installer",
        |c| on_prem(c)["installer"]["baseURL"] = "https://169.254.169.254/latest".into(),
        "installer.baseURL",
        "169.254.169.254 is the metadata service",
    ),
];

#[test]
fn nobody_sends_the_operator_to_itself_or_to_its_cloud() {
    let bed = cluster_wide(&[]);
    for (number, (namespace, spoil, _, _)) in CASES.iter().enumerate() {
        bed.settle(number + 1, namespace, spoil);
    }
    let mut serving = bed.serve();
    let parts: Vec<[&str; 3]> = CASES
        .iter()
        .map(|(_, _, field, value)| [*field, *value, "name "])
        .collect();
    let all = CASES.iter().zip(&parts);
    let wanted: Vec<(String, Wanted<'_>)> = all
        .map(|((namespace, ..), parts)| stalled(&bed, namespace, "TargetNotPermitted", parts))
        .collect();
    bed.until_all(&mut serving, wanted);
    for (namespace, ..) in CASES {
        assert_eq!(held(&bed, namespace), [""; 0], "{namespace}");
        assert!(bed.nodes_in(namespace).is_empty(), "{namespace}");
        // Nobody built anything: there is not even a file of the world yet, or it does not know it.
        let file = bed.world_dir().join("time");
        assert!(!file.exists() || bed.world().find(&id(namespace)).is_none());
    }
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn a_laboratory_may_name_its_own_machine_and_nothing_else() {
    let bed = cluster_wide(&["--allow-loopback-targets"]);
    let at = |range: &'static str| {
        move |c: &mut Value| {
            for (number, machine) in on_prem(c)["machines"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .enumerate()
            {
                machine["address"] = format!("{range}.{}", number + 1).into();
            }
        }
    };
    bed.settle(1, "laboratory", at("127.0.1"));
    bed.settle(2, "hostile", at("169.254.7"));
    let mut serving = bed.serve();
    let parts = ["169.254.7.1 is a link-local address"];
    bed.until_all(
        &mut serving,
        vec![
            ready(&bed, "laboratory", 2),
            stalled(&bed, "hostile", "TargetNotPermitted", &parts),
        ],
    );
    assert_eq!(serving.stop(), Some(0));
}
