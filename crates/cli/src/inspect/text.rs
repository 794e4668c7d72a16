//! The report as text.

use std::fmt::Write;

use super::report::{MediaReport, Report, SetReport};
use crate::output::{Align, Table, size};

pub fn render(report: &Report) -> String {
    let mut out = String::new();
    for media in &report.media_sets {
        media_text(media, &mut out);
    }
    for file in &report.data_files {
        file.text(&mut out);
    }
    for order in &report.restore_orders {
        let _ = writeln!(out, "To restore {} up to LSN {}:", order.database, order.until_lsn);
        for (i, step) in order.steps.iter().enumerate() {
            let _ = writeln!(out, "  {}. {step}", i + 1);
        }
        out.push('\n');
    }
    for u in &report.unusable {
        let _ = writeln!(out, "UNUSABLE (message {}): {}\n", u.message, u.error);
    }
    out
}

fn numbers(n: &[u16]) -> String {
    n.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn media_text(m: &MediaReport, out: &mut String) {
    let form = if m.compressed { "compressed" } else { "uncompressed" };
    let _ = writeln!(out, "Media set {}", m.media_set);
    for (what, value) in [("Name", &m.name), ("Description", &m.description)] {
        if let Some(v) = value {
            let _ = writeln!(out, "  {what}: {v}");
        }
    }
    let stripes = if m.families == 1 { "1 file".to_owned() } else { format!("{} stripes", m.families) };
    let _ = writeln!(out, "  {}, {form}, media blocks of {} bytes, {stripes}", m.software, m.block_size);
    if m.password_protected {
        let _ = writeln!(out, "  Protected by a media password");
    }
    let mut t = Table::new(&[
        ("stripe", Align::Right),
        ("written", Align::Left),
        ("size", Align::Right),
        ("file", Align::Left),
    ]);
    for f in &m.files {
        t.row([f.family.to_string(), f.written.clone(), size(f.bytes), f.file.clone()]);
    }
    out.push_str(&t.render(2));
    if !m.missing_families.is_empty() {
        let _ = writeln!(out, "  MISSING: stripe {} of {}", numbers(&m.missing_families), m.families);
    }
    for f in &m.files {
        if let Some(p) = &f.problem {
            let _ = writeln!(out, "  DAMAGED: {p}");
        }
    }
    out.push('\n');
    for s in &m.sets {
        set_text(s, out);
    }
}

fn set_text(s: &SetReport, out: &mut String) {
    let copy = if s.copy_only { "copy-only " } else { "" };
    let _ = writeln!(out, "  Backup set {}: {copy}{} backup of database {}", s.position, s.kind, s.database);
    let mut line = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "    {what:<17}{value}");
        }
    };
    line("Name", s.name.as_deref().unwrap_or(""));
    line("Description", s.description.as_deref().unwrap_or(""));
    line("Database version", &format!("{} (SQL Server {})", s.database_version, s.release));
    line("Written by", &format!("{} on {} ({}), login {}", s.software_version, s.server, s.machine, s.user));
    line(
        "Taken",
        &format!(
            "{} to {}, UTC{:+}:{:02}",
            s.started,
            s.finished,
            s.time_zone_minutes / 60,
            s.time_zone_minutes.abs() % 60
        ),
    );
    line("Expires", s.expires.as_deref().unwrap_or(""));
    line("Database created", &s.created);
    line("Recovery model", &format!("{}, compatibility level {}", s.recovery_model, s.compatibility_level));
    line("LSNs", &format!("first {}  last {}  checkpoint {}", s.first_lsn, s.last_lsn, s.checkpoint_lsn));
    if let (Some(base), Some(lsn)) = (&s.differential_base, &s.differential_base_lsn) {
        line("Base", &format!("full backup {base}, LSN {lsn}"));
    }
    line("Set GUID", &s.set_guid);
    line("Flags", &s.flags.join(", "));
    let stored = s.compressed_bytes.map_or_else(String::new, |c| format!(", compressed {}", size(c)));
    let passes = if s.passes > 1 { format!(" in {} passes", s.passes) } else { String::new() };
    line(
        "Holds",
        &format!(
            "{} pages{passes}, {} of log; {}{stored}",
            s.page_count,
            size(s.log_bytes),
            size(s.backup_bytes)
        ),
    );
    let mut t = Table::new(&[
        ("id", Align::Right),
        ("type", Align::Left),
        ("name", Align::Left),
        ("filegroup", Align::Left),
        ("size", Align::Right),
        ("in backup", Align::Right),
        ("growth", Align::Right),
        ("path", Align::Left),
    ]);
    for f in &s.files {
        t.row([
            f.id.to_string(),
            f.kind.to_owned(),
            f.logical_name.clone(),
            f.filegroup.clone().unwrap_or_default(),
            size(f.size),
            size(f.backup_bytes),
            f.growth.clone(),
            f.physical_name.clone(),
        ]);
    }
    if !t.is_empty() {
        out.push_str(&t.render(4));
    }
    if !s.missing_families.is_empty() {
        let _ = writeln!(out, "    MISSING: stripe {}", numbers(&s.missing_families));
    } else if !s.complete {
        let _ = writeln!(out, "    INCOMPLETE: the set does not reach its end");
    }
    if let Some(n) = &s.needs {
        let _ = writeln!(out, "    NEEDS: {n}");
    }
    out.push('\n');
}
