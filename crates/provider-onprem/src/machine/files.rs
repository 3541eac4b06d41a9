//! A file.

use ovo_model::{ProviderError, ResourceId};

use super::name::RecordKey;
use super::{CONTENT_LIMIT, Machine, parts};

const WRITE: &str = include_str!("../scripts/write-file.sh");
const REMOVE: &str = include_str!("../scripts/remove-file.sh");

/// A file as it should be.
#[derive(Clone, Copy)]
pub struct FileSpec<'a> {
    /// Absolute path; its folder must be there.
    pub path: &'a str,
    /// What is in it. May be secret: it travels on standard input and rests in a folder for root only.
    pub content: &'a [u8],
    /// Mode, in octal.
    pub mode: &'a str,
    /// `user:group`.
    pub owner: &'a str,
}

impl Machine {
    /// Puts a file there, whole or not at all, with its mode and owner from its first moment, and notes `record`
    /// beside its name.
    ///
    /// # Errors
    /// [`ProviderError::Conflict`] when something that is not ours has that name.
    pub async fn write_file(
        &self,
        id: &ResourceId,
        file: FileSpec<'_>,
        record: &[u8],
        epoch: i64,
    ) -> Result<(), ProviderError> {
        if file.content.len() > CONTENT_LIMIT {
            return Err(ProviderError::Invalid {
                field: format!("{id} content"),
                message: format!("{} bytes; at most {CONTENT_LIMIT}", file.content.len()),
            });
        }
        let key = RecordKey::of(id);
        let arguments = [key.as_str(), file.path, file.mode, file.owner];
        self.script(WRITE, epoch, &arguments, parts(&[record, file.content]))
            .await?;
        Ok(())
    }

    /// Takes a file of ours away; one that is gone is fine.
    ///
    /// # Errors
    /// By what befell the command.
    pub async fn remove_file(
        &self,
        id: &ResourceId,
        path: &str,
        epoch: i64,
    ) -> Result<(), ProviderError> {
        self.script(
            REMOVE,
            epoch,
            &[RecordKey::of(id).as_str(), path],
            Vec::new(),
        )
        .await?;
        Ok(())
    }
}
