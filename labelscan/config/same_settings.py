"""The settings that results depend on, and a fingerprint of them or of anything else."""

import hashlib
import json

from labelscan.config.sections import Config, settings
from labelscan.config.sources import flatten


def settings_that_matter(config: Config) -> dict[str, object]:
    """Return the settings that results depend on, by ``section.name``."""
    flat = flatten(config)
    return {key: flat[key] for key, entry in settings().items() if entry.affects_results}


def fingerprint(content: object) -> str:
    """Return 32 hexadecimal digits that change whenever ``content`` (anything JSON can hold) does."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
