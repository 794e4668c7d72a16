"""Queries in T-SQL's spelling: rewrites of one level that holds a query (tokens.py)."""

from .expressions import CLAUSES, COMPARISONS, OPERATORS, NotApplicable
from .tokens import find, is_literal, is_word, split

SET_OPERATIONS = ("union", "except", "intersect")
ENDS_OF_ITEMS = {"from", "where", "group", "having", "order", "limit", "offset", "into", "window", "qualify", *SET_OPERATIONS}
ENDS_OF_GROUPING = {"having", "order", "limit", "offset", "window", "qualify", *SET_OPERATIONS}
ENDS_OF_ORDER = {"limit", "offset", "rows", "range", "groups", "fetch", "for"}


def prefix(nodes):
    """How many nodes WITH and its tables take."""
    if nodes[:1] != ["with"]:
        return 0
    i = 1
    while i < len(nodes) and not (isinstance(nodes[i], str) and nodes[i] in ("select", "insert", "update", "delete", "values", "merge")):
        i += 1
    return i


def values(nodes, _):
    """VALUES as a query, and in FROM without parentheses, to SELECT … FROM (VALUES …)."""
    start = prefix(nodes)
    if nodes[start : start + 1] == ["values"]:
        rows, i = [], start + 1
        while i < len(nodes) and (isinstance(nodes[i], list) or nodes[i] == ","):
            rows.append(nodes[i])
            i += 1
        columns = len(split(rows[0], ",")) if rows else 0
        made = ["select", "*", "from", ["values"] + rows, "as", '"_v"', names("column", columns)]
        # As a table of FROM with a name behind it stays what it is; see derived().
        return nodes[:start] + made + nodes[i:]
    at = find(nodes, "from", "values")
    if at >= 0:
        i = at + 2
        while i < len(nodes) and isinstance(nodes[i], list) or i + 1 < len(nodes) and nodes[i] == "," and isinstance(nodes[i + 1], list):
            i += 1
        rows = nodes[at + 2 : i]
        columns = len(split(rows[0], ","))
        rest = nodes[i:]
        name = rest[1:] if rest[:1] == ["as"] else rest
        named = bool(name) and is_word(name[0]) and name[0] not in CLAUSES
        alias = [] if named else ["as", '"_v"']
        taken = (2 if rest[:1] == ["as"] else 1) if named else 0
        listed = named and taken < len(rest) and isinstance(rest[taken], list)
        tail = rest[:taken] + alias + ([] if listed else [names("column", columns)]) + rest[taken:]
        return nodes[: at + 1] + [["values"] + rows] + tail
    return nodes


def names(stem, count):
    out = []
    for k in range(count):
        out += [",", f"{stem}{k + 1}"]
    return out[1:]


def with_recursive(nodes, _):
    return ["with"] + nodes[2:] if nodes[:2] == ["with", "recursive"] else nodes


def lateral(nodes, _):
    """CROSS JOIN LATERAL and `, LATERAL` to CROSS APPLY, LEFT JOIN LATERAL … ON TRUE to OUTER APPLY."""
    while (at := find(nodes, "lateral")) > 0:
        before = nodes[:at]
        rest = nodes[at + 1 :]
        if before[-1] == ",":
            nodes = before[:-1] + ["cross", "apply"] + rest
        elif before[-2:] == ["cross", "join"]:
            nodes = before[:-1] + ["apply"] + rest
        elif before[-2:] in (["left", "join"], ["inner", "join"]) or before[-3:] == ["left", "outer", "join"]:
            on = find(rest, "on")
            if on < 0 or rest[on + 1 : on + 4] != ["1", "=", "1"]:
                raise NotApplicable("LATERAL with a condition")
            kind = "outer" if "left" in before[-3:] else "cross"
            while before[-1] in ("join", "left", "inner", "outer"):
                before = before[:-1]
            nodes = before + [kind, "apply"] + rest[:on] + rest[on + 4 :]
        else:
            raise NotApplicable("LATERAL")
    return nodes


