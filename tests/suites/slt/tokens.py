"""SQL text as nested lists: a word is a string, what stands in parentheses a list."""

import re

LEXEMES = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
  | (?P<string>[eEnN]?'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*" | `[^`]*`)
  | (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d]\w*\$?\w*|[@#$]+\w*)
  | (?P<mark>::|\|\||<=>|<>|<=|>=|!=|==|->>|->|=>|!~\*|!~|~\*|\*\*|<<|>>|.)""",
    re.X | re.S,
)


class Unbalanced(Exception):
    pass


def parse(sql):
    """Unquoted words come in lower case, as the engines of these files fold them; names in backticks come in double quotes."""
    stack = [[]]
    for m in LEXEMES.finditer(sql):
        kind, t = m.lastgroup, m[0]
        if kind is None:
            continue
        if kind == "word":
            t = t.lower()
        elif kind == "name" and t[0] == "`":
            t = '"' + t[1:-1].replace('"', '""') + '"'
        elif kind == "number":
            t = t.replace("_", "")
        if t == "(":
            stack.append([])
        elif t == ")":
            if len(stack) == 1:
                raise Unbalanced(")")
            group = stack.pop()
            stack[-1].append(group)
        else:
            stack[-1].append(t)
    if len(stack) != 1:
        raise Unbalanced("(")
    return stack[0]


def show(nodes):
    out = ""
    for n in nodes:
        piece = "(" + show(n) + ")" if isinstance(n, list) else n
        # A name and its parts are written together, and so is a sign with its number: -32768 is a smallint's least.
        out += piece if not out or piece in (",", ".") or out.endswith(".") and not out[-2:-1].isdigit() else " " + piece
    return out


def is_word(n):
    return isinstance(n, str) and (n[0].isalpha() or n[0] in '_"')


def is_literal(n):
    return isinstance(n, str) and (n[0].isdigit() or n[0] in ".'" and len(n) > 1 or n[:2] in ("n'", "N'"))


def split(nodes, *separators):
    """The pieces between separators of this level."""
    out = [[]]
    for n in nodes:
        if isinstance(n, str) and n in separators:
            out.append([])
        else:
            out[-1].append(n)
    return out


def find(nodes, *words, start=0):
    """Where a row of words stands at this level, or -1."""
    for i in range(start, len(nodes) - len(words) + 1):
        if all(nodes[i + k] == w for k, w in enumerate(words)):
            return i
    return -1
