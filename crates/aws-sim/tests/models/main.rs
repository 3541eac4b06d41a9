//! The simulator's tables against botocore's service models, which AWS generates from its own: names, what is
//! required, types, limits and error codes. The tables drive the simulator's parser and writer, so what is compared
//! here is what it does.
//!
//! What the models cannot tell is not compared: how a service behaves, and EC2's error codes, which its model leaves
//! out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod model;
mod walk;

use model::Model;
use walk::Walk;

#[test]
fn every_member_is_as_aws_has_it() {
    let models = model::folder();
    let mut all = Walk::default();
    for service in ovo_aws_sim::services() {
        let model = Model::load(&models, &service.model, &service.version);
        let mut walk = Walk::default();
        walk.service(service, &model);
        println!("{}: {}", service.name, walk.summary());
        all.add(walk);
    }
    println!("all: {}", all.summary());
    assert!(all.wrong.is_empty(), "{}", all.wrong.join("\n"));
    // A walk that finds nothing to compare would agree with everything.
    assert!(
        all.operations > 80 && all.members > 900,
        "{}",
        all.summary()
    );
}

/// Each way in which a table can be wrong is found: else the comparison above would prove nothing.
#[test]
fn a_table_that_is_wrong_is_found() {
    let models = model::folder();
    let model = Model::load(&models, "autoscaling", "2011-01-01");
    let head = "service autoscaling autoscaling 2011-01-01 query http://autoscaling.amazonaws.com/doc/2011-01-01/\n";
    let good = "fault LimitExceeded 400\n\
        fault ResourceInUse 400\n\
        operation SuspendProcesses : ResourceInUse\n\
        > AutoScalingGroupName! text 1..255\n\
        > ScalingProcesses [text 1..255]\n";
    let wrong = |table: &str| {
        let service = ovo_aws_sim::schema::Service::parse(&format!("{head}{table}")).unwrap();
        let mut walk = Walk::default();
        walk.service(&service, &model);
        walk.wrong.len()
    };
    assert_eq!(wrong(good), 0);
    for (from, to) in [
        ("operation SuspendProcesses", "operation SuspendProcess"),
        ("ScalingProcesses [", "Processes ["),
        ("ScalingProcesses [", "ScalingProcesses=Process ["),
        ("ScalingProcesses [", "ScalingProcesses! ["),
        ("AutoScalingGroupName!", "AutoScalingGroupName"),
        ("> AutoScalingGroupName! text 1..255\n", ""),
        ("text 1..255\n", "text 1..256\n"),
        ("text 1..255\n", "integer\n"),
        ("text 1..255\n", "enum a|b\n"),
        ("text 1..255\n", "text 1..255 /[a-z]+/\n"),
        ("[text 1..255]", "[text 1..255] @item"),
        ("[text 1..255]", "[text 1..255] 1.."),
        ("[text 1..255]", "text 1..255"),
        ("ResourceInUse 400", "ResourceInUse 409"),
        (": ResourceInUse", ": LimitExceeded"),
    ] {
        assert!(good.contains(from), "{from}");
        assert_eq!(wrong(&good.replacen(from, to, 1)), 1, "{from} as {to}");
    }
}
