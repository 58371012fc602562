//! Connections that a fault can reset.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A listener whose connections can be reset by a handler.
pub(super) struct ResettableListener {
    pub(super) listener: TcpListener,
    pub(super) freezes: Freezes,
}

/// How often the idle connections were closed. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Freezes(Arc<AtomicU64>);

impl Freezes {
    /// Closes the connections that are open now.
    pub(super) fn close_idle_connections(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The connection of a request.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// The address of the client.
    pub(super) peer: SocketAddr,
    reset: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
    freezes: Freezes,
    /// The count when the connection was accepted.
    freezes_before: u64,
}

impl Connection {
    fn new(peer: SocketAddr, freezes: Freezes) -> Self {
        let freezes_before = freezes.count();
        Self { peer, reset: Arc::default(), dead: Arc::default(), freezes, freezes_before }
    }

    /// Whether the connection was closed while it was idle.
    pub(super) fn was_closed_while_idle(&self) -> bool {
        self.freezes.count() > self.freezes_before
    }

    /// Resets the connection: no further byte of an answer is sent, and the client gets a TCP reset.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Resets the connection at its next request, as if it had ended while the client was frozen.
    pub(super) fn end_when_idle(&self) {
        self.dead.store(true, Ordering::Release);
    }
}

impl Listener for ResettableListener {
    type Io = ResettableStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (ResettableStream, Connection) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let connection = Connection::new(peer, self.freezes.clone());
        let (reset, dead) = (Arc::clone(&connection.reset), Arc::clone(&connection.dead));
        (ResettableStream { stream, reset, dead }, connection)
    }

    fn local_addr(&self) -> io::Result<Connection> {
        self.listener.local_addr().map(|address| Connection::new(address, self.freezes.clone()))
    }
}

impl Connected<IncomingStream<'_, ResettableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, ResettableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream whose writes fail after [`Connection::reset`], and whose reads fail after [`Connection::end_when_idle`].
pub(super) struct ResettableStream {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
}

impl AsyncRead for ResettableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before && self.dead.load(Ordering::Acquire) {
            self.stream.set_zero_linger()?;
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.reset.load(Ordering::Acquire) {
            // Without this the client would see an orderly end of the stream.
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
