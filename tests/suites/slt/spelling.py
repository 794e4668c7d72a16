"""T-SQL for statements of other engines, as far as only the spelling differs: each rewrite is one function, listed in REWRITES.

What is not carried over stays as it is, and the server refuses it; what can be told beforehand raises NotApplicable with its class.
A rewrite must not change what is asked for.
"""

from .expressions import NotApplicable, arrow, casts, filters, functions, literals, operators, type_of
from .queries import conditions, derived, grouping, lateral, limits, named, nulls, prefix, unordered, values, with_recursive
from .tokens import find, is_word, show, split

# Commands of the engines themselves, and forms that T-SQL has no counterpart of: first words.
COMMANDS = {
    "explain", "copy", "set", "reset", "show", "describe", "desc", "prepare", "execute", "deallocate", "analyze", "pragma", "vacuum",
    "load", "install", "attach", "detach", "checkpoint", "call", "refresh", "comment", "unload", "\\", "from", "optimize",
}
CREATES = {"external", "function", "type", "unbounded", "macro", "sequence", "database", "stage", "role", "user"}

REWRITES = [
    with_recursive, arrow, casts, literals, filters, functions, operators, values, lateral, conditions, grouping, unordered, nulls, limits,
    derived,
]


class Dialect:
    def __init__(self, nulls_last):
        # Whether ascending order puts NULLs last, as PostgreSQL does.
        self.nulls_last = nulls_last


def batches(nodes, dialect, counted=False):
    """The batches that stand for a statement; `counted` asks for the number of changed rows as its answer, as there."""
    pieces = [p for p in split(nodes, ";") if p]
    if len(pieces) != 1:
        return [b for p in pieces for b in batches(p, dialect, counted)]
    nodes = pieces[0]
    if isinstance(nodes[0], str) and nodes[0] in COMMANDS:
        raise NotApplicable("command of the engine")
    if nodes[0] == "create":
        at = find(nodes, "as")
        if at < 0:
            return create(rewritten(nodes, dialect), None)
        query = nodes[at + 1 :]
        while len(query) == 1 and isinstance(query[0], list):
            query = query[0]
        return create(rewritten(nodes[:at], dialect), rewritten(query, dialect))
    text = show(transaction(rewritten(nodes, dialect)))
    return [text + "\nselect @@rowcount" if counted else text]


def rewritten(nodes, dialect):
    for rewrite in REWRITES:
        nodes = everywhere(rewrite, nodes, dialect)
    return nodes


def everywhere(rewrite, nodes, dialect):
    return rewrite([everywhere(rewrite, n, dialect) if isinstance(n, list) else n for n in nodes], dialect)


def transaction(nodes):
    if nodes[:1] == ["begin"] or nodes[:2] == ["start", "transaction"]:
        return ["begin", "transaction"]
    if nodes[:1] in (["rollback"], ["commit"]) or nodes == ["end"]:
        return [{"end": "commit"}.get(nodes[0], nodes[0])]
    if nodes[:1] == ["abort"]:
        return ["rollback"]
    if nodes[:1] == ["drop"] and nodes[-1] in ("cascade", "restrict"):
        return nodes[:-1]
    return nodes


def create(nodes, query):
    """CREATE TABLE with types of the other engines, AS a query, OR REPLACE and IF NOT EXISTS; CREATE VIEW."""
    words = [n for n in nodes[1:6] if isinstance(n, str)]
    if words and words[0] in CREATES or "external" in words[:4]:
        raise NotApplicable("CREATE " + next(w for w in words if w in CREATES | {"external"}).upper())
    replace = nodes[1:3] == ["or", "replace"]
    i = 3 if replace else 1
    if nodes[i] in ("temp", "temporary"):
        raise NotApplicable("temporary tables without #")
    if nodes[i] == "view":
        listed = isinstance(nodes[-1], list)
        return [show(["create"] + ["or", "alter"] * replace + nodes[i:] + ["as"] + (query if listed else named(query)))]
    if nodes[i] != "table":
        if nodes[i : i + 2] == ["index", "on"] or "exists" in nodes[i : i + 5]:
            raise NotApplicable("index without a name, or if not there")
        return [show(nodes + (["as"] + query if query else []))]
    i += 1
    maybe = nodes[i : i + 3] == ["if", "not", "exists"]
    i += 3 * maybe
    begin = i
    while i < len(nodes) and isinstance(nodes[i], str):
        i += 1
    name = nodes[begin:i]
    columns = nodes[i] if i < len(nodes) else None
    if len(nodes) > i + 1 or columns is None and query is None:
        raise NotApplicable("options of CREATE TABLE")
    first = [show(["drop", "table", "if", "exists"] + name)] if replace else []
    guard = f"if object_id('{show(name)}') is null " if maybe else ""
    if query is None:
        return first + [guard + show(["create", "table"] + name + [definitions(columns)])]
    start = prefix(query)
    if columns is not None and any(len(c) > 1 for c in split(columns, ",")):
        made = guard + show(["create", "table"] + name + [definitions(columns)])
        return first + [made, show(query[:start] + ["insert", "into"] + name + query[start:])]
    order = find(query, "order", "by")
    if order >= 0 and "offset" not in query:
        query = query[:order]
    body = query[start:] if columns is not None else named(query[start:])
    listed = [columns] if columns is not None else []
    return first + [guard + show(query[:start] + ["select", "*", "into"] + name + ["from", body, "as", '"_q"'] + listed)]


def definitions(columns):
    out = []
    for one in split(columns, ","):
        if not one:
            continue  # a comma at the end
        if len(one) > 1 and is_word(one[0]) and is_word(one[1]) and one[0] not in ("primary", "unique", "foreign", "check", "constraint"):
            kind, rest = type_of(one[1:])
            one = [one[0]] + kind + rest
        out += [","] + one
    return out[1:]
