"""The hash tree of RFC 6962, section 2.1, built leaf by leaf in memory of their number's logarithm.

tree = Tree()
tree.add(leaf_hash(b"first"))
tree.root()
"""

from __future__ import annotations

from hashlib import sha256

LEAF, NODE = b"\0", b"\1"
"""What is hashed begins with one of these, so that no leaf can pass for a node."""


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf with this content."""
    return sha256(LEAF + content).digest()


class Tree:
    """A hash tree over the leaves in the order in which they are added."""

    def __init__(self) -> None:
        self.leaves = 0
        self._full: list[bytes] = []
        """Roots of the full subtrees that the leaves make up, the largest first: one for each bit of their
        number."""

    def add(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        self._full.append(leaf)
        self.leaves += 1
        joined = self.leaves
        while joined % 2 == 0:
            right, left = self._full.pop(), self._full.pop()
            self._full.append(_node(left, right))
            joined //= 2

    def root(self) -> bytes:
        """The root over the leaves added so far; the hash of the empty text if there are none."""
        if not self._full:
            return sha256(b"").digest()
        *others, root = self._full
        for left in reversed(others):
            root = _node(left, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()
