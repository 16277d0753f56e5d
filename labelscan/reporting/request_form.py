"""What is wrong with the form of a request, where two programs might read two things in it.

The standard library takes what it can: the first of two headers, a header that is no header, a path with a host.
"""

import re
from email.message import Message

_DIGITS = re.compile(r"[0-9]+")


def fault_of(path: str, headers: Message, *, may_have_body: bool) -> str:
    """Return in words why a request is refused, or an empty text; a body without a length is not its concern."""
    lengths, is_coded = headers.get_all("Content-Length", []), "Transfer-Encoding" in headers
    # What follows a line that is no header is left in the payload.
    if headers.defects or headers.get_payload():
        return "the headers cannot be read"
    if len(headers.get_all("Host", [])) != 1:
        return "there has to be one Host"
    if not path.startswith("/"):
        return "the path has to begin with /"
    if len(lengths) > 1 or not all(_DIGITS.fullmatch(length) for length in lengths):
        return "Content-Length has to be one number"
    if is_coded and lengths:
        return "Content-Length and Transfer-Encoding exclude each other"
    if (is_coded or any(length.strip("0") for length in lengths)) and not may_have_body:
        return "there may be no body"
    return ""
