//! Images and their snapshots: published by others, or copied by us.

use jiff::Timestamp;

use crate::clock::Event;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{Tags, all_found, filters, listed, tag_set, tags};

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) available: bool,
    pub(crate) created: Timestamp,
    /// Region and id of what it was copied from.
    pub(crate) source: Option<(String, String)>,
    pub(crate) snapshot: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) tags: Tags,
}

impl Region {
    pub(crate) fn image_ready(&mut self, id: &str) {
        if let Some(image) = self.images.get_mut(id) {
            image.available = true;
        }
    }
}

fn state(image: &Image) -> &'static str {
    if image.available {
        "available"
    } else {
        "pending"
    }
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, owners) = (input.texts("ImageIds"), input.texts("Owners"));
    let now = region.now();
    let seen = |id: &str| region.images.seen(id, now).is_some();
    all_found(&asked, seen, "InvalidAMIID.NotFound", "image id")?;
    let mut items = Vec::new();
    for (id, image) in region.images.seen_all(now) {
        let own = image.owner == region.account;
        let hit = filters::matches(input, &image.tags, |name| match name {
            "image-id" => Some(vec![id.to_owned()]),
            "name" => Some(vec![image.name.clone()]),
            "state" => Some(vec![state(image).to_owned()]),
            "owner-id" => Some(vec![image.owner.clone()]),
            "source-image-id" => Some(
                image
                    .source
                    .iter()
                    .map(|(_, source)| source.clone())
                    .collect(),
            ),
            _ => None,
        })?;
        let owned = owners.is_empty()
            || owners
                .iter()
                .any(|owner| *owner == image.owner || (owner == "self" && own));
        if hit && owned && (asked.is_empty() || asked.iter().any(|a| a == id)) {
            let (source_region, source) = image.source.clone().unzip();
            let disk = image.snapshot.as_ref().map(|snapshot| {
                let ebs = Record::new().with("SnapshotId", snapshot);
                vec![
                    Record::new()
                        .with("DeviceName", "/dev/sda1")
                        .with("Ebs", ebs),
                ]
            });
            let record = Record::new()
                .with("ImageId", id)
                .with("Name", &image.name)
                .with("Description", image.description.clone())
                .with("State", state(image))
                .with("OwnerId", &image.owner)
                .with(
                    "CreationDate",
                    image.created.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
                )
                .with("Public", !own)
                .with("SourceImageId", source)
                .with("SourceImageRegion", source_region)
                .with("RootDeviceName", "/dev/sda1")
                .with("BlockDeviceMappings", disk)
                .with("Tags", tag_set(&image.tags));
            items.push((id.to_owned(), record));
        }
    }
    let (images, next) = listed(region, input, items)?;
    Ok(Record::new().with("Images", images).with("NextToken", next))
}

/// Names need not differ: two copies of one image under one name are two images.
pub(super) fn copy(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let token = input.text("ClientToken").map(str::to_owned);
    let same = region
        .images
        .iter()
        .find(|(_, image)| token.is_some() && image.token == token)
        .map(|(id, _)| id.to_owned());
    if let Some(id) = same {
        return Ok(Record::new().with("ImageId", id));
    }
    let source = (
        input.needed("SourceRegion").to_owned(),
        input.needed("SourceImageId").to_owned(),
    );
    let here = source.0 == region.name && region.images.seen(&source.1, region.now()).is_some();
    if !here && !region.published.contains_key(&source) {
        return Err(Fault::new(
            "InvalidAMIID.NotFound",
            format!("The image id '[{}]' does not exist", source.1),
        ));
    }
    let tags = tags::asked(input, "image")?;
    let (id, snapshot, seen_from) = (region.id("ami"), region.id("snap"), region.seen_from());
    let image = Image {
        name: input.needed("Name").to_owned(),
        owner: region.account.clone(),
        available: false,
        created: region.now(),
        source: Some(source),
        snapshot: Some(snapshot.clone()),
        description: input.text("Description").map(str::to_owned),
        token,
        tags,
    };
    region.images.insert(&id, image, seen_from);
    region.snapshots.insert(&snapshot, Tags::new(), seen_from);
    region.after(region.timings.image_copy, Event::ImageReady(id.clone()));
    Ok(Record::new().with("ImageId", id))
}

/// The snapshots stay: they cost money until they are deleted by themselves.
pub(super) fn deregister(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.needed("ImageId");
    region
        .images
        .seen(id, region.now())
        .filter(|image| image.owner == region.account)
        .ok_or_else(|| {
            Fault::new(
                "InvalidAMIID.NotFound",
                format!("The image id '[{id}]' does not exist"),
            )
        })?;
    region.images.remove(id);
    Ok(Record::new().with("Return", true))
}

pub(super) fn snapshots(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("SnapshotIds"), region.now());
    let owners = input.texts("OwnerIds");
    let seen = |id: &str| region.snapshots.seen(id, now).is_some();
    all_found(&asked, seen, "InvalidSnapshot.NotFound", "snapshot")?;
    let mut items = Vec::new();
    for (id, tags) in region.snapshots.seen_all(now) {
        let hit = filters::matches(input, tags, |name| match name {
            "snapshot-id" => Some(vec![id.to_owned()]),
            "owner-id" => Some(vec![region.account.clone()]),
            _ => None,
        })?;
        let owned = owners.is_empty() || owners.iter().any(|o| o == "self" || *o == region.account);
        if hit && owned && (asked.is_empty() || asked.iter().any(|a| a == id)) {
            let ready = region
                .images
                .values()
                .find(|i| i.snapshot.as_deref() == Some(id));
            let pending = ready.is_some_and(|image| !image.available);
            let record = Record::new()
                .with("SnapshotId", id)
                .with("OwnerId", &region.account)
                .with("State", if pending { "pending" } else { "completed" })
                .with("Tags", tag_set(tags));
            items.push((id.to_owned(), record));
        }
    }
    let (snapshots, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("Snapshots", snapshots)
        .with("NextToken", next))
}

pub(super) fn delete_snapshot(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.needed("SnapshotId");
    region.snapshots.seen(id, region.now()).ok_or_else(|| {
        Fault::new(
            "InvalidSnapshot.NotFound",
            format!("The snapshot '{id}' does not exist."),
        )
    })?;
    if let Some((image, _)) = region
        .images
        .iter()
        .find(|(_, i)| i.snapshot.as_deref() == Some(id))
    {
        return Err(Fault::new(
            "InvalidSnapshot.InUse",
            format!("The snapshot {id} is currently in use by {image}"),
        ));
    }
    region.snapshots.remove(id);
    Ok(Record::new())
}