def derived(nodes, _):
    """Tables of FROM get a name where they have none, and their columns, too."""
    out = []
    inside = False
    for i, n in enumerate(nodes):
        if isinstance(n, str):
            if n == "from":
                inside = True
            elif n in ("where", "group", "order", "having", "select", "on", "union", "except", "intersect", "set"):
                inside = n == "on" and inside
        if isinstance(n, list) and n[:1] in (["select"], ["with"]) and inside and out[-1] in ("from", "join", ",", "apply"):
            after = nodes[i + 1] if i + 1 < len(nodes) else None
            if n[:1] == ["with"]:
                raise NotApplicable("WITH in a subquery")
            listed = after == "as" and i + 3 < len(nodes) and isinstance(nodes[i + 3], list) or (
                isinstance(after, str) and i + 2 < len(nodes) and isinstance(nodes[i + 2], list)
            )
            if find(n, '"_v"') >= 0 and n[:3] == ["select", "*", "from"] and len(n) == 7 and listed:
                n = n[3]
            elif not listed:
                n = named(n)
            out.append(n)
            if not (after == "as" or is_word(after) and after not in CLAUSES if after is not None else False):
                out += ["as", f'"_d{i}"']
            continue
        if isinstance(n, list) and n[:1] == ["select"] and len(out) > 1 and out[-1] == "as" and nodes[0] == "with" and is_word(out[-2]):
            n = named(n)
        out.append(n)
    return out


def until(nodes, start, stops):
    """Where the first of some words stands from there on, or the end."""
    return next((i for i in range(start, len(nodes)) if isinstance(nodes[i], str) and nodes[i] in stops), len(nodes))


def select_list(nodes, start=0):
    """Begin and end of the select list of the query that begins there."""
    begin = start + 1
    while begin < len(nodes) and nodes[begin] in ("distinct", "all"):
        begin += 1
    if nodes[begin : begin + 1] == ["top"]:
        begin += 2
    end = until(nodes, begin, ENDS_OF_ITEMS)
    return begin, end


def item(nodes):
    """The expression and the alias (or None) of an item."""
    if len(nodes) >= 3 and nodes[-2] == "as":
        return nodes[:-2], nodes[-1]
    last = nodes[-1] if nodes else None
    if len(nodes) >= 2 and is_word(last) and last not in ("end", "null", "distinct") and last not in CLAUSES:
        before = nodes[-2]
        if isinstance(before, list) or before == "end" or before not in OPERATORS and before not in CLAUSES and before != "distinct":
            return nodes[:-1], last
    return nodes, None


def named(query):
    """The query whose columns all have names."""
    begin, end = select_list(query)
    out = []
    for k, one in enumerate(split(query[begin:end], ",")):
        expression, alias = item(one)
        plain = one and (one[-1] == "*" or is_word(one[-1]) and (len(one) == 1 or one[-2] == "."))
        out += [","] + (one if alias or plain else one + ["as", f'"_c{k + 1}"'])
    return query[:begin] + out[1:] + query[end:]


def predicate(nodes):
    """Whether an expression is a condition, which T-SQL has no values of."""
    if len(nodes) == 1 and isinstance(nodes[0], list):
        return bool(nodes[0]) and nodes[0][0] != "select" and predicate(nodes[0])
    depth = 0
    for n in nodes:
        if n == "case":
            depth += 1
        elif n == "end":
            depth -= 1
        elif depth == 0 and isinstance(n, str) and n in COMPARISONS:
            return True
    return False


def conditions(nodes, _):
    """A condition in a select list to CASE WHEN it THEN 1 WHEN NOT it THEN 0 END."""
    at = find(nodes, "select")
    while at >= 0:
        begin, end = select_list(nodes, at)
        out = []
        for one in split(nodes[begin:end], ","):
            expression, alias = item(one)
            if expression and predicate(expression):
                value = ["cast", ["case", "when"] + expression + ["then", "1", "when", "not", expression, "then", "0", "end", "as", "bit"]]
                one = value + (["as", alias] if alias else [])
            out += [","] + one
        nodes = nodes[:begin] + out[1:] + nodes[end:]
        at = find(nodes, "select", start=begin)
    return nodes


def grouping(nodes, _):
    """Numbers and aliases in GROUP BY to the items they stand for."""
    at = find(nodes, "select")
    while at >= 0:
        begin, end = select_list(nodes, at)
        items = [item(one) for one in split(nodes[begin:end], ",")]
        following = find(nodes, "select", start=begin)
        by = find(nodes, "group", "by", start=end)
        if by >= 0 and (following < 0 or by < following):
            stop = until(nodes, by + 2, ENDS_OF_GROUPING)
            if nodes[by + 2 : stop] == ["all"]:
                raise NotApplicable("GROUP BY ALL")
            out = []
            for one in split(nodes[by + 2 : stop], ","):
                if len(one) == 1 and isinstance(one[0], str):
                    if one[0].isdigit() and 0 < int(one[0]) <= len(items):
                        one = items[int(one[0]) - 1][0]
                    else:
                        found = [e for e, a in items if a == one[0] and len(e) > 1]
                        one = found[0] if found else one
                out += [","] + one
            nodes = nodes[: by + 2] + out[1:] + nodes[stop:]
        at = find(nodes, "select", start=begin)
    return nodes


