"""One per remote system: the thin, typed face of it over its library."""
