//! A database server as its clients see it: what tests and observations take for the truth.

use std::{fmt, time::Duration};

use futures_util::future::{Either, select};
use pgdrill_core::Secret;
use tokio::{net::TcpStream, time::timeout};
use tokio_postgres::{
    Client, Config, Connection, NoTls, SimpleQueryMessage, error::SqlState, tls::NoTlsStream,
};

/// How long a server may take for one answer.
const LIMIT: Duration = Duration::from_secs(5);

/// One server, reached by TCP without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: Secret,
    /// The database.
    pub database: String,
    /// How long the server may take for one answer; a connection counts as one.
    pub limit: Duration,
}

/// What becomes of a new client connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is accepted, and answers.
    Accepted,
    /// The server has a rule that rejects it (SQLSTATE 28000). Its words.
    Rejected(String),
    /// Nobody answers, or a server that is only starting or stopping.
    Unserved(String),
}

/// Why a server gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostgresError {
    /// The server itself says so.
    Server {
        /// The SQLSTATE.
        code: String,
        /// Its words.
        message: String,
    },
    /// Nobody answers, or the connection has ended.
    Unreachable(String),
    /// There was no answer within this time.
    TimedOut(Duration),
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { code, message } => write!(f, "{message} (SQLSTATE {code})"),
            Self::Unreachable(cause) => write!(f, "the server can't be reached: {cause}"),
            Self::TimedOut(after) => write!(f, "the server did not answer within {after:?}"),
        }
    }
}

impl std::error::Error for PostgresError {}

/// The rows of a query, each value as the text that the server gives.
pub type Rows = Vec<Vec<Option<String>>>;

impl Postgres {
    /// A server's database `postgres`, for this user.
    #[must_use]
    pub fn new(
        host: impl Into<String>,
        port: u16,
        user: impl Into<String>,
        password: Secret,
    ) -> Self {
        let (host, user, database) = (host.into(), user.into(), "postgres".into());
        Self { host, port, user, password, database, limit: LIMIT }
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// The server rejects it, or none answers.
    pub async fn connect(&self) -> Result<PostgresClient, PostgresError> {
        let mut config = Config::new();
        config
            .user(&self.user)
            .password(self.password.expose())
            .dbname(&self.database)
            .application_name("pgdrill");
        let connecting = async {
            let address = (self.host.as_str(), self.port);
            let stream = TcpStream::connect(address).await;
            let stream = stream.map_err(|error| PostgresError::Unreachable(error.to_string()))?;
            config.connect_raw(stream, NoTls).await.map_err(|error| words(&error))
        };
        match timeout(self.limit, connecting).await {
            Ok(connected) => connected.map(|(client, connection)| PostgresClient {
                client,
                connection: Some(connection),
                limit: self.limit,
            }),
            Err(_) => Err(PostgresError::TimedOut(self.limit)),
        }
    }

    /// What the server does with a new client connection, which is closed again.
    ///
    /// # Errors
    ///
    /// The server refuses it for another reason, as a wrong password.
    pub async fn admission(&self) -> Result<Admission, PostgresError> {
        let answered = match self.connect().await {
            Ok(mut client) => client.rows("SELECT 1").await.map(drop),
            Err(error) => Err(error),
        };
        let Err(error) = answered else { return Ok(Admission::Accepted) };
        let said = error.to_string();
        match error {
            PostgresError::Unreachable(_) | PostgresError::TimedOut(_) => {
                Ok(Admission::Unserved(said))
            }
            PostgresError::Server { ref code, ref message } => {
                let is = |state: SqlState| code == state.code();
                if is(SqlState::INVALID_AUTHORIZATION_SPECIFICATION) {
                    Ok(Admission::Rejected(message.clone()))
                } else if [
                    SqlState::CANNOT_CONNECT_NOW,
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                ]
                .into_iter()
                .any(is)
                {
                    Ok(Admission::Unserved(said))
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The rows of a query, over a connection of its own. Several statements give the rows of all.
    ///
    /// # Errors
    ///
    /// As those of [`connect`](Self::connect), and the server's own about the statement.
    pub async fn rows(&self, sql: &str) -> Result<Rows, PostgresError> {
        self.connect().await?.rows(sql).await
    }
}

/// An open client connection. It is idle between two calls, and what the server sends meanwhile is read by the
/// next.
pub struct PostgresClient {
    client: Client,
    /// `None` once it has ended.
    connection: Option<Connection<TcpStream, NoTlsStream>>,
    limit: Duration,
}

impl fmt::Debug for PostgresClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresClient").field("is_open", &self.connection.is_some()).finish()
    }
}

impl PostgresClient {
    /// Whether the connection still answers.
    pub async fn is_answering(&mut self) -> bool {
        self.rows("SELECT 1").await.is_ok()
    }

    /// The rows of a query. Several statements give the rows of all. After a time-out the connection is closed.
    ///
    /// # Errors
    ///
    /// The connection has ended, or the server's own about the statement.
    pub async fn rows(&mut self, sql: &str) -> Result<Rows, PostgresError> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(PostgresError::Unreachable("the connection has ended".into()));
        };
        let query = Box::pin(self.client.simple_query(sql));
        let ended = match timeout(self.limit, select(query, connection)).await {
            Ok(Either::Left((answer, _))) => {
                return answer.map(table).map_err(|error| words(&error));
            }
            Ok(Either::Right((Err(error), _))) => words(&error),
            Ok(Either::Right((Ok(()), _))) => {
                PostgresError::Unreachable("the server closed the connection".into())
            }
            Err(_) => PostgresError::TimedOut(self.limit),
        };
        self.connection = None;
        Err(ended)
    }
}

fn table(messages: Vec<SimpleQueryMessage>) -> Rows {
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            rows.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect());
        }
    }
    rows
}

fn words(error: &tokio_postgres::Error) -> PostgresError {
    match error.as_db_error() {
        Some(said) => PostgresError::Server {
            code: said.code().code().to_owned(),
            message: said.message().to_owned(),
        },
        None => PostgresError::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn where_nobody_answers_a_connection_is_neither_accepted_nor_rejected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let limit = Duration::from_millis(300);
        let secret = Secret::new("canary");
        let server = Postgres { limit, ..Postgres::new("127.0.0.1", port, "postgres", secret) };
        let silent = timeout(LIMIT * 4, server.admission()).await.expect("within its bound");
        assert!(matches!(silent, Ok(Admission::Unserved(_))), "{silent:?}");
        assert_eq!(server.rows("SELECT 1").await, Err(PostgresError::TimedOut(limit)));
        drop(listener);
        let closed = server.admission().await;
        assert!(matches!(closed, Ok(Admission::Unserved(_))), "{closed:?}");
        assert!(!format!("{server:?}").contains("canary"));
    }
}
