"""Whether a variable or a header would hold a secret in plain sight, judged by its name and by its value."""

from __future__ import annotations

import re

from tuiops.config.values import Secret

REMEDY = "give it as a secret: { env = … }, { file = … } or { command = … }"

_PARTS = re.compile(r"[-_.]")
_JOINED = re.compile(
    r".*(?:(?:credential|passcode|passphrase|passwd|password|pwd|secret)s?"
    r"|token|(?:access|api|encryption|license|master|private|secret|shared|signing)keys?)\d*"
)
"""Words that are secrets at the end of others as well, as in PGPASSWORD; MAX_TOKENS and TOKENIZERS are no secrets."""
_ALONE = re.compile(r"(?:auth|authorization|bearer|cookie|creds?|key|pass|pat|sshpass)\d*")
"""Words that are secrets by themselves: a COMPASS and a KEYMAP are none."""
_REFERENCES = frozenset({
    "algorithm", "arn", "dir", "file", "length", "name", "path", "sock", "ttl", "type", "uri", "url", "version",
})  # fmt: skip
"""Last parts of names that say where a secret is, or what it is like."""
_HARMLESS = frozenset({"google_application_credentials", "oldpwd", "pwd"})
_IN_ADDRESS = re.compile(r"://[^/?#\s:@]*:[^/?#\s@]+@")


def is_plain_secret(name: str, value: str | Secret) -> bool:
    """Whether it would stand on the card, in the plan and in the record for everybody to read."""
    if isinstance(value, Secret) or "{secret." in value:
        return False
    return _IN_ADDRESS.search(value) is not None or _is_of_a_secret(name.lower())


def _is_of_a_secret(name: str) -> bool:
    parts = _PARTS.split(name)
    if name in _HARMLESS or parts[-1] in _REFERENCES or parts[-2:] == ["key", "id"]:
        return False
    return any(_JOINED.fullmatch(part) or _ALONE.fullmatch(part) for part in parts)
