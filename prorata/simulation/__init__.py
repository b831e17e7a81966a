"""`prorata simulate`: runs scenario files, each one account's story, through the domain on a virtual clock
(docs/scenarios.md)."""
