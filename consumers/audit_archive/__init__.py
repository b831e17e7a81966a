"""The audit archive: every event as published, byte by byte, in one Parquet file a day.

    Archiver(folder, bootstrap).run(stop)        # prorata archive run FOLDER
    verify(folder)                               # prorata archive verify FOLDER

It needs neither the log nor a database to be verified. A file's hash stands in the manifest, each line of
which holds the hash of the line before it; an event's hash covers its fields and, through the account's
chain, all that was before it. That the newest files are there at all only a seal can show.
"""
