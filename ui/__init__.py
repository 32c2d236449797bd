"""The screen: Qt shows and asks, `app` decides."""
