//! The world's socket: where dispatches and hook tools ask.

use std::{path::Path, sync::Arc, time::Duration};

use pgdrill_sim::Moment;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use super::{
    listeners::{Listeners, Task, spawned},
    shared::SharedState,
    tools,
    wire::{Ask, WorldAnswer},
};

/// Answers at this socket as long as the task lives.
pub(super) fn serve(
    socket: &Path,
    shared: &Arc<SharedState>,
    listeners: &Arc<Listeners>,
) -> std::io::Result<Task> {
    let listener = UnixListener::bind(socket)?;
    let (shared, listeners) = (Arc::clone(shared), Arc::clone(listeners));
    Ok(spawned(async move {
        let mut connections = JoinSet::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    while connections.try_join_next().is_some() {}
                    let (shared, listeners) = (Arc::clone(&shared), Arc::clone(&listeners));
                    connections.spawn(converse(stream, shared, listeners));
                }
                Err(error) => return shared.note(&error),
            }
        }
    }))
}

async fn converse(stream: UnixStream, shared: Arc<SharedState>, listeners: Arc<Listeners>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let Ok(1..) = stream.read_line(&mut line).await else { return };
        let Ok(ask) = serde_json::from_str::<Ask>(&line) else { return };
        let answer = answer(&shared, ask).await;
        listeners.follow(&shared).await;
        let Ok(mut answer) = serde_json::to_string(&answer) else { return };
        answer.push('\n');
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn answer(shared: &SharedState, ask: Ask) -> WorldAnswer {
    let nothing = WorldAnswer::default();
    match ask {
        Ask::Join => {
            let state = shared.state();
            let is_armed = state.injector.as_ref().is_some_and(|injector| injector.is_pending());
            let (off, counts_calls) = (state.off.clone(), state.counts_calls);
            WorldAnswer { off, is_armed, counts_calls, ..nothing }
        }
        Ask::Now => {
            let Ok(ports) = shared.own() else { return nothing };
            WorldAnswer { now: ports.clock.now().await.0, ..nothing }
        }
        Ask::Wait { millis } => {
            if let Ok(ports) = shared.own() {
                // The world's clock waits for nobody.
                let _ = ports.clock.wait(Duration::from_millis(millis)).await;
            }
            nothing
        }
        Ask::Arrive { shape } => {
            WorldAnswer { dies: shared.reach(&shape, Moment::Before).await, ..nothing }
        }
        Ask::Leave { shape } => {
            WorldAnswer { dies: shared.reach(&shape, Moment::After).await, ..nothing }
        }
        Ask::Call { place } => {
            let dies = shared.before_call(&place).await;
            if shared.count(place) {
                return killed(shared).await;
            }
            WorldAnswer { dies, ..nothing }
        }
        Ask::Called { place } => {
            let (is_lost, dies) = shared.after_call(&place).await;
            if shared.count(place) {
                return killed(shared).await;
            }
            WorldAnswer { is_lost, dies, ..nothing }
        }
        Ask::Made { at, place, failure } => {
            shared.note_call(at.as_deref(), &place, failure.as_deref());
            nothing
        }
        Ask::Die { line } => {
            shared.report(&line);
            killed(shared).await
        }
        Ask::Tool { unit, argv, stdin } => tools::tool(shared, unit, &argv, &stdin).await,
    }
}

/// Has the dispatch killed, and never answers it.
async fn killed(shared: &SharedState) -> WorldAnswer {
    shared.kill.notify_one();
    std::future::pending().await
}
