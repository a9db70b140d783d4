//! Reading a script's output line by line.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A longer line is cut into several.
const LONGEST: usize = 8 * 1024;

/// Cuts a stream into lines. Nothing is lost when a read is given up halfway.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// So many bytes at the buffer's beginning hold no end of a line.
    searched: usize,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads from a stream.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::with_capacity(LONGEST),
            searched: 0,
            ended: false,
        }
    }

    /// The next line without its end, or nothing at the stream's end. A last line may lack its end.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.ended {
                let rest = std::mem::take(&mut self.buffer);
                self.searched = 0;
                return Ok((!rest.is_empty()).then_some(rest));
            }
            self.ended = self.reader.read_buf(&mut self.buffer).await? == 0;
        }
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let unseen = &self.buffer[self.searched..];
        if let Some(at) = unseen.iter().position(|byte| *byte == b'\n') {
            let rest = self.buffer.split_off(self.searched + at + 1);
            let mut line = std::mem::replace(&mut self.buffer, rest);
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            self.searched = 0;
            return Some(line);
        }
        self.searched = self.buffer.len();
        if self.buffer.len() < LONGEST {
            return None;
        }
        // The next piece begins with a whole character, so that none is shown as two broken ones.
        let is_continuation = |at: usize| self.buffer[at] & 0b1100_0000 == 0b1000_0000;
        let end = (LONGEST - 3..LONGEST)
            .rev()
            .find(|at| !is_continuation(*at));
        let rest = self.buffer.split_off(end.unwrap_or(LONGEST));
        self.searched = 0;
        Some(std::mem::replace(&mut self.buffer, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn output_is_cut_into_lines() {
        assert_eq!(
            lines(b"a\n\nb\r\nrest").await,
            [&b"a"[..], b"", b"b", b"rest"]
        );
        assert!(lines(b"").await.is_empty());
        let long = lines("é".repeat(10_000).as_bytes()).await;
        assert!(long.len() > 2 && long.iter().all(|line| line.len() <= LONGEST));
        assert!(long.iter().all(|line| std::str::from_utf8(line).is_ok()));
        assert_eq!(long.concat(), "é".repeat(10_000).as_bytes());
    }
}
