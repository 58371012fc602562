//! Connections that can break off: the listener hands every request the end of its own line.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A listener whose connections can be cut.
pub(super) struct Lines(pub(super) TcpListener);

/// One caller's connection.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The caller's address.
    pub(super) peer: SocketAddr,
    broken: Arc<AtomicBool>,
}

impl Line {
    fn new(peer: SocketAddr) -> Self {
        Self { peer, broken: Arc::default() }
    }

    /// Breaks the line: not one byte of any answer leaves from now on, and the peer gets a TCP reset.
    pub(super) fn cut(&self) {
        self.broken.store(true, Ordering::Release);
    }
}

impl Listener for Lines {
    type Io = Breakable;
    type Addr = Line;

    async fn accept(&mut self) -> (Breakable, Line) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let line = Line::new(peer);
        (Breakable { stream, broken: Arc::clone(&line.broken) }, line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        self.0.local_addr().map(Line::new)
    }
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream that fails to write once its line is cut.
pub(super) struct Breakable {
    stream: TcpStream,
    broken: Arc<AtomicBool>,
}

impl AsyncRead for Breakable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken.load(Ordering::Acquire) {
            // Without this the peer would see an orderly end, which a proxy that dies does not give either.
            self.stream.set_zero_linger()?;
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
