//! Stored binary xml to text, as a SELECT shows it.
//!
//! Header DF FF, version 1 or 2, code page 1200; then tokens. Lengths and name indexes are 7 bits per byte, low first.
//! F0 defines a name, EF a qualified name (uri, prefix, local), F8/F7 start and end an element, F6…F5 attributes,
//! F3 comment, F4 processing instruction, F2…F1 CDATA, EC/EB nested stream, EA extension, E9 forget names, 11 text;
//! the other tokens are typed values.
//!
//! Evidence: docs/format/types.md; tokens of genuine values are F0, EF, F8, F7, F6, F5, 11 only.

use holdfast_base::ByteReader;

use super::{OUTPUT_MAX, XmlError};
use crate::code_page::CodePage;
use crate::conversion::{money_text, uuid_text};
use crate::datetime::{TICKS_PER_DAY, text as date_text};
use crate::{Date, DateTime, DateTime2, DateTimeOffset, Decimal, SmallDateTime, Time};

type Result<T> = std::result::Result<T, XmlError>;

/// Deepest nesting of token streams inside each other.
const STREAMS_MAX: usize = 64;

#[derive(Default)]
struct Names {
    names: Vec<Vec<u16>>,
    qualified: Vec<(u32, u32, u32)>,
}

struct Reader<'a> {
    r: ByteReader<'a>,
    out: Vec<u16>,
    names: Names,
    outer: Vec<Names>,
    /// Qualified-name index of every open element.
    open: Vec<u32>,
    /// `<name …` was written, `>` not yet.
    in_tag: bool,
    /// `attr="` was written, the closing quote not yet; the value's length so far decides about a declared uri.
    in_attribute: Option<(usize, u32)>,
    cdata: bool,
}

/// The text of a stored value; an empty input is the empty value.
pub fn decode_to_units(bytes: &[u8]) -> Result<Vec<u16>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut r = ByteReader::new(bytes);
    if r.u16().map_err(|_| XmlError::Header)? != 0xFFDF {
        return Err(XmlError::Header);
    }
    let mut reader = Reader {
        r,
        out: Vec::with_capacity(bytes.len().min(OUTPUT_MAX)),
        names: Names::default(),
        outer: Vec::new(),
        open: Vec::new(),
        in_tag: false,
        in_attribute: None,
        cdata: false,
    };
    reader.u8()?; // version
    reader.bytes(2)?; // code page
    while !reader.r.is_empty() {
        reader.token()?;
        if reader.out.len() > OUTPUT_MAX {
            return Err(XmlError::TooLarge);
        }
    }
    reader.end_attribute()?;
    if reader.open.is_empty() && reader.outer.is_empty() {
        Ok(reader.out)
    } else {
        Err(XmlError::Truncated { offset: bytes.len() })
    }
}

impl<'a> Reader<'a> {
    fn truncated<T>(&self) -> Result<T> {
        Err(XmlError::Truncated { offset: self.r.position() })
    }

    fn u8(&mut self) -> Result<u8> {
        self.r.u8().or_else(|_| self.truncated())
    }

    fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        match self.r.bytes(n) {
            Ok(b) => Ok(b),
            Err(_) => self.truncated(),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut a = [0u8; N];
        a.copy_from_slice(self.bytes(N)?);
        Ok(a)
    }

