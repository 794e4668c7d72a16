//! LOGIN7: who connects, to what, with which options. A fixed part of 94 bytes with (offset, length) pairs into what follows.
//!
//! Invariants
//! 1. Strings are at most 128 units each (attached file 260), the whole record at most [`SIZE_MAX`] bytes.
//! 2. A password is held in a type that does not print itself.
//!
//! Evidence: MS-TDS 2.2.6.4.

use std::fmt;

use holdfast_base::{ByteReader, ByteWriter};

use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::wire;

/// The protocol's own limit for the record.
pub const SIZE_MAX: usize = 128 * 1024;
const FIXED: usize = 94;

/// Text that must not appear in logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Feature extension numbers.
pub mod feature {
    pub const SESSION_RECOVERY: u8 = 0x01;
    pub const FED_AUTH: u8 = 0x02;
    pub const COLUMN_ENCRYPTION: u8 = 0x04;
    pub const GLOBAL_TRANSACTIONS: u8 = 0x05;
    pub const AZURE_SQL_SUPPORT: u8 = 0x08;
    pub const DATA_CLASSIFICATION: u8 = 0x09;
    pub const UTF8_SUPPORT: u8 = 0x0A;
    pub const AZURE_SQL_DNS_CACHING: u8 = 0x0B;
    pub const JSON_SUPPORT: u8 = 0x0D;
    pub const VECTOR_SUPPORT: u8 = 0x0E;
    pub const USER_AGENT: u8 = 0x10;
    pub const TERMINATOR: u8 = 0xFF;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    pub id: u8,
    pub data: Vec<u8>,
}

/// fIntSecurity in OptionFlags2.
pub const FLAGS2_INTEGRATED_SECURITY: u8 = 0x80;
/// fExtension in OptionFlags3.
const FLAGS3_EXTENSION: u8 = 0x10;
/// fReadOnlyIntent in TypeFlags.
pub const TYPE_FLAGS_READ_ONLY: u8 = 0x20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login7 {
    pub tds_version: u32,
    pub packet_size: u32,
    pub client_version: u32,
    pub client_process_id: u32,
    pub connection_id: u32,
    pub option_flags1: u8,
    pub option_flags2: u8,
    pub type_flags: u8,
    pub option_flags3: u8,
    pub time_zone: i32,
    pub lcid: u32,
    pub host_name: String,
    pub user_name: String,
    pub password: Secret,
    pub application: String,
    pub server_name: String,
    pub interface: String,
    pub language: String,
    pub database: String,
    pub client_id: [u8; 6],
    pub sspi: Vec<u8>,
    pub attach_file: String,
    pub change_password: Secret,
    pub features: Vec<Feature>,
}

impl Default for Login7 {
    fn default() -> Self {
        Login7 {
            tds_version: TdsVersion::V7_4.number(),
            packet_size: 4096,
            client_version: 0,
            client_process_id: 0,
            connection_id: 0,
            // Inform about USE, fail on bad database, SET LANGUAGE message.
            option_flags1: 0xE0,
            // Fatal on bad language, ODBC settings.
            option_flags2: 0x03,
            type_flags: 0,
            option_flags3: 0,
            time_zone: 0,
            lcid: 0x0409,
            host_name: String::new(),
            user_name: String::new(),
            password: Secret::default(),
            application: String::new(),
            server_name: String::new(),
            interface: String::new(),
            language: String::new(),
            database: String::new(),
            client_id: [0; 6],
            sspi: Vec::new(),
            attach_file: String::new(),
            change_password: Secret::default(),
            features: Vec::new(),
        }
    }
}

/// Swaps nibbles and xors with 0xA5, as the wire has it. Not a secret, only not plain.
fn scramble(bytes: &mut [u8]) {
    for b in bytes {
        *b = b.rotate_left(4) ^ 0xA5;
    }
}

fn unscramble(bytes: &mut [u8]) {
    for b in bytes {
        *b = (*b ^ 0xA5).rotate_left(4);
    }
}

