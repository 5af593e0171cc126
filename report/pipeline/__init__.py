"""Executed notebooks become the report: executed, stitched, rendered as HTML and PDF."""
