"""Numbers as a person says them, alike on every screen and in every report."""


def percent(share: float, digits: int = 1) -> str:
    """Return a share in [0, 1] as ``9.6 %``."""
    return f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """Return ``seconds`` as a person says it: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"
