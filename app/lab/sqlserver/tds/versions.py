"""The versions of TDS, as LOGIN7 and LOGINACK write them, and which server speaks which ([MS-TDS] 2.2.7.14)."""

from __future__ import annotations

V7_0 = 0x07000000
V7_1 = 0x71000001
V7_2 = 0x72090002
V7_3A = 0x730A0003
V7_3B = 0x730B0003
V7_4 = 0x74000004

Release = tuple[int, int]

SQL_2005: Release = (9, 0)
SQL_2008: Release = (10, 0)
SQL_2008_R2: Release = (10, 50)
SQL_2012: Release = (11, 0)
SQL_2014: Release = (12, 0)
SQL_2016: Release = (13, 0)
SQL_2017: Release = (14, 0)
SQL_2019: Release = (15, 0)
SQL_2022: Release = (16, 0)


def spoken_by(release: Release) -> int:
    """Return the highest version of TDS that a server of that release speaks."""
    for since, version in ((SQL_2012, V7_4), (SQL_2008_R2, V7_3B), (SQL_2008, V7_3A), (SQL_2005, V7_2)):
        if release >= since:
            return version
    return V7_1


def agreed(asked: int, release: Release) -> int:
    """Return the version that both speak; one that no release knew is answered with the next lower one."""
    best = min(asked, spoken_by(release))
    known = [version for version in (V7_4, V7_3B, V7_3A, V7_2, V7_1, V7_0) if version <= best]
    return known[0] if known else V7_0
