//! The decoder against a second, literal one that follows the published description bit by bit; and the encoder's bit
//! writer: the tokens of every genuine record, written again with the record's own code, give the same bytes.

use holdfast_backup::compress::{
    RECORD_HEADER, TAG_FILLER, TAG_INDEX, TAG_RECORD, Token, decompress, encode_tokens,
};
use holdfast_testkit::corpus;

/// 32-bit window, one code at a time, no tables.
fn tokens(input: &[u8], length: usize) -> (Vec<Token>, [u8; 512]) {
    let mut lengths = [0u8; 512];
    for (i, l) in lengths.iter_mut().enumerate() {
        *l = if i % 2 == 0 { input[i / 2] & 15 } else { input[i / 2] >> 4 };
    }
    let mut symbols: Vec<usize> = (0..512).filter(|&s| lengths[s] > 0).collect();
    symbols.sort_by_key(|&s| (lengths[s], s));
    let mut codes = Vec::new();
    let mut code = 0u32;
    let mut last = 0;
    for &s in &symbols {
        code <<= lengths[s] - last;
        last = lengths[s];
        codes.push((code, last, s));
        code += 1;
    }
    let word = |p: usize| {
        let b = |i| u32::from(input.get(i).copied().unwrap_or(0));
        b(p) | b(p + 1) << 8
    };
    let mut p = 260;
    let mut bits = word(256) << 16 | word(258);
    let mut avail = 16i32;
    let mut out = Vec::new();
    let mut done = 0;
    while done < length {
        let (_, n, symbol) =
            *codes.iter().find(|(c, n, _)| bits >> (32 - u32::from(*n)) == *c).expect("complete code");
        let drop = |n: u32, bits: &mut u32, avail: &mut i32, p: &mut usize| {
            *bits = if n == 0 { *bits } else { *bits << n };
            *avail -= n as i32;
            if *avail < 0 {
                *bits |= word(*p) << -*avail;
                *p += 2;
                *avail += 16;
            }
        };
        drop(u32::from(n), &mut bits, &mut avail, &mut p);
        if symbol < 256 {
            out.push(Token::Literal(symbol as u8));
            done += 1;
            continue;
        }
        let (mut l, b) = ((symbol & 15) as u32, (symbol as u32 - 256) >> 4);
        if l == 15 {
            let x = u32::from(input[p]);
            p += 1;
            if x == 255 {
                l = word(p);
                p += 2;
            } else {
                l = x + 15;
            }
        }
        let offset = 1 << b | if b == 0 { 0 } else { bits >> (32 - b) };
        drop(b, &mut bits, &mut avail, &mut p);
        out.push(Token::Match { length: l + 3, offset });
        done += l as usize + 3;
    }
    (out, lengths)
}

fn expand(tokens: &[Token]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for t in tokens {
        match *t {
            Token::Literal(b) => out.push(b),
            Token::Match { length, offset } => {
                for _ in 0..length {
                    out.push(out[out.len() - offset as usize]);
                }
            }
        }
    }
    out
}

#[test]
fn two_decoders_agree_and_the_bit_writer_is_exact() {
    let mut records = 0;
    for f in corpus().iter().filter(|f| f.column("compressed") == "yes") {
        let file = f.read();
        let mut at = 480;
        while at < file.len() {
            match file[at] {
                TAG_RECORD => {
                    let length = usize::from(file[at + 1]) * 512;
                    let n = usize::from(u16::from_le_bytes([file[at + 2], file[at + 3]]));
                    let packed = &file[at + RECORD_HEADER..at + RECORD_HEADER + n];
                    // The literal decoder is slow: every third record is enough.
                    if records % 3 == 0 {
                        let (tokens, lengths) = tokens(packed, length);
                        let mut out = vec![0; length];
                        decompress(packed, &mut out).expect("decodes");
                        assert!(out == expand(&tokens), "{} at {at}", f.name());
                        assert!(encode_tokens(&tokens, &lengths) == packed, "{} at {at}", f.name());
                    }
                    records += 1;
                    at += RECORD_HEADER + n;
                }
                TAG_FILLER => at += 24 + usize::from(u16::from_le_bytes([file[at + 2], file[at + 3]])),
                TAG_INDEX => {
                    let n = [file[at + 32], file[at + 33], file[at + 34], file[at + 35]];
                    at += 24 + u32::from_le_bytes(n) as usize;
                }
                _ => at += 512,
            }
        }
    }
    assert!(records > 100 || holdfast_testkit::corpus_dir().is_none(), "{records}");
}
