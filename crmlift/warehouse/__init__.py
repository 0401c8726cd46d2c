"""The work database (one writer) and the published copy analysts open: opening, loading from the landing zone, publishing.

No business rule lives here; those are SQL models in transforms/.
"""
