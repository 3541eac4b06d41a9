//! Image copies and their snapshots.

use aws_sdk_ec2::types::Filter;
use ovo_aws::{Bed, REGION};

use crate::common::code;

#[tokio::test]
async fn a_copy_takes_its_time_and_leaves_its_snapshot() {
    let bed = Bed::start();
    let source = bed.aws.publish_image("us-east-1", "published");
    let ask = bed
        .ec2
        .copy_image()
        .name("copy")
        .source_region("us-east-1")
        .source_image_id(&source);
    let id = ask
        .clone()
        .send()
        .await
        .unwrap()
        .image_id()
        .unwrap()
        .to_owned();
    assert_eq!(
        code(ask.source_image_id("ami-none").send().await),
        "InvalidAMIID.NotFound"
    );
    let own = bed.ec2.describe_images().owners("self");
    let named = Filter::builder().name("name").values("cop?").build();
    let image = own.filters(named).send().await.unwrap().images()[0].clone();
    assert_eq!(
        (image.image_id(), image.source_image_region()),
        (Some(id.as_str()), Some("us-east-1"))
    );
    assert_eq!(image.state().unwrap().as_str(), "pending");
    bed.pass(300);
    let image = bed
        .ec2
        .describe_images()
        .image_ids(&id)
        .send()
        .await
        .unwrap()
        .images()[0]
        .clone();
    assert_eq!(image.state().unwrap().as_str(), "available");
    let snapshot = image.block_device_mappings()[0]
        .ebs()
        .unwrap()
        .snapshot_id()
        .unwrap()
        .to_owned();
    let delete = bed.ec2.delete_snapshot().snapshot_id(&snapshot);
    assert_eq!(code(delete.clone().send().await), "InvalidSnapshot.InUse");
    bed.ec2
        .deregister_image()
        .image_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(bed.region().leftovers(), [snapshot.as_str()]);
    delete.send().await.unwrap();
    assert!(bed.region().leftovers().is_empty());
}

/// A region sees its own images and those that were published in it, not those of another.
#[tokio::test]
async fn regions_are_apart() {
    let bed = Bed::start();
    bed.aws.publish_image("us-east-1", "far");
    bed.aws.publish_image(REGION, "near");
    let all = bed.ec2.describe_images().send().await.unwrap();
    let names: Vec<_> = all.images().iter().map(|i| i.name().unwrap()).collect();
    assert!(
        names.contains(&"near") && !names.contains(&"far"),
        "{names:?}"
    );
}
