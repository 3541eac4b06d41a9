//! The project's own definitions on the server.

use std::io;

use crate::programs;
use crate::server::ApiServer;

impl ApiServer {
    /// Applies the repository's `crds/` on the server's side and returns when both kinds are served.
    ///
    /// # Errors
    /// When the server refuses one; with what it said.
    pub fn install_crds(&self) -> io::Result<()> {
        let folder = programs::repository().join("crds");
        let folder = folder.to_string_lossy();
        self.ask(&["apply", "--server-side", "--filename", &folder])?;
        self.ask(&[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "--filename",
            &folder,
        ])?;
        Ok(())
    }
}
