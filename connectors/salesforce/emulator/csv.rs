//! Tables as bulk jobs carry them: commas, quotes doubled, one header row.

use super::refusal::Refusal;

/// The rows of a table, its header first.
pub(super) fn read(text: &str) -> Result<Vec<Vec<String>>, Refusal> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && letters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    if quoted {
        return Err(Refusal::bad("INVALIDBATCH", "InvalidBatch : a quote is not closed"));
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    Ok(rows)
}

/// A row, every cell in quotes.
pub(super) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    format!("{}\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let row = ["a", "b,\"c\"", "d\ne", ""];
        let text = format!("x,y,z,w\n{}", line(row));
        assert_eq!(read(&text).unwrap()[1], row);
        assert!(read("a,\"b").is_err());
    }
}
