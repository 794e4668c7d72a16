//! Packets: every message travels as packets of at most the negotiated size, each with an 8-byte header.
//!
//! | offset | field |
//! |---|---|
//! | 0 | type |
//! | 1 | status: 1 end of message, 2 ignore this message, 8 reset connection, 0x10 reset but keep the transaction |
//! | 2 | length with header, u16 big-endian |
//! | 4 | server process id, u16 big-endian |
//! | 6 | packet number, modulo 256, not checked |
//! | 7 | window, 0 |
//!
//! Invariants
//! 1. [`MessageReader`] holds at most `limit` payload bytes plus one packet.
//! 2. [`MessageWriter`] keeps at least one byte back until `finish`, so the last packet is never empty unless the message is.
//!
//! Evidence: MS-TDS 2.2.3.

use holdfast_base::ByteWriter;

use crate::error::{TdsError, TdsResult};

pub const HEADER_SIZE: usize = 8;
/// Before login both sides use packets of this size.
pub const PACKET_SIZE_DEFAULT: usize = 4096;
pub const PACKET_SIZE_MIN: usize = 512;
pub const PACKET_SIZE_MAX: usize = 32_767;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketType {
    SqlBatch,
    /// Login of TDS 4.2: recognised in order to refuse it.
    OldLogin,
    Rpc,
    /// Every answer of the server.
    Tabular,
    Attention,
    BulkLoad,
    FedAuthToken,
    TransactionManager,
    Login7,
    Sspi,
    /// Also carries the TLS handshake.
    PreLogin,
}

impl PacketType {
    pub const fn code(self) -> u8 {
        match self {
            PacketType::SqlBatch => 0x01,
            PacketType::OldLogin => 0x02,
            PacketType::Rpc => 0x03,
            PacketType::Tabular => 0x04,
            PacketType::Attention => 0x06,
            PacketType::BulkLoad => 0x07,
            PacketType::FedAuthToken => 0x08,
            PacketType::TransactionManager => 0x0E,
            PacketType::Login7 => 0x10,
            PacketType::Sspi => 0x11,
            PacketType::PreLogin => 0x12,
        }
    }

    pub fn from_code(code: u8) -> TdsResult<Self> {
        Ok(match code {
            0x01 => PacketType::SqlBatch,
            0x02 => PacketType::OldLogin,
            0x03 => PacketType::Rpc,
            0x04 => PacketType::Tabular,
            0x06 => PacketType::Attention,
            0x07 => PacketType::BulkLoad,
            0x08 => PacketType::FedAuthToken,
            0x0E => PacketType::TransactionManager,
            0x10 => PacketType::Login7,
            0x11 => PacketType::Sspi,
            0x12 => PacketType::PreLogin,
            other => return Err(TdsError::PacketType(other)),
        })
    }
}

/// Bits of the header's status byte.
pub mod status {
    pub const END_OF_MESSAGE: u8 = 0x01;
    pub const IGNORE: u8 = 0x02;
    pub const RESET_CONNECTION: u8 = 0x08;
    pub const RESET_KEEP_TRANSACTION: u8 = 0x10;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketHeader {
    pub ty: PacketType,
    pub status: u8,
    /// With the header.
    pub length: u16,
    pub spid: u16,
    pub number: u8,
}

impl PacketHeader {
    pub fn decode(b: [u8; HEADER_SIZE]) -> TdsResult<Self> {
        let length = u16::from_be_bytes([b[2], b[3]]);
        let ty = PacketType::from_code(b[0])?;
        if usize::from(length) < HEADER_SIZE || usize::from(length) > PACKET_SIZE_MAX {
            return Err(TdsError::PacketLength(length));
        }
        Ok(PacketHeader { ty, status: b[1], length, spid: u16::from_be_bytes([b[4], b[5]]), number: b[6] })
    }

    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let l = self.length.to_be_bytes();
        let s = self.spid.to_be_bytes();
        [self.ty.code(), self.status, l[0], l[1], s[0], s[1], self.number, 0]
    }

    pub fn is_last(&self) -> bool {
        self.status & status::END_OF_MESSAGE != 0
    }
}

/// A complete message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub ty: PacketType,
    /// Reset bits of the first packet.
    pub reset: u8,
    /// The sender gave up on it half way.
    pub ignore: bool,
    pub payload: Vec<u8>,
}

/// Puts messages together from bytes as they arrive.
#[derive(Debug)]
pub struct MessageReader {
    raw: Vec<u8>,
    start: usize,
    current: Option<Message>,
    limit: usize,
}

