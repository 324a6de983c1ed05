//! The world's socket: where dispatches and hook tools ask.

use std::{path::Path, sync::Arc, time::Duration};

use pgdrill_sim::Moment;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use super::{
    desk::Desk,
    listeners::{Listeners, Task, spawned},
    tools,
    wire::{Answer, Ask},
};
use pgdrill_core::FiringLine;

/// Answers at this socket as long as the task lives.
pub(super) fn serve(
    socket: &Path,
    desk: &Arc<Desk>,
    listeners: &Arc<Listeners>,
) -> std::io::Result<Task> {
    let listener = UnixListener::bind(socket)?;
    let (desk, listeners) = (Arc::clone(desk), Arc::clone(listeners));
    Ok(spawned(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            connections.spawn(converse(stream, Arc::clone(&desk), Arc::clone(&listeners)));
        }
    }))
}

async fn converse(stream: UnixStream, desk: Arc<Desk>, listeners: Arc<Listeners>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let Ok(1..) = stream.read_line(&mut line).await else { return };
        let Ok(ask) = serde_json::from_str::<Ask>(&line) else { return };
        let answer = answer(&desk, ask).await;
        listeners.follow(&desk).await;
        let Ok(mut answer) = serde_json::to_string(&answer) else { return };
        answer.push('\n');
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn answer(desk: &Desk, ask: Ask) -> Answer {
    let nothing = Answer::default();
    match ask {
        Ask::Join => {
            let state = desk.state();
            let is_armed = state.injector.as_ref().is_some_and(|injector| injector.is_pending());
            let (off, counts_calls) = (state.off.clone(), state.counts_calls);
            Answer { off, is_armed, counts_calls, ..nothing }
        }
        Ask::Now => {
            let Ok(ports) = desk.own() else { return nothing };
            Answer { now: ports.clock.now().await.0, ..nothing }
        }
        Ask::Wait { millis } => {
            if let Ok(ports) = desk.own() {
                // The world's clock waits for nobody.
                let _ = ports.clock.wait(Duration::from_millis(millis)).await;
            }
            nothing
        }
        Ask::Arrive { shape } => {
            Answer { dies: desk.reach(&shape, Moment::Before).await, ..nothing }
        }
        Ask::Leave { shape } => Answer { dies: desk.reach(&shape, Moment::After).await, ..nothing },
        Ask::Call { place } => {
            if desk.count(place) {
                return killed(desk).await;
            }
            nothing
        }
        Ask::Die { line } => {
            desk.state().told.extend(FiringLine::read(&line));
            killed(desk).await
        }
        Ask::Tool { unit, argv, stdin } => tools::tool(desk, unit, &argv, &stdin).await,
    }
}

/// Has the dispatch killed, and never answers it.
async fn killed(desk: &Desk) -> Answer {
    desk.kill.notify_one();
    std::future::pending().await
}
