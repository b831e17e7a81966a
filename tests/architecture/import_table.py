"""An import-linter contract that reads like the table in the design: each package, and what it may import.

    rows = ["domain: msgspec", "eventlog: domain, third-party", "consumers: publishing, eventlog.chain"]

The standard library is open to all; `third-party` stands for every installed package, any other name for a
package or module and all below it. A row lists what is allowed and no package is without one, so what a
package reaches indirectly is bounded too: `domain` reaches the standard library and msgspec, no more.
"""

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

THIRD_PARTY = "third-party"


class ImportTable(Contract):
    """Broken by each direct import that does not stand in the importing package's row."""

    rows = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """The imports that no row allows, as `importer (line): imported`."""
        table = dict(map(_parse, self._row_texts()))
        ours = {module.partition(".")[0] for module in graph.modules if not graph.is_module_squashed(module)}
        refused = [f"{package} has no row" for package in sorted(ours - table.keys())]
        for importer in sorted(graph.modules):
            package = importer.partition(".")[0]
            for imported in (
                sorted(graph.find_modules_directly_imported_by(importer)) if package in table else ()
            ):
                if not _may_import(package, imported, table[package], ours):
                    places = graph.get_import_details(importer=importer, imported=imported)
                    lines = ", ".join(str(place["line_number"]) for place in places)
                    refused.append(f"{importer} (line {lines}): {imported}")
        return ContractCheck(kept=not refused, metadata={"refused": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each refused import."""
        for line in check.metadata["refused"]:
            output.print_error(line)

    def _row_texts(self) -> list[str]:
        rows: object = self.rows  # the field's descriptor; the instance holds the parsed list
        assert isinstance(rows, list)
        return rows


def _parse(row: str) -> tuple[str, frozenset[str]]:
    package, _, allowed = row.partition(":")
    return package.strip(), frozenset(name.strip() for name in allowed.split(","))


def _may_import(package: str, imported: str, allowed: frozenset[str], ours: set[str]) -> bool:
    top = imported.partition(".")[0]
    if top == package or top in sys.stdlib_module_names:
        return True
    if any(imported == name or imported.startswith(f"{name}.") for name in allowed):
        return True
    return top not in ours and THIRD_PARTY in allowed
