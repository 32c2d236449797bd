"""TDS 7.0 to 7.4, as published in Microsoft's [MS-TDS]: packets, messages, types, tokens. Knows nothing of T-SQL."""
