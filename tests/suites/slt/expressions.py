"""Types, literals, operators and functions in T-SQL's spelling: rewrites of one level of an expression (tokens.py)."""

from .tokens import find, is_literal, is_word, parse, split

CLAUSES = {
    "select", "from", "where", "group", "having", "order", "limit", "offset", "union", "except", "intersect", "window", "qualify", "on",
    "join", "left", "right", "inner", "outer", "full", "cross", "natural", "using", "lateral", "tablesample", "fetch", "for", "with",
    "values", "set", "when", "then", "else", "end", "returning", "into", "sort", "cluster", "distribute",
}
COMPARISONS = {"=", "==", "<>", "!=", "<", ">", "<=", ">=", "is", "like", "ilike", "in", "between", "exists", "not", "and", "or"}
OPERATORS = COMPARISONS | {"+", "-", "*", "/", "%", "||", ".", "::", "&", "|", "^", "~", "<<", ">>", "->", "->>", "=>", "case", "as"}
ENDS_OF_CONDITION = {
    "and", "or", "group", "order", "limit", "then", "union", "having", "left", "join", "inner", "right", "full", "where", "cross", None,
}

TYPES = {
    "varchar": "varchar(8000)", "text": "varchar(8000)", "string": "varchar(8000)", "utf8": "varchar(8000)", "char": "char(1)",
    "character varying": "varchar(8000)", "bool": "bit", "boolean": "bit", "double": "float", "double precision": "float",
    "float": "real", "float4": "real", "float8": "float", "float32": "real", "float64": "float", "real": "real",
    "int1": "smallint", "int2": "smallint", "int4": "int", "int8": "bigint", "tinyint": "smallint", "integer": "int",
    "utinyint": "tinyint", "usmallint": "int", "uinteger": "bigint", "ubigint": "decimal(20, 0)", "hugeint": "decimal(38, 0)",
    "tinyint unsigned": "tinyint", "smallint unsigned": "int", "int unsigned": "bigint", "integer unsigned": "bigint",
    "bigint unsigned": "decimal(20, 0)", "timestamp": "datetime2(7)", "datetime": "datetime2(7)", "timestamptz": "datetimeoffset",
    "timestamp without time zone": "datetime2(7)", "bytea": "varbinary(8000)", "blob": "varbinary(8000)", "decimal": "decimal(38, 10)",
    "numeric": "decimal(38, 10)", "signed": "bigint", "long": "bigint", "uuid": "uniqueidentifier", "binary": "varbinary(8000)",
}

FUNCTIONS = {
    "length": "len", "char_length": "len", "character_length": "len", "substr": "substring", "ceil": "ceiling", "ln": "log",
    "now": "sysdatetime", "stddev": "stdev", "stddev_samp": "stdev", "stddev_pop": "stdevp", "var_samp": "var", "variance": "var",
    "var_pop": "varp", "date_trunc": "datetrunc", "atan2": "atn2", "pow": "power", "chr": "char", "repeat": "replicate",
    "ifnull": "coalesce", "nvl": "coalesce", "signum": "sign", "ucase": "upper", "lcase": "lower", "if": "iif",
    "octet_length": "datalength", "approx_distinct": "approx_count_distinct",
}


class NotApplicable(Exception):
    """Why a statement has no counterpart in T-SQL: the class that the summary counts."""


# -- types ------------------------------------------------------------------------------------------------------------------------


def type_of(nodes):
    """T-SQL's type, and the words after it."""
    if not nodes or not is_word(nodes[0]):
        raise NotApplicable("type")
    best = None
    for n in (4, 3, 2, 1):
        words = nodes[:n]
        if len(words) == n and all(isinstance(w, str) for w in words) and " ".join(words) in TYPES:
            best = n
            break
    rest = nodes[best or 1 :]
    name = " ".join(nodes[: best or 1])
    if rest and isinstance(rest[0], list):
        size, rest = rest[0], rest[1:]
        if name in ("timestamp", "datetime"):
            return ["datetime2", ["7"]], rest
        if name in ("float", "double"):
            return ["float"], rest
        base = {"text": "varchar", "string": "varchar", "character varying": "varchar"}.get(name, name)
        return [base, size], rest
    if rest and rest[0] in ("[", "<", "array") or name in ("array", "map", "struct", "list", "interval", "json", "row", "union", "enum"):
        raise NotApplicable("type: array, map, struct or interval")
    return parse(TYPES.get(name, name)), rest


