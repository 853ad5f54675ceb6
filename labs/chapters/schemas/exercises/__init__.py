"""The exercises of chapter 12, a folder each."""
