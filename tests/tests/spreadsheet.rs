//! What a client sent is text in a spreadsheet, never a formula, and comes back whole.

use std::process::{Command, Stdio};

use torvus_audit::AuditRecord;
use torvus_audit::csv::CsvWriter;
use torvus_domain::{Category, Outcome, Timestamp};
use torvus_e2e::Dice;

const ROWS: usize = 3_334;
/// The columns that hold what clients and account holders choose.
const HOSTILE: [usize; 3] = [3, 5, 6];

/// Ways to begin a formula, or to leave the cell that one is in.
const BEGINNINGS: [&str; 16] = [
    "=", "+", "-", "@", "\t=", "\r=", "\n=", "\0=", "'=", "''=", "＝", "＋", "\"=", "\",=",
    "\r\n=", ";=",
];
const FORMULAS: [&str; 8] = [
    "1+1",
    "SUM(A1:A9)",
    "cmd|' /C calc'!A0",
    "HYPERLINK(\"http://example.com\";\"x\")",
    "WEBSERVICE(\"http://example.com\")",
    "IMPORTXML(CONCAT(\"a\";A1);\"//b\")",
    "A1",
    "DDE(\"a\";\"b\";\"c\")",
];

fn hostile(dice: &mut Dice) -> String {
    let blank = ["", " ", "  "];
    format!(
        "{}{}{}{}",
        dice.pick(&blank),
        dice.pick(&BEGINNINGS),
        dice.pick(&FORMULAS),
        ["", "\"", ",x", "\n=1", " é部"][dice.roll(5)]
    )
}

#[test]
fn ten_thousand_hostile_cells_are_text_and_come_back_whole() {
    let (folder, mut dice) = (tempfile::tempdir().unwrap(), Dice::new(11));
    let path = folder.path().join("log.csv");
    let mut csv = CsvWriter::new(std::fs::File::create(&path).unwrap()).unwrap();
    let cells: Vec<[String; 3]> = (0..ROWS)
        .map(|_| [(); 3].map(|()| hostile(&mut dice)))
        .collect();
    for [name, method, endpoint] in &cells {
        let mut record =
            AuditRecord::new(Timestamp::UNIX_EPOCH, Category::ApiActivity, Outcome::Ok);
        record.key_name = Some(name.clone());
        record.method = Some(method.clone());
        record.path = Some(endpoint.clone());
        csv.write(&record).unwrap();
    }
    csv.flush().unwrap();
    let mut rows = 0;
    for (row, sent) in csv::Reader::from_path(&path).unwrap().records().zip(&cells) {
        let row = row.unwrap();
        for (column, sent) in HOSTILE.into_iter().zip(sent) {
            let cell = &row[column];
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '＝', '＋', '\t', '\r', '\n', '\0']),
                "{cell:?}"
            );
            assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), sent);
        }
        rows += 1;
    }
    assert_eq!(rows, ROWS);
    // LibreOffice opens it as somebody would who double-clicks it.
    let ended = Command::new("soffice")
        .args(["--headless", "--convert-to", "fods", "--outdir"])
        .arg(folder.path())
        .arg(&path)
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let sheet = std::fs::read_to_string(folder.path().join("log.fods"))
        .unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert!(
        sheet.matches("SUM(A1:A9)").count() > 500,
        "the cells are there"
    );
    assert_eq!(sheet.matches("table:formula").count(), 0);
    println!("{} cells: none is a formula in LibreOffice", 3 * ROWS);
}
