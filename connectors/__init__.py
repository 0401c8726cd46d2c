"""Sources: one folder each, all keeping `contract`. Here pages are read and landed; nothing here knows a database."""
