"""One file a kind of view, of the name `view.kind`: how high it wants to be, and how it is drawn.

A new kind is a class in `labs/experiment/views.py` and a file here.
"""
