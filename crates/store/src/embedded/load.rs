//! Reading the whole database into the image.

use std::path::Path;
use std::sync::Arc;

use ovo_api::{OpenViduCluster, apply_defaults};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};

use crate::embedded::disk::{CLUSTERS, EVENTS, META, NODES, ORIGINS, REVISION, SECRETS};
use crate::embedded::failure::from_storage;
use crate::embedded::image::{Change, Image, Table};
use crate::error::StoreError;
use crate::key::ObjectKey;

/// Everything that is stored. An entry that does not decode is set aside under its name, and the others are read.
pub(crate) fn load(database: &Database, path: &Path) -> Result<Image, StoreError> {
    read(database, path).map_err(|e| from_storage(path, e))
}

fn read(database: &Database, path: &Path) -> Result<Image, redb::Error> {
    let read = database.begin_read()?;
    let mut image = Image {
        revision: read
            .open_table(META)?
            .get(REVISION)?
            .map_or(0, |value| value.value()),
        ..Image::default()
    };
    each(
        &read,
        CLUSTERS,
        Table::Clusters,
        path,
        &mut image,
        |key, bytes| {
            Ok(Change::Cluster(
                key,
                Some(Arc::new(cluster(bytes)?)),
                Vec::new(),
            ))
        },
    )?;
    each(
        &read,
        NODES,
        Table::Nodes,
        path,
        &mut image,
        |key, bytes| {
            let node = serde_json::from_slice(bytes)?;
            Ok(Change::Node(key, Some(Arc::new(node)), Vec::new()))
        },
    )?;
    each(
        &read,
        ORIGINS,
        Table::Origins,
        path,
        &mut image,
        |key, bytes| {
            let origin = serde_json::from_slice(bytes)?;
            Ok(Change::Origin(key, Some(Arc::new(origin)), Vec::new()))
        },
    )?;
    each(
        &read,
        SECRETS,
        Table::Secrets,
        path,
        &mut image,
        |key, bytes| {
            let record = serde_json::from_slice(bytes)?;
            Ok(Change::Secret(
                key,
                Some((Arc::new(record), None)),
                Vec::new(),
            ))
        },
    )?;
    for entry in read.open_table(EVENTS)?.iter()? {
        let (id, bytes) = entry?;
        // Events are for people: one that does not decode is passed over, and told of.
        match serde_json::from_slice(bytes.value()) {
            Ok(event) => image.events.insert(id.value(), event),
            Err(error) => tracing::warn!(id = id.value(), %error, "an event does not decode"),
        }
    }
    Ok(image)
}

/// A stored cluster, with defaults that came after it was stored: an API server fills them in on every read.
fn cluster(bytes: &[u8]) -> Result<OpenViduCluster, serde_json::Error> {
    let mut object = serde_json::from_slice(bytes)?;
    apply_defaults(&mut object);
    serde_json::from_value(object)
}

fn each(
    read: &ReadTransaction,
    definition: TableDefinition<'_, &str, &[u8]>,
    table: Table,
    path: &Path,
    image: &mut Image,
    decode: impl Fn(ObjectKey, &[u8]) -> Result<Change, serde_json::Error>,
) -> Result<(), redb::Error> {
    for entry in read.open_table(definition)?.iter()? {
        let (name, bytes) = entry?;
        let (namespace, rest) = name.value().split_once('/').unwrap_or(("", name.value()));
        let key = ObjectKey::new(namespace, rest);
        match decode(key.clone(), bytes.value()) {
            Ok(change) => image.apply(change),
            Err(error) => {
                let why = format!(
                    "{table:?} {key} in {} does not decode ({error}): run the release that wrote it, or put back a \
                     copy of the file",
                    path.display()
                );
                tracing::error!("{why}");
                image.broken.insert((table, key), why);
            }
        }
    }
    Ok(())
}
