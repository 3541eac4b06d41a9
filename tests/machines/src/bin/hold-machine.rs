//! Boots a machine, says so, and holds it until standard input ends: for tests that kill a process which has one, and
//! for a person who wants a machine to look around in.

use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::time::Duration;

use ovo_machines::Machine;

fn main() -> io::Result<()> {
    let machine = Machine::boot("held")?;
    let _open: std::net::TcpStream = machine.connect(22, Duration::from_secs(5))?;
    let address: Ipv4Addr = machine.address();
    println!("{address} {}", machine.key_path().display());
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
