//! Being asked to end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tokio::sync::Notify;

use crate::threads::runtime;

/// Does this, and sets `stop` once somebody asks the process to end meanwhile. `None`: no thread can be had, which was said.
pub(crate) fn until_asked_to_end<T>(stop: &AtomicBool, work: impl FnOnce() -> T) -> Option<T> {
    let runtime = runtime(1)?;
    let ended = Notify::new();
    Some(thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(async {
                tokio::select! {
                    _ = asked_to_end() => stop.store(true, Ordering::Relaxed),
                    () = ended.notified() => {}
                }
            });
        });
        let _told = ToldAtEnd(&ended);
        work()
    }))
}

/// Has whoever waits for the end know of it, also where that is a panic.
struct ToldAtEnd<'a>(&'a Notify);

impl Drop for ToldAtEnd<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Returns when somebody asks this process to end.
pub(crate) async fn asked_to_end() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminated.recv() => "SIGTERM",
                _ = tokio::signal::ctrl_c() => "Ctrl-C",
            };
        }
    }
    // Without a signal to wait for, the run ends by itself.
    match tokio::signal::ctrl_c().await {
        Ok(()) => "Ctrl-C",
        Err(_) => std::future::pending().await,
    }
}
