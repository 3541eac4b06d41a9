//! Commands: through the socket where a server runs, else on the records themselves.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ovo_store::StoreError;
use ovo_store::directory::Layout;

use crate::failure::Failure;
use crate::local::server::ShortPath;
use crate::local::{Local, Request, Response};

/// How long a server may take from its lock to its socket.
const STARTING: Duration = Duration::from_secs(5);
/// How long a server may take for an answer; a plan of many clusters is the longest.
const ANSWER: Duration = Duration::from_mins(1);

/// Whoever answers commands for a directory.
pub enum Client {
    /// A process that serves it.
    Server {
        /// The directory.
        dir: PathBuf,
        /// The conversation.
        stream: BufReader<UnixStream>,
    },
    /// Ourselves, as long as this lives.
    Records(Box<Local>),
}

impl Client {
    /// Finds whoever serves the directory; if nobody does, takes it.
    ///
    /// # Errors
    /// When the directory cannot be read, or is locked by somebody who does not answer.
    pub fn connect(dir: &Path) -> Result<Self, Failure> {
        let began = Instant::now();
        loop {
            if let Some(server) = Self::server(dir)? {
                return Ok(server);
            }
            match Local::open(dir) {
                Ok(local) => return Ok(Self::Records(Box::new(local))),
                Err(Failure::Store(StoreError::Denied(_)))
                    if locked(dir) && began.elapsed() < STARTING =>
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The process that serves the directory, if one does.
    ///
    /// # Errors
    /// When the socket is there and may not be used.
    pub fn server(dir: &Path) -> Result<Option<Self>, Failure> {
        let failed = |source| Failure::Socket {
            dir: dir.to_owned(),
            source,
        };
        let short = match ShortPath::of(&Layout::new(dir).socket()) {
            Ok(short) => short,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match UnixStream::connect(&short.path) {
            Ok(stream) => {
                stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
                Ok(Some(Self::Server {
                    dir: dir.to_owned(),
                    stream: BufReader::new(stream),
                }))
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What was refused, in the words of whoever refused it.
    pub fn ask(&mut self, request: Request) -> Result<Response, Failure> {
        let response = match self {
            Self::Server { dir, stream } => {
                let failed = |source| Failure::Socket {
                    dir: dir.clone(),
                    source,
                };
                let mut text = serde_json::to_vec(&request)?;
                text.push(b'\n');
                stream.get_mut().write_all(&text).map_err(failed)?;
                let mut line = String::new();
                if stream.read_line(&mut line).map_err(failed)? == 0 {
                    return Err(failed(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "it ended before it answered",
                    )));
                }
                serde_json::from_str(&line)?
            }
            Self::Records(local) => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|source| Failure::Socket {
                        dir: local.root(),
                        source,
                    })?;
                runtime.block_on(local.handle(request))
            }
        };
        match response {
            Response::Refused { message } => Err(Failure::Server(message)),
            response => Ok(response),
        }
    }
}

/// Whether somebody holds the directory's lock.
fn locked(dir: &Path) -> bool {
    let file = std::fs::File::open(Layout::new(dir).lock());
    file.is_ok_and(|file| {
        matches!(
            file.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}
