"""The catalogue of the scenarios, and one that is small enough to be changed by a test."""

from pathlib import Path
from typing import Any

from domain.catalog import parse_catalog

CATALOG_FILE = Path(__file__).parents[2] / "scenarios" / "catalog.json"
SHIPPED = parse_catalog(CATALOG_FILE.read_bytes())
"""The file's catalogue."""

SMALL: dict[str, Any] = {
    "families": [{"id": "marketing", "name": "Marketing", "pausable": True}],
    "plans": [
        {
            "id": "basic",
            "family": "marketing",
            "name": "Basic",
            "tiers": [
                {"id": "s", "prices": {"EUR": "5.00"}},
                {"id": "l", "prices": {"EUR": "9.00", "JPY": "900"}},
            ],
        }
    ],
    "add_ons": [
        {"id": "maps", "name": "Maps", "prices": {"EUR": "1.00"}, "requires": ["basic"]},
        {
            "id": "mail",
            "name": "Mail",
            "process": "transactional",
            "block": {
                "e_mails": 25000,
                "prices": [
                    {"up_to": 2, "prices": {"EUR": "3.00", "JPY": "300"}},
                    {"up_to": None, "prices": {"EUR": "2.00"}},
                ],
            },
        },
    ],
    "credits": [{"id": "pack", "name": "Pack", "credits": 100, "prices": {"EUR": "4.00"}}],
}
