//! A connection to a Redis or a sentinel, over a stream that was dialled.

use std::sync::Arc;
use std::time::Duration;

use ovo_model::{NodeName, ProviderError};
use ovo_provider::{ByteStream, Dial, Target};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError};
use redis::{RedisConnectionInfo, ServerErrorKind};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::doors::PATIENCE;
use crate::http::Driver;

/// Somebody who may be asked once the connection stands.
pub(crate) struct Connection {
    redis: MultiplexedConnection,
    _driver: Driver,
}

/// Whom a question goes to.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) dial: &'a dyn Dial,
    pub(crate) target: &'a Target,
    pub(crate) node: &'a NodeName,
    /// `Redis` or `sentinel`, for messages.
    pub(crate) what: &'static str,
    pub(crate) port: u16,
}

impl At<'_> {
    /// An answer that is none.
    pub(crate) fn unread(&self, why: &str) -> ProviderError {
        let Self {
            node, what, port, ..
        } = self;
        ProviderError::Retryable(format!("{node}: {what} on port {port}: {why}"))
    }

    /// What is asked here is answered within one limit, from dialling to the end.
    pub(crate) async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
            let limit = PATIENCE.as_secs();
            Err(self.unread(&format!("no whole answer within {limit} s")))
        })
    }

    /// Connects and logs in.
    pub(crate) async fn connect(
        &self,
        password: &SecretString,
    ) -> Result<Connection, ProviderError> {
        let stream = self.dial.dial(self.target, self.node, self.port).await?;
        let opened = Connection::open(stream, password).await;
        opened.map_err(|error| self.unread(words(&error)))
    }
}

/// Why an answer is none.
pub(crate) enum Unread {
    /// By the client's library.
    Redis(RedisError),
    /// By what it says.
    Says(Arc<str>),
}

impl From<RedisError> for Unread {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Unread {
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Redis(error) => words(error),
            Self::Says(why) => why,
        }
    }
}

impl Connection {
    async fn open(
        stream: Box<dyn ByteStream>,
        password: &SecretString,
    ) -> Result<Self, RedisError> {
        let login = RedisConnectionInfo::default()
            .set_password(password.expose_secret())
            .set_skip_set_lib_name();
        // Whoever asks limits the time of all of it.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None::<Duration>)
            .set_connection_timeout(None::<Duration>);
        let (redis, driver) =
            MultiplexedConnection::new_with_config(&login, stream, config).await?;
        Ok(Self {
            redis,
            _driver: Driver::spawn(driver),
        })
    }

    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, RedisError> {
        command.query_async(&mut self.redis).await
    }

    pub(crate) async fn ask_all<T: FromRedisValue>(
        &mut self,
        commands: &Pipeline,
    ) -> Result<T, RedisError> {
        commands.query_async(&mut self.redis).await
    }
}

/// What befell a question, never in the server's own words: some repeat the command that they did not understand, and with
/// it the password.
fn words(error: &RedisError) -> &'static str {
    match error.kind() {
        ErrorKind::AuthenticationFailed => {
            "it does not take the password under REDIS_PASSWORD of the cluster's credentials"
        }
        ErrorKind::Io => "the connection broke before the end of its answer",
        ErrorKind::Server(ServerErrorKind::BusyLoading) => "it is loading its data",
        ErrorKind::Server(ServerErrorKind::MasterDown) => "it is a replica that lost its primary",
        ErrorKind::Server(ServerErrorKind::ExecAbort) => "it refuses the commands",
        ErrorKind::Server(_) | ErrorKind::Extension => "it refuses the command",
        _ => "its answer cannot be understood",
    }
}
