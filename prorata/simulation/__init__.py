"""`prorata simulate`: scenario files, one account's story each, run through the domain on a virtual clock
(docs/scenarios.md)."""