def casts(nodes, _):
    """`x::type` and types in CAST."""
    out = []
    i = 0
    while i < len(nodes):
        n = nodes[i]
        if n in ("cast", "try_cast") and i + 1 < len(nodes) and isinstance(nodes[i + 1], list) and "as" in nodes[i + 1]:
            inner = nodes[i + 1]
            at = len(inner) - 1 - inner[::-1].index("as")
            kind, rest = type_of(inner[at + 1 :])
            out += [n, inner[:at] + ["as"] + kind + rest]
            i += 2
            continue
        if n == "::":
            kind, rest = type_of(nodes[i + 1 :])
            begin = operand(out)
            value = out[begin:]
            del out[begin:]
            out += ["cast", value + ["as"] + kind]
            i = len(nodes) - len(rest)
            continue
        out.append(n)
        i += 1
    return out


def operand(nodes):
    """Where the operand at the end begins: a literal, a name, a call or a group."""
    i = len(nodes) - 1
    if i < 0:
        raise NotApplicable("cast of nothing")
    if nodes[i] == "end":
        depth = 0
        while i >= 0:
            depth += {"end": 1, "case": -1}.get(nodes[i] if isinstance(nodes[i], str) else "", 0)
            if depth == 0:
                return i
            i -= 1
    if isinstance(nodes[i], list):
        if i > 0 and is_word(nodes[i - 1]) and nodes[i - 1] not in CLAUSES | OPERATORS:
            i -= 1
    while i >= 2 and nodes[i - 1] == "." and is_word(nodes[i - 2]):
        i -= 2
    return i


def literals(nodes, _):
    """DATE '…', TIMESTAMP '…', TIME '…' to CAST, X'…' to 0x…; INTERVAL has no counterpart."""
    out = []
    i = 0
    while i < len(nodes):
        n = nodes[i]
        following = nodes[i + 1] if i + 1 < len(nodes) else None
        if n == "x" and isinstance(following, str) and following.startswith("'"):
            out.append("0x" + following.strip("'"))
            i += 2
            continue
        if n in ("date", "timestamp", "time") and isinstance(following, str) and following.startswith("'"):
            out += ["cast", [following, "as", {"timestamp": "datetime2"}.get(n, n)]]
            i += 2
            continue
        if n == "interval" and following is not None and (is_literal(following) or isinstance(following, list)):
            raise NotApplicable("interval")
        out.append(n)
        i += 1
    return out


ARROW = {
    "int8": "smallint", "int16": "smallint", "int32": "int", "int64": "bigint", "uint8": "tinyint", "uint16": "int", "uint32": "bigint",
    "uint64": "decimal(20, 0)", "float32": "real", "float64": "float", "utf8": "varchar(8000)", "largeutf8": "varchar(8000)",
    "utf8view": "varchar(8000)", "boolean": "bit", "date32": "date", "date64": "date", "binary": "varbinary(8000)",
    "largebinary": "varbinary(8000)", "binaryview": "varbinary(8000)",
}


def arrow(nodes, _):
    """DataFusion's `arrow_cast(x, 'Int64')` to CAST, for the types that T-SQL has."""
    out = []
    i = 0
    while i < len(nodes):
        if nodes[i] in ("arrow_cast", "arrow_try_cast") and i + 1 < len(nodes) and isinstance(nodes[i + 1], list):
            arguments = split(nodes[i + 1], ",")
            name = arguments[-1][0].strip("'").lower().replace(" ", "") if len(arguments) == 2 and isinstance(arguments[1][0], str) else ""
            if name.startswith(("decimal128(", "decimal256(")):
                kind = "decimal" + name[10:]
            elif name.startswith("timestamp(") and ("none" in name or "," not in name):
                kind = "datetime2(7)"
            elif name in ARROW:
                kind = ARROW[name]
            else:
                raise NotApplicable("type: of Arrow")
            out += ["cast" if nodes[i] == "arrow_cast" else "try_cast", arguments[0] + ["as"] + parse(kind)]
            i += 2
            continue
        out.append(nodes[i])
        i += 1
    return out


# -- operators and functions ------------------------------------------------------------------------------------------------------


def operators(nodes, _):
    """`||` to +, `==` to =, ILIKE to LIKE (under a collation that ignores case), `a AND TRUE` to 1=1, other booleans to bits."""
    out = []
    for i, n in enumerate(nodes):
        before = nodes[i - 1] if i else None
        after = nodes[i + 1] if i + 1 < len(nodes) else None
        if n == "||":
            n = "+"
        elif n == "==":
            n = "="
        elif n in ("true", "false") and before == "is" or n in ("true", "false") and nodes[max(0, i - 2) : i] == ["is", "not"]:
            raise NotApplicable("IS TRUE")
        elif n in ("true", "false") and before != "." and after != "." and not isinstance(after, list):
            condition = before in ("where", "on", "having") and after in ENDS_OF_CONDITION
            if condition or before == "when" and after == "then" and nodes[i - 2 : i - 1] == ["case"]:
                out += ["1", "=", "1" if n == "true" else "0"]
            else:
                out += ["cast", ["1" if n == "true" else "0", "as", "bit"]]
            continue
        elif n == "ilike":
            raise NotApplicable("ILIKE")
        elif n in ("~", "~*", "!~", "!~*", "<=>", "->", "->>", "=>", "**", "[", "{") :
            raise NotApplicable("operators and literals of arrays, maps and patterns")
        out.append(n)
    return out


