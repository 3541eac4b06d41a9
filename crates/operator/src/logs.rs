//! Where logs go.

use std::io;
use std::sync::Mutex;

use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::cli::{LogArgs, LogFormat, LogLevel};

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Takes a line of logs.
pub(crate) type TakeLine = Box<dyn Fn(&str) + Send>;

/// Whoever takes logs instead of standard error while a table is drawn on the terminal.
static ASIDE: Mutex<Option<TakeLine>> = Mutex::new(None);

/// Sends logs to `take` until they are sent to standard error again with `None`.
pub(crate) fn aside(take: Option<TakeLine>) {
    if let Ok(mut aside) = ASIDE.lock() {
        *aside = take;
    }
}

/// Starts logging, and traces where somebody wants them of this command. A second call changes nothing.
pub(crate) fn start(args: LogArgs, least: Option<LogLevel>, traced: bool) {
    let level = least.map_or(args.log_level, |least| louder(args.log_level, least));
    let level = LevelFilter::from(level);
    // Spans are for traces: what is written is the same with and without them.
    let written = filter_fn(move |meta| meta.is_event() && *meta.level() <= level);
    let written = written.with_max_level_hint(level);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match args.log_format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(Sink)
            .with_filter(written)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .with_writer(Sink)
            .with_filter(written)
            .boxed(),
    };
    let base = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "otlp")]
    let base = base.with(traced.then(crate::traces::layer).flatten());
    #[cfg(not(feature = "otlp"))]
    let _ = traced;
    let started = base.try_init();
    // Only a test that runs two commands in one process comes here twice.
    drop(started);
}

const fn louder(one: LogLevel, other: LogLevel) -> LogLevel {
    if (one as u8) > (other as u8) {
        one
    } else {
        other
    }
}

struct Sink;

struct Line(Vec<u8>);

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        if let Ok(aside) = ASIDE.lock()
            && let Some(take) = aside.as_ref()
        {
            take(String::from_utf8_lossy(&self.0).trim_end());
            return;
        }
        // A closed standard error is no reason to stop keeping clusters alive.
        let _ = io::Write::write_all(&mut io::stderr().lock(), &self.0);
    }
}
