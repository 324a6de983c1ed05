//! A dispatch that is rehearsed.

use std::{
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use pgdrill_core::{
    Amendments, Fate, PortError, PortErrorKind, Ports, Probe, Shape,
    ports::{Answer, Call, Clock, Observer, PortResult, Timestamp},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    sync::Mutex,
};

use super::{
    SOCKET,
    wire::{Ask, WorldAnswer},
};
use pgdrill_dispatch::{Attachment, Dispatched, Environment, dispatch_with};

/// Handles the event that the environment describes: rehearsed where the environment names a rehearsal, else as in
/// production.
pub fn dispatch(environment: &Environment) -> Dispatched {
    match environment.get(SOCKET) {
        Some(socket) => dispatch_with(environment, async || Rehearsed::join(socket).await),
        None => pgdrill_dispatch::dispatch(environment),
    }
}

/// The world's end of a dispatch that is rehearsed: its clock, and what is injected at its shapes.
#[derive(Clone)]
struct Rehearsed {
    stream: Arc<Mutex<BufReader<UnixStream>>>,
    amendments: Amendments,
    is_armed: bool,
    counts_calls: bool,
    /// The shape at which the firing is.
    at: Arc<StdMutex<Option<Shape>>>,
    is_dead: Arc<AtomicBool>,
}

impl Rehearsed {
    /// Joins the rehearsal at this socket.
    ///
    /// # Errors
    ///
    /// When nobody answers there.
    async fn join(socket: &str) -> Result<Self, String> {
        let stream = UnixStream::connect(socket).await;
        let stream = stream.map_err(|why| format!("{socket}: {why}"))?;
        let mut joined = Self {
            stream: Arc::new(Mutex::new(BufReader::new(stream))),
            amendments: Amendments::all(),
            is_armed: false,
            counts_calls: false,
            at: Arc::default(),
            is_dead: Arc::default(),
        };
        let answer = joined.ask(&Ask::Join).await;
        let answer = answer.ok_or_else(|| format!("{socket}: no answer"))?;
        let off = answer.off.iter().filter_map(|name| name.parse().ok());
        joined.amendments = off.fold(Amendments::all(), Amendments::without);
        joined.is_armed = answer.is_armed;
        joined.counts_calls = answer.counts_calls;
        Ok(joined)
    }

    async fn ask(&self, ask: &Ask) -> Option<WorldAnswer> {
        let mut line = serde_json::to_string(ask).ok()?;
        line.push('\n');
        let mut stream = self.stream.lock().await;
        stream.get_mut().write_all(line.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await.ok()?;
        serde_json::from_str(&answer).ok()
    }

    async fn ask_at_shape(&self, ask: Ask) -> Fate {
        if self.is_armed {
            let answer = self.ask(&ask).await;
            self.note_death(answer.as_ref());
        }
        Probe::fate(self)
    }

    fn note_death(&self, answer: Option<&WorldAnswer>) {
        if answer.is_some_and(|answer| answer.dies) {
            self.is_dead.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Attachment for Rehearsed {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    fn amendments(&self) -> Amendments {
        self.amendments
    }

    fn probe(&self) -> Option<&dyn Probe> {
        Some(self)
    }

    fn ports(&self, ports: Ports) -> Ports {
        ports.observed(Arc::new(self.clone()))
    }

    /// The world kills this process then.
    async fn died(&self, line: &str) {
        self.ask(&Ask::Die { line: line.to_owned() }).await;
    }
}

#[async_trait]
impl Observer for Rehearsed {
    async fn before(&self, call: Call) -> Fate {
        if self.counts_calls && Probe::fate(self) == Fate::Live {
            let answer = self.ask(&Ask::Call { place: call.place().to_owned() }).await;
            self.note_death(answer.as_ref());
        }
        Probe::fate(self)
    }

    fn fate(&self) -> Fate {
        Probe::fate(self)
    }

    async fn after(&self, call: Call, failure: Option<&PortError>) -> Answer {
        let place = call.place().to_owned();
        let answer = if self.counts_calls { self.ask(&Ask::Called { place }).await } else { None };
        self.note_death(answer.as_ref());
        let is_lost = answer.is_some_and(|answer| answer.is_lost);
        if Probe::fate(self) == Fate::Die {
            return Answer::Died;
        }
        let lost = is_lost.then(|| call.lost());
        let failure = lost.as_ref().or(failure).map(|error| error.cause().to_owned());
        if failure.is_some() || call.has_effect() {
            let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
            let at = at.map(|shape| shape.id().to_owned());
            self.ask(&Ask::Made { at, place: call.place().to_owned(), failure }).await;
        }
        if is_lost { Answer::Lost } else { Answer::Delivered }
    }
}

#[async_trait]
impl Probe for Rehearsed {
    async fn arrive(&self, shape: Shape) -> Fate {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(shape);
        self.ask_at_shape(Ask::Arrive { shape: shape.id().to_owned() }).await
    }

    async fn leave(&self, shape: Shape) -> Fate {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.ask_at_shape(Ask::Leave { shape: shape.id().to_owned() }).await
    }

    fn give_up(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fate(&self) -> Fate {
        if self.is_dead.load(Ordering::Relaxed) { Fate::Die } else { Fate::Live }
    }
}

#[async_trait]
impl Clock for Rehearsed {
    async fn now(&self) -> Timestamp {
        Timestamp(self.ask(&Ask::Now).await.map_or(0, |answer| answer.now))
    }

    async fn wait(&self, pause: Duration) -> PortResult<()> {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.ask(&Ask::Wait { millis }).await.map(drop).ok_or_else(|| {
            let cause = "the rehearsal is over";
            PortError::new(PortErrorKind::Unreachable, "clock", "wait", cause)
        })
    }
}