def nulls(nodes, dialect):
    """The place of NULLs in the order of a query or of OVER, by a key of its own before the key (here NULL is the smallest value)."""
    out = []
    for n in nodes:
        inside = out[-1:] == ["over"] or out[-2:] == ["within", "group"] and out[-4:-3] == ["string_agg"]
        out.append(placed(n, dialect) if isinstance(n, list) and inside else n)
    return placed(out, dialect) if "select" in out else out


def placed(nodes, dialect):
    at = find(nodes, "order", "by")
    if at < 0:
        return nodes
    stop = until(nodes, at + 2, ENDS_OF_ORDER)
    select = find(nodes, "select")
    items = []
    if select >= 0:
        begin, end = select_list(nodes, select)
        items = [item(one) for one in split(nodes[begin:end], ",")]
    bare = any(find(nodes, w) >= 0 for w in SET_OPERATIONS) or select >= 0 and nodes[select + 1 : select + 2] == ["distinct"]
    out = []
    for one in split(nodes[at + 2 : stop], ","):
        last = None
        if one[-2:] in (["nulls", "first"], ["nulls", "last"]):
            last, one = one[-1] == "last", one[:-2]
        down = one[-1:] == ["desc"]
        key = one[:-1] if one[-1:] in (["desc"], ["asc"]) else one
        if last is None:
            last = not down if dialect.nulls_last else down
        if last != down and not bare:
            expression = key
            if len(key) == 1 and isinstance(key[0], str):
                if key[0].isdigit() and 0 < int(key[0]) <= len(items):
                    expression = items[int(key[0]) - 1][0]
                else:
                    found = [e for e, a in items if a == key[0]]
                    expression = found[0] if found else key
            if not all(is_literal(n) for n in expression) and expression != ["*"]:
                out += [",", "case", "when"] + [expression, "is", "null", "then", "1" if last else "0", "else", "0" if last else "1", "end"]
        out += [","] + one
    return nodes[: at + 2] + out[1:] + nodes[stop:]


def limits(nodes, _):
    """LIMIT and OFFSET to OFFSET … FETCH where there is an order, else to TOP."""
    at = [find(nodes, w) for w in ("limit", "offset")]
    at = [a for a in at if a > 0]
    select = find(nodes, "select")
    if not at or select < 0 or min(at) < select:
        return nodes
    tail, head = nodes[min(at) :], nodes[: min(at)]
    count = offset = None
    i = 0
    while i < len(tail):
        word, value = tail[i], tail[i + 1] if i + 1 < len(tail) else None
        if value is None or word not in ("limit", "offset"):
            return nodes
        i += 2
        # A count may be an expression; up to the next word.
        more = []
        while i < len(tail) and tail[i] not in ("limit", "offset"):
            more.append(tail[i])
            i += 1
        if more[:1] in (["rows"], ["row"]):
            return nodes
        full = [value] + more
        if word == "limit":
            count = full
        else:
            offset = full
    if count in (["all"], ["null"]):
        count = None
    order = find(head, "order", "by", start=select)
    if offset is None and (order < 0 or count == ["0"]) or count == ["0"]:
        if count is None:
            return head
        start = prefix(head)
        if any(find(head, w) >= 0 for w in SET_OPERATIONS):
            if order >= 0:
                head = head[:order]
            return head[:start] + ["select", "top", [count], "*", "from", named(head[start:]), "as", '"_l"']
        begin = select + 1
        if head[begin : begin + 1] in (["distinct"], ["all"]):
            begin += 1
        return head[:begin] + ["top", [count]] + head[begin:]
    if order < 0:
        if any(find(head, w) >= 0 for w in SET_OPERATIONS) or "distinct" in head:
            start = prefix(head)
            head = head[:start] + ["select", "*", "from", named(head[start:]), "as", '"_l"']
        head = head + ["order", "by", ["select", "null"]]
    out = head + ["offset"] + [offset or ["0"]] + ["rows"]
    return out + (["fetch", "next", count, "rows", "only"] if count else [])


def unordered(nodes, _):
    """An ORDER BY of a derived table without a limit has no meaning, and none is allowed."""
    out = []
    for i, n in enumerate(nodes):
        if isinstance(n, list) and n[:1] == ["select"] and i and nodes[i - 1] in ("from", "join", ",", "as", "apply"):
            order = find(n, "order", "by")
            if order >= 0 and "offset" not in n[order:] and "limit" not in n[order:] and n[1:2] != ["top"]:
                n = n[:order]
        out.append(n)
    return out
