//! The HTTP servers of a rehearsal: those of Patroni listen only where a member does.

use std::{collections::BTreeMap, io, sync::Arc};

use pgdrill_sim::ManagerSeen;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::{JoinHandle, JoinSet},
};

use super::{authority::authority, patroni, s3, shared::SharedState, web};
use pgdrill_sim::lock;

/// The members' servers, by unit.
#[derive(Default)]
pub(super) struct Listeners(Mutex<BTreeMap<u32, Task>>);

/// A task that ends with this value.
pub(super) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listeners {
    /// Has a server listen for every member that listens in the world now, and for no other.
    pub(super) async fn follow(&self, shared: &Arc<SharedState>) {
        let mut servers = self.0.lock().await;
        for unit in 0..9 {
            let listens = lock(&shared.world).manager(unit) != ManagerSeen::Refuses;
            if listens && !servers.contains_key(&unit) {
                let host = SharedState::HOSTS.replace("{unit}", &unit.to_string());
                // What can't listen here is refused, which the run then shows.
                let bound = TcpListener::bind((host, shared.port)).await;
                if let Ok(listener) = bound.inspect_err(|error| shared.note(error)) {
                    let (shared, all) = (Arc::clone(shared), Arc::clone(shared));
                    servers.insert(
                        unit,
                        accept(listener, all, move |stream| {
                            let shared = Arc::clone(&shared);
                            web::serve(stream, move |asked| {
                                let shared = Arc::clone(&shared);
                                async move { patroni::answer(&shared, unit, asked).await }
                            })
                        }),
                    );
                }
            } else if !listens && let Some(mut server) = servers.remove(&unit) {
                server.0.abort();
                // Only then is the port free again.
                let _ = (&mut server.0).await;
            }
        }
    }
}

/// Serves S3 and Kubernetes over TLS.
pub(super) fn serve_tls(
    listener: TcpListener,
    shared: Arc<SharedState>,
    listeners: Arc<Listeners>,
) -> Result<Task, String> {
    let acceptor = authority()?.acceptor.clone();
    let all = Arc::clone(&shared);
    Ok(accept(listener, all, move |stream| {
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        let listeners = Arc::clone(&listeners);
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            web::serve(stream, move |asked| {
                let (shared, listeners) = (Arc::clone(&shared), Arc::clone(&listeners));
                async move {
                    let reply = s3::answer(&shared, asked).await;
                    listeners.follow(&shared).await;
                    reply
                }
            })
            .await;
        }
    }))
}

/// Runs beside everything else, as long as the task lives.
#[expect(clippy::disallowed_methods, reason = "a server must run beside its client")]
pub(super) fn spawned(work: impl Future<Output = ()> + Send + 'static) -> Task {
    Task(tokio::spawn(work))
}

/// Takes connections, each served beside the others. That one can't be taken is noted.
fn accept<F>(
    listener: TcpListener,
    shared: Arc<SharedState>,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Task
where
    F: Future<Output = ()> + Send + 'static,
{
    spawned(async move {
        let mut connections = JoinSet::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    while connections.try_join_next().is_some() {}
                    connections.spawn(serve(stream));
                }
                Err(error) => return shared.note(&error),
            }
        }
    })
}

/// A port of this machine at which a server can listen.
pub(super) async fn listen() -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}
