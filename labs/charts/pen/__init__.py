"""What every kind of view is drawn with: looks, axes in inches, legends, marks.

Positions are fixed instead of laid out by matplotlib: a layout engine would double the time that a
live picture takes. Texts are never read as mathematics (`$`).
"""
