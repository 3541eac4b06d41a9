//! The image that containers run from.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

const IMAGE: &str = include_str!("../scripts/image.sh");

/// Writes the tar of a root file system with this model, and Redis and Caddy of this host.
pub(crate) fn make(model: &Path, to: &Path) -> io::Result<()> {
    let output = Command::new("bash")
        .args(["-c", IMAGE, "image"])
        .args([model, to])
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("no image: {why}")))
}
