"""What TorchScript's compiler complains about, in one line."""

import re

LONGEST = 200
PLACE = re.compile(r'File "<?(?:[^"]*[/\\])?([^"/\\>,]+)[^"]*", line (\d+)')
MARK = "<--- HERE"


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
    complaint = lines[0].strip().rstrip(":.")
    places = [(index, match) for index, line in enumerate(lines) if (match := PLACE.search(line))]
    marks = [index for index, line in enumerate(lines) if set(line.strip().removesuffix(MARK).strip()) == {"~"}]
    if not places or not marks or marks[0] <= places[0][0] + 1:
        return complaint[:LONGEST]
    file, line = places[0][1].groups()
    code = lines[marks[0] - 1].strip()[:LONGEST]
    dictionary = re.search(r"(\w+)\s*\[\s*['\"]", code) if "index type 'str'" in complaint else None
    name = dictionary[1] if dictionary else ""
    hint = f"; if {name} is a dictionary, say so where the method is defined: {name}: dict[str, Tensor]" if name else ""
    return f"{complaint[:LONGEST]} ({file}, line {line}: {code}){hint}"
