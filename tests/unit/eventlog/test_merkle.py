"""The hash tree: the one of RFC 6962."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from eventlog.audit.merkle import Tree, leaf_hash


def defined(leaves: list[bytes]) -> bytes:
    """As section 2.1 defines it, by recursion over the list."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + defined(leaves[:half]) + defined(leaves[half:])).digest()


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_root_is_the_one_that_the_rfc_defines(leaves: list[bytes]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf_hash(leaf))
    assert tree.root() == defined(leaves)
    assert tree.leaves == len(leaves)


def test_a_root_may_be_asked_for_before_the_last_leaf() -> None:
    tree, leaves = Tree(), [bytes([nth]) for nth in range(20)]
    roots = []
    for leaf in leaves:
        tree.add(leaf_hash(leaf))
        roots.append(tree.root())
    assert roots == [defined(leaves[:count]) for count in range(1, 21)]


def test_a_node_is_no_leaf() -> None:
    inner = Tree()
    inner.add(leaf_hash(b"a"))
    inner.add(leaf_hash(b"b"))
    outer = Tree()
    outer.add(leaf_hash(leaf_hash(b"a") + leaf_hash(b"b")))
    assert outer.root() != inner.root()
