"""The headers of every page: nothing inline runs, nothing is loaded from elsewhere, nobody frames a page
unasked.

Stripe's pay page alone names another host (`Shown.frames` names the frame that a page may show).
"""

from __future__ import annotations

from typing import Final

from prorata.settings import Settings

PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""A page is of one person: nothing between here and their browser keeps it. Other sites learn nothing of
where they come from; this one does, by which a form is known to be its own."""


def policy(settings: Settings, *, scripts: bool = False, frames: str | None = None) -> str:
    """The Content-Security-Policy of a page. `scripts`: it may run those that are served here."""
    ancestors = " ".join(origins(settings.frame_ancestors)) or "'none'"
    rules = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "script-src": "'self'" if scripts else "'none'",
        "connect-src": "'self'" if scripts else "'none'",
        "frame-src": frames or "'none'",
        "form-action": "'self'",
        "frame-ancestors": ancestors,
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def origins(setting: str) -> list[str]:
    """The origins that a setting names, separated by commas."""
    return [one.strip() for one in setting.split(",") if one.strip()]
