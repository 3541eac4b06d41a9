//! What the tests of this crate share.
#![allow(unreachable_pub)]

use std::io;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A program that ends with this value, or with the test, however that ends.
pub struct Running(Child);

impl Running {
    pub fn start(
        program: &str,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> io::Result<Self> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        Ok(Self(command.spawn()?))
    }

    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.0.id()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    pub fn runs(&mut self) -> io::Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