impl Login7 {
    pub fn decode(data: &[u8]) -> TdsResult<Self> {
        if data.len() > SIZE_MAX {
            return Err(TdsError::TooLong { what: "login", length: data.len(), limit: SIZE_MAX });
        }
        let mut r = ByteReader::new(data);
        let length = r.u32()? as usize;
        if length > data.len() || length < FIXED - 4 - 4 {
            return Err(TdsError::Invalid { what: "login length", value: length as i64 });
        }
        let mut out = Login7 {
            tds_version: r.u32()?,
            packet_size: r.u32()?,
            client_version: r.u32()?,
            client_process_id: r.u32()?,
            connection_id: r.u32()?,
            option_flags1: r.u8()?,
            option_flags2: r.u8()?,
            type_flags: r.u8()?,
            option_flags3: r.u8()?,
            time_zone: r.i32()?,
            lcid: r.u32()?,
            ..Default::default()
        };
        out.host_name = text(data, &mut r, 128)?;
        out.user_name = text(data, &mut r, 128)?;
        out.password = secret(data, &mut r)?;
        out.application = text(data, &mut r, 128)?;
        out.server_name = text(data, &mut r, 128)?;
        let extension = (usize::from(r.u16()?), usize::from(r.u16()?));
        out.interface = text(data, &mut r, 128)?;
        out.language = text(data, &mut r, 128)?;
        out.database = text(data, &mut r, 128)?;
        out.client_id = r.array()?;
        let sspi = (usize::from(r.u16()?), usize::from(r.u16()?));
        out.attach_file = text(data, &mut r, 260)?;
        // 7.1 and older end here.
        if out.tds_version >> 24 >= 0x72 || out.tds_version == TdsVersion::V8_0.number() {
            out.change_password = secret(data, &mut r)?;
            let long = r.u32()? as usize;
            let sspi_length = if sspi.1 == 0xFFFF && long > 0 { long } else { sspi.1 };
            out.sspi = ByteReader::at(data, sspi.0).bytes(sspi_length)?.to_vec();
        } else {
            out.sspi = ByteReader::at(data, sspi.0).bytes(sspi.1)?.to_vec();
        }
        if out.option_flags3 & FLAGS3_EXTENSION != 0 && extension.1 >= 4 {
            let offset = ByteReader::at(data, extension.0).u32()? as usize;
            out.features = features(data, offset)?;
        }
        Ok(out)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = ByteWriter::new();
        w.u32(0).u32(self.tds_version).u32(self.packet_size).u32(self.client_version);
        w.u32(self.client_process_id).u32(self.connection_id);
        let extension = !self.features.is_empty();
        let flags3 = self.option_flags3 | if extension { FLAGS3_EXTENSION } else { 0 };
        w.u8(self.option_flags1).u8(self.option_flags2).u8(self.type_flags).u8(flags3);
        w.i32(self.time_zone).u32(self.lcid);
        let mut data: Vec<u8> = Vec::new();
        let add = |w: &mut ByteWriter, data: &mut Vec<u8>, bytes: &[u8], count: usize| {
            w.u16((FIXED + data.len()) as u16).u16(count as u16);
            data.extend_from_slice(bytes);
        };
        let plain = |t: &str| -> Vec<u8> { t.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let hidden = |s: &Secret| {
            let mut b = plain(&s.0);
            scramble(&mut b);
            b
        };
        for b in [plain(&self.host_name), plain(&self.user_name), hidden(&self.password)] {
            add(&mut w, &mut data, &b, b.len() / 2);
        }
        for b in [plain(&self.application), plain(&self.server_name)] {
            add(&mut w, &mut data, &b, b.len() / 2);
        }
        let extension_at = data.len();
        add(&mut w, &mut data, if extension { &[0; 4] } else { &[] }, if extension { 4 } else { 0 });
        for b in [plain(&self.interface), plain(&self.language), plain(&self.database)] {
            add(&mut w, &mut data, &b, b.len() / 2);
        }
        w.bytes(&self.client_id);
        add(&mut w, &mut data, &self.sspi, self.sspi.len());
        let b = plain(&self.attach_file);
        add(&mut w, &mut data, &b, b.len() / 2);
        let b = hidden(&self.change_password);
        add(&mut w, &mut data, &b, b.len() / 2);
        w.u32(0);
        if extension {
            let at = (FIXED + data.len()) as u32;
            data[extension_at..extension_at + 4].copy_from_slice(&at.to_le_bytes());
            for f in &self.features {
                data.push(f.id);
                data.extend_from_slice(&(f.data.len() as u32).to_le_bytes());
                data.extend_from_slice(&f.data);
            }
            data.push(feature::TERMINATOR);
        }
        w.bytes(&data);
        let length = w.len() as u32;
        w.patch_u32(0, length);
        w.buf
    }

    pub fn version(&self) -> TdsResult<TdsVersion> {
        TdsVersion::from_login(self.tds_version).ok_or(TdsError::Version(self.tds_version))
    }

    pub fn is_integrated(&self) -> bool {
        self.option_flags2 & FLAGS2_INTEGRATED_SECURITY != 0
    }

    pub fn feature(&self, id: u8) -> Option<&Feature> {
        self.features.iter().find(|f| f.id == id)
    }
}

fn field<'a>(data: &'a [u8], r: &mut ByteReader<'_>, limit: usize) -> TdsResult<&'a [u8]> {
    let offset = usize::from(r.u16()?);
    let count = usize::from(r.u16()?);
    if count > limit {
        return Err(TdsError::TooLong { what: "login field", length: count, limit });
    }
    if count == 0 {
        return Ok(&[]);
    }
    Ok(ByteReader::at(data, offset).bytes(count * 2)?)
}

fn text(data: &[u8], r: &mut ByteReader<'_>, limit: usize) -> TdsResult<String> {
    Ok(wire::decode_ucs2(field(data, r, limit)?))
}

fn secret(data: &[u8], r: &mut ByteReader<'_>) -> TdsResult<Secret> {
    let mut bytes = field(data, r, 128)?.to_vec();
    unscramble(&mut bytes);
    Ok(Secret(wire::decode_ucs2(&bytes)))
}

fn features(data: &[u8], offset: usize) -> TdsResult<Vec<Feature>> {
    let mut r = ByteReader::at(data, offset);
    let mut out = Vec::new();
    loop {
        let id = r.u8()?;
        if id == feature::TERMINATOR {
            return Ok(out);
        }
        let length = r.u32()? as usize;
        out.push(Feature { id, data: r.bytes(length)?.to_vec() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_with_features() {
        let l = Login7 {
            user_name: "sa".into(),
            password: Secret("Pässword1!".into()),
            database: "master".into(),
            application: "test".into(),
            features: vec![
                Feature { id: feature::UTF8_SUPPORT, data: vec![1] },
                Feature { id: feature::SESSION_RECOVERY, data: vec![] },
            ],
            option_flags3: FLAGS3_EXTENSION,
            ..Default::default()
        };
        let bytes = l.encode();
        assert_eq!(Login7::decode(&bytes).unwrap(), l);
        assert!(!format!("{l:?}").contains("word1"));
        for n in 0..bytes.len() {
            let _ = Login7::decode(&bytes[..n]);
        }
    }

    #[test]
    fn password_as_the_protocol_shows_it() {
        let mut b = vec![b'a', 0];
        scramble(&mut b);
        assert_eq!(b, [0xB3, 0xA5]);
    }
}
