"""The screen: Qt shows and asks, and decides nothing."""
