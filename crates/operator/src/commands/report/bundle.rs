//! One compressed archive.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use crate::failure::Failure;

/// The folder in the archive.
const FOLDER: &str = "openvidu-report";

/// An archive that is being written; what is not finished is removed.
pub(super) struct Bundle {
    path: PathBuf,
    archive: Option<Builder<GzEncoder<File>>>,
}

impl Bundle {
    /// Takes the name. The file is for its owner only.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(Failure::file(path))?;
        Ok(Self {
            path: path.to_owned(),
            archive: Some(Builder::new(GzEncoder::new(file, Compression::default()))),
        })
    }

    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        let now = jiff::Timestamp::now().as_second();
        header.set_mtime(u64::try_from(now).unwrap_or_default());
        let Some(archive) = &mut self.archive else {
            return Ok(());
        };
        archive
            .append_data(&mut header, format!("{FOLDER}/{name}"), bytes)
            .map_err(Failure::file(&self.path))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let Some(archive) = self.archive.take() else {
            return Ok(());
        };
        let whole = || archive.into_inner()?.finish()?.sync_all();
        whole().map_err(|error| {
            // Half of it would be taken for all.
            let _ = fs::remove_file(&self.path);
            Failure::file(&self.path)(error)
        })
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        if self.archive.take().is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}
