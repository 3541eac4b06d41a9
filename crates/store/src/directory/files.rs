//! Reading the files of a directory: blocking, and without any judgement about the clusters in them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use ovo_api::manifest::{MAX_BYTES, Manifest, parse_manifest};
use sha2::{Digest as _, Sha256};

/// The bits that would let anybody but the owner read or write.
pub(super) const OTHERS: u32 = 0o077;

/// A manifest file as it was read.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    /// Of the text and the mode: the same fingerprint is the same file.
    pub(super) fingerprint: [u8; 32],
    /// What is in it.
    pub(super) manifest: Arc<Manifest>,
    /// Whether only its owner may read it.
    pub(super) private: bool,
}

/// The manifest files of a directory by name, each read or not.
pub(super) type Files = BTreeMap<String, Result<Parsed, String>>;

/// Reads all manifests. Those that did not change since `known` are not parsed again.
pub(super) fn read_all(root: &Path, known: &Files) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let path = root.join(name);
        if !is_manifest(name) || path.is_dir() {
            continue;
        }
        let before = known.get(name).and_then(|file| file.as_ref().ok());
        files.insert(name.to_owned(), read(&path, before));
    }
    Ok(files)
}

/// Files that an editor hides or is still writing begin with a dot.
fn is_manifest(name: &str) -> bool {
    !name.starts_with('.')
        && Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn read(path: &Path, before: Option<&Parsed>) -> Result<Parsed, String> {
    let (text, mode) = read_text(path)?;
    let mut hash = Sha256::new();
    hash.update(mode.to_be_bytes());
    hash.update(text.as_bytes());
    let fingerprint = hash.finalize().into();
    match before {
        Some(before) if before.fingerprint == fingerprint => Ok(before.clone()),
        _ => Ok(Parsed {
            fingerprint,
            manifest: Arc::new(parse_manifest(&text)),
            private: mode & OTHERS == 0,
        }),
    }
}

/// Text and mode of a file that is not larger than a manifest may be. A message says what is wrong otherwise.
pub(super) fn read_text(path: &Path) -> Result<(zeroize::Zeroizing<String>, u32), String> {
    let (bytes, mode) = read_bytes(path)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok((zeroize::Zeroizing::new(text.to_owned()), mode)),
        Err(error) => Err(format!(
            "is not text in UTF-8: the byte at {} is none; save it as UTF-8",
            error.valid_up_to()
        )),
    }
}

/// Bytes and mode of a file.
pub(super) fn read_bytes(path: &Path) -> Result<(zeroize::Zeroizing<Vec<u8>>, u32), String> {
    let unreadable =
        |e: io::Error| format!("cannot be read ({e}): let the user that runs the operator read it");
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    // One byte more than may be tells a file that is too large, whatever it claims to be.
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "has {} bytes and at most {MAX_BYTES} are read: put each cluster into a file of its own",
            about.len()
        ));
    }
    Ok((bytes, about.permissions().mode()))
}
