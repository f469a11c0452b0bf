"""What TorchScript's compiler complains about, in one line, and the places that it names."""

import re

LONGEST = 200
PLACE = re.compile(r'File "<?(?:[^"]*[/\\])?([^"/\\>,]+)[^"]*", line (\d+)')
SIGNATURE = re.compile(r"\w+\(__torch__.*\) -> ")
MARK = "<--- HERE"


def place_of(text: str) -> str:
    """Return the first place that a text of TorchScript's names, without the author's folders; empty if it names none.

    >>> place_of('  File "/home/me/amp.py", line 8')
    'amp.py, line 8'
    """
    found = PLACE.search(text)
    return f"{found[1]}, line {found[2]}" if found else ""


def compiler_complaint(error: Exception) -> str:
    """Return the complaint, the file and line, and the marked code, without the calls that led there.

    >>> text = "Unsupported operation: indexing tensor with unsupported index type 'str':"
    >>> text += ' File "/home/me/amp.py", line 8'.join("\\n\\n")
    >>> text += "    def driven(self, x, knobs):\\n    return x * knobs['drive']\\n    ~~~~~~~~~~~~~ <--- HERE"
    >>> print(compiler_complaint(RuntimeError(text)))  # doctest: +NORMALIZE_WHITESPACE
    Unsupported operation: indexing tensor with unsupported index type 'str' (amp.py, line 8: return x *
    knobs['drive']); if knobs is a dictionary, say so where the method is defined: knobs: dict[str, Tensor]
    """
    lines = [line.rstrip() for line in str(error).strip().splitlines()]
    if not lines:
        return type(error).__name__
    places = [index for index, line in enumerate(lines) if PLACE.search(line)]
    head = [line.strip() for line in lines[: places[0] if places else 1]]
    # If a call does not fit, the first line is the signature that it does not fit.
    wanted = [line for line in head if line.strip(":.") and not SIGNATURE.match(line)] or head
    complaint = " ".join(wanted[:2]).rstrip(":. ")
    marks = [index for index, line in enumerate(lines) if set(line.strip().removesuffix(MARK).strip()) == {"~"}]
    if not places or not marks or marks[0] <= places[0] + 1:
        return complaint[:LONGEST]
    code = lines[marks[0] - 1].strip()[:LONGEST]
    dictionary = re.search(r"(\w+)\s*\[\s*['\"]", code) if "index type 'str'" in complaint else None
    name = dictionary[1] if dictionary else ""
    hint = f"; if {name} is a dictionary, say so where the method is defined: {name}: dict[str, Tensor]" if name else ""
    return f"{complaint[:LONGEST]} ({place_of(lines[places[0]])}: {code}){hint}"
