//! A screen of a terminal, and the promise to leave it as it was.

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Another screen, no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// The cursor and the first screen again.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal's other screen, for as long as this lives; also a panic gives it back.
#[derive(Debug)]
pub(crate) struct Screen(());

impl Screen {
    /// Takes the terminal on standard output.
    pub(crate) fn take() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                give_terminal_back();
                before(info);
            }));
        });
        let mut out = io::stdout().lock();
        out.write_all(ENTER.as_bytes())?;
        out.flush()?;
        TAKEN.store(true, Ordering::SeqCst);
        Ok(Self(()))
    }

    /// Columns and lines, now.
    pub(crate) fn size() -> (usize, usize) {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        match size.map(|s| (usize::from(s.ws_col), usize::from(s.ws_row))) {
            Some((columns, rows)) if columns > 0 && rows > 0 => (columns, rows),
            _ => (100, 30),
        }
    }

    /// Draws lines over what was there, without a flicker.
    pub(crate) fn draw(lines: &[String]) -> io::Result<()> {
        let mut text = String::from("\x1b[H");
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_terminal_back();
    }
}

/// Gives the terminal back, if it was taken.
pub(crate) fn give_terminal_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(LEAVE.as_bytes());
        let _ = out.flush();
    }
}
