//! Starts a server with the project's kinds, says where its state and its kubeconfig are, and holds it until standard
//! input ends: for tests that kill a process which has one, and for a person who wants a server to look around in.

use std::io::{self, Read};

use ovo_kube::{ADMIN, ApiServer};

fn main() -> io::Result<()> {
    let server = ApiServer::builder().controllers().start()?;
    server.install_crds()?;
    println!(
        "{} {}",
        server.state().display(),
        server.kubeconfig(ADMIN)?.display()
    );
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