    /// A 7-bit number of at most five bytes.
    fn number(&mut self) -> Result<u32> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let b = self.u8()?;
            value |= u32::from(b & 0x7F) << shift;
            if b & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(XmlError::Value { offset: self.r.position() })
    }

    /// A length-prefixed UTF-16 text.
    fn units(&mut self) -> Result<Vec<u16>> {
        let n = self.number()? as usize;
        let bytes = self.bytes(n.saturating_mul(2))?;
        Ok(bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect())
    }

    fn push(&mut self, s: &str) {
        self.out.extend(s.encode_utf16());
    }

    fn name(&self, index: u32) -> Result<&[u16]> {
        match index {
            0 => Ok(&[]),
            n => self
                .names
                .names
                .get(n as usize - 1)
                .map(Vec::as_slice)
                .ok_or(XmlError::Name { index, offset: self.r.position() }),
        }
    }

    fn qualified(&self, index: u32) -> Result<(u32, u32, u32)> {
        (index as usize)
            .checked_sub(1)
            .and_then(|i| self.names.qualified.get(i).copied())
            .ok_or(XmlError::Name { index, offset: self.r.position() })
    }

    fn push_qualified(&mut self, index: u32) -> Result<()> {
        let (_, prefix, local) = self.qualified(index)?;
        let prefix = self.name(prefix)?;
        // A namespace declaration has no local name. SQL Server's prefix is then `xmlns:p` as a whole (AdventureWorksLT's
        // product descriptions); MS-BINXML leaves open whether `p` alone may stand there.
        let xmlns: Vec<u16> = "xmlns".encode_utf16().collect();
        let mut name = if local == 0 && !prefix.starts_with(&xmlns) { xmlns } else { Vec::new() };
        let local = self.name(local)?;
        for part in [prefix, local] {
            if !part.is_empty() {
                if !name.is_empty() {
                    name.push(u16::from(b':'));
                }
                name.extend_from_slice(part);
            }
        }
        self.out.extend_from_slice(&name);
        Ok(())
    }

    fn end_attribute(&mut self) -> Result<()> {
        if let Some((start, qualified)) = self.in_attribute.take() {
            let (uri, _, local) = self.qualified(qualified)?;
            if local == 0 && self.out.len() == start {
                let uri = self.name(uri)?.to_vec();
                escape(&uri, true, &mut self.out);
            }
            self.push("\"");
        }
        Ok(())
    }

    /// Closes an open start tag before content.
    fn content(&mut self) -> Result<()> {
        self.end_attribute()?;
        if self.in_tag {
            self.push(">");
            self.in_tag = false;
        }
        Ok(())
    }

    fn value(&mut self, units: &[u16]) -> Result<()> {
        if self.in_attribute.is_some() {
            escape(units, true, &mut self.out);
        } else {
            self.content()?;
            if self.cdata {
                self.out.extend_from_slice(units);
            } else {
                escape(units, false, &mut self.out);
            }
        }
        Ok(())
    }

    fn value_str(&mut self, s: &str) -> Result<()> {
        let units: Vec<u16> = s.encode_utf16().collect();
        self.value(&units)
    }

    fn token(&mut self) -> Result<()> {
        let offset = self.r.position();
        let token = self.u8()?;
        match token {
            0xF0 => {
                let name = self.units()?;
                self.names.names.push(name);
            }
            0xEF => {
                let q = (self.number()?, self.number()?, self.number()?);
                self.names.qualified.push(q);
            }
            0xF8 => {
                let q = self.number()?;
                self.content()?;
                self.push("<");
                self.push_qualified(q)?;
                self.open.push(q);
                self.in_tag = true;
            }
            0xF7 => {
                self.end_attribute()?;
                let q = self.open.pop().ok_or(XmlError::Token { token, offset })?;
                if self.in_tag {
                    self.push("/>");
                    self.in_tag = false;
                } else {
                    self.push("</");
                    self.push_qualified(q)?;
                    self.push(">");
                }
            }
            0xF6 => {
                if !self.in_tag {
                    return Err(XmlError::Token { token, offset });
                }
                let q = self.number()?;
                self.end_attribute()?;
                self.push(" ");
                self.push_qualified(q)?;
                self.push("=\"");
                self.in_attribute = Some((self.out.len(), q));
            }
            0xF5 => self.end_attribute()?,
            0xF4 => {
                let target = self.number()?;
                let data = self.units()?;
                self.content()?;
                self.push("<?");
                let target = self.name(target)?.to_vec();
                self.out.extend_from_slice(&target);
                if !data.is_empty() {
                    self.push(" ");
                    self.out.extend_from_slice(&data);
                }
                self.push("?>");
            }
            0xF3 => {
                let text = self.units()?;
                self.content()?;
                self.push("<!--");
                self.out.extend_from_slice(&text);
                self.push("-->");
            }
            0xF2 => {
                let text = self.units()?;
                self.content()?;
                if !self.cdata {
                    self.push("<![CDATA[");
                    self.cdata = true;
                }
                self.out.extend_from_slice(&text);
            }
            0xF1 => {
                if self.cdata {
                    self.push("]]>");
                    self.cdata = false;
                }
            }
            0xEC => {
                if self.outer.len() >= STREAMS_MAX {
                    return Err(XmlError::Token { token, offset });
                }
                let inner = std::mem::take(&mut self.names);
                self.outer.push(inner);
                // The nested stream may carry its own header.
                let mut ahead = self.r;
                if ahead.u16() == Ok(0xFFDF) && ahead.skip(3).is_ok() {
                    self.r = ahead;
                }
            }
            0xEB => self.names = self.outer.pop().ok_or(XmlError::Token { token, offset })?,
            0xEA => {
                let n = self.number()? as usize;
                self.bytes(n)?;
            }
            0xE9 => self.names = Names::default(),
            0xED => {
                // XML text to be taken over as it stands.
                let text = self.units()?;
                self.content()?;
                self.out.extend_from_slice(&text);
            }
            0xFE => {
                // The declaration is not part of the value: version, optional encoding, standalone.
                self.units()?;
                let mut ahead = self.r;
                if ahead.u8() == Ok(0xFD) {
                    self.r = ahead;
                    self.units()?;
                }
                self.u8()?;
            }
            _ => return self.typed(token, offset),
        }
        Ok(())
    }

    fn typed(&mut self, token: u8, offset: usize) -> Result<()> {
        let bad = XmlError::Value { offset };
        match token {
            0x11 | 0x0E | 0x18 => {
                let units = self.units()?;
                self.value(&units)
            }
            0x0D | 0x10 | 0x16 => {
                let n = self.number()? as usize;
                let bytes = self.bytes(n)?;
                let (page, text) = bytes.split_first_chunk::<4>().ok_or(bad)?;
                let page = CodePage::new(u32::from_le_bytes(*page) as u16);
                self.value(&page.decode(text))
            }
            0x0C | 0x0F | 0x17 | 0x1B | 0x85 => {
                let n = self.number()? as usize;
                let text = base64(self.bytes(n)?);
                self.value_str(&text)
            }
            0x84 => {
                let n = self.number()? as usize;
                let text: String = self.bytes(n)?.iter().map(|b| format!("{b:02X}")).collect();
                self.value_str(&text)
            }
            0x01 => {
                let v = i16::from_le_bytes(self.array()?);
                self.value_str(&v.to_string())
            }
            0x02 => {
                let v = i32::from_le_bytes(self.array()?);
                self.value_str(&v.to_string())
            }
            0x08 => {
                let v = i64::from_le_bytes(self.array()?);
                self.value_str(&v.to_string())
            }
            0x06 | 0x07 => {
                let v = self.u8()?;
                self.value_str(&v.to_string())
            }
            0x88 => {
                let v = self.u8()? as i8;
                self.value_str(&v.to_string())
            }
            0x89 => {
                let v = u16::from_le_bytes(self.array()?);
                self.value_str(&v.to_string())
            }
            0x8A => {
                let v = u32::from_le_bytes(self.array()?);
                self.value_str(&v.to_string())
            }
            0x8B => {
                let v = u64::from_le_bytes(self.array()?);
                self.value_str(&v.to_string())
            }
            0x03 => {
                let v = f32::from_le_bytes(self.array()?);
                self.value_str(&format!("{v:E}").replace("E0", "").replace("inf", "INF"))
            }
            0x04 => {
                let v = f64::from_le_bytes(self.array()?);
                self.value_str(&format!("{v:E}").replace("E0", "").replace("inf", "INF"))
            }
            0x05 => {
                let v = i64::from_le_bytes(self.array()?);
                self.value_str(&money_text(v, 4))
            }
            0x14 => {
                let v = i32::from_le_bytes(self.array()?);
                self.value_str(&money_text(i64::from(v), 4))
            }
            0x0A | 0x0B | 0x87 => {
                let n = self.number()? as usize;
                let b = self.bytes(n)?;
                let [_, scale, sign, magnitude @ ..] = b else { return Err(bad) };
                let mut wide = [0u8; 16];
                wide.get_mut(..magnitude.len()).ok_or(bad.clone())?.copy_from_slice(magnitude);
                let v = i128::from_le_bytes(wide);
                if *scale > 38 || !(0..10i128.pow(38)).contains(&v) {
                    return Err(bad);
                }
                // Canonical: without the zeros that the scale would show.
                let text = Decimal::new(if *sign == 0 { -v } else { v }, *scale).to_string();
                let short = if *scale > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
                self.value_str(short)
            }
            0x12 => {
                let days = i32::from_le_bytes(self.array()?);
                let ticks = u32::from_le_bytes(self.array()?);
                let v = DateTime { days, ticks }.to_datetime2().ok_or(bad)?;
                self.value_str(&format!("{}T{}", date_text::date(v.date), date_text::time(v.time, 3)))
            }
            0x13 => {
                let days = u16::from_le_bytes(self.array()?);
                let minutes = u16::from_le_bytes(self.array()?);
                let v = SmallDateTime { days, minutes }.to_datetime2().ok_or(bad)?;
                self.value_str(&format!("{}T{}", date_text::date(v.date), date_text::time(v.time, 0)))
            }
            0x09 => {
                let v = self.array::<16>()?;
                self.value_str(&uuid_text(&v))
            }
            0x86 => {
                let v = self.u8()? != 0;
                self.value_str(if v { "true" } else { "false" })
            }
            0x81..=0x83 => self.old_date(token, offset),
            0x7A..=0x7F => self.new_date(token, offset),
            0x8C => {
                let q = self.number()?;
                let (_, prefix, local) = self.qualified(q)?;
                let mut text = self.name(prefix)?.to_vec();
                if !text.is_empty() {
                    text.push(u16::from(b':'));
                }
                text.extend_from_slice(self.name(local)?);
                self.value(&text)
            }
            _ => Err(XmlError::Token { token, offset }),
        }
    }

    /// The eight-byte form of SQL Server 2005: value / 4 in milliseconds, kind in the low bits.
    fn old_date(&mut self, token: u8, offset: usize) -> Result<()> {
        let raw = i64::from_le_bytes(self.array()?);
        let bad = XmlError::Value { offset };
        let value = raw >> 2;
        let (date, time) = match token {
            0x81 => (None, Some(value)),
            _ => {
                let (day, ms) = (value.div_euclid(86_400_000), value.rem_euclid(86_400_000));
                (Some(day), (token == 0x82).then_some(ms))
            }
        };
        let mut text = String::new();
        if let Some(day) = date {
            let day = i32::try_from(day)
                .ok()
                .filter(|d| (0..=crate::datetime::DATE_MAX).contains(d))
                .ok_or(bad.clone())?;
            text.push_str(&date_text::date(Date(day)));
        }
        if let Some(ms) = time {
            let ms = u64::try_from(ms).ok().filter(|m| *m < 86_400_000).ok_or(bad)?;
            if date.is_some() {
                text.push('T');
            }
            text.push_str(&date_text::time(Time(ms * 10_000), if ms % 1000 == 0 { 0 } else { 3 }));
        }
        text.push('Z');
        self.value_str(&text)
    }

    /// Scale byte, time, date, offset as in time, datetime2 and datetimeoffset (parts as the token says).
    fn new_date(&mut self, token: u8, offset: usize) -> Result<()> {
        let bad = || XmlError::Value { offset };
        let has_time = !matches!(token, 0x7C | 0x7F);
        let has_date = !matches!(token, 0x7A | 0x7D);
        let has_zone = token < 0x7D;
        let (mut time, mut scale) = (0u64, 0u8);
        if has_time || has_zone {
            scale = self.u8()?;
            if scale > 7 {
                return Err(bad());
            }
            let b = self.bytes(crate::sql_type::time_length(scale) as usize)?;
            let mut wide = [0u8; 8];
            wide[..b.len()].copy_from_slice(b);
            time = u64::from_le_bytes(wide) * 10u64.pow(7 - u32::from(scale));
            if time >= TICKS_PER_DAY {
                return Err(bad());
            }
        }
        let mut date = Date(0);
        if has_date || has_zone {
            let b = self.array::<3>()?;
            date = Date(i32::from_le_bytes([b[0], b[1], b[2], 0]));
            if date.0 > crate::datetime::DATE_MAX {
                return Err(bad());
            }
        }
        let mut local = DateTime2 { date, time: Time(time) };
        let mut zone = None;
        if has_zone {
            let offset_minutes = i16::from_le_bytes(self.array()?);
            local = DateTimeOffset { utc: local, offset_minutes }.local().ok_or_else(bad)?;
            zone = Some(offset_minutes);
        }
        let mut text = String::new();
        if has_date {
            text.push_str(&date_text::date(local.date));
        }
        if has_time {
            if has_date {
                text.push('T');
            }
            text.push_str(&date_text::time(local.time, scale));
        }
        match zone {
            Some(0) => text.push('Z'),
            Some(z) => text.push_str(&date_text::offset(z)),
            None => {}
        }
        self.value_str(&text)
    }
}

/// Escapes text or an attribute value as SQL Server's serialiser does.
pub(super) fn escape(units: &[u16], attribute: bool, out: &mut Vec<u16>) {
    for &u in units {
        let entity = match u {
            0x26 => "&amp;",
            0x3C => "&lt;",
            0x3E => "&gt;",
            0x0D => "&#x0D;",
            0x22 if attribute => "&quot;",
            0x09 if attribute => "&#x09;",
            0x0A if attribute => "&#x0A;",
            _ => {
                out.push(u);
                continue;
            }
        };
        out.extend(entity.encode_utf16());
    }
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let b = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let n = u32::from(b[0]) << 16 | u32::from(b[1]) << 8 | u32::from(b[2]);
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(DIGITS[(n >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}
