"""Sizes: the caps keep every file and every function small enough to be read in one go."""

from functions import functions
from tree import Breach

FILE_LINES = 400
FUNCTION_LINES = 60
COLUMNS = 100
PARAMETERS = 4


def check(sources):
    breaches = []
    for source in sources:
        lines = source.lines
        if len(lines) > FILE_LINES:
            what = f"file has {len(lines)} lines, the cap is {FILE_LINES}"
            breaches.append(Breach(source.path, len(lines), what))
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS:
                what = f"line has {len(line)} columns, the cap is {COLUMNS}"
                breaches.append(Breach(source.path, number, what))
        breaches += _functions(source)
    return breaches


def _functions(source):
    breaches = []
    for function in functions(source):
        length = function.last - function.first + 1
        if length > FUNCTION_LINES:
            what = f"{function.name} has {length} lines, the cap is {FUNCTION_LINES}"
            breaches.append(Breach(source.path, function.first, what))
        if function.parameters > PARAMETERS:
            what = f"{function.name} has {function.parameters} parameters, the cap is {PARAMETERS}"
            breaches.append(Breach(source.path, function.first, what))
    return breaches
