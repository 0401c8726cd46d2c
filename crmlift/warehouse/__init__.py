"""The work database (one writer) and the published copy analysts open: opening, loading landed pages, publishing.

No business rule lives here; those are SQL models in transforms/.
"""
