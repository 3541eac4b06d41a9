//! Free ports.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Linux gives ports from 32768 on to outgoing connections, unless it is told otherwise. Below, a port stays free while its server
/// is down: neither does somebody else's connection get it, nor does a client that keeps trying connect to itself.
const RANGE: Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 that nobody listens on now. Somebody else may be faster; then the server says so and another is tried.
pub(crate) fn free() -> io::Result<u16> {
    let mut last = io::Error::other("none was tried");
    for _ in 0..100 {
        let port = fastrand::u16(RANGE);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(io::Error::new(
        last.kind(),
        format!("no free port from {} to {}: {last}", RANGE.start, RANGE.end),
    ))
}
