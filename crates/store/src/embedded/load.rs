//! Reading the whole database into the image.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};
use serde::de::DeserializeOwned;

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
        |key, value| Change::Cluster(key, Some(Arc::new(value)), Vec::new()),
    )?;
    each(
        &read,
        NODES,
        Table::Nodes,
        path,
        &mut image,
        |key, value| Change::Node(key, Some(Arc::new(value)), Vec::new()),
    )?;
    each(
        &read,
        ORIGINS,
        Table::Origins,
        path,
        &mut image,
        |key, value| Change::Origin(key, Some(Arc::new(value)), Vec::new()),
    )?;
    each(
        &read,
        SECRETS,
        Table::Secrets,
        path,
        &mut image,
        |key, value| Change::Secret(key, Some((Arc::new(value), None)), Vec::new()),
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

fn each<T: DeserializeOwned>(
    read: &ReadTransaction,
    definition: TableDefinition<'_, &str, &[u8]>,
    table: Table,
    path: &Path,
    image: &mut Image,
    change: impl Fn(ObjectKey, T) -> Change,
) -> Result<(), redb::Error> {
    for entry in read.open_table(definition)?.iter()? {
        let (name, bytes) = entry?;
        let (namespace, rest) = name.value().split_once('/').unwrap_or(("", name.value()));
        let key = ObjectKey::new(namespace, rest);
        match serde_json::from_slice(bytes.value()) {
            Ok(value) => image.apply(change(key, value)),
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
