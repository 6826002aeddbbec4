//! How logs that no eyes read directly show fields: `name=value`, nothing else.
//!
//! Every span is written once, whether or not anything is ever logged in it; the colourful formatter took a tenth of a
//! placement's time for that.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// What a span says to an exporter alone.
const FOR_EXPORTERS: [&str; 3] = ["otel.", "rpc.", "db."];

/// Fields without colours, and without those that are meant for an exporter.
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = Line { writer, is_empty: true, written: Ok(()) };
        fields.record(&mut line);
        line.written
    }
}

struct Line<'writer> {
    writer: Writer<'writer>,
    is_empty: bool,
    written: fmt::Result,
}

impl Line<'_> {
    fn name(&mut self, name: &str) -> fmt::Result {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.writer.write_char(' ')?;
        }
        if name != "message" {
            self.writer.write_str(name.strip_prefix("r#").unwrap_or(name))?;
            self.writer.write_char('=')?;
        }
        Ok(())
    }

    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let for_exporters = FOR_EXPORTERS.iter().any(|prefix| field.name().starts_with(prefix));
        if self.written.is_ok() && !for_exporters {
            self.written = self.name(field.name()).and_then(|()| self.writer.write_fmt(value));
        }
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.write(field, format_args!("{value}")),
            _ => self.write(field, format_args!("{value:?}")),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write(field, format_args!("{value}"));
        let mut source = value.source();
        while let Some(cause) = source {
            self.written = self.written.and_then(|()| write!(self.writer, ": {cause}"));
            source = cause.source();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Lost(io::Error);

    impl fmt::Display for Lost {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a line was lost")
        }
    }

    impl Error for Lost {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_line_says_what_it_always_said_but_not_what_exporters_are_told() {
        let paper = Paper::default();
        let written = paper.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .fmt_fields(PlainFields)
            .with_writer(move || written.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("rpc", otel.name = "shown elsewhere", rpc.system = "grpc", trace_id = %"7f");
            let cause = Lost(io::Error::other("the disk is full"));
            span.in_scope(|| {
                tracing::info!(count = 3, name = "a \"b\"", r#type = "x", "said");
                tracing::info!(error = &cause as &dyn Error, "failed");
            });
        });
        let lines = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let expected = " INFO rpc{trace_id=7f}: said count=3 name=\"a \\\"b\\\"\" type=\"x\"\n \
                        INFO rpc{trace_id=7f}: failed error=a line was lost: the disk is full\n";
        assert_eq!(lines, expected);
    }
}
