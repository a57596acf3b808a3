"""Wiring: live runs on a thread and event loop of their own, their commands, and the feed that watchers follow.

The screen and a second process are watchers of the same feed; no state object crosses threads. It does not know
Textual.
"""
