//! `code-page-table <folder with c_*.nls> <output>`: writes the compact table of single-byte code pages that
//! `holdfast-types` includes: per page 128 decoded units, then the best-fit pairs of the encoder. Facts only; the input is
//! not kept in the project (docs/decisions/0010-sort-weights.md says where it came from).

use std::path::Path;

use anyhow::{Context, ensure};

const PAGES: [u16; 12] = [437, 850, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258];

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [folder, output] = arguments else { anyhow::bail!("usage: code-page-table FOLDER OUTPUT") };
    let mut out = Vec::new();
    for page in PAGES {
        let path = Path::new(folder).join(format!("c_{page}.nls"));
        let data = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let word = |i: usize| {
            data.get(2 * i..2 * i + 2).map(|b| u16::from_le_bytes([b[0], b[1]])).context("short file")
        };
        let header = usize::from(word(0)?);
        ensure!(word(1)? == page && word(2)? == 1, "{} is not single-byte page {page}", path.display());
        let default = word(3)? as u8;
        let wide = header + usize::from(word(header)?) + 1;
        let decoded: Vec<u16> = (0..256).map(|b| word(header + 1 + b)).collect::<Result<_, _>>()?;
        out.extend_from_slice(&page.to_le_bytes());
        decoded[128..].iter().for_each(|u| out.extend_from_slice(&u.to_le_bytes()));
        let mut pairs = Vec::new();
        for unit in 0x80..=0xFFFFu32 {
            let byte = data[2 * wide + unit as usize];
            if byte != default && decoded[usize::from(byte)] != unit as u16 {
                pairs.push((unit as u16, byte));
            }
        }
        out.extend_from_slice(&(pairs.len() as u16).to_le_bytes());
        for (unit, byte) in &pairs {
            out.extend_from_slice(&unit.to_le_bytes());
            out.push(*byte);
        }
        println!("{page}: {} best-fit pairs", pairs.len());
    }
    std::fs::write(output, out)?;
    Ok(())
}
