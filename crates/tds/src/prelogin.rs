//! PRELOGIN: the first message of both sides before TDS 8 and the first inside TLS in it. A list of options, each
//! `token u8, offset u16 BE, length u16 BE`, ended by 0xFF; data follows.
//!
//! Evidence: MS-TDS 2.2.6.5; encryption pairs tested with FreeTDS and others.

use holdfast_base::{ByteReader, ByteWriter};

use crate::error::{TdsError, TdsResult};

/// What a side says about encryption.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encryption {
    /// Only the login packet.
    #[default]
    Off,
    On,
    NotSupported,
    Required,
    /// The client authenticates by certificate; treated like `On` by this server.
    ClientCertificate,
}

impl Encryption {
    pub fn from_code(code: u8) -> TdsResult<Self> {
        Ok(match code {
            0 => Encryption::Off,
            1 => Encryption::On,
            2 => Encryption::NotSupported,
            3 => Encryption::Required,
            c if c & 0x80 != 0 => Encryption::ClientCertificate,
            c => return Err(TdsError::Invalid { what: "pre-login encryption", value: i64::from(c) }),
        })
    }

    pub const fn code(self) -> u8 {
        match self {
            Encryption::Off => 0,
            Encryption::On => 1,
            Encryption::NotSupported => 2,
            Encryption::Required => 3,
            Encryption::ClientCertificate => 0x81,
        }
    }
}

/// How much of the connection is encrypted in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncryptionScope {
    Nothing,
    LoginOnly,
    Everything,
}

/// The server's answer and what it leads to, given what the client said and whether the server insists.
pub fn negotiate(client: Encryption, force: bool) -> (Encryption, EncryptionScope) {
    match client {
        Encryption::On | Encryption::ClientCertificate => (Encryption::On, EncryptionScope::Everything),
        Encryption::Required => (Encryption::On, EncryptionScope::Everything),
        Encryption::Off if force => (Encryption::Required, EncryptionScope::Everything),
        Encryption::Off => (Encryption::Off, EncryptionScope::LoginOnly),
        // A client without TLS cannot connect to a server that insists; it reads that from the answer.
        Encryption::NotSupported if force => (Encryption::Required, EncryptionScope::Everything),
        Encryption::NotSupported => (Encryption::NotSupported, EncryptionScope::Nothing),
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PreLogin {
    /// major, minor, build.
    pub version: (u8, u8, u16),
    pub sub_build: u16,
    /// `None` when the option is absent (TDS 8 clients may leave it out).
    pub encryption: Option<Encryption>,
    /// Instance name asked for (client) or the one-byte verdict (server: empty here, written as 0 = matches).
    pub instance: String,
    pub thread_id: Option<u32>,
    /// Multiple active result sets asked for.
    pub mars: bool,
    /// Client connection id and activity id with sequence, 36 bytes.
    pub trace_id: Option<Vec<u8>>,
    /// The client's federated-authentication byte, if it sent one.
    pub fed_auth_required: Option<u8>,
    pub nonce: Option<[u8; 32]>,
}

/// A PRELOGIN is small; more is not one.
pub const SIZE_MAX: usize = 4096;

impl PreLogin {
    pub fn decode(data: &[u8]) -> TdsResult<Self> {
        if data.len() > SIZE_MAX {
            return Err(TdsError::TooLong { what: "pre-login", length: data.len(), limit: SIZE_MAX });
        }
        let mut out = PreLogin::default();
        let mut r = ByteReader::new(data);
        loop {
            let token = r.u8()?;
            if token == 0xFF {
                return Ok(out);
            }
            let offset = usize::from(r.u16_be()?);
            let length = usize::from(r.u16_be()?);
            let mut v = ByteReader::new(ByteReader::at(data, offset).bytes(length)?);
            match token {
                0 => {
                    out.version = (v.u8()?, v.u8()?, v.u16_be()?);
                    out.sub_build = if v.remaining() >= 2 { v.u16()? } else { 0 };
                }
                1 if length > 0 => out.encryption = Some(Encryption::from_code(v.u8()?)?),
                2 => {
                    let name = v.rest();
                    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
                    out.instance = String::from_utf8_lossy(&name[..end]).into_owned();
                }
                3 if length == 4 => out.thread_id = Some(v.u32_be()?),
                4 if length > 0 => out.mars = v.u8()? == 1,
                5 if length > 0 => out.trace_id = Some(v.rest().to_vec()),
                6 if length > 0 => out.fed_auth_required = Some(v.u8()?),
                7 if length == 32 => out.nonce = Some(v.array()?),
                // Options of later versions are skipped.
                _ => {}
            }
        }
    }

    /// `server`: the instance option is the answer byte instead of a name.
    pub fn encode(&self, server: bool) -> Vec<u8> {
        let mut options: Vec<(u8, Vec<u8>)> = Vec::new();
        let mut version = ByteWriter::new();
        version.u8(self.version.0).u8(self.version.1).u16_be(self.version.2).u16(self.sub_build);
        options.push((0, version.buf));
        if let Some(e) = self.encryption {
            options.push((1, vec![e.code()]));
        }
        let mut instance = if server { Vec::new() } else { self.instance.as_bytes().to_vec() };
        instance.push(0);
        options.push((2, instance));
        options.push((3, self.thread_id.map_or(Vec::new(), |t| t.to_be_bytes().to_vec())));
        options.push((4, vec![u8::from(self.mars)]));
        if let Some(t) = &self.trace_id {
            options.push((5, t.clone()));
        }
        if let Some(f) = self.fed_auth_required {
            options.push((6, vec![f]));
        }
        let mut offset = options.len() * 5 + 1;
        let mut w = ByteWriter::new();
        for (token, data) in &options {
            w.u8(*token).u16_be(offset as u16).u16_be(data.len() as u16);
            offset += data.len();
        }
        w.u8(0xFF);
        for (_, data) in &options {
            w.bytes(data);
        }
        w.buf
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let p = PreLogin {
            version: (16, 0, 1000),
            encryption: Some(Encryption::On),
            instance: "X".into(),
            thread_id: Some(7),
            mars: true,
            ..Default::default()
        };
        assert_eq!(PreLogin::decode(&p.encode(false)).unwrap(), p);
    }

    #[test]
    fn offsets_outside_are_errors() {
        assert!(PreLogin::decode(&[0, 0xFF, 0xFF, 0, 6, 0xFF]).unwrap_err().is_truncated());
        assert!(PreLogin::decode(&[0]).is_err());
        assert!(PreLogin::decode(&[]).is_err());
    }
}