def functions(nodes, dialect):
    """Other names of functions; EXTRACT, DATE_PART, STRPOS, POSITION, MOD, TRUNC, LOG and CURRENT_DATE in T-SQL's form."""
    out = []
    i = 0
    while i < len(nodes):
        n = nodes[i]
        call = nodes[i + 1] if i + 1 < len(nodes) and isinstance(nodes[i + 1], list) else None
        if not isinstance(n, str) or (i and nodes[i - 1] == "."):
            out.append(n)
        elif n in ("current_date", "today") and (i == 0 or nodes[i - 1] != "as"):
            out += ["cast", ["sysdatetime", [], "as", "date"]]
            i += call == []
        elif call is not None and is_word(n):
            made = function(n, call)
            out += made
            i += 1
        else:
            out.append(n)
        i += 1
    return out


def function(name, call):
    arguments = split(call, ",")
    if name == "extract" and "from" in call:
        at = call.index("from")
        return ["datepart", [part(call[0]), ","] + call[at + 1 :]]
    if name in ("date_part", "datepart") and len(arguments) == 2 and isinstance(call[0], str):
        return ["datepart", [part(call[0].strip("'").lower()), ","] + arguments[1]]
    if name in ("strpos", "instr") and len(arguments) == 2:
        return ["charindex", arguments[1] + [","] + arguments[0]]
    if name == "position" and "in" in call:
        at = call.index("in")
        return ["charindex", call[:at] + [","] + call[at + 1 :]]
    if name == "mod" and len(arguments) == 2:
        return [[arguments[0], "%", arguments[1]]]
    if name in ("date_trunc", "datetrunc") and len(arguments) == 2 and isinstance(call[0], str):
        return ["datetrunc", [part(call[0].strip("'").lower()), ","] + arguments[1]]
    if name == "trunc" and len(arguments) == 2:
        return ["round", call + [",", "1"]]
    if name == "count" and not call:
        return ["count", ["*"]]
    if name == "string_agg" and len(arguments) == 2 and "order" in arguments[1]:
        at = arguments[1].index("order")
        return ["string_agg", arguments[0] + [","] + arguments[1][:at], "within", "group", arguments[1][at:]]
    if name == "trunc" and len(arguments) == 1:
        return ["round", call + [",", "0", ",", "1"]]
    if name == "round" and len(arguments) == 1:
        return ["round", call + [",", "0"]]
    if name == "log" and len(arguments) == 1:
        return ["log10", call]
    if name == "log" and len(arguments) == 2:
        return ["log", arguments[1] + [","] + arguments[0]]
    if name == "log2":
        return ["log", call + [",", "2"]]
    if name in ("substr", "substring") and "from" in call:
        length = call.index("for") if "for" in call else len(call)
        at = call.index("from")
        return ["substring", call[:at] + [","] + call[at + 1 : length] + [","] + (call[length + 1 :] or ["8000"])]
    if name in ("substr", "substring") and len(arguments) == 2:
        return ["substring", call + [",", "8000"]]
    if name in ("avg", "mean") and call and call != ["*"]:
        # The average of integers is no integer there.
        if call[0] == "distinct":
            return ["avg", ["distinct", "cast", [call[1:], "as", "float"]]]
        return ["avg", ["cast", [call, "as", "float"]]]
    return [FUNCTIONS.get(name, name), call]


def part(word):
    if word in ("dow", "isodow", "epoch", "decade", "century", "millennium", "doy", "week"):
        raise NotApplicable("parts of dates")
    return word


def filters(nodes, _):
    """`aggregate(x) FILTER (WHERE p)` to `aggregate(CASE WHEN p THEN x END)`."""
    while (at := find(nodes, "filter")) > 1:
        call, condition = nodes[at - 1], nodes[at + 1] if at + 1 < len(nodes) else None
        if not isinstance(call, list) or not isinstance(condition, list) or condition[:1] != ["where"]:
            break
        distinct = call[:1] == ["distinct"]
        first, *others = split(call[distinct:], ",")
        inner = ["case", "when"] + condition[1:] + ["then"] + (["1"] if first == ["*"] else first) + ["end"]
        for o in others:
            inner += [","] + o
        nodes = nodes[: at - 1] + [["distinct"] * distinct + inner] + nodes[at + 2 :]
    return nodes
