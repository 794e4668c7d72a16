//! Redo of single records on pages made by hand.

use super::*;
use holdfast_base::PAGE_SIZE;
use holdfast_format::log::write::{RecordHeader, page_record, row_record};
use holdfast_format::log::{Context, RowTarget, TransactionId, context};

fn header(operation: holdfast_format::log::Operation, context: Context) -> RecordHeader {
    RecordHeader { previous: Lsn::ZERO, flags: 2, transaction: TransactionId(7), operation, context }
}

fn target(page_lsn: Lsn, slot: u16) -> PageTarget {
    PageTarget { page: PageId::new(1, 80), slot, object_part: 30, index_part: 256, page_lsn }
}

fn run(page: &mut PageBytes, lsn: Lsn, bytes: &[u8]) -> RecoveryResult<Gate> {
    let record = LogRecord::new(lsn, bytes)?;
    let target = record.page_target()?.expect("a page operation");
    let gate = gate(&record, &target, page)?;
    if gate == Gate::Apply {
        apply(&record, &target, page)?;
    }
    Ok(gate)
}

fn formatted() -> (PageBytes, Lsn) {
    let mut page = [0u8; PAGE_SIZE];
    let lsn = Lsn::new(5, 16, 1);
    let mut rest = vec![0u8; 0x20];
    rest[0] = 1;
    rest[0x0A..0x0C].copy_from_slice(&8u16.to_le_bytes());
    let bytes = page_record(
        &header(op::FORMAT_PAGE, context::CLUSTERED),
        &target(Lsn::new(0, 0, 1), 0xFFFF),
        &rest,
        Some(&[]),
    );
    assert_eq!(run(&mut page, lsn, &bytes).expect("applies"), Gate::Apply);
    (page, lsn)
}

const ROW: &[u8] = &[0x10, 0, 8, 0, 1, 2, 3, 4, 1, 0, 0];

#[test]
fn rows_come_and_go_and_the_gate_holds() {
    let (mut page, format) = formatted();
    let insert_lsn = Lsn::new(5, 16, 2);
    let insert = row_record(
        &header(op::INSERT_ROWS, context::CLUSTERED),
        &target(format, 0),
        &RowTarget::default(),
        &[ROW, &[], &[]],
    );
    assert_eq!(run(&mut page, insert_lsn, &insert).expect("applies"), Gate::Apply);
    let once = page;
    assert_eq!(run(&mut page, insert_lsn, &insert).expect("done"), Gate::Done);
    assert_eq!(page, once);
    // A record that expects another page LSN is a gap.
    assert!(matches!(run(&mut page, Lsn::new(5, 17, 1), &insert), Err(RecoveryError::Gap { .. })));
    let ghost = row_record(
        &header(op::DELETE_ROWS, context::MARK_AS_GHOST),
        &target(insert_lsn, 0),
        &RowTarget { offset: 1, ..RowTarget::default() },
        &[ROW, &[]],
    );
    run(&mut page, Lsn::new(5, 17, 1), &ghost).expect("applies");
    assert_eq!(PageView::new(&page).ghost_count(), 1);
    let expunge = row_record(
        &header(op::EXPUNGE_ROWS, context::CLUSTERED),
        &target(Lsn::new(5, 17, 1), 0),
        &RowTarget::default(),
        &[],
    );
    run(&mut page, Lsn::new(5, 17, 2), &expunge).expect("applies");
    let view = PageView::new(&page);
    assert_eq!((view.slot_count(), view.ghost_count(), view.free_count()), (0, 0, 8096));
}

#[test]
fn an_unknown_operation_stops_with_its_name() {
    let (mut page, format) = formatted();
    let bytes =
        page_record(&header(op::COMPRESSION_INFO, context::CLUSTERED), &target(format, 0), &[], Some(&[]));
    let error = run(&mut page, Lsn::new(5, 16, 2), &bytes).expect_err("unknown");
    assert!(error.to_string().contains("LOP_COMPRESSION_INFO"), "{error}");
    assert!(error.to_string().contains("00000005:00000010:0002"), "{error}");
}
