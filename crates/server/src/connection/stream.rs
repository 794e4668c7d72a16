//! The stream under a TLS handshake that travels inside TDS packets.
//!
//! Invariants
//! 1. While `wrapping`, every flush of TLS records goes out as one message of PRELOGIN packets, and what is read has its
//!    packet headers taken off; afterwards bytes pass unchanged.
//! 2. The tunnel never reads past the packet whose payload TLS asked for, so nothing is lost when wrapping ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use holdfast_tds::packet::{HEADER_SIZE, PACKET_SIZE_DEFAULT, PacketHeader, PacketType, message};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream that can wrap what passes in PRELOGIN packets.
#[derive(Debug)]
pub struct Tunnel {
    tcp: TcpStream,
    wrapping: bool,
    /// Header bytes of the packet being read.
    header: [u8; HEADER_SIZE],
    header_have: usize,
    /// Payload bytes of that packet not read yet.
    payload_left: usize,
    /// TLS records not sent yet, unwrapped.
    records: Vec<u8>,
    /// Packets not sent yet.
    packets: Vec<u8>,
    sent: usize,
}

impl Tunnel {
    pub fn new(tcp: TcpStream) -> Self {
        Tunnel {
            tcp,
            wrapping: true,
            header: [0; HEADER_SIZE],
            header_have: 0,
            payload_left: 0,
            records: Vec::new(),
            packets: Vec::new(),
            sent: 0,
        }
    }

    /// The handshake is over.
    pub fn end_wrapping(&mut self) {
        self.wrapping = false;
    }

    pub fn into_tcp(self) -> TcpStream {
        self.tcp
    }

    fn poll_send_packets(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.packets.len() {
            let n = ready!(Pin::new(&mut self.tcp).poll_write(cx, &self.packets[self.sent..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        self.packets.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.wrapping && this.payload_left == 0 {
            return Pin::new(&mut this.tcp).poll_read(cx, buf);
        }
        while this.payload_left == 0 {
            let mut part = ReadBuf::new(&mut this.header[this.header_have..]);
            ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut part))?;
            let n = part.filled().len();
            if n == 0 {
                return Poll::Ready(Ok(()));
            }
            this.header_have += n;
            if this.header_have == HEADER_SIZE {
                this.header_have = 0;
                let header = PacketHeader::decode(this.header)
                    .ok()
                    .filter(|h| h.ty == PacketType::PreLogin)
                    .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
                this.payload_left = usize::from(header.length) - HEADER_SIZE;
            }
        }
        let want = this.payload_left.min(buf.remaining());
        let mut part = buf.take(want);
        let before = part.filled().len();
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut part))?;
        let n = part.filled().len() - before;
        // `take` made a view on the unfilled part: tell the real buffer what came, copying through initialised bytes.
        let bytes = part.filled()[before..].to_vec();
        buf.put_slice(&bytes);
        this.payload_left -= n;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_send_packets(cx))?;
        if !this.wrapping {
            return Pin::new(&mut this.tcp).poll_write(cx, buf);
        }
        this.records.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.records.is_empty() {
            let records = std::mem::take(&mut this.records);
            let packets = message(PacketType::PreLogin, PACKET_SIZE_DEFAULT, 0, records);
            this.packets.extend_from_slice(&packets);
        }
        ready!(this.poll_send_packets(cx))?;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
