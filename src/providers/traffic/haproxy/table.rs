//! Tables of the runtime API, read by the names of their columns: versions of `HAProxy` add columns in the middle.

use std::collections::HashMap;

/// The lines of a table.
#[derive(Debug)]
pub(super) struct Table {
    columns: HashMap<String, usize>,
    lines: Vec<Vec<String>>,
}

/// One line.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    table: &'a Table,
    fields: &'a [String],
}

impl Table {
    /// Reads `show stat`: `# ` and a header, comma-separated values, and an empty line at the end.
    ///
    /// # Errors
    /// If it is no such table, or not the whole of it.
    pub(super) fn comma_separated(text: &str) -> Result<Self, String> {
        let body = whole(text)?;
        Self::new(records(body)?)
    }

    /// Reads `show servers state`: a version, `# ` and a header, values separated by blanks, and an empty line at the end.
    ///
    /// # Errors
    /// If it is no such table, or not the whole of it.
    pub(super) fn blank_separated(text: &str) -> Result<Self, String> {
        let body = whole(text)?;
        let body = body
            .strip_prefix("1\n")
            .ok_or_else(|| format!("it is not version 1 of the format: {}", first_line(text)))?;
        let fields = |line: &str| line.split(' ').map(str::to_owned).collect();
        let mut lines: Vec<Vec<String>> = body.lines().map(fields).collect();
        // The `#` stands alone here.
        if let Some(header) = lines
            .first_mut()
            .filter(|h| h.first().is_some_and(|f| f == "#"))
        {
            header.remove(0);
            if let Some(first) = header.first_mut() {
                first.insert_str(0, "# ");
            }
        }
        Self::new(lines)
    }

    fn new(mut lines: Vec<Vec<String>>) -> Result<Self, String> {
        if lines.is_empty() {
            return Err("it is empty".to_owned());
        }
        let header = lines.remove(0);
        let first = header.first().and_then(|field| field.strip_prefix("# "));
        let Some(first) = first else {
            return Err(format!("it has no header: {}", header.join(",")));
        };
        let names = std::iter::once(first.to_owned()).chain(header.iter().skip(1).cloned());
        Ok(Self {
            columns: names.zip(0..).collect(),
            lines,
        })
    }

    /// Its lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|fields| Line {
            table: self,
            fields,
        })
    }
}

impl<'a> Line<'a> {
    /// A field, if there is such a column and something in it.
    pub(super) fn get(self, column: &str) -> Option<&'a str> {
        let place = *self.table.columns.get(column)?;
        let text = self.fields.get(place)?;
        (!text.is_empty()).then_some(text)
    }

    /// A field that is there.
    ///
    /// # Errors
    /// If it isn't.
    pub(super) fn text(self, column: &str) -> Result<&'a str, String> {
        self.get(column)
            .ok_or_else(|| format!("{column} is missing"))
    }

    /// A number, if it is there.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn optional<T: std::str::FromStr>(self, column: &str) -> Result<Option<T>, String> {
        self.get(column)
            .map(|text| {
                text.parse()
                    .map_err(|_| format!("{column} is no number: {}", first_line(text)))
            })
            .transpose()
    }

    /// A number that is there.
    ///
    /// # Errors
    /// If it isn't, or is something else.
    pub(super) fn number<T: std::str::FromStr>(self, column: &str) -> Result<T, String> {
        self.optional(column)?
            .ok_or_else(|| format!("{column} is missing"))
    }
}

/// The first line of an answer, harmless and not too long.
pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().find(|l| !l.is_empty()).unwrap_or_default();
    crate::text::safe(&line.chars().take(200).collect::<String>())
}

/// What was cut off would look like servers that don't exist.
fn whole(text: &str) -> Result<&str, String> {
    text.strip_suffix("\n\n")
        .ok_or_else(|| format!("its end is missing: {}", first_line(text)))
}

/// Records of comma-separated values. A field in quotes may hold commas, lines and doubled quotes.
fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let Some(field) = records.last_mut().and_then(|r| r.last_mut()) else {
            continue;
        };
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => {
                if let Some(record) = records.last_mut() {
                    record.push(String::new());
                }
            }
            '\n' if !quoted => records.push(vec![String::new()]),
            c => field.push(c),
        }
    }
    if quoted {
        return Err("a quoted field does not end".to_owned());
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_the_names_of_its_columns() {
        let text = "# pxname,svname,scur,last_chk,\napp,w1,3,\"a, \"\"b\"\"\nc\",\napp,w2,,,\n\n";
        let table = Table::comma_separated(text).unwrap();
        let lines: Vec<Line> = table.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].text("svname").unwrap(), "w1");
        assert_eq!(lines[0].number::<u64>("scur").unwrap(), 3);
        assert_eq!(lines[0].get("last_chk").unwrap(), "a, \"b\"\nc");
        assert_eq!(lines[1].optional::<u64>("scur").unwrap(), None);
        assert_eq!(
            lines[1].number::<u64>("scur").unwrap_err(),
            "scur is missing"
        );
        assert_eq!(lines[1].get("nothing"), None);

        let text = "1\n# be_name srv_name srv_addr\napp w1 ::1\n\n";
        let table = Table::blank_separated(text).unwrap();
        let line = table.lines().next().unwrap();
        assert_eq!(line.text("be_name").unwrap(), "app");
        assert_eq!(line.text("srv_addr").unwrap(), "::1");
    }

    #[test]
    fn what_is_no_whole_table_is_refused() {
        for text in [
            "",
            "\n",
            "\n\n",
            "# pxname,svname\napp,w1\n",
            "pxname\n\n",
            "# a,b\n\"c,d\n\n",
        ] {
            assert!(Table::comma_separated(text).is_err(), "{text:?}");
        }
        for text in [
            "",
            "2\n# be_name\n\n",
            "1\nbe_name\n\n",
            "Can't find backend.\n\n",
        ] {
            assert!(Table::blank_separated(text).is_err(), "{text:?}");
        }
        let words = Table::comma_separated("# a\nx\u{1b}[1m\n\n").unwrap();
        let line = words.lines().next().unwrap();
        assert_eq!(
            line.number::<u8>("a").unwrap_err(),
            "a is no number: x\u{241b}[1m"
        );
    }
}
