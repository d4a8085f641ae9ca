"""Source text with comments and literals blanked out; lines and columns stay where they are."""

import re

_CPP_TOKEN = re.compile(
    r'R"(?P<tag>[^()\\ ]{0,16})\((?:.|\n)*?\)(?P=tag)"'  # raw string
    r"|//[^\n]*|/\*(?:.|\n)*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # not the digit separator of 1'000'000
)
_JS_TOKEN = re.compile(
    r"//[^\n]*|/\*(?:.|\n)*?\*/"
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`(?:\\.|[^`\\])*`'
    r"|(?<=[(,=:])\s*/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/[a-z]*"  # regular expression
)
_COMMENT_START = ("//", "/*")


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text):
    """C++ without comments; strings stay (an #include may be in them)."""
    return _CPP_TOKEN.sub(
        lambda m: _blank(m) if m.group(0).startswith(_COMMENT_START) else m.group(0), text
    )


def bare(text, kind):
    """C++ or JavaScript without comments, strings and preprocessor lines."""
    text = (_JS_TOKEN if kind == "js" else _CPP_TOKEN).sub(_blank, text)
    if kind == "cpp":
        text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", _blank, text, flags=re.M)
    return text
