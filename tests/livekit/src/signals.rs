//! Signals, each one counted.

use std::io;

use nix::sys::signal::{SigSet, Signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The code with which a Go program ends by SIGHUP that nobody handles, also as PID 1.
const HANGUP: i32 = 2;

/// Holds these signals back and hands them out one by one. To be called before any other thread is started.
///
/// A handler would merge signals that come close together; the kernel merges only those that it has not delivered yet.
/// SIGHUP ends the process at once and cleans nothing, unless a model is told to get it wrong.
pub(crate) fn receive(hang_up_is_one: bool) -> io::Result<UnboundedReceiver<Signal>> {
    let mut set = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGQUIT,
        Signal::SIGHUP,
    ] {
        set.add(signal);
    }
    set.thread_block()?;
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        let mut count = 0_u32;
        while let Ok(signal) = set.wait() {
            if signal == Signal::SIGHUP && !hang_up_is_one {
                eprintln!("model: SIGHUP");
                std::process::exit(HANGUP);
            }
            count += 1;
            // The log of a container outlives it: whoever counts reads here, too.
            eprintln!("model: signal {count} is {signal}");
            if sender.send(signal).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}
