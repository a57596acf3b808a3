"""Faults: processes that are killed, disks that fail, calls that are cancelled."""
