"""Cases over HTTP: taken in, read, changed, followed, drawn up in batches; docs/cases.md."""