impl MessageReader {
    /// `limit`: payload bytes of one message.
    pub fn new(limit: usize) -> Self {
        MessageReader { raw: Vec::new(), start: 0, current: None, limit }
    }

    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.raw.drain(..self.start);
            self.start = 0;
        }
        self.raw.extend_from_slice(bytes);
    }

    /// Takes one packet off the input: its header and payload. For answers that are read while they arrive.
    pub fn next_packet(&mut self) -> TdsResult<Option<(PacketHeader, Vec<u8>)>> {
        let have = &self.raw[self.start..];
        let Some(head) = have.first_chunk::<HEADER_SIZE>() else { return Ok(None) };
        let header = PacketHeader::decode(*head)?;
        let length = usize::from(header.length);
        if have.len() < length {
            return Ok(None);
        }
        let payload = have[HEADER_SIZE..length].to_vec();
        self.start += length;
        if self.start == self.raw.len() {
            self.raw.clear();
            self.start = 0;
        }
        Ok(Some((header, payload)))
    }

    /// The next complete message, if all of it is there.
    pub fn next_message(&mut self) -> TdsResult<Option<Message>> {
        while let Some((header, payload)) = self.next_packet()? {
            let message = match &mut self.current {
                None => self.current.insert(Message {
                    ty: header.ty,
                    reset: header.status & (status::RESET_CONNECTION | status::RESET_KEEP_TRANSACTION),
                    ignore: false,
                    payload: Vec::new(),
                }),
                Some(m) if m.ty == header.ty => m,
                Some(m) => {
                    return Err(TdsError::MixedMessage { expected: m.ty.code(), got: header.ty.code() });
                }
            };
            if message.payload.len() + payload.len() > self.limit {
                return Err(TdsError::MessageTooLong { limit: self.limit });
            }
            if message.payload.is_empty() {
                message.payload = payload;
            } else {
                message.payload.extend_from_slice(&payload);
            }
            if header.is_last() {
                message.ignore = header.status & status::IGNORE != 0;
                return Ok(self.current.take());
            }
        }
        Ok(None)
    }

    /// Part of a message has arrived.
    pub fn is_inside_message(&self) -> bool {
        self.current.is_some() || self.raw.len() > self.start
    }

    /// Bytes that arrived after the last complete packet.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.raw.split_off(self.start.min(self.raw.len()));
        self.raw.clear();
        self.start = 0;
        rest
    }
}

/// Cuts one message into packets.
#[derive(Debug)]
pub struct MessageWriter {
    ty: PacketType,
    packet_size: usize,
    spid: u16,
    number: u8,
    reset: u8,
    /// Payload not yet put into packets. Tokens are appended here.
    pub payload: ByteWriter,
}

impl MessageWriter {
    pub fn new(ty: PacketType, packet_size: usize, spid: u16) -> Self {
        let packet_size = packet_size.clamp(PACKET_SIZE_MIN, PACKET_SIZE_MAX);
        MessageWriter { ty, packet_size, spid, number: 1, reset: 0, payload: ByteWriter::new() }
    }

    /// Reset bits for the first packet.
    #[must_use]
    pub fn with_reset(mut self, reset: u8) -> Self {
        self.reset = reset;
        self
    }

    pub fn set_packet_size(&mut self, packet_size: usize) {
        self.packet_size = packet_size.clamp(PACKET_SIZE_MIN, PACKET_SIZE_MAX);
    }

    /// Appends to `out` all packets that are surely not the last.
    pub fn take_full(&mut self, out: &mut Vec<u8>) {
        let room = self.packet_size - HEADER_SIZE;
        let count = self.payload.len().saturating_sub(1) / room;
        if count == 0 {
            return;
        }
        out.reserve(count * self.packet_size);
        let mut payload = std::mem::take(&mut self.payload.buf);
        for chunk in payload[..count * room].chunks(room) {
            self.packet(chunk, false, out);
        }
        payload.drain(..count * room);
        self.payload.buf = payload;
    }

    /// Appends everything left to `out`, the last packet marked so. The writer can then start the next message.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.take_full(out);
        self.rest(true, out);
        self.number = 1;
    }

    /// Sends what is buffered as a short packet that does not end the message.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.take_full(out);
        if !self.payload.is_empty() {
            self.rest(false, out);
        }
    }

    fn rest(&mut self, last: bool, out: &mut Vec<u8>) {
        let mut payload = std::mem::take(&mut self.payload.buf);
        self.packet(&payload, last, out);
        payload.clear();
        self.payload.buf = payload;
    }

    fn packet(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut flags = if last { status::END_OF_MESSAGE } else { 0 };
        flags |= std::mem::take(&mut self.reset);
        let header = PacketHeader {
            ty: self.ty,
            status: flags,
            length: (chunk.len() + HEADER_SIZE) as u16,
            spid: self.spid,
            number: self.number,
        };
        self.number = self.number.wrapping_add(1);
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(chunk);
    }
}

/// One whole message as packets.
pub fn message(ty: PacketType, packet_size: usize, spid: u16, payload: Vec<u8>) -> Vec<u8> {
    let mut w = MessageWriter::new(ty, packet_size, spid);
    w.payload.buf = payload;
    let mut out = Vec::new();
    w.finish(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_any_cut() {
        for size in [0usize, 1, 503, 504, 505, 1008, 5000] {
            let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let bytes = message(PacketType::Rpc, 512, 51, payload.clone());
            for step in [1usize, 7, 511, 100_000] {
                let mut r = MessageReader::new(1 << 20);
                let mut got = None;
                for chunk in bytes.chunks(step) {
                    r.feed(chunk);
                    if let Some(m) = r.next_message().unwrap() {
                        got = Some(m);
                    }
                }
                assert_eq!(got.unwrap().payload, payload);
                assert!(!r.is_inside_message());
            }
        }
    }

    #[test]
    fn limits_and_mixtures_are_errors() {
        let mut r = MessageReader::new(100);
        r.feed(&message(PacketType::SqlBatch, 512, 0, vec![0; 101]));
        assert_eq!(r.next_message(), Err(TdsError::MessageTooLong { limit: 100 }));
        let mut r = MessageReader::new(100);
        r.feed(&[1, 0, 0, 9, 0, 0, 1, 0, 7, 3, 1, 0, 9, 0, 0, 1, 0, 7]);
        assert!(matches!(r.next_message(), Err(TdsError::MixedMessage { .. })));
        let mut r = MessageReader::new(100);
        r.feed(&[1, 0, 0, 7, 0, 0, 1, 0]);
        assert_eq!(r.next_message(), Err(TdsError::PacketLength(7)));
    }
}
