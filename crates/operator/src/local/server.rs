//! The socket through which commands reach the process that serves.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::failure::Failure;
use crate::local::{Local, Request, Response};

/// Longest command: a plan carries its manifests, of at most 1.5 MB each.
const LONGEST: u64 = 64 * 1024 * 1024;
/// Longest path of a socket, by the kernel (`sun_path`), with its closing zero.
const LONGEST_PATH: usize = 107;

/// A path for a socket that is short enough for the kernel. Good for as long as the folder is held.
pub(super) struct ShortPath {
    pub(super) path: PathBuf,
    _folder: Option<OwnedFd>,
}

impl ShortPath {
    pub(super) fn of(socket: &Path) -> io::Result<Self> {
        if socket.as_os_str().len() <= LONGEST_PATH {
            return Ok(Self {
                path: socket.to_owned(),
                _folder: None,
            });
        }
        let folder: OwnedFd = fs::File::open(socket.parent().unwrap_or(Path::new("/")))?.into();
        let name = socket.file_name().unwrap_or_default();
        let path = Path::new("/proc/self/fd")
            .join(folder.as_raw_fd().to_string())
            .join(name);
        Ok(Self {
            path,
            _folder: Some(folder),
        })
    }
}

/// A socket that is bound and does not answer yet. Dropping it removes the file.
pub(crate) struct AdminServer {
    listener: UnixListener,
    file: PathBuf,
}

impl AdminServer {
    /// Makes the socket; one that a dead process left is replaced. Only under the directory's lock.
    pub(crate) fn bind(local: &Local) -> Result<Self, Failure> {
        let file = local.layout().socket();
        let bind = || {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let short = ShortPath::of(&file)?;
            let listener = UnixListener::bind(&short.path)?;
            // The folder lets nobody else in already; the mode says so once more.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        let listener = bind().map_err(Failure::file(&file))?;
        Ok(Self { listener, file })
    }

    /// Answers until it is dropped.
    pub(crate) async fn run(&self, local: &Local) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let local = local.clone();
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, &local).await {
                            tracing::debug!(%error, "a command went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a command could not connect");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

async fn converse(stream: UnixStream, local: &Local) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read.take(LONGEST)).lines();
    while let Some(line) = lines.next_line().await? {
        let response = match serde_json::from_str::<Request>(&line) {
            Ok(request) => local.handle(request).await,
            Err(error) => Response::Refused {
                message: format!(
                    "the operator that serves does not know this command ({error}): is it of the same release?"
                ),
            },
        };
        let mut text = serde_json::to_vec(&response)?;
        text.push(b'\n');
        write.write_all(&text).await?;
    }
    Ok(())
}
