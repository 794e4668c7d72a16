//! The text of a data file for BULK INSERT, in pieces.
//!
//! Invariants
//! 1. A piece ends between characters; a file that ends within one is not taken for whole. The file is never held as a whole, except one in a double-byte code page: where its
//!    characters end is only known from its beginning.

use std::io::{self, Read};
use std::marker::PhantomData;

use holdfast_types::CollationId;
use holdfast_types::code_page::CodePage;

use super::bulk_file::FileFormat;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// What a file holds: characters of one byte or of two.
pub enum FileText {
    /// Every character that ends fields or rows is one byte, and that byte is nothing else.
    Narrow(Pieces<u8>),
    Wide(Pieces<u16>),
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf16,
    Page(CodePage),
}

/// The characters of a file.
pub struct Pieces<U> {
    file: Box<dyn Read + Send>,
    encoding: Encoding,
    /// Read and not taken yet.
    bytes: Vec<u8>,
    ended: bool,
    characters: PhantomData<U>,
}

impl FileText {
    /// Looks at how the file begins.
    pub fn new(
        mut file: Box<dyn Read + Send>,
        format: &mut FileFormat,
        collation: CollationId,
    ) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut ended = fill(&mut file, &mut bytes, PIECE)?;
        if format.wide || bytes.starts_with(&[0xFF, 0xFE]) {
            if bytes.starts_with(&[0xFF, 0xFE]) {
                bytes.drain(..2);
            }
            let encoding = Encoding::Utf16;
            return Ok(FileText::Wide(Pieces { file, encoding, bytes, ended, characters: PhantomData }));
        }
        if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
            format.utf8 = true;
            bytes.drain(..3);
        }
        let page = if format.utf8 { CodePage::UTF8 } else { collation.code_page() };
        let mut apart = format.utf8 || page.is_single_byte();
        if !apart {
            ended = fill(&mut file, &mut bytes, usize::MAX)?;
            apart = bytes.is_ascii();
        }
        let mut ends = format.field_end.iter().chain(&format.row_end).chain(&format.quote);
        let encoding = Encoding::Page(page);
        Ok(if apart && ends.all(|u| *u < 0x80) {
            FileText::Narrow(Pieces { file, encoding, bytes, ended, characters: PhantomData })
        } else {
            FileText::Wide(Pieces { file, encoding, bytes, ended, characters: PhantomData })
        })
    }
}

/// Reads so many bytes more; whether the file has ended.
fn fill(file: &mut dyn Read, bytes: &mut Vec<u8>, count: usize) -> io::Result<bool> {
    let got = file.take(count as u64).read_to_end(bytes)?;
    Ok(got < count)
}

impl<U> Pieces<U> {
    fn read(&mut self) -> io::Result<()> {
        if !self.ended && self.bytes.len() < PIECE {
            self.ended = fill(&mut self.file, &mut self.bytes, PIECE)?;
        }
        Ok(())
    }
}

/// Text that comes in pieces.
pub trait Source<U>: Send {
    /// Appends the next piece; whether there is more behind it.
    fn append(&mut self, text: &mut Vec<U>) -> io::Result<bool>;
}

impl Source<u8> for Pieces<u8> {
    fn append(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        self.read()?;
        text.append(&mut self.bytes);
        Ok(!self.ended)
    }
}

impl Source<u16> for Pieces<u16> {
    fn append(&mut self, text: &mut Vec<u16>) -> io::Result<bool> {
        self.read()?;
        let whole = match self.encoding {
            Encoding::Utf16 => self.bytes.len() / 2 * 2,
            _ if self.ended => self.bytes.len(),
            Encoding::Page(CodePage::UTF8) => whole_characters(&self.bytes),
            Encoding::Page(_) => self.bytes.len(),
        };
        if self.ended && whole < self.bytes.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "half a character"));
        }
        let taken: Vec<u8> = self.bytes.drain(..whole).collect();
        match self.encoding {
            Encoding::Utf16 => {
                text.extend(taken.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])));
            }
            Encoding::Page(page) => page.decode_into(&taken, text),
        }
        Ok(!self.ended)
    }
}

/// Bytes up to where the last character of UTF-8 that may go on begins.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let begun = bytes[tail..].iter().rposition(|b| *b >= 0xC0).map(|at| (tail + at, bytes[tail + at]));
    match begun {
        Some((at, first)) => {
            let length = if first >= 0xF0 {
                4
            } else if first >= 0xE0 {
                3
            } else {
                2
            };
            if at + length > bytes.len() { at } else { bytes.len() }
        }
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(bytes: &[u8]) -> Vec<u16> {
        let mut format = FileFormat::default();
        format.set_field_end("\u{2016}");
        let mut out = Vec::new();
        match FileText::new(
            Box::new(io::Cursor::new(bytes.to_vec())),
            &mut format,
            CollationId::SERVER_DEFAULT,
        ) {
            Ok(FileText::Wide(mut pieces)) => while pieces.append(&mut out).unwrap() {},
            Ok(FileText::Narrow(_)) => panic!("an end is no byte"),
            Err(e) => panic!("{e}"),
        }
        out
    }

    #[test]
    fn pieces_end_between_characters() {
        // Characters of one to four bytes lie across the end of every piece.
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"a\u{e4}\u{20ac}\u{1f600}".repeat(PIECE / 4);
            let mut utf8 = vec![0xEF, 0xBB, 0xBF];
            utf8.extend_from_slice(text.as_bytes());
            assert!(units(&utf8) == text.encode_utf16().collect::<Vec<_>>(), "{shift}");
            let mut utf16 = vec![0xFF, 0xFE];
            utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            assert!(units(&utf16) == text.encode_utf16().collect::<Vec<_>>(), "{shift}");
        }
        assert_eq!(units(b"\x80a"), [0x20AC, 0x61]);
        assert_eq!(units(&[0xEF, 0xBB, 0xBF, b'a', 0xE2, 0x82]).len(), 2);
        let half: Box<dyn Read + Send> = Box::new(io::Cursor::new(vec![0xFF, 0xFE, b'1']));
        let text = FileText::new(half, &mut FileFormat::default(), CollationId::SERVER_DEFAULT);
        let Ok(FileText::Wide(mut pieces)) = text else { panic!("two bytes a character") };
        assert_eq!(pieces.append(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
