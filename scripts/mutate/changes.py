r"""The mutants of a module: its syntax tree with one node replaced.

    >>> for change in changes(ast.parse("def f(a, b):\n    return a < b")):
    ...     print(change.kind, "|", change.before, "|", change.after)
    return | return a < b | return None
    comparison | a < b | a <= b
    comparison | a < b | a >= b

Nodes that state no rule are left alone: docstrings, annotations, the members of a `Literal`, type
variables, imports, decorators, class headers, assertions, and texts for people (f-strings, strings with a
blank).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple


class Change(NamedTuple):
    """A replacement of the node `old` by `new`."""

    old: ast.AST
    new: ast.AST
    kind: str
    lines: range
    """A test that notices the change executes one of these lines."""
    function: str
    """Qualified name of the function whose body has the node; empty if it is executed on import: at the top
    of a module or class, or in a default."""

    @property
    def before(self) -> str:
        """The source of `old`."""
        return ast.unparse(self.old).split("\n", 1)[0]

    @property
    def after(self) -> str:
        """The source of `new`."""
        return ast.unparse(self.new).split("\n", 1)[0]


def changes(module: ast.Module) -> list[Change]:
    """Every change of the module, top-down; each is meant to be made alone."""
    found = []
    for path in _paths(module, ()):
        for new, kind in _instead_of(path[-1], path[-2] if len(path) > 1 else module):
            if ast.dump(new) != ast.dump(path[-1]):  # not the same, as after swapping None and None
                found.append(Change(path[-1], new, kind, _lines(path), _function(path)))
    return found


def compiled(module: ast.Module, change: Change, filename: str) -> CodeType:
    """The code of the module with the change made. Raises SyntaxError if it does not compile."""
    changed = ast.fix_missing_locations(_rebuilt(module, change))
    code: CodeType = compile(changed, filename, "exec", dont_inherit=True)
    return code


def _rebuilt(node: Any, change: Change) -> Any:
    if node is change.old:
        return ast.copy_location(change.new, node)
    if isinstance(node, list):
        return [_rebuilt(entry, change) for entry in node]
    if not isinstance(node, ast.AST):
        return node
    return _with(node, **{field: _rebuilt(value, change) for field, value in ast.iter_fields(node)})


def _with(node: ast.AST, **fields: Any) -> Any:
    copy = type(node)(**{**dict(ast.iter_fields(node)), **fields})
    return ast.copy_location(copy, node)


# ---- where ---------------------------------------------------------------

_Path = tuple[ast.AST, ...]


def _paths(node: ast.AST, path: _Path) -> Iterator[_Path]:
    """The path to every node that may be changed, from the module to the node."""
    path = (*path, node)
    yield path
    skipped = {"annotation", "returns", "decorator_list", "bases"}
    if isinstance(node, ast.ClassDef):
        skipped.add("keywords")
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in skipped and not _left_alone(child):
                yield from _paths(child, path)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        call = node.value
        name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
        return isinstance(call, ast.Constant) or name == "assert_never"
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "TypeVar"
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id == "Literal"
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.JoinedStr | ast.expr_context)


def _function(path: _Path) -> str:
    for i, node in enumerate(path[:-1]):
        if isinstance(node, ast.FunctionDef):
            outer = [n.name for n in path[: i + 1] if isinstance(n, ast.FunctionDef | ast.ClassDef)]
            return ".".join(outer) if isinstance(path[i + 1], ast.stmt) else ""
    return ""


def _lines(path: _Path) -> range:
    """The lines of the statement with the node; of a compound statement only those of its head."""
    placed: list[Any] = [node for node in path if hasattr(node, "lineno")]
    if not placed:
        return range(0)
    statement: Any = next((n for n in reversed(placed) if isinstance(n, ast.stmt)), placed[0])
    inner = placed[-1]
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if not isinstance(body, list):
        return range(statement.lineno, statement.end_lineno + 1)
    if inner is statement:
        return range(statement.lineno, max(statement.lineno + 1, getattr(body[0], "lineno", 0)))
    return range(inner.lineno, inner.end_lineno + 1)


# ---- what ----------------------------------------------------------------

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""Each comparison → the one with its boundary moved, and its opposite."""
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "iter"}

_New = Iterator[tuple[ast.AST, str]]


def _instead_of(node: ast.AST, parent: ast.AST) -> _New:  # noqa: C901 - one case a kind of node
    match node:
        case ast.Compare():
            for i, operator in enumerate(node.ops):
                for other in _COMPARISONS[type(operator)]:
                    yield _with(node, ops=_replaced(node.ops, i, other())), "comparison"
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _ARITHMETIC:
            yield _with(node, op=_ARITHMETIC[type(node.op)]()), "arithmetic"
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And()), "and, or"
            for i in range(len(node.values)):
                yield _joined(node, _without(node.values, i)), "and, or"
        case ast.Call():
            yield from _of_call(node)
        case ast.If() | ast.IfExp():
            yield _with(node, test=ast.Constant(value=True)), "condition"
            yield _with(node, test=ast.Constant(value=False)), "condition"
        case ast.While():
            yield _with(node, test=ast.Constant(value=False)), "condition"
        case ast.comprehension():
            for i in range(len(node.ifs)):
                yield _with(node, ifs=_without(node.ifs, i)), "condition"
        case ast.match_case(guard=ast.expr()):
            yield _with(node, guard=None), "condition"
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield _with(node, value=ast.Constant(value=None)), "return"
        case ast.Dict():
            for i in range(len(node.keys)):
                yield (
                    _with(node, keys=_without(node.keys, i), values=_without(node.values, i)),
                    "entry left out",
                )
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand, "not, minus"
        case ast.Constant():
            yield from _of_constant(node)
        case ast.Continue():
            yield ast.Break(), "statement"
        case ast.Break():
            yield ast.Continue(), "statement"
        case ast.Assign() | ast.AugAssign() | ast.Expr() | ast.Delete() | ast.Raise():
            if not isinstance(parent, ast.Module | ast.ClassDef):
                yield ast.Pass(), "statement"
        case _:
            pass


def _of_call(node: ast.Call) -> _New:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _CALLS:
        yield _with(node, func=ast.Name(id=_CALLS[name], ctx=ast.Load())), "call"
    for i in range(0 if name in ("min", "max") else len(node.args) - 1):
        swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
        yield _with(node, args=swapped), "arguments swapped"
    for i in range(len(node.keywords)):
        yield _with(node, keywords=_without(node.keywords, i)), "argument left out"


def _of_constant(node: ast.Constant) -> _New:
    """Replacements of a constant: a number by one more and one less, a flag by its opposite, a word by
    another."""
    if isinstance(node.value, bool):
        yield ast.Constant(value=not node.value), "constant"
    elif isinstance(node.value, int):
        yield ast.Constant(value=node.value + 1), "constant"
        yield ast.Constant(value=node.value - 1), "constant"
    elif isinstance(node.value, str) and node.value and " " not in node.value:
        yield ast.Constant(value="XX" + node.value), "constant"


def _joined(node: ast.BoolOp, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else _with(node, values=values)


def _replaced(entries: list[Any], index: int, entry: Any) -> list[Any]:
    return [*entries[:index], entry, *entries[index + 1 :]]


def _without(entries: list[Any], index: int) -> list[Any]:
    return [*entries[:index], *entries[index + 1 :]]
