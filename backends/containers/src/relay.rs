//! A way for containers to a server that only this process reaches.

use std::{io, net::Ipv4Addr};

use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// Passes connections on for as long as this value lives.
#[derive(Debug)]
pub(super) struct Relay {
    port: u16,
    task: AbortHandle,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    /// A port of this address that leads to a server.
    #[expect(clippy::disallowed_methods, reason = "a relay must run beside its clients")]
    pub(super) async fn start(on: Ipv4Addr, host: &str, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((on, 0)).await?;
        let own = listener.local_addr()?.port();
        let host = host.to_owned();
        let task = tokio::spawn(async move {
            loop {
                let Ok((mut near, _)) = listener.accept().await else { continue };
                let host = host.clone();
                tokio::spawn(async move {
                    // Either end may go away at any time: that is theirs to notice.
                    if let Ok(mut far) = TcpStream::connect((&*host, port)).await {
                        let _ = (near.set_nodelay(true), far.set_nodelay(true));
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Ok(Self { port: own, task: task.abort_handle() })
    }

    /// The port.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_sent_arrives_and_comes_back_until_it_is_dropped() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = server.local_addr().expect("bound").port();
        let relay = Relay::start(Ipv4Addr::LOCALHOST, "127.0.0.1", port).await.expect("started");
        let own = relay.port();
        let client = async {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, own)).await.expect("taken");
            stream.write_all(b"there").await.expect("sent");
            let mut back = [0; 4];
            stream.read_exact(&mut back).await.expect("answered");
            back
        };
        let serve = async {
            let (mut stream, _) = server.accept().await.expect("somebody comes");
            let mut there = [0; 5];
            stream.read_exact(&mut there).await.expect("sent");
            stream.write_all(b"back").await.expect("answered");
            there
        };
        assert_eq!(tokio::join!(client, serve), (*b"back", *b"there"));
        drop(relay);
        tokio::task::yield_now().await;
        TcpStream::connect((Ipv4Addr::LOCALHOST, own)).await.expect_err("nobody listens");
    }
}
